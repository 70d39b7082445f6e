package policytest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// Explain says in a sentence why the principal may do it, or why not: the rule
// that decided, by the name of the role, with the way by which the role is
// inherited.
func Explain(p *rbac.Policy, who auth.Principal, asked rbac.Permission) string {
	d := p.Why(who, asked)
	switch {
	case d.Allowed && d.Narrowed:
		return fmt.Sprintf("%s, and the scope %s matches it", granted(d.Grant), d.Scope)
	case d.Allowed:
		return granted(d.Grant)
	case d.Grant != nil:
		return fmt.Sprintf("%s, but none of the scopes %s matches %s", granted(d.Grant), strings.Join(who.Scopes, ", "), asked)
	}
	return denied(p, who, asked, d.Unknown)
}

// granted is the rule in words.
func granted(g *rbac.Grant) string {
	last := g.Path[len(g.Path)-1]
	if last == g.Role {
		return fmt.Sprintf("the role %s has %s", g.Role, g.Pattern)
	}
	return fmt.Sprintf("the role %s has %s (%s)", g.Role, g.Pattern, strings.Join(g.Path, " inherits "))
}

// shownMost is how many patterns an explanation lists.
const shownMost = 8

// denied says what the roles have instead.
func denied(p *rbac.Policy, who auth.Principal, asked rbac.Permission, unknown []string) string {
	roles := slices.Concat(who.Roles, who.NarrowedRoles)
	if len(roles) == 0 {
		return "no role is held"
	}
	var also string
	if len(unknown) > 0 {
		also = fmt.Sprintf("; there is no role %s", strings.Join(unknown, ", "))
	}
	has := p.Grants(roles)
	if asked.Resource() == "gatehouse" || strings.HasPrefix(asked.Resource(), "gatehouse.") {
		if slices.ContainsFunc(has, func(pattern string) bool { return strings.HasPrefix(pattern, "*:") }) {
			also += "; *:… never reaches Gatehouse's own permissions"
		}
	}
	if len(has) == 0 {
		return fmt.Sprintf("%s has no permissions%s", roleList(roles), also)
	}
	shown := strings.Join(has[:min(len(has), shownMost)], ", ")
	if len(has) > shownMost {
		shown += fmt.Sprintf(" and %d more", len(has)-shownMost)
	}
	return fmt.Sprintf("nothing that %s has matches %s: %s%s", roleList(roles), asked, shown, also)
}

func roleList(roles []string) string {
	if len(roles) == 1 {
		return "the role " + roles[0]
	}
	return "any of the roles " + strings.Join(roles, ", ")
}
