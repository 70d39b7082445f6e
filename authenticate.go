package gatehouse

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
)

// Authenticate says to next who calls, and lets everybody through: whoever is
// signed in is what [PrincipalFrom] returns. Only when nothing can be said,
// because the change feed or the database is out of reach, the answer to a
// request with a session cookie is 503 with Retry-After; nobody is signed out
// by it, and requests without a session cookie go through.
//
// The check reads the cookie and an index in memory, without I/O but for a row
// that has changed. A session that was ended by this process, or through the
// same database by another, is nobody from then on.
//
// On a method that may change something, and on a WebSocket handshake, the
// cookie of a request that does not state that it comes from this site's own
// pages is not enough: then there is no Principal. See [Gatehouse.Require].
//
// A request with an access token for Gatehouse itself, in the header
// "Authorization: Bearer", is that token's, whatever cookies it brings; a token
// that is not good is nobody's.
//
// The answer carries "Vary: Cookie" and "Vary: Authorization" and, when the request brought a session
// cookie, begins with "Cache-Control: private, no-cache"; next may set another.
// The cookie is renewed when more than a tenth of Session.MaxAge has passed,
// and deleted when it is void for good, in the moment in which the answer is
// about to be sent. An answer that next lets shared caches keep gets no cookie.
//
// Requests below a mount's base path go through untouched: there Gatehouse's
// own Handler asks by itself. It panics when next is nil.
func (g *Gatehouse) Authenticate(next http.Handler) http.Handler {
	mustHandle("Authenticate", next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, known := g.callerFrom(r.Context()); known || g.guard.OwnPages(r) {
			next.ServeHTTP(w, r)
			return
		}
		c := g.identify(w, r)
		if d := c.Unknown(); !d.Allowed() {
			g.refuse(w, r, c, d)
			return
		}
		c.Pass(w, r.WithContext(withCaller(r.Context(), c)), next, guard.Personal)
	})
}

// PrincipalFrom returns who is signed in, for handlers behind
// [Gatehouse.Authenticate] or [Gatehouse.Require]. It is false when nobody is,
// and in a context that has come through neither.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	if c, ok := ctx.Value(callerKey{}).(*guard.Caller); ok {
		return c.Principal()
	}
	return Principal{}, false
}

type callerKey struct{}

func withCaller(ctx context.Context, c *guard.Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerFrom returns what this Gatehouse has found out about the request
// already. What another one has, counts for nothing here.
func (g *Gatehouse) callerFrom(ctx context.Context) (*guard.Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(*guard.Caller)
	return c, ok && c.Of(g.guard)
}

// refuse answers a request that may not pass, and tells the operator when the
// reason is a program that forgot to call Run.
func (g *Gatehouse) refuse(w http.ResponseWriter, r *http.Request, c *guard.Caller, d guard.Decision) {
	if d.Refused.Code.Kind() == auth.KindUnavailable && !g.active.Load() && g.idle.due(g.cfg.Now()) {
		g.cfg.Logger.Error("no session can be checked, because Gatehouse.Run is not running: start it with go g.Run(ctx), and look at the error it returns")
	}
	g.guard.Refuse(w, r, c, d)
}

// warnings keeps a line that every request could cause to one a minute.
type warnings struct{ last atomic.Int64 }

func (w *warnings) due(now time.Time) bool {
	last := w.last.Load()
	return (last == 0 || now.Unix()-last >= 60) && w.last.CompareAndSwap(last, now.Unix())
}

// mustHandle panics, as http.ServeMux does, where a program is wired wrongly:
// it shows at the first start, not at the first request.
func mustHandle(call string, next http.Handler) {
	if f, isFunc := next.(http.HandlerFunc); next == nil || isFunc && f == nil {
		panic("gatehouse: " + call + ": the handler is nil")
	}
}
