package portal_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

const (
	ann    = "ann@example.test"
	first  = "violet tractor monsoon 77"
	second = "umbrella granite otter 88"
)

func signUp(t *testing.T, s *webtest.Site) *webtest.Visitor {
	t.Helper()
	v := s.Visitor().Get("/api/auth/signup")
	v.Submit(map[string]string{"identifier": ann, "name": "Ann", "password": first})
	if v.Address != webtest.Origin {
		t.Fatalf("after sign-up at %s (%d):\n%s", v.Address, v.Status, v.Body)
	}
	return v
}

func signIn(s *webtest.Site, password string) *webtest.Visitor {
	v := s.Visitor().Get("/api/auth/signin")
	return v.Submit(map[string]string{"identifier": ann, "password": password})
}

func TestSignUp_signsInAndReturns(t *testing.T) {
	s := webtest.New(t, nil)
	if got := signUp(t, s).SignedInAs(); got != ann {
		t.Errorf("signed in as %q", got)
	}
}

// Where no application stands in front, a sign-in ends where nothing is: that
// is a page, and it leads on.
func TestNowhere_isAPageThatLeadsToTheAccount(t *testing.T) {
	s := webtest.New(t, nil)
	v := signUp(t, s)
	v.Sends.Set("Sec-Fetch-Mode", "navigate")
	if v.Get("/"); v.Status != 404 || !v.Shows("There is nothing here") || !v.Shows(`class="button" href="http://localhost:3000/api/auth/account"`) {
		t.Errorf("%d:\n%s", v.Status, v.Body)
	}
	v.Sends.Set("Sec-Fetch-Mode", "cors")
	if v.Get("/"); v.Status != 404 || !v.Shows(`"code":"not_found"`) {
		t.Errorf("a script: %d:\n%s", v.Status, v.Body)
	}
}

// The sign-in page takes somebody else's password too, as the page for those
// who are not allowed promises.
func TestSignIn_asSomebodyElseReplacesTheSession(t *testing.T) {
	const ben = "ben@example.test"
	s := webtest.New(t, nil)
	v := signUp(t, s)
	if _, err := s.Users().Create(t.Context(), "test", user.New{Email: ben, Password: second}); err != nil {
		t.Fatal(err)
	}
	before := v.Copy()
	v.Get("/api/auth/signin").Submit(map[string]string{"identifier": ben, "password": second})
	if got := v.SignedInAs(); got != ben || before.SignedInAs() != "" {
		t.Errorf("signed in as %q, and in the session of before as %q", got, before.SignedInAs())
	}
}

func TestSignUp_leadsToTheApplicationsPageForNewUsers(t *testing.T) {
	s := webtest.New(t, func(c *gatehouse.Config) { c.Mounts[0].Pages.NewUser = "/welcome?x=1" })
	v := s.Visitor().Get("/api/auth/signup?callbackUrl=%2Fback")
	v.Submit(map[string]string{"identifier": ann, "password": first})
	if want := webtest.Origin + "/welcome?x=1&callbackUrl=http%3A%2F%2Flocalhost%3A3000%2Fback"; v.Address != want {
		t.Errorf("at %s, want %s", v.Address, want)
	}
}

func TestSignUp_keepsWhatWasTypedAndSaysWhatIsWrong(t *testing.T) {
	s := webtest.New(t, nil)
	v := s.Visitor().Get("/api/auth/signup")
	v.Submit(map[string]string{"identifier": "o'brien@example.test", "name": `<b>"Ann"`, "password": "short"})
	if v.Status != 400 || !v.Shows("at least 15") || !v.Shows("o&#39;brien@example.test") || !v.Shows("&lt;b&gt;&#34;Ann&#34;") {
		t.Errorf("%d:\n%s", v.Status, v.Body)
	}
	if v.Shows("short\"") {
		t.Error("the page shows the password again")
	}
	signUp(t, s)
	v = s.Visitor().Get("/api/auth/signup")
	if v.Submit(map[string]string{"identifier": "ANN@example.test", "password": second}); v.Status != 409 {
		t.Errorf("a taken identifier: %d", v.Status)
	}
}

func TestSignUp_byInvitationAlone(t *testing.T) {
	s := webtest.New(t, func(c *gatehouse.Config) { c.Registration.Mode = "invitation" })
	_, code, err := s.Invitations().Create(t.Context(), "cli", registration.NewInvitation{Roles: []string{"editor"}})
	if err != nil {
		t.Fatal(err)
	}
	v := s.Visitor().Get("/api/auth/signup")
	v.Submit(map[string]string{"identifier": ann, "password": first, "invitationCode": "inv_wrong.wrong"})
	if v.Status != 403 {
		t.Errorf("a wrong code: %d", v.Status)
	}
	v.Submit(map[string]string{"password": first, "invitationCode": code.Reveal()})
	if got := v.SignedInAs(); got != ann || !strings.Contains(v.Body, `"roles":["editor"]`) {
		t.Errorf("with the code: signed in as %q, %s", got, v.Body)
	}
}

