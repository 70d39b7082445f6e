//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// The journeys of the App Router example: server components, route handlers, a
// server action and proxy.ts, each of which asks Gatehouse.

// devAppRouter starts a gatehouse that speaks to next-auth 5.
func devAppRouter(t *testing.T, app example) *gatehouse {
	t.Helper()
	return dev(t, app.gatehousePort, app.origin, "--dialect", "v5")
}

// signInHosted opens a page that wants a session and signs in on the hosted
// page, which leads back there.
func (b *tab) signInHosted(path, email, password string) {
	b.t.Helper()
	b.open(path)
	b.titled("Sign in")
	b.hosted("identifier", email, "password", password)
	b.at(path)
}

// leave signs out by the example's link.
func (b *tab) leave() {
	b.t.Helper()
	b.click(id("sign-out"))
	b.at("/")
	b.shows(id("server-status"), "nobody is signed in")
}

func TestAppRouter_registersOnTheHostedPageAndComesBack(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	b := visitor(t, app.origin)
	const email = "nia@example.test"

	b.open("/")
	b.shows(id("server-status"), "nobody is signed in")
	if got := b.calls("api-me"); got != "401" {
		t.Errorf("/api/me answered %s to nobody", got)
	}
	b.open("/dashboard?tab=2")
	b.titled("Sign in")
	b.click(`.aside a`)
	b.hosted("identifier", email, "name", "Nia New", "password", "a kettle of purple winter tea")
	b.at("/dashboard?tab=2")

	// The server component, useSession and the route handler agree.
	b.says(id("dashboard-email"), email)
	b.says(id("dashboard-name"), "Nia New")
	b.says(id("dashboard-roles"), "user")
	b.says(id("who"), "Nia New")
	b.click(id("nav-client"))
	b.shows(id("client-status"), "authenticated")
	b.says(id("client-email"), email)
	b.click(id("nav-home"))
	b.shows(id("server-status"), "signed in")
	b.says(id("server-email"), email)
	if got := b.calls("api-me"); got != "200" {
		t.Errorf("/api/me answered %s", got)
	}
	if got := b.text(id("api-me-body")); !strings.Contains(got, email) {
		t.Errorf("/api/me answered %s", got)
	}

	b.leave()
	if c := b.sessionCookie(); c != nil {
		t.Error("the session cookie is still there after the sign-out")
	}
	if got := b.calls("api-me"); got != "401" {
		t.Errorf("/api/me answered %s after the sign-out", got)
	}
	b.click(id("nav-dashboard")) // by Next.js's router, which gets 401 and opens it as a page
	b.titled("Sign in")
	b.hosted("identifier", email, "password", "a kettle of purple winter tea")
	b.at("/dashboard")
	b.says(id("dashboard-email"), email)
}

// proves: NEXT-22, NEXT-30
func TestAppRouter_deepLinkIsReachedAfterTheSignIn(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)

	// From proxy.ts: path and query, which is all that a server gets to know.
	admin := visitor(t, app.origin)
	admin.signInHosted("/admin?x=1&y=%26z", adminEmail, adminPassword)
	admin.says(id("admin-greeting"), "Hello, administrator Demo Admin.")

	// From signIn() in the browser: the fragment too.
	user := visitor(t, app.origin)
	user.open("/client?x=1#part")
	user.click(id("sign-in"))
	user.titled("Sign in")
	user.hosted("identifier", userEmail, "password", userPassword)
	user.at("/client?x=1#part")
	user.says(id("client-email"), userEmail)
}

// proves: NEXT-30
func TestAppRouter_callbackUrlLeadsToNoOtherSite(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	b := visitor(t, app.origin)
	for _, path := range []string{
		"/dashboard?callbackUrl=https://evil.example/", // proxy.ts makes its own
		"/api/auth/signin?callbackUrl=" + url.QueryEscape("https://evil.example/"),
		"/api/auth/signin?callbackUrl=" + url.QueryEscape("//evil.example/"),
		"/api/auth/signin?callbackUrl=" + url.QueryEscape(`/\evil.example`),
	} {
		must(b, "forget the cookies", network.ClearBrowserCookies, cdp.Empty{})
		b.open(path)
		b.titled("Sign in")
		b.hosted("identifier", userEmail, "password", userPassword)
		b.wait("leave the hosted page of "+path, `!location.pathname.startsWith("/api/auth/")`)
		if at, _ := ask[string](b, "location.origin"); at != app.origin {
			t.Errorf("%s led to %s", path, at)
		}
	}

	// And the redirect to the sign-in page stays here, whatever host is named.
	c := newClient(t, "http://"+app.address, app.origin).forge()
	c.header.Set("Sec-Fetch-Mode", "navigate")
	if got := c.get("/dashboard").Header.Get("Location"); got != "/api/auth/signin?callbackUrl=%2Fdashboard" {
		t.Errorf("under a forged host the redirect leads to %s", got)
	}
}

