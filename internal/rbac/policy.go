package rbac

import (
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Policy is what all roles allow, compiled. It is immutable and safe for
// concurrent use. The zero Policy, and nil, allow nothing.
type Policy struct {
	// roles by their number, numbers by their name.
	roles   []compiled
	numbers map[string]int
	// exact answers for permissions that some role names: who has them, by
	// whatever pattern. Of the others, the patterns with an asterisk are asked.
	exact map[string]set
	// anyAction is by resource, below by stem and then by action, everywhere by
	// action.
	anyAction map[string]set
	below     map[string]actions
	all       actions
	// defined: there are roles that are not built in.
	defined bool
}

// compiled is one role.
type compiled struct {
	auth.Role
	patterns []Pattern
	// inherits are the numbers of the roles it inherits directly, closure those
	// of all it has something from, itself included.
	inherits []int
	closure  set
}

// actions are the holders of patterns with one resource: of those for any action,
// and of those for a single one.
type actions struct {
	any  set
	each map[string]set
}

// Defined says whether a role is defined beside the built-in ones. As long as
// none is, a role is only a name, and any name may be assigned.
func (p *Policy) Defined() bool { return p != nil && p.defined }

// Role returns the definition of a role, whose lists are not to be changed.
func (p *Policy) Role(name string) (auth.Role, bool) {
	n, ok := p.number(name)
	if !ok {
		return auth.Role{}, false
	}
	return p.roles[n].Role, true
}

// Roles returns every role there is, in order of names.
func (p *Policy) Roles() []auth.Role {
	if p == nil {
		return nil
	}
	list := make([]auth.Role, len(p.roles))
	for i, r := range p.roles {
		list[i] = r.Role
	}
	return list
}

func (p *Policy) number(name string) (int, bool) {
	if p == nil {
		return 0, false
	}
	n, ok := p.numbers[name]
	return n, ok
}

// Allows says whether one of the roles has the permission, by itself or by
// inheritance. A name that no role has allows nothing.
func (p *Policy) Allows(roles []string, asked Permission) bool {
	if p == nil || asked.IsZero() || len(roles) == 0 {
		return false
	}
	if holders, named := p.exact[asked.text]; named {
		return p.someIn(roles, holders)
	}
	var sets [2*MaxSegments + 3]set
	return p.someInAny(roles, p.wild(sets[:0], asked))
}

// wild appends who has the permission by a pattern with an asterisk.
func (p *Policy) wild(sets []set, asked Permission) []set {
	resource, action := asked.Resource(), asked.Action()
	sets = kept(sets, p.anyAction[resource])
	if !isReserved(resource) {
		sets = kept(kept(sets, p.all.any), p.all.each[action])
	}
	if len(p.below) == 0 {
		return sets
	}
	for i := len(resource) - 1; i > 0; i-- {
		if resource[i] != '.' {
			continue
		}
		if under, ok := p.below[resource[:i]]; ok {
			sets = kept(kept(sets, under.any), under.each[action])
		}
	}
	return sets
}

func kept(sets []set, s set) []set {
	if s == nil {
		return sets
	}
	return append(sets, s)
}

// someInAny says whether one of the roles is in one of the sets.
func (p *Policy) someInAny(roles []string, sets []set) bool {
	if len(sets) == 0 {
		return false
	}
	for _, name := range roles {
		n, ok := p.numbers[name]
		if !ok {
			continue
		}
		for _, s := range sets {
			if s.has(n) {
				return true
			}
		}
	}
	return false
}

// someIn says whether one of the roles is in the set.
func (p *Policy) someIn(roles []string, s set) bool {
	for _, name := range roles {
		if n, ok := p.numbers[name]; ok && s.has(n) {
			return true
		}
	}
	return false
}

// Permits says whether who may do it: one of the Roles allows it, or one of the
// NarrowedRoles does and one of the Scopes matches.
func (p *Policy) Permits(who auth.Principal, asked Permission) bool {
	return p.Allows(who.Roles, asked) ||
		len(who.NarrowedRoles) > 0 && scoped(who.Scopes, asked) && p.Allows(who.NarrowedRoles, asked)
}

// scoped says whether one of the scopes matches.
func scoped(scopes []string, asked Permission) bool {
	for _, s := range scopes {
		if q, fault := scan(s); fault == "" && q.Matches(asked) {
			return true
		}
	}
	return false
}

// Holds says whether one of the roles is the named one or inherits it.
func (p *Policy) Holds(roles []string, name string) bool {
	if slices.Contains(roles, name) {
		return true
	}
	n, ok := p.number(name)
	if !ok {
		return false
	}
	for _, r := range roles {
		if m, ok := p.numbers[r]; ok && p.roles[m].closure.has(n) {
			return true
		}
	}
	return false
}

// Covers says whether who has everything that the roles and the patterns grant:
// so that nobody gives away, or takes over, more than he has. A role is covered
// by whoever may do all that it allows, and holds it, as itself or by
// inheritance, or has "*:*": for doors that ask for the name of a role. A
// pattern that is none is covered by nobody.
func (p *Policy) Covers(who auth.Principal, roles, patterns []string) bool {
	for _, name := range roles {
		if !p.holds(who, name) {
			return false
		}
		n, ok := p.number(name)
		if !ok {
			continue
		}
		for _, q := range p.patternsOf(n) {
			if !p.covers(who, q) {
				return false
			}
		}
	}
	for _, text := range patterns {
		q, fault := scan(text)
		if fault != "" || !p.covers(who, q) {
			return false
		}
	}
	return true
}

// everything is the pattern of who may do all that is not Gatehouse's own.
var everything = Pattern{text: "*:*", action: anyAction, reach: all}

// holds says whether who has the role as a name.
func (p *Policy) holds(who auth.Principal, role string) bool {
	if p.Holds(who.Roles, role) || p.grants(who.Roles, everything) {
		return true
	}
	return scopesCover(who.Scopes, everything) && (p.Holds(who.NarrowedRoles, role) || p.grants(who.NarrowedRoles, everything))
}

// covers is Permits for all that a pattern matches. One pattern that covers it is
// needed: several never cover one together that none of them covers, because
// what an asterisk stands for has no end.
func (p *Policy) covers(who auth.Principal, q Pattern) bool {
	return p.grants(who.Roles, q) || scopesCover(who.Scopes, q) && p.grants(who.NarrowedRoles, q)
}

func scopesCover(scopes []string, q Pattern) bool {
	for _, s := range scopes {
		if mine, fault := scan(s); fault == "" && mine.Covers(q) {
			return true
		}
	}
	return false
}

// grants says whether a pattern of one of the roles covers the pattern.
func (p *Policy) grants(roles []string, q Pattern) bool {
	_, ok := p.grant(roles, func(mine Pattern) bool { return mine.Covers(q) })
	return ok
}

// patternsOf are those of the role and of all it inherits.
func (p *Policy) patternsOf(n int) (list []Pattern) {
	for m := range p.roles[n].closure.members() {
		list = append(list, p.roles[m].patterns...)
	}
	return list
}
