package rbac

import (
	"iter"
	"math/bits"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// set is a set of roles, a bit for each number.
type set []uint64

func (s set) has(n int) bool { return s[n>>6]&(1<<(n&63)) != 0 }

func (s set) add(n int) { s[n>>6] |= 1 << (n & 63) }

// join adds all of another set and says whether there were new ones.
func (s set) join(other set) (more bool) {
	for i, word := range other {
		more = more || word&^s[i] != 0
		s[i] |= word
	}
	return more
}

func (s set) members() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(i<<6 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// Compile makes a Policy out of the roles and of those that are built in. It
// never fails: of a definition that [Check] would find fault with, what can be
// understood counts and the rest grants nothing. Of two roles with one name, the
// first counts.
func Compile(roles []auth.Role) *Policy {
	p := &Policy{
		numbers: map[string]int{}, exact: map[string]set{}, anyAction: map[string]set{},
		below: map[string]actions{}, all: actions{each: map[string]set{}},
	}
	for _, r := range append(BuiltIn(), roles...) {
		if r.Origin != auth.RoleBuiltIn && auth.ReservedRole(r.Name) {
			continue
		}
		p.roles = append(p.roles, compiled{Role: r})
		p.defined = p.defined || r.Origin != auth.RoleBuiltIn
	}
	slices.SortStableFunc(p.roles, func(a, b compiled) int { return strings.Compare(a.Name, b.Name) })
	p.roles = slices.CompactFunc(p.roles, func(a, b compiled) bool { return a.Name == b.Name })
	for n := range p.roles {
		p.numbers[p.roles[n].Name] = n
	}
	p.inherit()
	p.index()
	return p
}

func (p *Policy) newSet() set { return make(set, (len(p.roles)+63)/64) }

// inherit finds what each role has something from. Inherited roles come first, so
// that one pass does it; more are needed only where they inherit each other,
// which nothing lets in but a hand in the database.
func (p *Policy) inherit() {
	for n := range p.roles {
		r := &p.roles[n]
		r.closure = p.newSet()
		r.closure.add(n)
		for _, name := range r.Inherits {
			if m, ok := p.numbers[name]; ok {
				r.inherits = append(r.inherits, m)
			}
		}
	}
	order := p.inheritedFirst()
	for more := true; more; {
		more = false
		for _, n := range order {
			for _, m := range p.roles[n].inherits {
				more = p.roles[n].closure.join(p.roles[m].closure) || more
			}
		}
	}
}

func (p *Policy) inheritedFirst() []int {
	order, seen := make([]int, 0, len(p.roles)), p.newSet()
	var visit func(n int)
	visit = func(n int) {
		if seen.has(n) {
			return
		}
		seen.add(n)
		for _, m := range p.roles[n].inherits {
			visit(m)
		}
		order = append(order, n)
	}
	for n := range p.roles {
		visit(n)
	}
	return order
}

// index turns round who has what: each pattern gets the set of its holders.
func (p *Policy) index() {
	heirs := p.heirs()
	var named []Pattern
	for n := range p.roles {
		r := &p.roles[n]
		for _, text := range r.Permissions {
			q, fault := scan(text)
			if fault != "" {
				continue
			}
			r.patterns = append(r.patterns, q)
			p.holders(q).join(heirs[n])
			if !q.wild() {
				named = append(named, q)
			}
		}
	}
	p.spread(named)
}

// heirs are, for each role, those that have something from it.
func (p *Policy) heirs() []set {
	heirs := make([]set, len(p.roles))
	for n := range heirs {
		heirs[n] = p.newSet()
	}
	for n := range p.roles {
		for m := range p.roles[n].closure.members() {
			heirs[m].add(n)
		}
	}
	return heirs
}

// holders is the set of those who have a pattern; it is made if need be.
func (p *Policy) holders(q Pattern) set {
	switch q.reach {
	case exactly:
		if q.action == anyAction {
			return p.in(p.anyAction, q.resource)
		}
		return p.in(p.exact, q.text)
	case below:
		under, ok := p.below[q.resource]
		if !ok {
			under.each = map[string]set{}
		}
		s := p.inActions(&under, q.action)
		p.below[q.resource] = under
		return s
	default:
		return p.inActions(&p.all, q.action)
	}
}

func (p *Policy) inActions(a *actions, action string) set {
	if action != anyAction {
		return p.in(a.each, action)
	}
	if a.any == nil {
		a.any = p.newSet()
	}
	return a.any
}

func (p *Policy) in(sets map[string]set, key string) set {
	s, ok := sets[key]
	if !ok {
		s = p.newSet()
		sets[key] = s
	}
	return s
}

// spread lets the sets of permissions that are named say everything: also who has
// them by a pattern with an asterisk. So one look answers.
func (p *Policy) spread(named []Pattern) {
	var sets [2*MaxSegments + 3]set
	for _, q := range named {
		for _, s := range p.wild(sets[:0], Permission{text: q.text, colon: len(q.resource)}) {
			p.exact[q.text].join(s)
		}
	}
}