// proves: NEXT-12, NEXT-20
func TestAppRouter_wrongRoleIsForbidden(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	b.click(id("nav-admin"))
	b.says(id("refusal"), "You are signed in, but this page is for others.")
	b.at("/admin")

	c := b.client()
	c.header.Set("Sec-Fetch-Mode", "navigate")
	if got := c.get("/admin?x=1"); got.StatusCode != http.StatusForbidden || strings.Contains(got.text, "Hello, administrator") {
		t.Errorf("/admin answered %d\n%s", got.StatusCode, got.text)
	}
	c.header.Del("Sec-Fetch-Mode")
	c.refused("/api/admin", http.StatusForbidden)
	if got := c.get("/api/me"); got.StatusCode != http.StatusOK {
		t.Errorf("/api/me answered %d", got.StatusCode)
	}
}

func TestAppRouter_updateIsShownByTheServerComponent(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	b.says(id("dashboard-name"), "Demo User")
	b.click(id("nav-client"))
	b.fill(id("rename-name"), "Una Updated")
	b.click(id("rename-save"))
	b.shows(id("rename-outcome"), "Saved.")
	b.says(id("who"), "Una Updated")
	b.click(id("nav-dashboard"))
	b.shows(id("dashboard-name"), "Una Updated")
	b.reload()
	b.shows(id("dashboard-name"), "Una Updated")
}

func TestAppRouter_worksWithoutScripts(t *testing.T) {
	app := theAppRouter(t)
	g := devAppRouter(t, app)
	b := visitor(t, app.origin)
	b.withoutScripts()
	b.signInHosted("/dashboard?tab=2", userEmail, userPassword)
	b.says(id("dashboard-email"), userEmail)
	b.open("/")
	b.saveNote("typed without scripts")
	b.shows(id("note-outcome"), "Saved.")
	b.open("/")
	if note := b.note(); note != "typed without scripts" {
		t.Errorf("the note is %q", note)
	}

	// A form that is sent too late changes nothing. To a guarded page it leads to
	// the sign-in page, and is not sent there.
	g.cli("", "user", "disable", userEmail)
	c := b.client()
	until(t, "the user is disabled", func() error {
		if got := c.get("/api/me"); got.StatusCode != http.StatusUnauthorized {
			return errText(got.Status)
		}
		return nil
	})
	c.header.Set("Sec-Fetch-Mode", "navigate")
	if got := c.send(http.MethodPost, "/dashboard", "multipart/form-data; boundary=x", "--x--"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("POST /dashboard answered %d", got.StatusCode)
	}
	b.saveNote("too late")
	b.shows(id("server-status"), "nobody is signed in")
	g.cli("", "user", "enable", userEmail)
	b.click(id("sign-in-hosted"))
	b.titled("Sign in")
	b.hosted("identifier", userEmail, "password", userPassword)
	b.at("/")
	if note := b.note(); note != "typed without scripts" {
		t.Errorf("the note is %q after a form that was refused", note)
	}
	b.click(id("sign-out"))
	b.titled("Sign out")
	b.hosted()
	b.wait("leave the page that asks", `document.readyState === "complete" && document.querySelector("h1")?.innerText.trim() !== "Sign out"`)
	b.open("/")
	b.shows(id("server-status"), "nobody is signed in")
}

