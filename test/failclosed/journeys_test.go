package failclosed_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

// journeys are all that is swept.
func journeys() []journey {
	return slices.Concat(signIns(), checks(), endings(), accounts(), operators(), adoptions(), revocations(), keyChanges(), roleChanges(), tokenJourneys(), carrierJourneys(), otherCarriers())
}

// began: the answer says that a session has begun.
func began(a answer) bool { return a.status < 400 && a.began }

// status returns a test of the answer's status.
func status(want int) func(a answer) bool {
	return func(a answer) bool { return a.status == want }
}

// signIns begin sessions, or refuse to.
func signIns() []journey {
	somebody := func(s *site) *scene { return &scene{person: s.person(nil)} }
	form := func(base string, header http.Header, visits bool) func(c *scene, ctx context.Context) answer {
		return func(c *scene, ctx context.Context) answer {
			fields := url.Values{"csrfToken": {c.csrf(base)}, "identifier": {c.Email}, "password": {password}, "callbackUrl": {origin + "/"}}
			if visits {
				fields.Set("hosted", "1")
			} else {
				fields.Set("json", "true")
			}
			return c.ask(ctx, request{method: http.MethodPost, path: base + "/callback/credentials", form: fields, header: header, visits: visits})
		}
	}
	login := func(base string) func(c *scene, ctx context.Context) answer {
		return func(c *scene, ctx context.Context) answer { return c.ask(ctx, loginWith(base, c.Email, password)) }
	}
	return []journey{
		{name: "sign-in json", prepare: somebody, act: login(v4), good: began, after: onlyHereSignedIn},
		{name: "sign-in form v4", prepare: somebody, act: form(v4, nil, false), good: began, after: onlyHereSignedIn},
		{name: "sign-in form v5", prepare: somebody, act: form(v5, http.Header{"X-Auth-Return-Redirect": {"1"}}, false), good: began, after: onlyHereSignedIn},
		{name: "sign-in hosted page", prepare: somebody, act: form(v4, nil, true), good: began, after: onlyHereSignedIn},
		{
			name: "sign-in anew", prepare: func(s *site) *scene {
				c := somebody(s)
				c.logIn(v4)
				c.other = c.copy()
				return c
			},
			act: login(v4), good: began,
			after: func(c *scene, _ answer, acknowledged, sure bool) {
				if !c.signedIn() { // by the old cookie or by the new one
					c.t.Error("the browser is signed out")
				}
				if sure && !acknowledged && !c.other.signedIn() {
					c.t.Error("the old session has ended, though nothing began")
				}
			},
		},
		{
			name: "sign-in where somebody else is", prepare: func(s *site) *scene {
				c, other := somebody(s), s.person(nil).logIn(v5)
				c.jar = other.copy().jar
				c.other = other
				return c
			},
			act: login(v4), good: began,
			after: func(c *scene, _ answer, acknowledged, sure bool) {
				if gone := !c.other.signedIn(); acknowledged && !gone || !acknowledged && sure && gone {
					c.t.Errorf("whoever was signed in before: ended %t, acknowledged %t", gone, acknowledged)
				}
			},
			again: func(c *scene) error {
				c.jar = map[string]string{}
				if a := login(v4)(c, context.Background()); !began(a) {
					return fmt.Errorf("%d", a.status)
				}
				return nil
			},
		},
		{
			name: "sign-in with an old hash", prepare: func(s *site) *scene {
				return &scene{person: s.person(func(in *gatehouse.NewUser) { // bcrypt of password, cost 4
					in.PasswordHash = bcryptHash
				})}
			},
			act: login(v4), good: began, after: onlyHereSignedIn,
		},
		{
			name: "wrong password", prepare: somebody,
			act: func(c *scene, ctx context.Context) answer {
				return c.ask(ctx, loginWith(v4, c.Email, newPassword))
			},
			good: status(http.StatusUnauthorized), after: nobodySignedIn,
		},
		{
			name: "wrong password hosted page", prepare: somebody,
			act: func(c *scene, ctx context.Context) answer {
				return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/callback/credentials", visits: true, form: url.Values{
					"csrfToken": {c.csrf(v4)}, "identifier": {c.Email}, "password": {newPassword}, "hosted": {"1"},
				}})
			},
			good: status(http.StatusUnauthorized), after: nobodySignedIn,
		},
		{
			name: "unknown identifier", prepare: func(s *site) *scene {
				time.Sleep(time.Minute) // only some guesses in a while become an event
				return &scene{person: s.stranger()}
			},
			act: login(v4), good: status(http.StatusUnauthorized), after: nobodySignedIn,
		},
		{
			name: "unknown identifier once more", prepare: func(s *site) *scene {
				guesses := 1
				if s.people == 0 {
					guesses = 6
				}
				for range guesses {
					login(v4)(&scene{person: s.stranger()}, context.Background())
				}
				return &scene{person: s.stranger()}
			},
			act: login(v4), good: status(http.StatusUnauthorized), after: nobodySignedIn,
		},
		{
			name: "sign-in that asks for a new password", prepare: mustChange, act: login(v4),
			good: func(a answer) bool {
				return a.status == http.StatusForbidden && strings.Contains(a.body, "password_change_needed")
			},
			after: func(c *scene, _ answer, _, _ bool) {
				if c.signedIn() || c.sessions() != 0 {
					c.t.Error("signed in before the step that was missing")
				}
			},
		},
		{
			name: "new password step", prepare: func(s *site) *scene {
				c := mustChange(s)
				login(v4)(c, context.Background())
				c.extra = c.hash()
				return c
			},
			act: func(c *scene, ctx context.Context) answer {
				return c.ask(ctx, request{method: http.MethodPost, path: v4 + "/new-password", visits: true, form: url.Values{
					"csrfToken": {c.csrf(v4)}, "newPassword": {newPassword},
				}})
			},
			good: began,
			after: func(c *scene, a answer, acknowledged, sure bool) {
				changed := c.hash() != c.extra
				if acknowledged != c.signedIn() || acknowledged && !changed || !acknowledged && sure && (changed || c.sessions() != 0) {
					c.t.Errorf("acknowledged %t, signed in %t, changed %t, sessions %d", acknowledged, c.signedIn(), changed, c.sessions())
				}
			},
			again: func(c *scene) error { return c.wholly(c.extra) },
		},
	}
}

