package gatehouse

import (
	"fmt"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// RoleDefinition says what a role allows. Beside those of the settings, roles
// can be defined at run time; [Gatehouse.Roles] does, and the management API.
type RoleDefinition struct {
	// Name is what users and API keys are given: 1 to 64 letters, digits, colon,
	// dot, hyphen or underscore. Names that begin with "gatehouse." are
	// Gatehouse's own. Required.
	Name string `conf:"name"`
	// Description is for people, at most 200 characters. Default: none.
	Description string `conf:"description"`
	// Permissions are what it allows, as resource and action: "orders:read". In
	// place of the action * means any. In place of the resource * means any but
	// Gatehouse's own, and "billing.*" those with further segments, such as
	// billing.invoices. Default: none.
	Permissions []string `conf:"permissions"`
	// Inherits names roles of the settings, or Gatehouse's own, whose permissions
	// it has too. Default: none.
	Inherits []string `conf:"inherits"`
}

// roles are the definitions as a noun.
func (c Config) roles() []auth.Role {
	list := make([]auth.Role, len(c.Roles))
	for i, d := range c.Roles {
		list[i] = auth.Role{
			Name: d.Name, Description: d.Description, Permissions: slices.Clone(d.Permissions), Inherits: slices.Clone(d.Inherits),
			Origin: auth.RoleConfigured,
		}
	}
	return list
}

// checkRoles says what is wrong with the definitions, each time with the name of
// the role, and with what is given to whoever registers.
func (c Config) checkRoles(p *Problems) {
	roles := c.roles()
	for _, problem := range rbac.Check(roles) {
		field := "roles"
		if problem.Field != "" {
			field = fmt.Sprintf("roles[%d].%s", problem.Index, problem.Field)
		}
		p.add(field, roleFixes[problem.Field], "%s", problem.Text)
	}
	for _, name := range c.Registration.Roles {
		switch {
		case auth.ReservedRole(name):
			p.add("registration.roles", "give such a role to single users: gatehouse user roles", "gives %q, a role of Gatehouse's own, to everybody who registers", name)
		case len(roles) > 0 && !slices.ContainsFunc(roles, func(r auth.Role) bool { return r.Name == name }):
			p.add("registration.roles", "define the role there, or take it out: once roles are defined, only these can be given", "gives %q, which is not among roles", name)
		}
	}
}

// roleFixes are what to do, by the field of a problem.
var roleFixes = map[string]string{
	"name":        "choose another name",
	"description": "shorten it to one line",
	"permissions": `write each as resource:action, such as "orders:read", "orders:*" or "billing.*:read"`,
	"inherits":    "name roles of the settings that do not inherit this one",
	"":            "define fewer roles, with more permissions each",
}