func TestAppRouter_signInInAnotherTabIsSeenHere(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	first := visitor(t, app.origin)
	first.signInHosted("/dashboard", userEmail, userPassword)
	second := first.another()
	second.open("/")
	second.leave()
	first.wait("the first tab hears of the sign-out", fmt.Sprintf(`document.querySelector(%q) !== null`, id("sign-in")))

	// Somebody else signs in there. Looking at the first tab is enough.
	second.signInHosted("/admin", adminEmail, adminPassword)
	if _, err := ask[bool](first, `document.dispatchEvent(new Event("visibilitychange"))`); err != nil {
		t.Fatal(err)
	}
	first.shows(id("dashboard-email"), adminEmail)
	first.shows(id("who"), "Demo Admin")

	// The same user once more: the first tab goes on.
	second.open("/api/auth/signin?callbackUrl=/dashboard")
	if here, _ := ask[string](second, "location.pathname"); here == "/api/auth/signin" {
		second.hosted("identifier", adminEmail, "password", adminPassword)
	}
	second.at("/dashboard")
	first.click(id("nav-admin"))
	first.says(id("admin-greeting"), "Hello, administrator Demo Admin.")
	first.reload()
	first.says(id("admin-greeting"), "Hello, administrator Demo Admin.")
}

// Everything is rendered where the session is known, so nothing moves when the
// scripts come.
func TestAppRouter_nothingMovesWhileAPageLoads(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	for _, path := range []string{"/", "/dashboard", "/client"} {
		b.open(path)
		b.wait("the scripts are there", `Object.keys(document.querySelector("header")).some(k => k.startsWith("__react"))`)
		if sum := b.moved(); sum != 0 {
			t.Errorf("%s moved by %v while it loaded", path, sum)
		}
	}
	if ok, err := ask[bool](b, `document.querySelector("main").prepend(Object.assign(document.createElement("p"), { textContent: "pushes the rest down" })), true`); !ok || err != nil {
		t.Fatal(err)
	}
	until(t, "the browser tells of what moves", func() error {
		if b.moved() == 0 {
			return errText("nothing moved: the test shows nothing")
		}
		return nil
	})
}

// moved is how much of the page has moved by itself since it was opened
// (Layout Instability).
func (b *tab) moved() float64 {
	b.t.Helper()
	const measure = `(() => {
		delete document.documentElement.dataset.moved;
		const done = sum => document.documentElement.dataset.moved = sum;
		requestAnimationFrame(() => requestAnimationFrame(() => {
			new PerformanceObserver(list => done(list.getEntries().reduce((sum, e) => sum + e.value, 0))).observe({ type: "layout-shift", buffered: true });
			setTimeout(() => "moved" in document.documentElement.dataset || done(0), 100);
		}));
		return true;
	})()`
	if _, err := ask[bool](b, measure); err != nil {
		b.t.Fatal(err)
	}
	b.wait("know what moved", `"moved" in document.documentElement.dataset`)
	sum, err := ask[float64](b, `Number(document.documentElement.dataset.moved)`)
	if err != nil {
		b.t.Fatal(err)
	}
	return sum
}

// saveNote calls the server action.
func (b *tab) saveNote(text string) {
	b.t.Helper()
	b.fill(id("note-text"), text)
	b.click(id("note-save"))
}

// note is the note that the page shows.
func (b *tab) note() string {
	b.t.Helper()
	b.do("see the note", chromedp.WaitVisible(id("note-text")))
	note, err := ask[string](b, fmt.Sprintf("document.querySelector(%q).value", id("note-text")))
	if err != nil {
		b.t.Fatal(err)
	}
	return note
}

// client is a client with the tab's cookies.
func (b *tab) client() *client {
	b.t.Helper()
	c := newClient(b.t, b.base, b.base)
	for _, k := range b.cookies() {
		c.keep(k)
	}
	return c
}

// refused fails unless the route handler answers that status as a problem
// document, and never as a redirect.
func (c *client) refused(path string, status int) {
	c.t.Helper()
	got := c.get(path)
	if got.StatusCode != status || !strings.HasPrefix(got.Header.Get("Content-Type"), "application/problem+json") {
		c.t.Errorf("%s answered %d %s, want %d as a problem document\n%s", path, got.StatusCode, got.Header.Get("Content-Type"), status, got.text)
		return
	}
	if said, _ := got.json(c.t)["status"].(float64); int(said) != status {
		c.t.Errorf("%s: the problem says %v, want %d", path, said, status)
	}
	if got.Header.Get("Location") != "" || !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
		c.t.Errorf("%s: %v", path, got.Header)
	}
}
