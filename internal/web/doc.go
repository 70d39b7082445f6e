// Package web is the toolbox of everything that answers HTTP: the [Endpoint]
// with its posture, the [Router] that demands one of each and sets the headers
// it asks for, request facts, body decoding with limits, problem documents, and
// the one log line a request. Guard and CSRF stance are checked by the handlers,
// who alone know the session; test/attack walks the table and sees that they do.
//
// Handlers are func(w, r) error; a dialect's Fail writes the error, so each
// dialect has one place where a Code becomes an answer. The rooms behind know
// no request, and this package knows no room.
//
// It stands against the endpoint whose guard was forgotten (an Endpoint cannot
// be routed without stating guard, CSRF stance, rate class and cache stance),
// against oversized and malformed bodies, and against the panic that takes the
// server down. Start with endpoint.go, then router.go.
package web
