package guard

import (
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// The Cache-Control that an answer begins with when the request brought a
// session cookie; a handler that sets its own has the last word.
const (
	// Personal is for answers that may look different to whoever is signed in:
	// a browser may keep them and must ask again, nobody else may.
	Personal = "private, no-cache"
	// Private is for answers that only somebody signed in gets.
	Private = "no-store"
)

// Pass hands the request on to next. The answer begins with "Vary: Cookie" (and
// Authorization, where tokens count) and, when the request brought a session cookie or a token, with the given Cache-Control. What
// may be done to the cookie is decided when the header is about to be sent,
// however long next takes (guarantees R14); nothing is done that next has done
// itself, and nothing in an answer that next lets shared caches keep.
func (c *Caller) Pass(w http.ResponseWriter, r *http.Request, next http.Handler, cacheControl string) {
	h := w.Header()
	c.guard.vary(h)
	c.preset = cacheControl
	if (len(c.brought) > 0 || c.bearer) && h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", cacheControl)
	}
	if !c.due() {
		next.ServeHTTP(w, r)
		return
	}
	a := &answer{ResponseWriter: w, caller: c}
	var out http.ResponseWriter = a
	if below, ok := w.(http.Hijacker); ok {
		out = hijackable{a, below}
	}
	next.ServeHTTP(out, r)
	a.finish()
}

// PassOn is Pass for a request that has come through Pass already: its cookie
// is seen to, and the earlier Cache-Control gives way unless a handler between
// has set another.
func (c *Caller) PassOn(w http.ResponseWriter, r *http.Request, next http.Handler, cacheControl string) {
	h := w.Header()
	if now := h.Get("Cache-Control"); now == c.preset || now == "" {
		h.Set("Cache-Control", cacheControl)
	}
	next.ServeHTTP(w, r)
}

// vary tells caches that another cookie, token or key gets another answer.
func (g *Guard) vary(h http.Header) {
	g.varyBy(h, "Cookie", true)
	g.varyBy(h, "Authorization", g.Bearer != nil || g.APIKey != nil)
	g.varyBy(h, "X-Api-Key", g.APIKey != nil)
}

func (g *Guard) varyBy(h http.Header, name string, counts bool) {
	if counts && !slices.Contains(h["Vary"], name) {
		h.Add("Vary", name)
	}
}

// due says whether the answer may have to carry a cookie.
func (c *Caller) due() bool {
	if c.failed != nil || len(c.brought) == 0 {
		return false
	}
	if !c.signedIn {
		return true // unless it has just ended; see SettleSession
	}
	s, err := c.counts.Session() // asked before: nothing is checked again
	return err == nil && c.counts.Sessions.RenewalDue(s)
}

// late is how long after the check a void cookie may still be deleted. After
// that a sign-in made meanwhile could have put another cookie in its place, and
// the deletion is left to the next request.
const late = time.Second

// settle puts the session cookie into the answer's header h, which is that of
// Identify's w: a fresh one where renewal is due, a deletion where the cookie
// is definitely void. Somebody signed in at one mount keeps a void cookie of
// another until they ask that one. It says whether it has put one there.
func (c *Caller) settle(h http.Header) bool {
	if !c.due() || !keepFromSharedCaches(h) {
		return false
	}
	list := c.brought
	if c.signedIn {
		list = []*mount.Exchange{c.counts}
	}
	before := len(h["Set-Cookie"])
	for _, x := range list {
		s, err := x.Session()
		if err == nil && s.Verdict == session.Void && x.Now().Sub(c.asked) > late {
			continue
		}
		if err == nil && !x.SessionAnswered() {
			_, err = x.SettleSession(s, nil)
		}
		if err != nil {
			c.guard.Logger.Error("a session cookie could not be sealed", "session_id", c.facts.SessionID(), "err", err)
			continue
		}
		x.SendCookies()
	}
	return len(h["Set-Cookie"]) > before
}
