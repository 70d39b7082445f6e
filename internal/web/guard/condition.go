package guard

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// Condition is one thing to be met. It holds when any of what it names does, so
// the zero Condition never holds.
type Condition struct {
	// Roles are held as a whole: a credential that its scopes narrow holds none.
	Roles []string
	// Permissions are what the roles allow, as far as the scopes let the credential
	// use them.
	Permissions []rbac.Permission
	// Scopes are named by the access token or the API key itself. The cookie of a
	// session has none, however much its user may do.
	Scopes []string
	// APIKey: the caller shows an API key.
	APIKey bool
	// Session: the caller is a browser with the cookie of a session.
	Session bool
}

// Or is the condition that holds when either does.
func (c Condition) Or(other Condition) Condition {
	return Condition{
		Roles: slices.Concat(c.Roles, other.Roles), Permissions: slices.Concat(c.Permissions, other.Permissions),
		Scopes: slices.Concat(c.Scopes, other.Scopes),
		APIKey: c.APIKey || other.APIKey, Session: c.Session || other.Session,
	}
}

// String names it, for the log.
func (c Condition) String() string {
	var all []string
	for _, name := range c.Roles {
		all = append(all, "role "+name)
	}
	for _, p := range c.Permissions {
		all = append(all, "permission "+p.String())
	}
	for _, name := range c.Scopes {
		all = append(all, "scope "+name)
	}
	if c.APIKey {
		all = append(all, "an API key")
	}
	if c.Session {
		all = append(all, "a session")
	}
	return strings.Join(all, " or ")
}

// meets says whether the caller meets every condition: nil, forbidden, or
// unavailable when it rests on roles that cannot be read. What the credential says
// by itself is asked first, so that this depends on no order.
func (c *Caller) meets(ctx context.Context, all []Condition) *auth.Error {
	holds, ask := c.holds(), false
	for i := range all {
		if c.met(&all[i], &holds) {
			continue
		}
		if len(all[i].Permissions) == 0 {
			return notMet(&all[i])
		}
		ask = true
	}
	if !ask {
		return nil
	}
	policy, err := c.guard.Policy(ctx)
	if err != nil {
		return auth.AsError(err)
	}
	for i := range all {
		if !c.met(&all[i], &holds) && !permitted(policy, &all[i], holds) {
			return notMet(&all[i])
		}
	}
	return nil
}

func notMet(one *Condition) *auth.Error {
	return auth.NewError(auth.CodeForbidden, fmt.Errorf("not met: %v", one))
}

// met says whether what the credential itself says is enough.
func (c *Caller) met(one *Condition, holds *auth.Principal) bool {
	if one.Session && !c.bearer || one.APIKey && holds.APIKeyID != "" {
		return true
	}
	for _, role := range one.Roles {
		if slices.Contains(holds.Roles, role) {
			return true
		}
	}
	for _, scope := range one.Scopes {
		if slices.Contains(holds.Scopes, scope) {
			return true
		}
	}
	return false
}

func permitted(policy *rbac.Policy, one *Condition, holds auth.Principal) bool {
	for _, p := range one.Permissions {
		if policy.Permits(holds, p) {
			return true
		}
	}
	return false
}

// holds is what the caller holds; of a session's it has no more than the roles.
func (c *Caller) holds() auth.Principal {
	if c.bearer {
		return c.who
	}
	return auth.Principal{Roles: c.facts.Roles}
}
