package guard

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Condition is one thing to be met. It holds when any of what it names does, so
// the zero Condition never holds.
type Condition struct {
	// Roles are held as a whole: a credential that its scopes narrow holds none.
	Roles []string
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
		Roles: slices.Concat(c.Roles, other.Roles), Scopes: slices.Concat(c.Scopes, other.Scopes),
		APIKey: c.APIKey || other.APIKey, Session: c.Session || other.Session,
	}
}

// String names it, for the log.
func (c Condition) String() string {
	var all []string
	add := func(kind string, names []string) {
		for _, n := range names {
			all = append(all, fmt.Sprintf("%s %q", kind, n))
		}
	}
	add("role", c.Roles)
	add("scope", c.Scopes)
	if c.APIKey {
		all = append(all, "an API key")
	}
	if c.Session {
		all = append(all, "a session")
	}
	return strings.Join(all, " or ")
}

// meets says whether the caller meets every condition: nil, forbidden, or
// unavailable when that rests on what cannot be read.
func (c *Caller) meets(_ context.Context, all []Condition) *auth.Error {
	for _, one := range all {
		if !c.met(one) {
			return auth.NewError(auth.CodeForbidden, fmt.Errorf("not met: %v", one))
		}
	}
	return nil
}

// met says whether what the credential itself says is enough.
func (c *Caller) met(one Condition) bool {
	holds := c.holds()
	switch {
	case one.Session && !c.bearer, one.APIKey && holds.APIKeyID != "":
		return true
	case slices.ContainsFunc(one.Roles, holds.HasRole):
		return true
	}
	return slices.ContainsFunc(one.Scopes, func(s string) bool { return slices.Contains(holds.Scopes, s) })
}

// holds is what the caller holds; of a session's it has no more than the roles.
func (c *Caller) holds() auth.Principal {
	if c.bearer {
		return c.who
	}
	return auth.Principal{Roles: c.facts.Roles}
}
