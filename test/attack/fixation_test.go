package attack_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// A way is one of those in which a session begins. begin signs the user with
// the address in, with the cookies that the browser has.
type way struct {
	name  string
	begin func(t *testing.T, b *browser, email string) answer
}

const nextPassword = "eleven blue boats in fog"

var ways = []way{
	{"the form", func(_ *testing.T, b *browser, email string) answer {
		return b.form("/callback/credentials", map[string]string{"identifier": email, "password": password})
	}},
	{"JSON", func(_ *testing.T, b *browser, email string) answer {
		return b.json("/login", map[string]any{"identifier": email, "password": password})
	}},
	{"the step of a new password", func(t *testing.T, b *browser, email string) answer {
		b.mustChange(t, email)
		if a := b.form("/callback/credentials", map[string]string{"identifier": email, "password": password}); a.beginsSession() {
			t.Fatal("a session began before the step")
		}
		a := b.form("/new-password", map[string]string{"newPassword": nextPassword})
		b.setPassword(t, email, password, false) // for the next way; it ends what began
		return a
	}},
	{"sign-up", func(_ *testing.T, b *browser, _ string) answer {
		email := "new-" + b.dialect.String() + "@app.example"
		return b.form("/signup", map[string]string{"identifier": email, "password": password})
	}},
}

