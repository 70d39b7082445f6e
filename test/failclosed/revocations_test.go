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
	three := func(s *site) *scene { // one here, and two elsewhere
		c := &scene{person: s.person(nil).logIn(v4)}
		c.other, c.before = c.elsewhere().logIn(v4), c.elsewhere().logIn(v5)
		return c
	}
	post := func(path string, body string) func(c *scene, ctx context.Context) answer {
		return func(c *scene, ctx context.Context) answer {
			return c.ask(ctx, request{method: http.MethodPost, path: v4 + path, json: strings.ReplaceAll(body, "OTHER", c.extra)})
		}
	}
	// all or nothing of those elsewhere; here says what becomes of the one that asks.
	ended := func(here func(acknowledged, live bool) bool) func(c *scene, a answer, acknowledged, sure bool) {
		return func(c *scene, a answer, acknowledged, sure bool) {
			one, two := c.other.signedIn(), c.before.signedIn()
			if one != two && c.extra == "" || acknowledged && one || !acknowledged && sure && !one {
				c.t.Errorf("acknowledged %t, elsewhere %t and %t", acknowledged, one, two)
			}
			if acknowledged && !strings.Contains(a.body, `"effective":"everywhere"`) && strings.HasPrefix(a.body, "{") {
				c.t.Errorf("one server alone, and %s", a.body)
			}
			if !here(acknowledged, c.signedIn()) {
				c.t.Errorf("acknowledged %t, and here signed in %t", acknowledged, c.signedIn())
			}
		}
	}
	stays := func(_, live bool) bool { return live }
	anew := func(act func(c *scene, ctx context.Context) answer, good func(answer) bool) func(c *scene) error {
		return func(c *scene) error { // as somebody who has just signed in again, whatever became of the first walk
			c.jar = c.elsewhere().logIn(v4).jar
			c.other = c.elsewhere().logIn(v4)
			if c.extra != "" {
				c.extra = c.sessionOf(c.other)
			}
			if a := act(c, context.Background()); !good(a) {
				return fmt.Errorf("%d %s", a.status, a.body)
			}
			if c.other.signedIn() {
				return fmt.Errorf("acknowledged, and the session elsewhere is good")
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
			"csrfToken": {c.csrf(v4)}, "which": {"others"}, "password": {password}}})
	}
	led := status(http.StatusSeeOther)
	return []journey{
		{name: "revoke others", prepare: three, act: others, good: ok, after: ended(stays), again: anew(others, ok)},
		{name: "revoke others on the page", prepare: three, act: page, good: led, after: ended(stays), again: anew(page, led)},
		{
			name: "revoke all", prepare: three, act: all, good: ok, again: anew(all, ok),
			after: func(c *scene, a answer, acknowledged, sure bool) {
				ended(func(acknowledged, live bool) bool { return acknowledged != live || !sure })(c, a, acknowledged, sure)
			},
		},
		{
			name: "revoke one", prepare: func(s *site) *scene {
				c := three(s)
				c.extra = c.sessionOf(c.other)
				return c
			},
			act: one, good: ok, again: anew(one, ok),
			after: func(c *scene, a answer, acknowledged, sure bool) {
				ended(stays)(c, a, acknowledged, sure)
				if !c.before.signedIn() {
					c.t.Error("another one has ended too")
				}
			},
		},
		{
			name: "list of sessions", prepare: three,
			act:  func(c *scene, ctx context.Context) answer { return c.ask(ctx, request{path: v4 + "/sessions"}) },
			good: func(a answer) bool { return a.status == http.StatusOK && strings.Count(a.body, `"id"`) == 3 },
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
