package failclosed_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// roleChanges change what a role allows. Each walk has a role of its own, which
// opens the vault until it does not any more.
func roleChanges() []journey {
	n := 0
	holder := func(s *site) *scene {
		n++
		name := fmt.Sprintf("keeper-%d", n)
		if _, err := s.Roles().Create(context.Background(), "test", auth.Role{Name: name, Permissions: []string{"vault:*"}}); err != nil {
			s.t.Fatal(err)
		}
		return &scene{person: s.person(func(in *gatehouse.NewUser) { in.Roles = []string{name} }).logIn(v4), extra: name}
	}
	open := func(c *scene, ctx context.Context) answer { return c.ask(ctx, request{path: "/vault"}) }
	narrow := func(c *scene, ctx context.Context) error {
		_, err := c.site.Roles().Update(ctx, "test", c.extra, 0, rbac.Definition{Permissions: &[]string{"vault:look"}})
		return err
	}
	return []journey{
		{
			name: "permission after the role was narrowed",
			prepare: func(s *site) *scene {
				c := holder(s)
				if a := open(c, context.Background()); a.status != http.StatusOK {
					s.t.Fatalf("the vault is shut to who may open it: %d %s", a.status, a.body)
				}
				if err := narrow(c, context.Background()); err != nil {
					s.t.Fatal(err)
				}
				return c
			},
			act: open, good: status(http.StatusForbidden),
			after: func(c *scene, a answer, _, _ bool) {
				if a.status < 400 || strings.Contains(a.body, "guarded, for") {
					c.t.Errorf("what the role allowed before opens: %d %s", a.status, a.body)
				}
				if !c.signedIn() {
					c.t.Error("signed out by a failure")
				}
			},
		},
		{
			name: "operator narrows a role", prepare: holder,
			act: func(c *scene, ctx context.Context) answer {
				if err := narrow(c, ctx); err != nil {
					fmt.Fprint(c.site.log, err)
					return answer{status: http.StatusServiceUnavailable, header: http.Header{"Retry-After": {"1"}}}
				}
				return answer{status: http.StatusOK}
			},
			good: status(http.StatusOK),
			after: func(c *scene, _ answer, acknowledged, _ bool) {
				row, err := c.site.kept.Role(context.Background(), c.extra)
				if err != nil {
					c.t.Fatal(err)
				}
				narrowed := row.Permissions[0] == "vault:look"
				c.site.settle()
				opened := open(c, context.Background()).status == http.StatusOK
				if acknowledged && !narrowed || opened == narrowed {
					c.t.Errorf("acknowledged: %t, the row is narrowed: %t, the vault opens: %t", acknowledged, narrowed, opened)
				}
			},
			again: func(c *scene) error { return narrow(c, context.Background()) },
		},
	}
}