func TestSignUp_closed(t *testing.T) {
	s := webtest.New(t, func(c *gatehouse.Config) { c.Registration.Mode = "closed" })
	if v := s.Visitor().Get("/api/auth/signup"); v.Status != 403 || !v.Shows("closed") {
		t.Errorf("%d:\n%s", v.Status, v.Body)
	}
	if s.Visitor().Get("/api/auth/signin").Shows("/signup") {
		t.Error("the sign-in page leads to a closed sign-up")
	}
}

// proves: ASVS 3.5.1
func TestForms_refuseAPostWithoutTheirToken(t *testing.T) {
	s := webtest.New(t, nil)
	v := signUp(t, s)
	for _, path := range []string{"/signup", "/account/password", "/account/delete", "/new-password"} {
		v.Post("/api/auth"+path, "application/x-www-form-urlencoded", "password="+first+"&currentPassword="+first+"&newPassword="+second)
		if v.Status != 403 {
			t.Errorf("%s without the token: %d, want 403", path, v.Status)
		}
	}
	if got := v.SignedInAs(); got != ann {
		t.Errorf("signed in as %q after the refused posts", got)
	}
}

func TestAccount_asksStrangersToSignInAndBringsThemBack(t *testing.T) {
	s := webtest.New(t, nil)
	signUp(t, s)
	v := s.Visitor().Get("/api/auth/account")
	if !v.Shows("Sign in") {
		t.Fatalf("%d at %s", v.Status, v.Address)
	}
	v.Submit(map[string]string{"identifier": ann, "password": first})
	if v.Address != "/api/auth/account" || !v.Shows("signed in as <strong>Ann</strong>") {
		t.Errorf("at %s:\n%s", v.Address, v.Body)
	}
}

// proves: ASVS 6.2.2, ASVS 6.2.3
func TestPassword_changeEndsTheOtherSessionsAndKeepsThisOne(t *testing.T) {
	s := webtest.New(t, nil)
	here := signUp(t, s)
	there := signIn(s, first)
	here.Get("/api/auth/account/password").Submit(map[string]string{"currentPassword": second, "newPassword": second})
	if here.Status != 401 || !here.Shows("current password is wrong") {
		t.Errorf("with a wrong old password: %d", here.Status)
	}
	here.Submit(map[string]string{"currentPassword": first, "newPassword": second})
	if !here.Shows("Your password was changed") {
		t.Fatalf("%d:\n%s", here.Status, here.Body)
	}
	if here.SignedInAs() != ann || there.SignedInAs() != "" {
		t.Errorf("here %q and there %q, want this session alone", here.SignedInAs(), there.SignedInAs())
	}
	if signIn(s, first).SignedInAs() != "" || signIn(s, second).SignedInAs() != ann {
		t.Error("the old password still opens, or the new one does not")
	}
}

func TestDelete_removesTheAccountAfterThePassword(t *testing.T) {
	s := webtest.New(t, nil)
	v := signUp(t, s)
	if v.Get("/api/auth/account/delete").Submit(map[string]string{"password": second}); v.Status != 401 {
		t.Errorf("with a wrong password: %d", v.Status)
	}
	if v.Submit(map[string]string{"password": first}); v.Status != 200 || !v.Shows("deleted") {
		t.Errorf("%d:\n%s", v.Status, v.Body)
	}
	if v.SignedInAs() != "" || signIn(s, first).SignedInAs() != "" {
		t.Error("the account still opens")
	}
}

func TestNewPassword_isDemandedBeforeASessionBegins(t *testing.T) {
	s := webtest.New(t, nil)
	if _, err := s.Users().Create(t.Context(), "cli", user.New{Email: ann, Password: first, MustChange: true}); err != nil {
		t.Fatal(err)
	}
	v := signIn(s, first)
	if !v.Shows("Choose a new password") {
		t.Fatalf("%d at %s:\n%s", v.Status, v.Address, v.Body)
	}
	stranger := s.Visitor().Get("/api/auth/new-password")
	if stranger.Status != 410 {
		t.Errorf("the step without the one before it: %d, want 410", stranger.Status)
	}
	if v.Submit(map[string]string{"newPassword": "short"}); v.Status != 400 {
		t.Errorf("a bad password: %d", v.Status)
	}
	v.Submit(map[string]string{"newPassword": second})
	if v.SignedInAs() != ann {
		t.Errorf("signed in as %q", v.SignedInAs())
	}
	if signIn(s, second).SignedInAs() != ann {
		t.Error("the new password does not open, or another one is demanded")
	}
}

// proves: ASVS 14.3.2, ASVS 3.4.4, ASVS 3.4.6
func TestPages_areNeitherKeptNorFramedNorSniffed(t *testing.T) {
	s := webtest.New(t, nil)
	v := signUp(t, s)
	for _, path := range []string{"/signin", "/signup", "/signout", "/error?error=AccessDenied", "/verify-request", "/account", "/account/password", "/account/delete"} {
		v.Get("/api/auth" + path)
		csp := v.Header.Get("Content-Security-Policy")
		if v.Header.Get("Cache-Control") != "no-store" || v.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'nonce-") {
			t.Errorf("%s: %v", path, v.Header)
		}
	}
}
