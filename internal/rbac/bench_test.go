package rbac_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// large is 1,000 roles of ten permissions each. Fifty of them inherit each other in
// a row, and at its end all the others: so these have all 10,000. Some have
// patterns with asterisks.
func large() []auth.Role {
	roles := make([]auth.Role, 0, rbac.MaxRoles)
	for i := range rbac.MaxRoles {
		r := role(fmt.Sprintf("role-%d", i), nil)
		for n := range 10 {
			r.Permissions = append(r.Permissions, fmt.Sprintf("area-%d.thing-%d:action-%d", i%100, i, n))
		}
		switch {
		case i < 49: // a row of 50
			r.Inherits = append(r.Inherits, fmt.Sprintf("role-%d", i+1))
		case i == 49:
			for n := 50; n < 110; n++ {
				r.Inherits = append(r.Inherits, fmt.Sprintf("role-%d", n))
			}
		case i < 110:
			for n := 110 + (i-50)*15; n < min(125+(i-50)*15, rbac.MaxRoles); n++ {
				r.Inherits = append(r.Inherits, fmt.Sprintf("role-%d", n))
			}
		}
		if i == 500 {
			r.Permissions = append(r.Permissions, "wild.*:read", "*:count", "area-7.thing-999:*")
		}
		roles = append(roles, r)
	}
	return roles
}

// questions are asked of the large policy, each with its answer.
func questions(t testing.TB) map[string]func(*rbac.Policy) bool {
	own, deep, wild, nowhere := permission(t, "area-99.thing-999:action-5"), permission(t, "area-99.thing-899:action-5"), permission(t, "wild.a.b:read"), permission(t, "no.such.thing:here")
	whole := auth.Principal{Roles: list("role-999")}
	several := auth.Principal{Roles: list("a", "b", "role-3", "role-999", "z")}
	first := auth.Principal{Roles: list("role-0")}
	narrowed := auth.Principal{NarrowedRoles: list("role-0"), Scopes: list("profile", "area-1.*:*", "area-99.*:action-5")}
	return map[string]func(*rbac.Policy) bool{
		"its own":                     func(p *rbac.Policy) bool { return p.Permits(whole, own) },
		"its own, of five roles":      func(p *rbac.Policy) bool { return p.Permits(several, own) },
		"inherited 50 deep":           func(p *rbac.Policy) bool { return p.Permits(first, deep) },
		"by an asterisk, 50 deep":     func(p *rbac.Policy) bool { return p.Permits(first, wild) },
		"narrowed, inherited 50 deep": func(p *rbac.Policy) bool { return p.Permits(narrowed, deep) },
		"refused: nobody names it":    func(p *rbac.Policy) bool { return !p.Permits(first, nowhere) },
		"refused: the role has not":   func(p *rbac.Policy) bool { return !p.Permits(whole, wild) },
	}
}

func TestPolicy_answersWithoutAllocating(t *testing.T) {
	roles := large()
	if problems := rbac.Check(roles); len(problems) > 0 {
		t.Fatal(problems[0].Text)
	}
	p := rbac.Compile(roles)
	if n := len(p.Grants(list("role-0"))); n < 10_000 {
		t.Fatalf("the first role has %d permissions", n)
	}
	for name, ask := range questions(t) {
		if !ask(p) {
			t.Errorf("%s: the wrong answer", name)
		}
		if n := testing.AllocsPerRun(100, func() { ask(p) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkPolicy(b *testing.B) {
	p := rbac.Compile(large())
	for name, ask := range questions(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !ask(p) {
					b.Fatal("the wrong answer")
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	roles := large()
	b.ReportAllocs()
	for b.Loop() {
		rbac.Compile(roles)
	}
}

func BenchmarkCheck(b *testing.B) {
	roles := large()
	for b.Loop() {
		rbac.Check(roles)
	}
}
