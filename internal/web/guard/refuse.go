package guard

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// Refuse answers a request that may not pass. Whoever navigates and is not
// signed in is led to the sign-in page with 303, and back from there; whoever
// else waits for a page gets one; everybody else gets a problem document and is
// never redirected. The answer carries X-Request-Id and is one line in the log.
func (g *Guard) Refuse(w http.ResponseWriter, r *http.Request, c *Caller, d Decision) {
	h := w.Header()
	vary(h)
	h.Set("Cache-Control", Private)
	if c.preset == "" { // behind Pass, the answer settles its cookies itself
		c.settle(h)
	}
	refused := d.Refused
	fail := web.FailProblem
	nobody := refused.Code.Kind() == auth.KindUnauthenticated
	switch {
	case nobody && g.OwnPages(r):
		refused = auth.NewError(auth.CodeInternal, errInFront)
	case nobody && visits(r):
		fail = g.leadToSignIn
	case nobody:
		h.Set("WWW-Authenticate", g.challenge())
	}
	if refused.Code != auth.CodeInternal && web.Navigates(r) && !(nobody && visits(r)) {
		fail = g.Page
	}
	f := web.Refusal{Err: refused, Fail: fail}
	if c.signedIn {
		f.UserID, f.SessionID = c.facts.UserID(), c.facts.SessionID()
	}
	g.refuse(w, r, f)
}

// errInFront is a mistake of the program: people would be led round in circles.
var errInFront = errors.New("the pages to sign in stand behind a guard themselves: leave Gatehouse's Handler outside of Require")

// OwnPages says whether the request asks for something below a base path, where our
// own endpoints see to themselves.
func (g *Guard) OwnPages(r *http.Request) bool {
	path, _, _ := strings.Cut(requestTarget(r), "?")
	for _, m := range g.Mounts {
		if rest, below := strings.CutPrefix(path, m.BasePath); below && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// visits says whether a person opens a page, which can be opened again after
// signing in; a form that was sent cannot.
func visits(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && web.Navigates(r)
}

func (g *Guard) leadToSignIn(w http.ResponseWriter, r *http.Request, _ error) {
	w.Header().Set("Location", signInAddress(g.signIn(), r))
	w.WriteHeader(http.StatusSeeOther)
}

// challenge is the WWW-Authenticate that every 401 owes (RFC 9110 §15.5.2).
// No scheme for cookies is registered; this one says, in the words of
// draft-broyer-http-cookie-auth, which cookie is missed and where it is to be
// had. Browsers pass over schemes that they do not know, so no dialog opens.
func (g *Guard) challenge() string {
	m := g.signIn()
	return `Cookie realm="` + m.Origin() + `", form-action="` + m.Base() + `/signin", cookie-name="` + m.SessionCookie() + `"`
}
