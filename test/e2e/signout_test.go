//go:build unix

package e2e_test

import (
	"sync"
	"testing"
	"time"
)

func TestApp_signOutInOneTabIsSeenInTheOther(t *testing.T) {
	app := theExample(t)
	dev(t, app.gatehousePort, app.origin)
	first := visitor(t, app.origin)
	first.signIn(userEmail, userPassword)
	second := first.another()
	second.open("/")
	second.shows(id("session-status"), "authenticated")
	second.says(id("session-email"), userEmail)

	first.signOut()
	second.shows(id("session-status"), "unauthenticated") // without being touched
	if got := second.calls("api-me"); got != "401" {
		t.Errorf("/api/me answered %s to the second tab", got)
	}
}

// An answer to GET /session that was made before the sign-out and arrives
// after it sets the cookie again. It must bring nobody back.
//
// proves: NEXT-19
func TestApp_signOutIsFinalEvenWhenASlowAnswerSetsTheCookieAgain(t *testing.T) {
	app := theExample(t)
	f := newFront(t, app)
	release := sync.OnceFunc(func() { close(f.release) })
	t.Cleanup(release) // before the proxy closes, which waits for its requests
	g := dev(t, app.gatehousePort, f.origin)
	b := visitor(t, f.origin)
	b.signIn(userEmail, userPassword)
	before := b.sessionCookie()
	if before == nil {
		t.Fatal("no session cookie after the sign-in")
	}

	other := b.another()
	other.open("/icon.svg") // a page without scripts of its own
	if _, err := ask[string](other, `fetch("/api/auth/session?held").then(() => document.documentElement.id = "arrived"), ""`); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.held:
	case <-time.After(patience):
		t.Fatal("the slow request never reached the proxy")
	}
	b.signOut()
	if c := b.sessionCookie(); c != nil {
		t.Fatal("the session cookie is still there after the sign-out")
	}
	release()
	other.wait("the slow answer arrives", `document.documentElement.id === "arrived"`)
	again := b.sessionCookie()
	if again == nil || again.Value == before.Value {
		t.Fatalf("the slow answer did not set a renewed cookie again (%v): the test shows nothing", again)
	}

	b.verdict("ended") // the cookie still opens, and Gatehouse says nobody
	b.says(id("inside-cookie"), "signed in")
	b.says(id("inside-gatehouse"), "nobody")
	b.open("/")
	b.shows(id("session-status"), "unauthenticated")
	if got := b.calls("api-me"); got != "401" {
		t.Errorf("/api/me answered %s with the cookie that came back", got)
	}
	b.open("/dashboard")
	b.at("/login?callbackUrl=%2Fdashboard")
	c := newClient(t, g.base, f.origin)
	c.keep(before)
	if u := c.user("/api/auth"); u != nil {
		t.Errorf("the cookie from before the sign-out still names %v", u)
	}
	g.restart()
	c.keep(again)
	if u := c.user("/api/auth"); u != nil {
		t.Errorf("after a restart the ended session names %v", u)
	}
}
