package failclosed_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// endings end what is there.
func endings() []journey {
	two := func(s *site) *scene { // one here, a copy of it, and one elsewhere
		c := &scene{person: s.person(nil).logIn(v4)}
		c.other = c.elsewhere().logIn(v4)
		c.extra = c.hash()
		return c
	}
	signedOut := func(c *scene, a answer, acknowledged, sure bool) {
		switch live := c.before.signedIn(); {
		case acknowledged && live:
			c.t.Error("acknowledged, and a copy of the cookie is good")
		case !acknowledged && sure && !live && a.status != http.StatusServiceUnavailable:
			c.t.Error("refused, and it happened")
		}
		if !c.other.signedIn() {
			c.t.Error("the session elsewhere has ended too")
		}
		if c.signedIn() {
			c.t.Error("the browser kept its cookie")
		}
	}
	signOut := func(name string, do func(c *scene, ctx context.Context) answer, good func(answer) bool) journey {
		return journey{
			name: name, drops: true, prepare: two, good: good,
			act: func(c *scene, ctx context.Context) answer {
				c.before = c.copy()
				return do(c, ctx)
			},
			after: func(c *scene, a answer, acknowledged, sure bool) { signedOut(c, a, acknowledged, sure) },
			again: func(c *scene) error { // of the copy, which may be live
				before := c.before
				c.jar = before.copy().jar
				if a := do(c, context.Background()); !good(a) {
					return fmt.Errorf("%d %s", a.status, a.body)
				}
				if before.signedIn() {
					return fmt.Errorf("the copy is good")
				}
				return nil
			},
		}
	}
	changePassword := func(name string, do func(c *scene, ctx context.Context) answer, good func(answer) bool) journey {
		return journey{
			name: name, prepare: two, act: do, good: good,
			after: func(c *scene, a answer, acknowledged, sure bool) {
				changed, here, elsewhere := c.hash() != c.extra, c.signedIn(), c.other.signedIn()
				switch {
				case acknowledged && (!changed || elsewhere || !here):
					c.t.Errorf("acknowledged: changed %t, signed in here %t, elsewhere %t", changed, here, elsewhere)
				case !acknowledged && sure && (changed || !elsewhere || !here):
					c.t.Errorf("refused: changed %t, signed in here %t, elsewhere %t", changed, here, elsewhere)
				case changed == elsewhere:
					c.t.Errorf("half of it happened: changed %t, elsewhere %t", changed, elsewhere)
				}
			},
			again: func(c *scene) error { return c.wholly(c.extra) },
		}
	}
	deleteAccount := journey{
		name: "delete account", prepare: two,
		act: func(c *scene, ctx context.Context) answer {
			return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/delete-account", json: fmt.Sprintf(`{"password":%q}`, password)})
		},
		good: status(http.StatusOK),
		after: func(c *scene, a answer, acknowledged, sure bool) {
			_, there := c.user()
			live := c.other.signedIn()
			if acknowledged && there || !acknowledged && sure && !there || there != live {
				c.t.Errorf("acknowledged %t, the user is there %t, their session is good %t", acknowledged, there, live)
			}
		},
		again: func(c *scene) error {
			if _, there := c.user(); !there {
				return nil
			}
			if a := c.ask(context.Background(), request{method: http.MethodPost, path: v4 + "/delete-account", json: fmt.Sprintf(`{"password":%q}`, password)}); a.status != http.StatusOK {
				return fmt.Errorf("%d %s", a.status, a.body)
			}
			return nil
		},
	}
	return []journey{
		signOut("sign-out json", func(c *scene, ctx context.Context) answer {
			return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/logout", json: "{}"})
		}, status(http.StatusOK)),
		signOut("sign-out form", func(c *scene, ctx context.Context) answer {
			return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/signout", form: url.Values{"csrfToken": {c.csrf(v4)}}})
		}, func(a answer) bool { return a.status == http.StatusFound && a.dropped }),
		changePassword("password change json", func(c *scene, ctx context.Context) answer {
			return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/change-password",
				json: fmt.Sprintf(`{"currentPassword":%q,"newPassword":%q}`, password, newPassword)})
		}, began),
		changePassword("password change page", func(c *scene, ctx context.Context) answer {
			return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/account/password", visits: true, form: url.Values{
				"csrfToken": {c.csrf(v4)}, "currentPassword": {password}, "newPassword": {newPassword}}})
		}, began),
		deleteAccount,
	}
}
