package gatehouse

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
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
	var policy guard.Policy
	for _, need := range n {
		switch {
		case need.fresh:
			policy.MaxStaleness = FreshWithin
		case len(need.anyOf) > 0:
			policy.Roles = append(policy.Roles, need.anyOf)
		default:
			panic("gatehouse: Require: a zero Need, which nobody could meet; make Needs with Role, AnyRole or Fresh")
		}
	}
	return func(next http.Handler) http.Handler {
		mustHandle("Require", next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, known := g.callerFrom(r.Context())
			if !known {
				c = g.guard.Identify(w, r)
			}
			if d := c.Decide(policy); !d.Allowed() {
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

// Need is one condition on who calls, for [Gatehouse.Require]. [Role], [AnyRole]
// and [Fresh] make one.
type Need struct {
	anyOf []string
	fresh bool
}

// FreshWithin is how long ago this server may have heard of revocations for
// [Fresh].
const FreshWithin = 2 * time.Second

// Fresh is for routes where a session that was just revoked must not pass, even
// on a server that has lost its database: it is met as long as the change feed
// was read within [FreshWithin]. Otherwise the answer is 503, where routes
// without it go on for Config.Session.MaxStaleness.
func Fresh() Need { return Need{fresh: true} }

// Role is met by whoever holds the role. Names of roles are case-sensitive:
// "admin" and "Admin" are two. It is the role that the user's row has, as far
// as this server has heard; what an application wrote into the cookie counts
// for nothing.
//
// It panics when no user could ever hold a role of that name, as http.ServeMux
// panics about a pattern: the mistake is in the program, and a door that opens
// to nobody would hide it.
func Role(name string) Need { return anyOf("Role", name) }

// AnyRole is met by whoever holds at least one of the roles. It panics as
// [Role] does, and when there are none.
func AnyRole(names ...string) Need { return anyOf("AnyRole", names...) }

func anyOf(call string, names ...string) Need {
	for _, name := range names {
		if _, err := auth.CleanRoles([]string{name}); err != nil {
			panic(fmt.Sprintf("gatehouse: %s(%q): no user can hold this role. %s", call, name, auth.AsError(err).Text()))
		}
	}
	if len(names) == 0 {
		panic("gatehouse: " + call + "(): name at least one role")
	}
	return Need{anyOf: append([]string(nil), names...)}
}