func (s *site) setPassword(t *testing.T, email, pw string, mustChange bool) {
	t.Helper()
	u, err := s.Users().Find(t.Context(), email)
	if err == nil {
		err = s.Users().SetPassword(t.Context(), "test", u.ID, auth.Secret(pw), mustChange)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) mustChange(t *testing.T, email string) {
	t.Helper()
	s.setPassword(t, email, password, true)
}

// sid is the session that a cookie of this dialect is about, by its readable
// copy.
func sid(t *testing.T, d dialect, cookie string) string {
	t.Helper()
	id, _ := newForger(t, d).open(t, cookie)["sid"].(string)
	if !strings.HasPrefix(id, "ses_") {
		t.Fatalf("%s: the cookie names the session %q", d, id)
	}
	return id
}

// Whoever plants cookies before somebody signs in holds none of what signing in
// leads to, by whichever way: the planted session ends, and neither the CSRF
// cookie nor a step that was begun elsewhere becomes one.
//
// proves: CB-4, ASVS 7.2.4
func TestFixation_plantedCookiesNeverBecomeTheVictimsSession(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	s.newUser(t, "thief@app.example")
	s.newUser(t, "bound@app.example") // the thief's too: has a step to take
	for _, d := range dialects {
		for _, w := range ways {
			thief := s.browser(d)
			s.mustChange(t, "bound@app.example")
			thief.form("/callback/credentials", map[string]string{"identifier": "bound@app.example", "password": password})
			thief.signIn(t, "thief@app.example", password)
			if thief.jar[d.stem+"attempt"] == "" || thief.jar[d.stem+"csrf-token"] == "" || thief.who().Email != "thief@app.example" {
				t.Fatalf("%s: the thief has nothing to plant: %v", d, thief.jar)
			}
			planted := maps.Clone(thief.jar)
			victim := thief.thief() // the victim's browser has the planted cookies

			a := w.begin(t, victim, "victim@app.example")
			if !a.beginsSession() {
				t.Fatalf("%s, %s: the control began no session: %d %s", d, w.name, a.status, a.body)
			}
			now := a.cookies()[d.session()]
			if now == planted[d.session()] || sid(t, d, now) == sid(t, d, planted[d.session()]) {
				t.Errorf("%s, %s: the victim goes on in the planted session", d, w.name)
			}
			if got := s.who(d, planted); got.ID != "" {
				t.Errorf("%s, %s: the planted cookies are %v", d, w.name, got)
			}
			// The step that was planted leads, at most, to the thief's own account.
			step := s.browser(d)
			step.jar[d.stem+"attempt"] = planted[d.stem+"attempt"]
			if a := step.form("/new-password", map[string]string{"newPassword": nextPassword}); a.beginsSession() {
				if got := step.who().Email; got != "bound@app.example" {
					t.Errorf("%s, %s: the planted step led to %q", d, w.name, got)
				}
			}
		}
	}
}

// A session that is the browser's own gets another ID with each sign-in and
// with a change of the password, and the old cookie dies: after the grace for
// requests under way, or at once when the password was changed.
//
// proves: ASVS 7.2.4, CS-13
func TestFixation_everySignInMakesAnotherSession(t *testing.T) {
	hand := &clock{}
	s := newSite(t, func(c *gatehouse.Config) { c.Now, c.Session.MaxStaleness = hand.now, 5*time.Minute })
	const email = "victim@app.example"
	s.newUser(t, email)
	change := map[string]string{"currentPassword": password, "newPassword": nextPassword}
	again := append([]way{
		{"a password changed on the page", func(_ *testing.T, b *browser, _ string) answer { return b.form("/account/password", change) }},
		{"a password changed by JSON", func(_ *testing.T, b *browser, _ string) answer {
			return b.json("/change-password", map[string]any{"currentPassword": password, "newPassword": nextPassword})
		}},
	}, ways[:2]...)
	for _, d := range dialects {
		for _, w := range again {
			s.setPassword(t, email, password, false)
			b := s.browser(d).signIn(t, email, password)
			old := maps.Clone(b.jar)
			if s.who(d, old).Email != email {
				t.Fatalf("%s, %s: the control is not signed in", d, w.name)
			}
			a := w.begin(t, b, email)
			fresh := a.cookies()[d.session()]
			if fresh == "" {
				t.Fatalf("%s, %s: no session began: %d %s", d, w.name, a.status, a.body)
			}
			if sid(t, d, fresh) == sid(t, d, old[d.session()]) {
				t.Errorf("%s, %s: the session keeps its ID", d, w.name)
			}
			if strings.HasPrefix(w.name, "a password changed") && s.who(d, old).ID != "" {
				t.Errorf("%s, %s: the old cookie lives", d, w.name)
			}
			hand.advance(31 * time.Second)
			if got := s.who(d, old); got.ID != "" {
				t.Errorf("%s, %s: the old cookie still is %v", d, w.name, got)
			}
			if got := s.who(d, b.jar); got.Email != email {
				t.Errorf("%s, %s: the new cookie is %v", d, w.name, got)
			}
		}
	}
}

// The step between two challenges belongs to the browser that gave the first
// proof, once: without its cookie, with another's, with one invented, or a
// second time, there is no step.
//
// proves: ASVS 2.3.1
func TestFixation_theStepBelongsToTheBrowserThatBeganIt(t *testing.T) {
	s := newSite(t, nil)
	const email = "bound@app.example"
	s.newUser(t, email)
	for _, d := range dialects {
		s.mustChange(t, email)
		b := s.browser(d)
		b.form("/callback/credentials", map[string]string{"identifier": email, "password": password})
		name := d.stem + "attempt"
		secret := b.jar[name]
		if secret == "" {
			t.Fatalf("%s: no step was begun", d)
		}
		id, rest, _ := strings.Cut(secret, ".")
		for what, cookie := range map[string]string{
			"none": "", "the ID alone": id, "the ID and nothing": id + ".", "another secret": id + "." + strings.Repeat("A", len(rest)),
			"the secret alone": rest, "one sign more": secret + "A", "in capitals": strings.ToUpper(secret), "a wildcard": "%", "in quotes": `"` + secret + `"`,
			"a session instead": s.browser(d).signInAnew(t).jar[d.session()],
		} {
			other := s.browser(d)
			if cookie != "" {
				other.jar[name] = cookie
			}
			if a := other.form("/new-password", map[string]string{"newPassword": nextPassword}); a.beginsSession() {
				t.Errorf("%s, %s: the step was taken (%d)", d, what, a.status)
			}
		}
		used := b.thief()
		if a := b.form("/new-password", map[string]string{"newPassword": nextPassword}); !a.beginsSession() {
			t.Errorf("%s: the control could not take the step: %d", d, a.status)
		}
		if a := used.form("/new-password", map[string]string{"newPassword": "nine green kites at dusk"}); a.beginsSession() || a.status == http.StatusSeeOther {
			t.Errorf("%s: the step was taken twice (%d)", d, a.status)
		}
	}
}

// signInAnew signs somebody up, in whatever browser this is.
func (b *browser) signInAnew(t *testing.T) *browser {
	t.Helper()
	if a := b.form("/signup", map[string]string{"identifier": "anew-" + b.dialect.String() + "@app.example", "password": password}); !a.beginsSession() {
		t.Fatalf("sign up: %d %s", a.status, a.body)
	}
	return b
}
