package rbac

import (
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Grant is the rule that allows something.
type Grant struct {
	// Role is one of the principal's, and Path how it comes by the Pattern: from
	// Role, by way of what is inherited, to the role that names the Pattern.
	Role string   `json:"role"`
	Path []string `json:"path"`
	// Pattern is of the last role of the Path.
	Pattern string `json:"pattern"`
}

// Decision is the answer to a question and the reason for it.
type Decision struct {
	Allowed bool `json:"allowed"`
	// Grant is the rule that decided, of the Roles or of the NarrowedRoles; nil
	// when no role allows it.
	Grant *Grant `json:"grant,omitempty"`
	// Narrowed: the Grant is of a role that scopes narrow, and Scope is the one
	// that matches, empty when none does.
	Narrowed bool   `json:"narrowed,omitempty"`
	Scope    string `json:"scope,omitempty"`
	// Unknown are those of the principal's roles that are not defined: they allow
	// nothing.
	Unknown []string `json:"unknown,omitempty"`
}

// Why answers as [Policy.Permits] does, and says which rule decided: the first
// that allows it, in order of the principal's roles.
func (p *Policy) Why(who auth.Principal, asked Permission) Decision {
	d := Decision{Unknown: p.unknown(slices.Concat(who.Roles, who.NarrowedRoles))}
	matches := func(q Pattern) bool { return q.Matches(asked) }
	if g, ok := p.grant(who.Roles, matches); ok {
		d.Allowed, d.Grant = true, &g
		return d
	}
	if g, ok := p.grant(who.NarrowedRoles, matches); ok {
		d.Grant, d.Narrowed = &g, true
		for _, s := range who.Scopes {
			if scoped([]string{s}, asked) {
				d.Allowed, d.Scope = true, s
				break
			}
		}
	}
	return d
}

func (p *Policy) unknown(roles []string) (list []string) {
	for _, name := range roles {
		if _, ok := p.number(name); !ok && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// grant finds the first pattern that suits, and the shortest way to it.
func (p *Policy) grant(roles []string, suits func(Pattern) bool) (Grant, bool) {
	for _, name := range roles {
		n, ok := p.number(name)
		if !ok {
			continue
		}
		if g, ok := p.grantOf(n, suits); ok {
			return g, true
		}
	}
	return Grant{}, false
}

func (p *Policy) grantOf(first int, suits func(Pattern) bool) (Grant, bool) {
	queue, from := []int{first}, map[int]int{first: -1}
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		for _, q := range p.roles[n].patterns {
			if suits(q) {
				return Grant{Role: p.roles[first].Name, Path: p.path(from, n), Pattern: q.text}, true
			}
		}
		for _, m := range p.roles[n].inherits {
			if _, seen := from[m]; !seen {
				from[m] = n
				queue = append(queue, m)
			}
		}
	}
	return Grant{}, false
}

func (p *Policy) path(from map[int]int, last int) (names []string) {
	for n := last; n >= 0; n = from[n] {
		names = append(names, p.roles[n].Name)
	}
	slices.Reverse(names)
	return names
}

// Grants returns the patterns that the roles have, by themselves and by
// inheritance, sorted and without doubles.
func (p *Policy) Grants(roles []string) (texts []string) {
	for _, name := range roles {
		if n, ok := p.number(name); ok {
			for _, q := range p.patternsOf(n) {
				texts = append(texts, q.text)
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
