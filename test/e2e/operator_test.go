//go:build unix

package e2e_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"
)

// beside is how soon a change by the command line holds in a running server.
const beside = 200 * time.Millisecond

func TestServe_userDisabledByTheCommandLineIsRefusedOnTheNextCall(t *testing.T) {
	app := theExample(t)
	g := serve(t, app.gatehousePort, app.origin, "")
	b := visitor(t, app.origin)
	b.signIn(userEmail, userPassword)
	other := newClient(t, app.origin, app.origin)
	other.signIn(adminEmail, adminPassword)

	g.cli("", "user", "disable", userEmail)
	until(t, "the browser is refused", func() error { // how soon is the next test's question
		if got := b.calls("api-me"); got != "401" {
			return errText("/api/me answered " + got)
		}
		return nil
	})
	b.reload()
	b.shows(id("session-status"), "unauthenticated")
	if got := other.get("/api/me"); got.StatusCode != http.StatusOK {
		t.Errorf("/api/me answered %d to somebody else", got.StatusCode)
	}

	// Not even with the right password, and in the same words as a wrong one.
	b.open("/login")
	b.fill(id("login-email"), userEmail)
	b.fill(id("login-password"), userPassword)
	b.click(id("login-submit"))
	b.says(id("login-error"), "That is not the right password, or there is no such account.")

	g.cli("", "user", "enable", userEmail)
	b.signIn(userEmail, userPassword)
}

// One time would prove little: a server that looks but now and then may look
// just in time.
func TestServe_changeByTheCommandLineHoldsWithinAFifthOfASecond(t *testing.T) {
	app := theExample(t)
	g := serve(t, app.gatehousePort, app.origin, "")
	for range 5 {
		c := newClient(t, app.origin, app.origin)
		if got := c.signIn(userEmail, userPassword); c.session() == nil {
			t.Fatalf("sign-in: %d\n%s", got.StatusCode, got.text)
		}
		// Both ask on and on from before the command until they are refused.
		throughNext := lastGoodCall(c, app.origin, "/api/me", `{"error":"Nobody is signed in."}`)
		direct := lastGoodCall(c, g.base, "/api/auth/session", `{}`)
		g.cli("", "user", "disable", userEmail)
		told := time.Now()
		for name, began := range map[string]<-chan time.Time{"/api/me": throughNext, "Gatehouse": direct} {
			last := <-began
			if last.IsZero() {
				t.Errorf("%s: the first call was refused already: the test shows nothing", name)
			}
			late := last.Sub(told)
			t.Logf("%s: the last call that was let in began %v after the command returned", name, late.Round(time.Millisecond))
			if late > beside {
				t.Errorf("%s let the disabled user in %v after the command returned, want at most %v", name, late, beside)
			}
		}
		g.cli("", "user", "enable", userEmail)
	}
}

// lastGoodCall asks with the client's cookies until the answer is the refusal,
// and sends when the last call before it began.
func lastGoodCall(c *client, base, path, refusal string) <-chan time.Time {
	asking := newClient(c.t, base, c.origin)
	for _, k := range c.cookies {
		asking.keep(k)
	}
	asked, began := make(chan struct{}), make(chan time.Time, 1)
	go func() {
		var last time.Time
		first := sync.OnceFunc(func() { close(asked) })
		defer first()
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); first() {
			now := time.Now()
			got, err := asking.try(http.MethodGet, path, "", "")
			if err != nil {
				c.t.Error(err)
			}
			if err != nil || got.text == refusal {
				break
			}
			last = now
		}
		began <- last
	}()
	<-asked // one answer is there
	return began
}

// proves: NEXT-21
func TestServe_rolesSetByTheCommandLineHoldWithoutASignIn(t *testing.T) {
	app := theExample(t)
	g := serve(t, app.gatehousePort, app.origin, "")
	b := visitor(t, app.origin)
	b.signIn(userEmail, userPassword)
	b.says(id("session-roles"), "user")
	b.open("about:blank") // no script may renew the cookie meanwhile

	g.cli("", "user", "set-roles", userEmail, "admin", "user")
	watcher := newClient(t, g.base, app.origin)
	for _, k := range b.cookies() {
		watcher.keep(k)
	}
	told := time.Now()
	until(t, "the new roles hold", func() error {
		if roles, _ := json.Marshal(watcher.user("/api/auth")["roles"]); string(roles) != `["admin","user"]` {
			return errText("the roles are " + string(roles))
		}
		return nil
	})
	if late := time.Since(told); late > beside+100*time.Millisecond {
		t.Errorf("the new roles held %v after the command returned", late)
	}

	b.verdict("stale") // the cookie still says user
	b.says(id("inside-cookie-roles"), "user")
	b.says(id("inside-gatehouse-roles"), "admin, user")
	b.open("/admin")
	b.shows(id("admin-status"), "200")
	b.open("/")
	b.shows(id("session-roles"), "admin, user")
	b.verdict("agree") // and by then the cookie was renewed

	g.cli("", "user", "set-roles", userEmail, "--none")
	until(t, "the roles are gone", func() error {
		if got := watcher.user("/api/auth"); got == nil || len(got["roles"].([]any)) > 0 {
			return errText("roles are left")
		}
		return nil
	})
	b.open("/admin")
	b.shows(id("admin-status"), "403")
}

// errText is an error that is only said.
type errText string

func (e errText) Error() string { return string(e) }
