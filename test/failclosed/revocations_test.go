package failclosed_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// revocations end sessions elsewhere, by somebody who is signed in.
func revocations() []journey {
	two := func(s *site) *scene { // one here, and one elsewhere
		c := &scene{person: s.person(nil).logIn(v4)}
		c.other = c.elsewhere().logIn(v4)
		return c
	}
	post := func(path string, body string) func(c *scene, ctx context.Context) answer {
		return func(c *scene, ctx context.Context) answer {
			return c.ask(ctx, request{method: http.MethodPost, path: v4 + path, json: strings.ReplaceAll(body, "OTHER", c.extra)})
		}
	}
	// here says what becomes of the one that asks.
	ended := func(here func(acknowledged, live bool) bool) func(c *scene, a answer, acknowledged, sure bool) {
		return func(c *scene, a answer, acknowledged, sure bool) {
			if live := c.other.signedIn(); acknowledged && live || !acknowledged && sure && !live {
				c.t.Errorf("acknowledged %t, and elsewhere signed in %t", acknowledged, live)
			}
			if acknowledged && !strings.Contains(a.body, `"effective":"everywhere"`) && !strings.Contains(a.body, `"effective":"pending","pendingUntil"`) {
				c.t.Errorf("it is not said where that holds: %s", a.body)
			}
			if live := c.signedIn(); !here(acknowledged, live) {
				c.t.Errorf("acknowledged %t, and here signed in %t", acknowledged, live)
			}
		}
	}
	stays := func(_, live bool) bool { return live }
	again := func(act func(c *scene, ctx context.Context) answer) func(c *scene) error {
		return func(c *scene) error {
			if !c.other.signedIn() {
				return nil // it came to pass, told or not
			}
			if a := act(c, context.Background()); a.status != http.StatusOK || c.other.signedIn() {
				return fmt.Errorf("%d %s, and elsewhere signed in %t", a.status, a.body, c.other.signedIn())
			}
			return nil
		}
	}
	ok := status(http.StatusOK)
	others := post("/sessions/revoke-others", fmt.Sprintf(`{"password":%q}`, password))
	all := post("/sessions/revoke-all", "{}")
	one := post("/sessions/revoke", fmt.Sprintf(`{"id":"OTHER","password":%q}`, password))
	page := func(c *scene, ctx context.Context) answer {
		return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/account/sessions", visits: true, form: url.Values{
			"csrfToken": {c.csrf(v4)}, "which": {"others"}, "password": {password},
		}})
	}
	onPage := func(a answer) bool {
		return a.status == http.StatusFound || a.status == http.StatusSeeOther || a.status == http.StatusOK
	}
	return []journey{
		{
			name: "revoke others page", prepare: two, act: page, good: onPage,
			after: func(c *scene, a answer, acknowledged, sure bool) {
				if live := c.other.signedIn(); acknowledged && live || !acknowledged && sure && !live || !c.signedIn() {
					c.t.Errorf("acknowledged %t, elsewhere signed in %t, here %t", acknowledged, live, c.signedIn())
				}
			},
			again: func(c *scene) error {
				if c.other.signedIn() {
					if a := page(c, context.Background()); !onPage(a) || c.other.signedIn() {
						return fmt.Errorf("%d %s", a.status, a.body)
					}
				}
				return nil
			},
		},
		{name: "revoke others", prepare: two, act: others, good: ok, after: ended(stays), again: again(others)},
		{
			name: "revoke all", prepare: two, act: all, good: ok, again: again(all),
			after: func(c *scene, a answer, acknowledged, sure bool) {
				ended(func(acknowledged, live bool) bool { return acknowledged != live || !sure })(c, a, acknowledged, sure)
			},
		},
		{
			name: "revoke one", prepare: func(s *site) *scene {
				c := two(s)
				c.extra = c.sessionOf(c.other)
				return c
			},
			act: one, good: ok, after: ended(stays), again: again(one),
		},
		{
			name: "list of sessions", prepare: two,
			act:  func(c *scene, ctx context.Context) answer { return c.ask(ctx, request{path: v4 + "/sessions"}) },
			good: func(a answer) bool { return a.status == http.StatusOK && strings.Count(a.body, `"id"`) == 2 },
			after: func(c *scene, _ answer, _, _ bool) {
				if !c.signedIn() || !c.other.signedIn() {
					c.t.Error("a list ends something")
				}
			},
		},
	}
}

// sessionOf is the ID of the session that a browser has.
func (c *scene) sessionOf(p *person) string {
	c.site.t.Helper()
	text, err := c.site.sealer().Open(p.jar[v4Cookie])
	if err != nil {
		c.site.t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), `"sid":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if !found {
		c.site.t.Fatalf("no sid in %s", text)
	}
	return id
}
