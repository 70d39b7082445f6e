// Package wire holds the primitives of the Auth.js wire protocol that carry no
// state: how cookies are named, read, chunked and written, how a CSRF token is
// made and judged, where a callback URL may lead, and the three ways the
// protocol escapes text.
//
// It speaks no endpoint and knows no session: requests, answers and the order of
// things are the neighbour's (internal/web/authjs); what is inside a session
// cookie is sealed and opened by internal/seal. Everything here is a pure
// function or an immutable value, safe for concurrent use; only fresh CSRF
// tokens draw randomness.
//
// It follows the protocol page §3 (cookies, chunks, CSRF, callback URLs) and §13
// (escapes), RFC 6265 for cookies, and the WHATWG URL Standard for what a browser
// makes of a URL. Where it is stricter than the recorded library the comment
// says so, and the vector tests decide those cases by rule.
//
// Start reading at [Origin.CallbackURL] and [JoinExact].
//
// The attacks it stands against: an open redirect through a callback URL that
// this server reads one way and a browser another; cookies tossed in by a
// neighbouring subdomain; forged form posts; header injection.
package wire
