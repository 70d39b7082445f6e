//go:build linux

package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// The database is stopped for longer than max_staleness and started again: the
// page says that it must wait, and then somebody who was signed in is so again,
// by the cookie they had all the time.
//
// proves: ASVS 16.5.2
func TestOutage_signsNobodyOutAndNeedsNoSignIn(t *testing.T) {
	need(t, "chromium")
	database := pgtest.Start(t)
	const maxStaleness = 3 * time.Second
	port := freePort()
	h := &house{origin: fmt.Sprintf("http://localhost:%d", port)}
	h.gatehouse = serveOn(t, port, h.origin, fmt.Sprintf("url: %q", database.NewDatabase(t)), fmt.Sprintf("  - secrets: [%q]\n", sharedSecret),
		fmt.Sprintf("name: Fieldnotes\nsession:\n  max_staleness: %s\n", maxStaleness))
	b := h.guest(t, true)
	b.enter("en", userEmail, userPassword)
	before := names(b.cookies())
	status := func() int { // of a check by whatever has the browser's cookies
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.base+"/api/auth/session", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.cookies() {
			r.AddCookie(c)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := status(); got != http.StatusOK {
		t.Fatalf("GET /session: %d", got)
	}

	database.Stop(t, "fast")
	time.Sleep(maxStaleness)
	until(t, "be refused", func() error {
		if got := status(); got != http.StatusServiceUnavailable {
			return fmt.Errorf("GET /session: %d", got)
		}
		return nil
	})
	b.open("/api/auth/account")
	b.shows("h1", "Wait a moment")
	if during := names(b.cookies()); !slices.Equal(before, during) {
		t.Errorf("the outage has changed the cookies %v to %v", before, during)
	}

	database.Start(t)
	until(t, "be ready again", func() error {
		if got := status(); got != http.StatusOK {
			return fmt.Errorf("GET /session: %d", got)
		}
		return nil
	})
	b.open("/api/auth/account")
	b.wait("be signed in", `location.pathname === "/api/auth/account" && document.readyState === "complete"`)
	b.wait("name who is signed in", fmt.Sprintf(`document.body.innerText.includes(%q)`, userEmail))
	if after := names(b.cookies()); !slices.Equal(before, after) {
		t.Errorf("after the outage the cookies are %v, and were %v", after, before)
	}
}

// names are the names of cookies, in order.
func names(list []*http.Cookie) (all []string) {
	for _, c := range list {
		all = append(all, c.Name)
	}
	slices.Sort(all)
	return all
}
