package guard

import (
	"net/http"
	"reflect"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Counted is as whom a request is counted: the user and the API key, each empty
// where there is none. A cookie that is not enough for the request counts for
// nobody, or a foreign page could use up what somebody has.
func (c *Caller) Counted() (user auth.UserID, key auth.APIKeyID) {
	switch {
	case !c.signedIn || !c.proven:
		return "", ""
	case c.bearer:
		return c.who.UserID, c.who.APIKeyID
	}
	return c.facts.UserID(), ""
}

// Early is a Caller who was identified before it was to be decided whether the
// request may pass, so that nobody need be identified twice.
type Early struct {
	caller *Caller
	header http.Header
}

// IdentifyEarly is Identify for what stands in front of Decide.
func (g *Guard) IdentifyEarly(w http.ResponseWriter, r *http.Request) (*Caller, *Early) {
	c := g.Identify(w, r)
	return c, &Early{c, w.Header()}
}

// Identified returns the Caller who was identified early, or else identifies
// anew: if it was another guard, if what is between has made another method of
// the request, or if it has given the answer another header, where the Caller's
// cookies would not arrive.
func (g *Guard) Identified(e *Early, w http.ResponseWriter, r *http.Request) *Caller {
	if e == nil || !e.caller.Of(g) || !e.caller.Again(r).Allowed() ||
		reflect.ValueOf(e.header).Pointer() != reflect.ValueOf(w.Header()).Pointer() {
		return g.Identify(w, r)
	}
	return e.caller
}
