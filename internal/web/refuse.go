package web

import (
	"context"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Refusal is the answer to a request that an embedding program may not serve.
type Refusal struct {
	// Err goes to Fail and to the log.
	Err  error
	Fail FailFunc
	// UserID and SessionID name who asked, if anybody did.
	UserID    auth.UserID
	SessionID auth.SessionID
}

type refusalKey struct{}

// Refuser returns what answers requests that no Endpoint of the Router has: the
// facts, headers and log line of a Refusal are those of any other answer. In
// the log, all stand under one name, because the addresses are not ours.
func (rt *Router) Refuser(name string) func(w http.ResponseWriter, r *http.Request, f Refusal) {
	of := func(r *http.Request) Refusal { return r.Context().Value(refusalKey{}).(Refusal) }
	h := rt.serve(Endpoint{
		Method: "*", Pattern: name, Guard: SignedIn, CSRF: JSONAndOrigin, Rate: Unlimited, Cache: NoStore,
		Handle: func(_ http.ResponseWriter, r *http.Request) error {
			facts, f := FactsFrom(r.Context()), of(r)
			facts.UserID, facts.SessionID = f.UserID, f.SessionID
			return f.Err
		},
		Fail: func(w http.ResponseWriter, r *http.Request, err error) { of(r).Fail(w, r, err) },
	})
	return func(w http.ResponseWriter, r *http.Request, f Refusal) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), refusalKey{}, f)))
	}
}
