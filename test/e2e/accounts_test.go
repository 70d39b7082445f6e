//go:build unix

package e2e_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

func TestApp_registersThenSignsInAfterAWrongPassword(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)

	b.open("/")
	b.shows(id("session-status"), "unauthenticated")
	if got := b.calls("api-me"); got != "401" {
		t.Errorf("/api/me answered %s to nobody", got)
	}

	b.click(id("register"))
	b.fill(id("register-name"), "Nia New")
	b.fill(id("register-email"), "nia@example.test")
	b.fill(id("register-password"), "too short")
	b.click(id("register-submit"))
	if got := b.text(id("register-error")); !strings.Contains(got, "15") {
		t.Errorf("a short password: %q does not say how long it must be", got)
	}
	b.fill(id("register-password"), "a kettle of purple winter tea")
	b.click(id("register-submit"))
	b.at("/profile")
	b.shows(id("profile-email"), "nia@example.test")
	b.says(id("profile-name"), "Nia New")
	b.says(id("profile-roles"), "user")
	b.signOut()

	b.open("/login")
	b.fill(id("login-email"), "nia@example.test")
	b.fill(id("login-password"), "not the password at all")
	b.click(id("login-submit"))
	b.says(id("login-error"), "That is not the right password, or there is no such account.")
	b.fill(id("login-password"), "a kettle of purple winter tea")
	b.click(id("login-submit"))
	b.at("/")
	b.shows(id("session-status"), "authenticated")
	b.says(id("session-email"), "nia@example.test")
	b.says(id("who"), "Nia New")

	if got := b.calls("api-me"); got != "200" {
		t.Errorf("/api/me answered %s", got)
	}
	if got := b.calls("api-admin"); got != "403" {
		t.Errorf("/api/admin answered %s to a user", got)
	}
	b.reload()
	b.shows(id("session-status"), "authenticated")
	b.says(id("session-email"), "nia@example.test")
}

// proves: NEXT-12, NEXT-20
func TestApp_refusesTheAdminPageToAUserAndShowsItToAnAdmin(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)

	user := visitor(t, app.origin)
	user.signIn(userEmail, userPassword)
	user.click(id("nav-admin"))
	user.shows(id("admin-status"), "403")
	user.says(id("admin-message"), "You are signed in, but not as an administrator.")

	admin := visitor(t, app.origin)
	admin.signIn(adminEmail, adminPassword)
	admin.click(id("nav-admin"))
	admin.shows(id("admin-status"), "200")
	if got := admin.text(id("admin-data")); !strings.Contains(got, "Hello, administrator Demo Admin.") {
		t.Errorf("the admin page has %q", got)
	}
}

func TestApp_hostedPageSignsInAndReturnsToWhereTheVisitorWas(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)

	b.open("/admin")
	b.shows(id("admin-status"), "401")
	b.click(id("sign-in")) // signIn() of next-auth: the callback URL is this page
	b.titled("Sign in")
	if at, _ := ask[string](b, "location.pathname"); at != "/api/auth/signin" {
		t.Errorf("the hosted page is at %s", at)
	}
	b.hosted("identifier", userEmail, "password", "not the password at all")
	b.shows(".problem", "Sign-in failed. Check what you typed and try again.")
	b.hosted("identifier", userEmail, "password", userPassword)
	b.at("/admin")
	b.shows(id("admin-status"), "403")
	b.says(id("who"), "Demo User")
}

// proves: NEXT-30
func TestApp_hostedPageSendsNobodyToAnotherSite(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)
	for _, foreign := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "http://localhost.evil.example/"} {
		must(b, "forget the cookies", network.ClearBrowserCookies, cdp.Empty{})
		b.open("/api/auth/signin?callbackUrl=" + url.QueryEscape(foreign))
		b.titled("Sign in")
		b.hosted("identifier", userEmail, "password", userPassword)
		b.wait("leave the hosted page after callbackUrl="+foreign, `!location.pathname.startsWith("/api/auth/")`)
		if at, _ := ask[string](b, "location.origin"); at != app.origin {
			t.Errorf("callbackUrl=%s led to %s", foreign, at)
		}
		b.open("/")
		b.shows(id("session-status"), "authenticated")
	}
}

func TestApp_requiredSessionAsksForSignInAndReturns(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)

	b.open("/profile") // useSession({ required: true })
	b.titled("Sign in")
	b.shows(".notice", "Sign in to see this page.")
	b.hosted("identifier", userEmail, "password", userPassword)
	b.at("/profile")
	b.shows(id("profile-email"), userEmail)
}

// proves: NEXT-22
func TestApp_serverSidePageAsksForSignInAndReturns(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)

	b.open("/dashboard?tab=2") // getServerSideProps
	b.at("/login?callbackUrl=%2Fdashboard%3Ftab%3D2")
	b.fill(id("login-email"), userEmail)
	b.fill(id("login-password"), userPassword)
	b.click(id("login-submit"))
	b.at("/dashboard?tab=2")
	b.shows(id("dashboard-email"), userEmail)
}

func TestApp_staysSignedInWhenGatehouseIsRestarted(t *testing.T) {
	app := theExample(t)
	g := dev(t, app.gatehousePort, app.origin)
	b := visitor(t, app.origin)
	b.signIn(userEmail, userPassword)

	g.restart()
	b.reload()
	b.shows(id("session-status"), "authenticated")
	b.says(id("session-email"), userEmail)
	b.open("/dashboard")
	b.shows(id("dashboard-email"), userEmail)
	b.verdict("agree")
}

// A colleague gets a temporary password from an operator and signs in on the
// application's own page.
func TestApp_leadsWhoeverMustReplaceThePasswordToTheStepThatDoes(t *testing.T) {
	app := theExample(t)
	g := dev(t, app.gatehousePort, app.origin)
	var made struct {
		TemporaryPassword string `json:"temporary_password"`
	}
	out := g.cli("", "user", "create", "tim@example.test", "--temporary", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.TemporaryPassword == "" {
		t.Fatalf("no temporary password in %s (%v)", out, err)
	}
	b := visitor(t, app.origin)
	b.open("/login")
	b.fill(id("login-email"), "tim@example.test")
	b.fill(id("login-password"), made.TemporaryPassword)
	b.click(id("login-submit"))
	b.titled("Choose a new password")
	b.hosted("newPassword", "a kettle of purple winter tea")
	b.at("/")
	b.shows(id("session-status"), "authenticated")
	b.says(id("session-email"), "tim@example.test")
}