// wholly signs in anew: with the new password when it was stored, and with the
// old one, and the step that it leads to, when it was not.
func (c *scene) wholly(oldHash string) error {
	e := c.elsewhere()
	if c.hash() == oldHash {
		if a := e.ask(context.Background(), loginWith(v4, c.Email, password)); a.status >= 500 || a.status == http.StatusUnauthorized {
			return fmt.Errorf("the old password is stored and refused: %d %s", a.status, a.body)
		}
		return nil
	}
	if a := e.ask(context.Background(), loginWith(v4, c.Email, newPassword)); !began(a) {
		return fmt.Errorf("the new password is stored and refused: %d %s", a.status, a.body)
	}
	if a := c.elsewhere().ask(context.Background(), loginWith(v4, c.Email, password)); a.status != http.StatusUnauthorized {
		return fmt.Errorf("the new password is stored, and the old one is answered %d", a.status)
	}
	return nil
}

// bcryptHash is password's, of a cost that is replaced at the next sign-in.
const bcryptHash = "$2a$04$jP53JVcIDQb2kjm58xyVWeNxF8GLx03kfEhhed48nVVyrOfVwvpbi"

func mustChange(s *site) *scene {
	return &scene{person: s.person(func(in *gatehouse.NewUser) { in.MustChange = true })}
}

// onlyHereSignedIn: the browser is signed in if it was told so, and a session
// that nobody was told of may lie in the table when the answer was lost, where
// nobody has its cookie.
func onlyHereSignedIn(c *scene, _ answer, acknowledged, sure bool) {
	if c.signedIn() != acknowledged {
		c.t.Errorf("acknowledged %t, signed in %t", acknowledged, c.signedIn())
	}
	want := 0
	if acknowledged {
		want = 1
	}
	if n := c.sessions(); n != want && (sure || n > 1) {
		c.t.Errorf("%d sessions, want %d", n, want)
	}
}

func nobodySignedIn(c *scene, _ answer, _, _ bool) {
	if c.signedIn() || c.ID != "" && c.sessions() != 0 {
		c.t.Error("somebody is signed in")
	}
}
