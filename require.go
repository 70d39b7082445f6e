package gatehouse

import (
	"net/http"

	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
)

// Require lets a request through to the handler when somebody is signed in who
// meets every Need; without Needs it is enough to be signed in. It asks by
// itself when [Gatehouse.Authenticate] has not, and [PrincipalFrom] says who it
// is. Everybody else is answered here:
//
//   - 401 when nobody is signed in, with a problem document (RFC 9457). Somebody
//     who opens a page in a browser is led to the sign-in page instead, with
//     303, and comes back to the address they asked for; a call by a script is
//     never redirected.
//   - 401 with the challenge of RFC 6750 when the request brings an access token
//     that is not good, whatever cookies it brings; never a redirect.
//   - 403 when somebody is signed in who does not meet a Need.
//   - 403 when the method may change something, or asks for a WebSocket, and the
//     request does not state that it comes from this site's own pages: by
//     Sec-Fetch-Site or Origin, as browsers do by themselves, or by a JSON
//     content type and no sign of another origin. Clients that are no browsers
//     set "Origin" to Config.PublicOrigin.
//   - 503 with Retry-After when nothing can be said. No cookie is touched.
//
// Each such answer has an X-Request-Id and is one line in the log. Answers of
// the handler begin with "Cache-Control: no-store"; it may set another. Cookies
// are renewed as Authenticate renews them.
//
// Require panics when a Need is the zero value, and what it returns panics when
// the handler is nil.
func (g *Gatehouse) Require(n ...Need) func(http.Handler) http.Handler {
	policy := policyOf("Require", n)
	return func(next http.Handler) http.Handler {
		mustHandle("Require", next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, known := g.callerFrom(r.Context())
			if !known {
				c = g.identify(w, r)
			}
			d := c.Decide(r.Context(), policy)
			if d.Allowed() && known {
				d = c.Again(r)
			}
			if !d.Allowed() {
				g.refuse(w, r, c, d)
				return
			}
			if known {
				c.PassOn(w, r, next, guard.Private)
				return
			}
			c.Pass(w, r.WithContext(withCaller(r.Context(), c)), next, guard.Private)
		})
	}
}
