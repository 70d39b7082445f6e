package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// once are the parts of a page that differ each time it is made.
var once = regexp.MustCompile(`(csrfToken" value|nonce)="\w+"`)

// A wrong password keeps what was typed, says so beside the form, and tells
// nobody whether there is such an account.
//
// proves: ASVS 6.3.8
func TestSignIn_keepsTheIdentifierAndTellsNobodyWhetherItIsKnown(t *testing.T) {
	s := webtest.New(t, nil)
	signUp(t, s)
	pages := map[string]string{}
	for _, typed := range []string{ann, "nobody@example.test"} {
		v := s.Visitor().Get("/api/auth/signin?callbackUrl=%2Fback")
		v.Submit(map[string]string{"identifier": typed, "password": second})
		if v.Status != http.StatusUnauthorized || v.Address != "/api/auth/callback/credentials" || !v.Shows("Sign-in failed.") || !v.Shows(`value="`+typed+`"`) {
			t.Fatalf("%s: %d at %s:\n%s", typed, v.Status, v.Address, v.Body)
		}
		if v.Shows(second) {
			t.Error("the page shows the password")
		}
		pages[typed] = strings.ReplaceAll(once.ReplaceAllString(v.Body, ""), typed, "")
		if typed == ann {
			if v.Submit(map[string]string{"password": first}); v.Address != webtest.Origin+"/back" || v.SignedInAs() != ann {
				t.Errorf("the second try led to %s", v.Address)
			}
		}
	}
	if pages[ann] != pages["nobody@example.test"] {
		t.Errorf("a known and an unknown identifier get different pages:\n%s\n%s", pages[ann], pages["nobody@example.test"])
	}
}

func TestSignIn_keepsTheFormWhenThereWereTooManyTries(t *testing.T) {
	now := time.Now() // it stands still: however slow the machine, the wait is not over
	s := webtest.New(t, func(c *gatehouse.Config) {
		c.Limits.AccountFailures = 1
		c.Now = func() time.Time { return now }
	})
	signUp(t, s)
	for _, typed := range []string{ann, "nobody@example.test"} {
		v := s.Visitor().Get("/api/auth/signin")
		for range 2 {
			v.Submit(map[string]string{"identifier": typed, "password": second})
		}
		if v.Status != http.StatusTooManyRequests || v.Header.Get("Retry-After") != "1" || !v.Shows("Try again in 1 second.") || !v.Shows(`value="`+typed+`"`) {
			t.Errorf("%s: %d, Retry-After %q:\n%s", typed, v.Status, v.Header.Get("Retry-After"), v.Body)
		}
		if v.Shows("aria-invalid") {
			t.Error("a field is called wrong that is not")
		}
	}
}

func TestSignIn_offersAFreshFormWhenTheOldOneHasExpired(t *testing.T) {
	s := webtest.New(t, nil)
	signUp(t, s)
	v := s.Visitor().Get("/api/auth/signin")
	v.Submit(map[string]string{"identifier": ann, "password": first, "csrfToken": strings.Repeat("0", 64)})
	if v.Status != http.StatusForbidden || !v.Shows("The form had expired.") || !v.Shows(`value="`+ann+`"`) {
		t.Fatalf("%d:\n%s", v.Status, v.Body)
	}
	if v.Submit(map[string]string{"password": first}); v.SignedInAs() != ann {
		t.Error("the fresh form does not sign in")
	}
}

// Another site may send the form; it gets nothing done, and fills nothing in.
func TestSignIn_takesNothingOverFromAnotherSite(t *testing.T) {
	s := webtest.New(t, nil)
	v := s.Visitor().Get("/api/auth/signin")
	v.Sends.Set("Sec-Fetch-Site", "cross-site")
	v.Submit(map[string]string{"identifier": "planted@evil.example", "password": first})
	if v.Status != http.StatusForbidden || v.Shows("planted") {
		t.Errorf("%d:\n%s", v.Status, v.Body)
	}
}

func TestSignIn_countsAnEmptyFormAsNoTry(t *testing.T) {
	s := webtest.New(t, func(c *gatehouse.Config) { c.Limits.AccountFailures = 1 })
	signUp(t, s)
	v := s.Visitor().Get("/api/auth/signin")
	for range 3 {
		if v.Submit(map[string]string{"identifier": ann, "password": ""}); v.Status != http.StatusBadRequest || !v.Shows("and your password.") {
			t.Fatalf("%d:\n%s", v.Status, v.Body)
		}
	}
	if v.Submit(map[string]string{"password": first}); v.SignedInAs() != ann {
		t.Errorf("after empty forms: %d", v.Status)
	}
}

