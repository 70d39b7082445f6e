package guard

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
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
	g.vary(h)
	h.Set("Cache-Control", Private)
	if c.preset == "" { // behind Pass, the answer settles its cookies itself
		c.settle(h)
	}
	refused := d.Refused
	fail := web.FailProblem
	nobody := refused.Code.Kind() == auth.KindUnauthenticated
	switch {
	case nobody && !c.bearer && (g.OwnPages(r) || visits(r) && g.appPage(r)):
		if g.inFront.CompareAndSwap(false, true) {
			g.Logger.Error("a page to sign in stands behind a guard itself, so people would be led round in circles: " +
				"leave Gatehouse's Handler outside of Require, and the pages that Mount.Pages names with it")
		}
		refused = auth.NewError(auth.CodeInternal, errInFront)
	case c.refused != nil && !nobody && refused.Code.Kind() != auth.KindInvalid: // known, and not from there
	case c.refused != nil:
		h.Set("WWW-Authenticate", g.bearerChallenge(c.refused))
	case nobody && visits(r):
		fail = g.leadToSignIn
	case nobody:
		h.Set("WWW-Authenticate", g.signIn().Challenge())
		if g.Bearer != nil {
			h.Add("WWW-Authenticate", g.bearerChallenge(nil))
		}
	}
	if refused.Code != auth.CodeInternal && web.Navigates(r) && !c.bearer && !(nobody && visits(r)) {
		fail = g.Page
	}
	f := web.Refusal{Err: refused, Fail: fail}
	if c.signedIn {
		p := c.principal()
		f.UserID, f.SessionID = p.UserID, p.SessionID
	}
	g.refuse(w, r, f)
}

// errInFront is a mistake of the program: people would be led round in circles.
var errInFront = errors.New("a page to sign in stands behind a guard itself")

// OwnPages says whether the request asks for something below a base path, where our
// own endpoints see to themselves. What only begins like that and may lead
// elsewhere, by dot segments for one, does not count.
func (g *Guard) OwnPages(r *http.Request) bool {
	path, _, _ := strings.Cut(requestTarget(r), "?")
	for _, m := range g.Mounts {
		if rest, below := strings.CutPrefix(path, m.BasePath); below && (rest == "" || rest[0] == '/') {
			return straight(rest)
		}
	}
	return false
}

// straight says whether no reader of a raw path could take it for another one:
// no dot segment, no empty one, no separator in disguise.
func straight(raw string) bool {
	decoded, err := url.PathUnescape(raw)
	if err != nil || strings.Contains(decoded, "\\") || strings.Count(decoded, "/") != strings.Count(raw, "/") {
		return false
	}
	for segment := range strings.SplitSeq(decoded, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return !strings.Contains(decoded, "//")
}

// appPage says whether the request asks for a page of the application that
// the sign-in page leads to.
func (g *Guard) appPage(r *http.Request) bool {
	path, _, _ := strings.Cut(requestTarget(r), "?")
	decoded, err := url.PathUnescape(path)
	return err == nil && slices.Contains(g.pages, trimSlash(decoded))
}

// trimSlash is the path without its final slash.
func trimSlash(path string) string {
	if len(path) > 1 {
		return strings.TrimSuffix(path, "/")
	}
	return path
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
