package failclosed_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// checks ask who is signed in.
func checks() []journey {
	get := func(path string) func(c *scene, ctx context.Context) answer {
		return func(c *scene, ctx context.Context) answer { return c.ask(ctx, request{path: path}) }
	}
	changed := func(base string) func(s *site) *scene { // the row is newer than the cookie
		return func(s *site) *scene {
			c := &scene{person: s.person(nil).logIn(base)}
			if _, err := s.Users().SetRoles(context.Background(), "test", c.ID, []string{"user"}); err != nil {
				s.t.Fatal(err)
			}
			return c
		}
	}
	named := func(a answer) bool { return a.status == http.StatusOK && strings.Contains(a.body, `"email"`) }
	stillSignedIn := func(c *scene, _ answer, _, _ bool) {
		if !c.signedIn() {
			c.t.Error("signed out by a failure")
		}
	}
	return []journey{
		{name: "check v4 after a change", prepare: changed(v4), act: get(v4 + "/session"), good: named, after: stillSignedIn},
		{name: "check v5 after a change", prepare: changed(v5), act: get(v5 + "/session"), good: named, after: stillSignedIn},
		{name: "guarded after a change", prepare: changed(v4), act: get("/guarded"), good: status(http.StatusOK), after: stillSignedIn},
		{
			name: "guarded after the role went", prepare: changed(v4), act: get("/admin"), good: status(http.StatusForbidden),
			after: func(c *scene, a answer, acknowledged, _ bool) {
				if strings.Contains(a.body, "guarded, for") || a.status < 400 {
					c.t.Errorf("a role that was taken opens: %d %s", a.status, a.body)
				}
				stillSignedIn(c, a, acknowledged, true)
			},
		},
		{
			name: "check of an altered cookie", prepare: func(s *site) *scene {
				c := &scene{person: s.person(nil).logIn(v4)}
				c.alter(s)
				return c
			},
			act: get(v4 + "/session"), good: named,
			after: func(c *scene, a answer, acknowledged, _ bool) {
				if strings.Contains(a.body, "mallory") {
					c.t.Errorf("what the application wrote is believed: %s", a.body)
				}
				stillSignedIn(c, a, acknowledged, true)
			},
		},
		{
			name: "update", prepare: func(s *site) *scene { return &scene{person: s.person(nil).logIn(v4)} },
			act: func(c *scene, ctx context.Context) answer {
				return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/session",
					json: fmt.Sprintf(`{"csrfToken":%q,"data":{"name":"Bea"}}`, c.csrf(v4))})
			},
			good: named,
			after: func(c *scene, a answer, acknowledged, sure bool) {
				u, _ := c.user()
				if took := u.Name == "Bea"; acknowledged && !took || !acknowledged && sure && took {
					c.t.Errorf("acknowledged %t, name %q", acknowledged, u.Name)
				}
				stillSignedIn(c, a, acknowledged, sure)
			},
		},
		{name: "account page", prepare: func(s *site) *scene { return &scene{person: s.person(nil).logIn(v4)} }, act: func(c *scene, ctx context.Context) answer {
			return c.ask(ctx, request{path: v4 + "/account", visits: true})
		}, good: status(http.StatusOK), after: stillSignedIn},
	}
}