// What is not the hosted form gets the protocol's answers, whatever it says of
// itself.
func TestSignIn_answersOtherCallersByTheProtocol(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *gatehouse.Config)
		fields url.Values
		sends  http.Header
		want   int
	}{
		"a form of an application": {fields: url.Values{}, want: http.StatusFound},
		"asking for JSON":          {fields: url.Values{"hosted": {"1"}, "json": {"true"}}, want: http.StatusUnauthorized},
		"fetch":                    {fields: url.Values{"hosted": {"1"}}, sends: http.Header{"Sec-Fetch-Mode": {"cors"}}, want: http.StatusFound},
		"a page of the application's own": {
			change: func(c *gatehouse.Config) { c.Mounts[0].Pages.SignIn = "/login" }, fields: url.Values{"hosted": {"1"}}, want: http.StatusFound,
		},
	} {
		s := webtest.New(t, c.change)
		v := s.Visitor()
		token := strings.TrimSuffix(strings.TrimPrefix(v.Get("/api/auth/csrf").Body, `{"csrfToken":"`), `"}`)
		v.Sends = c.sends
		c.fields.Set("csrfToken", token)
		c.fields.Set("identifier", ann)
		c.fields.Set("password", second)
		status := v.First("/api/auth/callback/credentials", "application/x-www-form-urlencoded", c.fields.Encode())
		if status != c.want {
			t.Errorf("%s: status %d, want %d", name, status, c.want)
		}
	}
}

// proves: ASVS 7.4.4
func TestSignOut_endsOnAPageThatSaysSo(t *testing.T) {
	s := webtest.New(t, nil)
	signUp(t, s)
	v := s.Visitor().Get("/api/auth/account") // and so the callback URL is this page
	v.Submit(map[string]string{"identifier": ann, "password": first})
	for _, page := range []string{"/account", "/account/password", "/account/delete"} {
		if v.Get("/api/auth" + page); !v.Shows(`"` + webtest.Origin + `/api/auth/signout"`) {
			t.Errorf("%s has no way to sign out", page)
		}
	}
	v.Get("/api/auth/signout").Submit(nil)
	if v.Address != "/api/auth/signed-out" || !v.Shows("<h1>You are signed out</h1>") || v.Shows("Sign in to see this page") {
		t.Fatalf("at %s:\n%s", v.Address, v.Body)
	}
	if v.SignedInAs() != "" {
		t.Error("still signed in")
	}
	v.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": first})
	if v.Get("/api/auth/signed-out"); v.Address != "/api/auth/account" {
		t.Errorf("somebody signed in is told the contrary, at %s", v.Address)
	}
}

func TestSignOut_returnsWhereTheApplicationWants(t *testing.T) {
	s := webtest.New(t, nil)
	v := signUp(t, s)
	v.Get("/api/auth/signout?callbackUrl=%2Fgoodbye").Submit(nil)
	if v.Address != webtest.Origin+"/goodbye" {
		t.Errorf("at %s", v.Address)
	}
}

// Somebody who follows a bad link sees a page; a program gets what the protocol
// says.
func TestNothing_isAPageForPeople(t *testing.T) {
	for _, dialect := range []string{"v4", "v5"} {
		s := webtest.New(t, func(c *gatehouse.Config) { c.Mounts[0].Dialect = dialect })
		for _, path := range []string{"/nothing", "/account/nothing", "", "/"} {
			v := s.Visitor()
			v.Get("/api/auth" + path)
			if v.Status != http.StatusBadRequest || strings.Contains(v.Header.Get("Content-Type"), "html") {
				t.Errorf("%s, %q: a program gets %d %s", dialect, path, v.Status, v.Header.Get("Content-Type"))
			}
			v.Sends.Set("Sec-Fetch-Mode", "navigate")
			v.Get("/api/auth" + path)
			if v.Status != http.StatusNotFound || !v.Shows("<h1>There is nothing here</h1>") {
				t.Errorf("%s, %q: a person gets %d:\n%s", dialect, path, v.Status, v.Body)
			}
		}
	}
}

func TestPages_speakTheVisitorsLanguage(t *testing.T) {
	s := webtest.New(t, nil)
	v := s.Visitor()
	v.Sends.Set("Accept-Language", "de-DE,de;q=0.9")
	v.Get("/api/auth/signup").Submit(map[string]string{"identifier": ann, "password": "kurz"})
	if !v.Shows("Dieses Passwort hat 4 Zeichen; nötig sind mindestens 15.") || v.Header.Get("Content-Language") != "de" {
		t.Errorf("%d:\n%s", v.Status, v.Body)
	}
	v.Get("/api/auth/signin?lang=en")
	if !v.Shows("<h1>Sign in</h1>") {
		t.Error("the address does not decide")
	}
	v.Submit(map[string]string{"identifier": ann, "password": second})
	if !v.Shows("Sign-in failed.") {
		t.Errorf("the chosen language is forgotten:\n%s", v.Body)
	}
	body := `{"identifier":"` + ann + `","password":"kurz"}`
	if v.Sends.Del("Cookie"); !v.JSON("/api/auth/register", body).Shows("This password has 4 characters; use at least 15.") {
		t.Errorf("JSON is not English: %s", v.Body)
	}
}

// proves: ASVS 3.5.7
func TestAssets_areTheSameForEverybody(t *testing.T) {
	s := webtest.New(t, nil)
	in, out := signUp(t, s), s.Visitor()
	names := regexp.MustCompile(`/api/auth/assets/[\w.]+`).FindAllString(in.Get("/api/auth/account").Body, -1)
	if len(names) != 3 {
		t.Fatalf("assets %q", names)
	}
	for _, name := range names {
		a, b := in.Get(name), out.Get(name)
		if a.Status != 200 || a.Body != b.Body || a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", name, a.Status, a.Header)
		}
	}
}
