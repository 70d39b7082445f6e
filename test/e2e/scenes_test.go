//go:build unix

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// scene is a hosted page in one of the states in which people see it.
type scene struct {
	name string
	// mark is a selector that matches in this state and in none before it.
	mark string
	// set brings the state about and returns the tab that shows it.
	set func(c *cast) *tab
}

// cast is who plays in the scenes, all in one language. Scenes are played in
// their order: some begin where another one ended.
type cast struct {
	t        *testing.T
	language string
	open     *house
	closed   *house
	invited  *house
	scripts  bool

	nobody, somebody, halfway *tab
	email                     string
}

const (
	refused     = `form [role="alert"]`
	newPassword = "two orange boats on a grey river"
)

var scenes = []scene{
	{"signin", `form[action*="/callback/credentials"]:not(:has([role="alert"])) [name="password"]`, func(c *cast) *tab {
		c.nobody.hostedIn(c.language, "/signin")
		return c.nobody
	}},
	{"signin-wrong", `form:has([role="alert"]) [name="password"]`, func(c *cast) *tab {
		c.nobody.sends("identifier", c.email, "password", "not the password at all")
		return c.nobody
	}},
	{"signin-throttled", `form:has([role="alert"]) [name="password"]`, func(c *cast) *tab {
		b := c.nobody
		wrong := b.text(refused)
		for range 12 {
			b.turns("be answered", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
				const form = document.querySelector("form:has([name=password])");
				form.elements.identifier.value = %q; form.elements.password.value = "not the password at all"; form.requestSubmit() }`, c.email)))
			if b.text(refused) != wrong {
				return b
			}
		}
		b.t.Fatal("twelve wrong passwords are never told to wait")
		return nil
	}},
	{"signup", `form[action*="/signup"]:not(:has([role="alert"])) [name="password"]`, func(c *cast) *tab {
		c.nobody.hostedIn(c.language, "/signup")
		return c.nobody
	}},
	{"signup-refused", `form[action*="/signup"]:has([role="alert"]) [name="password"]`, func(c *cast) *tab {
		c.nobody.sends("identifier", "pia-"+c.email, "name", "Pia", "password", "short")
		return c.nobody
	}},
	{"signup-by-invitation", `form[action*="/signup"] [name="invitationCode"]`, func(c *cast) *tab {
		b := c.invited.guest(c.t, c.scripts)
		b.hostedIn(c.language, "/signup")
		return b
	}},
	{"signup-closed", `main:not(:has(form [name="password"])) a[href*="/signin"]`, func(c *cast) *tab {
		b := c.closed.guest(c.t, c.scripts)
		b.hostedIn(c.language, "/signup")
		return b
	}},
	{"setup", `form[action*="/setup"]:not(:has([role="alert"])) [name="password"]`, func(c *cast) *tab {
		c.nobody.hostedIn(c.language, "/setup")
		return c.nobody
	}},
	{"setup-refused", `form[action*="/setup"]:has([role="alert"]) [name="password"]`, func(c *cast) *tab {
		c.nobody.sends("setupToken", "chl_0.x", "identifier", "pia-"+c.email, "name", "Pia", "password", "seven blue lanterns")
		return c.nobody
	}},
	{"error-denied", `main a[href*="/signin"]`, func(c *cast) *tab {
		c.nobody.hostedIn(c.language, "/error?error=AccessDenied")
		return c.nobody
	}},
	{"error-configuration", `main a[href*="/signin"]`, func(c *cast) *tab {
		c.nobody.hostedIn(c.language, "/error?error=Configuration")
		return c.nobody
	}},
	{"error-expired", `main a[href*="/signin"]`, func(c *cast) *tab {
		c.nobody.hostedIn(c.language, "/new-password")
		return c.nobody
	}},
	{"verify-request", `main a[href*="/signin"]`, func(c *cast) *tab {
		c.nobody.hostedIn(c.language, "/verify-request")
		return c.nobody
	}},
	{"new-password", `form[action*="/new-password"]:not(:has([role="alert"])) [name="newPassword"]`, func(c *cast) *tab {
		email := "new-" + c.email
		password := c.open.newcomer(email)
		c.halfway.hostedIn(c.language, "/signin")
		c.halfway.sends("identifier", email, "password", password)
		return c.halfway
	}},
	{"new-password-refused", `form[action*="/new-password"]:has([role="alert"]) [name="newPassword"]`, func(c *cast) *tab {
		c.halfway.sends("newPassword", "short")
		return c.halfway
	}},
	{"account", `main:not(:has(.done)) a[href*="/account/password"]`, func(c *cast) *tab {
		c.somebody.enter(c.language, c.email, userPassword)
		return c.somebody
	}},
	{"sessions", `.sessions li:nth-child(2) form[action*="/account/sessions"]`, func(c *cast) *tab {
		elsewhere := c.open.guest(c.t, c.scripts)
		elsewhere.enter(c.language, c.email, userPassword)
		c.somebody.hostedIn(c.language, "/account/sessions")
		return c.somebody
	}},
	{"sessions-apps", `section .sessions li:nth-child(1) form[action*="/account/sessions"]`, func(c *cast) *tab {
		c.open.app(c.email)
		c.somebody.hostedIn(c.language, "/account/sessions")
		return c.somebody
	}},
	{"sessions-ended", `main:has(.done) .sessions li:only-child form[action*="/account/sessions"]`, func(c *cast) *tab {
		c.somebody.turns("press the button", chromedp.Click(`form:has([value="others"]) button`))
		return c.somebody
	}},
	{"signout", `form[action*="/signout"] button[type="submit"]`, func(c *cast) *tab {
		c.somebody.hostedIn(c.language, "/signout")
		return c.somebody
	}},
	{"password", `form[action*="/account/password"]:not(:has([role="alert"])) [name="newPassword"]`, func(c *cast) *tab {
		c.somebody.hostedIn(c.language, "/account/password")
		return c.somebody
	}},
	{"password-refused", `form[action*="/account/password"]:has([role="alert"]) [name="newPassword"]`, func(c *cast) *tab {
		c.somebody.sends("currentPassword", userPassword, "newPassword", "short")
		return c.somebody
	}},
	{"account-changed", `main:has(.done) a[href*="/account/password"]`, func(c *cast) *tab {
		c.somebody.sends("currentPassword", userPassword, "newPassword", newPassword)
		return c.somebody
	}},
	{"delete", `form[action*="/account/delete"]:not(:has([role="alert"])) [name="password"]`, func(c *cast) *tab {
		c.somebody.hostedIn(c.language, "/account/delete")
		return c.somebody
	}},
	{"delete-refused", `form[action*="/account/delete"]:has([role="alert"]) [name="password"]`, func(c *cast) *tab {
		c.somebody.sends("password", "not the password at all")
		return c.somebody
	}},
	{"deleted", `main:not(:has(form [name="password"])) h1`, func(c *cast) *tab {
		c.somebody.sends("password", newPassword)
		return c.somebody
	}},
}

// players are a cast with users of its own.
func players(t *testing.T, n int, language string, scripts bool, open, invited, closed *house) *cast {
	t.Helper()
	c := &cast{
		t: t, language: language, scripts: scripts, open: open, invited: invited, closed: closed,
		email: fmt.Sprintf("ada.featherstonehaugh-%d@mathematics.university.example.test", n),
	}
	open.person(c.email, "Ada Featherstonehaugh-Konstantinopoulou")
	c.nobody, c.somebody, c.halfway = open.guest(t, scripts), open.guest(t, scripts), open.guest(t, scripts)
	return c
}

// turns does something that leads to another page, and waits for that.
func (b *tab) turns(what string, do ...step) {
	b.t.Helper()
	b.do("mark the page", chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.left = ""`))
	b.do(what, do...)
	b.wait(what, `document.readyState === "complete" && document.documentElement.dataset.left === undefined`)
}

// sends fills the form of a hosted page as hosted does, and waits for the page
// that answers: one state often looks like the one before it.
func (b *tab) sends(pairs ...string) {
	b.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		b.fill(input(pairs[i]), pairs[i+1])
	}
	b.turns("send the form", chromedp.Click(submit))
}

// play shows one scene after the other to look.
func (c *cast) play(look func(t *testing.T, name string, b *tab)) {
	for _, s := range scenes {
		c.t.Run(s.name, func(t *testing.T) {
			show := *c
			show.t = t
			for _, b := range []**tab{&show.nobody, &show.somebody, &show.halfway} {
				*b = (*b).within(t)
			}
			b := s.set(&show)
			b.wait(s.name, fmt.Sprintf(`document.readyState === "complete" && document.querySelector(%q) !== null`, s.mark))
			if got := evaluated[string](b, "document.documentElement.lang"); got != c.language {
				t.Errorf("the page is in %q, want %q", got, c.language)
			}
			look(t, s.name, b)
		})
	}
}
