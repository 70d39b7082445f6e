package guard

import (
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// Caller is who asks, as far as the cookies of one request tell. It belongs to
// that request.
type Caller struct {
	guard *Guard
	// brought has an exchange for each mount that the request brought a session
	// cookie of.
	brought []*mount.Exchange
	room    [2]*mount.Exchange // for brought: there are two dialects
	// counts is the one of brought whose session counts; nil when nobody is
	// signed in.
	counts *mount.Exchange
	// asked is when the cookies were checked.
	asked time.Time
	// facts are those of the session that counts, when somebody is signed in.
	// They are a copy: a handler that outlives its answer may still read them
	// while the cookie is sealed anew.
	facts session.Facts
	// who is the same for the access token or the API key that it came with.
	who      auth.Principal
	signedIn bool
	// bearer: it came with one of these, so cookies count for nothing; refused says
	// why it is not good.
	bearer  bool
	refused *auth.Error
	// proven: the request may use the cookie; see provenOwn.
	proven bool
	// failed says why nothing can be said.
	failed error
	// preset is the Cache-Control of Pass; empty before.
	preset string
}

// Identify asks whose access token or API key the request brings, or else whose session its
// cookies are, without I/O but for
// the exceptions that package session names, and writes nothing. Where two
// mounts know a session, the later sign-in counts, and of two in one second
// that at the earlier mount: two cookies never add up. When one cannot tell,
// nothing can be said, so that an outage makes nobody somebody else. w is what
// the answer's header is written to.
func (g *Guard) Identify(w http.ResponseWriter, r *http.Request) *Caller {
	c := &Caller{guard: g}
	if shown, brought, err := g.shownIn(r); brought {
		c.identifyShown(r, shown, err)
		return c
	}
	if len(r.Header["Cookie"]) == 0 {
		return c
	}
	c.brought, c.asked = c.room[:0], g.Mounts[0].Now()
	var x *mount.Exchange
	for i, m := range g.Mounts {
		if i == 0 {
			x = m.Bare(w, r)
		} else {
			x = x.At(m) // the cookies are read once
		}
		if !x.HasSession() {
			continue
		}
		c.brought = append(c.brought, x)
		s, err := x.Session()
		if err != nil {
			c.failed = err
			return c
		}
		if s.Verdict.SignedIn() && (c.counts == nil || s.Start > c.facts.Start) {
			c.counts, c.facts = x, s.Facts
		}
	}
	if c.counts != nil {
		c.signedIn, c.proven = true, provenOwn(r, c.counts.Origin())
	}
	return c
}

// Of says whether the Caller was identified by g.
func (c *Caller) Of(g *Guard) bool { return c.guard == g }

// Principal is who asks. There is none when nobody is signed in, and none when
// a cookie is not enough for this request: then whoever acts for it acts for
// nobody.
func (c *Caller) Principal() (auth.Principal, bool) {
	if !c.signedIn || !c.proven {
		return auth.Principal{}, false
	}
	p := c.principal()
	p.Roles = slices.Clone(p.Roles) // the handler's own: a later Decide reads ours
	p.NarrowedRoles = slices.Clone(p.NarrowedRoles)
	p.Scopes = slices.Clone(p.Scopes)
	return p, true
}

// principal is who is signed in, proven or not.
func (c *Caller) principal() auth.Principal {
	if c.bearer {
		return c.who
	}
	return c.facts.Principal()
}

// provenOwn says whether a cookie is enough for the request: it asks and
// changes nothing, or it states that it comes from our own pages (CB-11), or
// it has a JSON content type, which no foreign page can send without its
// Origin. Silence is no statement (CB-10).
func provenOwn(r *http.Request, publicOrigin string) bool {
	return asksOnly(r) || web.OwnRequest(r, publicOrigin) || web.IsJSON(r) && !web.ForeignRequest(r, publicOrigin)
}

// asksOnly says whether the method is safe (RFC 9110 §9.2.1). A handshake that
// makes a WebSocket of a GET is the door to whatever is said there, and no
// cross-origin rule of browsers holds for it.
func asksOnly(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return len(r.Header["Upgrade"]) == 0 // an empty line of several is still a handshake
	}
	return false
}
