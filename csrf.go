package gatehouse

import "net/http"

// CSRF lets a request through unless a foreign page may have caused it, for
// handlers that find out by themselves who calls. [Gatehouse.Require] asks the
// same of every cookie already, so behind it CSRF changes nothing.
//
// A request that may change something (any method but GET, HEAD, OPTIONS and
// TRACE, and a WebSocket handshake) passes when
//
//   - it states that it comes from this site's own pages, by Sec-Fetch-Site or
//     Origin, as browsers do by themselves; or
//   - it has a JSON content type and no sign of another origin; or
//   - it shows a token in "Authorization: Bearer", or a key in X-Api-Key, which
//     no foreign page can send; or
//   - it brings nothing that browsers add by themselves (no cookie, no other
//     Authorization, no client certificate) and no sign of another origin, as the
//     call of a webhook.
//
// Others are answered 403 csrf_failed. Requests below a mount's base path go
// through untouched: there Gatehouse's own Handler asks by itself. It panics when
// next is nil.
func (g *Gatehouse) CSRF(next http.Handler) http.Handler {
	mustHandle("CSRF", next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d := g.guard.Unforged(r); !d.Allowed() && !g.guard.OwnPages(r) {
			c, known := g.callerFrom(r.Context())
			if !known {
				c = g.guard.Stranger()
			}
			g.refuse(w, r, c, d)
			return
		}
		next.ServeHTTP(w, r)
	})
}
