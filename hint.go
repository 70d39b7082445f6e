package gatehouse

import (
	"net/http"
	"slices"
)

// Hint is a guess at who calls, for what is merely shown: whether a page has
// "Sign in" or "Sign out" at its top, which links a navigation has, whether a
// redirect to the sign-in page saves somebody a detour. It is no check. The
// session may have been ended, by anybody and anywhere, and the user may have
// lost the role, been disabled or deleted; a Hint hears of none of it.
//
// Nothing can be decided by one: it names nobody, [Gatehouse.Require] does not
// take it, and its methods say "probably". What shows or changes anything of
// anybody stands behind Require or asks [Gatehouse.Access].
type Hint struct {
	signedIn bool
	roles    []string
}

// Hint reads the session cookie of the request with the mount's key. It asks
// neither the index of what was revoked nor the database, writes nothing and
// works while the database is away. Tokens and API keys count for nothing here:
// who sends one asks for no page.
func (g *Gatehouse) Hint(r *http.Request) Hint {
	h, ok := g.guard.Hint(r)
	return Hint{signedIn: ok, roles: h.Roles}
}

// ProbablySignedIn says whether the browser has the cookie of a session that has
// not run out.
func (h Hint) ProbablySignedIn() bool { return h.signedIn }

// ProbablyHasRole says whether the user held the role when the cookie was last
// renewed. Where cookies hold no more than an ID ([Mount].Carrier "stored"), it
// is false until this server has checked the session once.
func (h Hint) ProbablyHasRole(role string) bool { return slices.Contains(h.roles, role) }
