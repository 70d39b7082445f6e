package failclosed_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// accounts make accounts.
func accounts() []journey {
	stranger := func(s *site) *scene { return &scene{person: s.stranger()} }
	register := func(c *scene, ctx context.Context) answer {
		return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/register", json: fmt.Sprintf(`{"email":%q,"name":"Ann","password":%q,"invitationCode":%q}`, c.Email, password, c.extra)})
	}
	there := func(c *scene, a answer, acknowledged, sure bool) {
		u, there := c.user()
		if acknowledged && !there || !acknowledged && sure && there {
			c.t.Errorf("acknowledged %t, the account is there %t", acknowledged, there)
		}
		c.ID = u.ID
		if there && c.hash() == "" {
			c.t.Error("an account without its password")
		}
		if c.ID != "" && a.began != c.signedIn() {
			c.t.Errorf("told that a session began: %t, signed in %t", a.began, c.signedIn())
		}
	}
	again := func(do func(c *scene, ctx context.Context) answer, good func(answer) bool) func(c *scene) error {
		return func(c *scene) error {
			if _, there := c.user(); !there {
				if a := do(c, context.Background()); !good(a) {
					return fmt.Errorf("%d %s", a.status, a.body)
				}
			}
			if a := c.elsewhere().ask(context.Background(), loginWith(v4, c.Email, password)); !began(a) {
				return fmt.Errorf("sign-in: %d %s", a.status, a.body)
			}
			return nil
		}
	}
	signUp := func(c *scene, ctx context.Context) answer {
		return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/signup", visits: true, form: url.Values{
			"csrfToken": {c.csrf(v4)}, "identifier": {c.Email}, "name": {"Ann"}, "password": {password}}})
	}
	// The account is there whether or not its first session could begin: then the
	// sign-in page is where it goes on.
	led := func(a answer) bool { return a.status == http.StatusSeeOther }
	invited := func(s *site) *scene {
		_, code, err := s.Invitations().Create(context.Background(), "test", gatehouse.NewInvitation{})
		if err != nil {
			s.t.Fatal(err)
		}
		return &scene{person: s.stranger(), extra: code.Reveal()}
	}
	created := status(http.StatusCreated)
	return []journey{
		{name: "registration", prepare: stranger, act: register, good: created, after: there, again: again(register, created)},
		{
			name: "registration by invitation", config: func(cfg *gatehouse.Config) { cfg.Registration.Mode = "invitation" },
			prepare: invited, act: register, good: created, after: there, again: again(register, created),
		},
		{name: "sign-up page", prepare: stranger, act: signUp, good: led, after: there, again: again(signUp, led)},
	}
}

// operators change users from elsewhere.
func operators() []journey {
	signedIn := func(s *site) *scene {
		c := &scene{person: s.person(nil).logIn(v4)}
		c.extra = c.hash()
		return c
	}
	// command is what an operator does, as an answer.
	command := func(do func(c *scene, ctx context.Context) error) func(c *scene, ctx context.Context) answer {
		return func(c *scene, ctx context.Context) answer {
			err := do(c, ctx)
			if err == nil {
				return answer{status: http.StatusOK}
			}
			c.site.log.Write([]byte(err.Error())) // whoever commands gets the cause
			refused := auth.AsError(err)
			if refused.Code.Kind() == auth.KindUnavailable {
				return answer{status: http.StatusServiceUnavailable, header: http.Header{"Retry-After": {"1"}}, body: refused.Text()}
			}
			return answer{status: http.StatusInternalServerError, body: err.Error()}
		}
	}
	done := status(http.StatusOK)
	is := func(what string, came func(c *scene) bool) func(c *scene, a answer, acknowledged, sure bool) {
		return func(c *scene, _ answer, acknowledged, sure bool) {
			if is := came(c); acknowledged && !is || !acknowledged && sure && is {
				c.t.Errorf("acknowledged %t, %s %t", acknowledged, what, is)
			}
		}
	}
	disable := func(c *scene, ctx context.Context) error {
		_, err := c.site.Users().Disable(ctx, "test", c.ID)
		return err
	}
	ready := func(c *scene, ctx context.Context) error {
		if err := c.site.Ready(ctx); err != nil {
			return auth.Unavailable(err)
		}
		return nil
	}
	remove := func(c *scene, ctx context.Context) error { return c.site.Users().Delete(ctx, "test", c.ID) }
	return []journey{
		{name: "readiness", prepare: signedIn, act: command(ready), good: done, after: func(c *scene, _ answer, _, _ bool) {
			if !c.signedIn() {
				c.t.Error("asking whether the server is ready signed somebody out")
			}
		}},
		{
			name: "operator disables", prepare: signedIn, act: command(disable), good: done,
			after: func(c *scene, a answer, acknowledged, sure bool) {
				u, _ := c.user()
				live := c.signedIn()
				if u.Disabled() == live || acknowledged && live || !acknowledged && sure && !live {
					c.t.Errorf("acknowledged %t, disabled %t, signed in %t", acknowledged, u.Disabled(), live)
				}
			},
		},
		{
			name: "operator enables", prepare: func(s *site) *scene {
				c := signedIn(s)
				if err := disable(c, context.Background()); err != nil {
					s.t.Fatal(err)
				}
				return c
			},
			act: command(func(c *scene, ctx context.Context) error {
				_, err := c.site.Users().Enable(ctx, "test", c.ID)
				return err
			}),
			good: done,
			after: func(c *scene, a answer, acknowledged, sure bool) {
				u, _ := c.user()
				if acknowledged && u.Disabled() || !acknowledged && sure && !u.Disabled() || c.signedIn() {
					c.t.Errorf("acknowledged %t, disabled %t, the old session is good %t", acknowledged, u.Disabled(), c.signedIn())
				}
			},
		},
		{
			name: "operator sets roles", prepare: signedIn, act: command(func(c *scene, ctx context.Context) error {
				_, err := c.site.Users().SetRoles(ctx, "test", c.ID, []string{"user"})
				return err
			}),
			good: done, after: is("the role is gone", func(c *scene) bool {
				return c.copy().ask(context.Background(), request{path: "/admin"}).status == http.StatusForbidden
			}),
		},
		{
			name: "operator sets a password", prepare: signedIn, act: command(func(c *scene, ctx context.Context) error {
				return c.site.Users().SetPassword(ctx, "test", c.ID, newPassword, false)
			}),
			good: done, after: is("the sessions have ended with the old password", func(c *scene) bool {
				changed, live := c.hash() != c.extra, c.signedIn()
				if changed == live {
					c.t.Errorf("half of it happened: changed %t, signed in %t", changed, live)
				}
				return changed
			}),
		},
		{
			name: "operator deletes", prepare: signedIn, act: command(remove), good: done,
			after: is("the user is gone", func(c *scene) bool {
				_, there := c.user()
				if live := c.signedIn(); there != live {
					c.t.Errorf("half of it happened: there %t, signed in %t", there, live)
				}
				return !there
			}),
			again: func(c *scene) error {
				if _, there := c.user(); !there {
					return nil
				}
				return remove(c, context.Background())
			},
		},
		{
			name: "operator creates", prepare: func(s *site) *scene { return &scene{person: s.stranger()} },
			act: command(func(c *scene, ctx context.Context) error {
				_, err := c.site.Users().Create(ctx, "test", gatehouse.NewUser{Email: c.Email, Name: "Ann", Password: password})
				return err
			}),
			good: done, after: is("the user is there", func(c *scene) bool {
				u, there := c.user()
				c.ID = u.ID
				if there && c.hash() == "" {
					c.t.Error("a user without their password")
				}
				return there
			}),
			again: func(c *scene) error { return nil },
		},
	}
}
