//go:build unix

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// forgeries are headers by which a client may claim to be somebody else, or
// the site to be elsewhere.
var forgeries = map[string]string{
	"X-Forwarded-For":         "203.0.113.66",
	"X-Forwarded-Host":        "evil.example",
	"X-Forwarded-Proto":       "https",
	"X-Forwarded-Port":        "1",
	"X-Real-Ip":               "203.0.113.66",
	"Forwarded":               "for=203.0.113.66;host=evil.example;proto=https",
	"X-Original-Url":          "/api/auth/session",
	"X-Middleware-Subrequest": "middleware:middleware:middleware:middleware:middleware",
}

// forge makes the client send all of them, and a Host of its own.
func (c *client) forge() *client {
	for name, value := range forgeries {
		c.header.Set(name, value)
	}
	c.host = "evil.example"
	return c
}

// tolerant are settings in which one account never gets in the way of a test
// of addresses.
const tolerant = "limits:\n  account_failures: 100\n  address_failures: 3\n"

// proves: NEXT-8
func TestForgedHeaders_nameNoAddressWithoutATrustedProxy(t *testing.T) {
	app := theExample(t)
	g := serve(t, app.gatehousePort, app.origin, tolerant)
	if said := g.out.since(0); strings.Count(said, "the address of callers is unknown") != 1 {
		t.Errorf("at its start Gatehouse said nothing, or more than once, of the unknown addresses:\n%s", said)
	}

	// More failures than an address may have, all by one forged address.
	c := newClient(t, "http://"+app.address, app.origin).forge()
	for i := range 6 {
		if got := c.signIn(userEmail, fmt.Sprint("wrong password number ", i)); got.StatusCode != http.StatusUnauthorized {
			t.Fatalf("failure %d answered %d: the forged address has a bucket\n%s", i+1, got.StatusCode, got.text)
		}
	}
	if got := c.signIn(userEmail, userPassword); got.StatusCode != http.StatusOK {
		t.Fatalf("the right password answered %d\n%s", got.StatusCode, got.text)
	}
	var shown struct {
		Sessions []struct {
			ID, Address string
		}
	}
	if err := json.Unmarshal([]byte(g.cli("", "user", "show", "--json", userEmail)), &shown); err != nil {
		t.Fatal(err)
	}
	if len(shown.Sessions) != 1 || shown.Sessions[0].Address != "" {
		t.Errorf("the sessions are %+v, want one with no address", shown.Sessions)
	}
	if said := g.out.since(0); strings.Contains(said, "203.0.113.66") {
		t.Errorf("the log repeats the forged address:\n%s", said)
	}
}

// proves: CS-6
func TestForgedHeaders_doNotEscapeTheCounterOfTheAccount(t *testing.T) {
	app := theExample(t)
	serve(t, app.gatehousePort, app.origin, "")
	c := newClient(t, "http://"+app.address, app.origin)
	for i := range 5 {
		c.header.Set("X-Forwarded-For", fmt.Sprint("203.0.113.", i))
		if got := c.signIn(userEmail, fmt.Sprint("wrong password number ", i)); got.StatusCode != http.StatusUnauthorized {
			t.Fatalf("failure %d answered %d\n%s", i+1, got.StatusCode, got.text)
		}
	}
	c.header.Set("X-Forwarded-For", "203.0.113.99")
	// The pause after the fifth failure is short and grows: one more failure
	// may still be let in when the machine is slow, not five.
	for i := 0; ; i++ {
		got := c.signIn(userEmail, "wrong password again")
		if got.StatusCode == http.StatusTooManyRequests {
			retryAfter(t, got)
			break
		}
		if i == 5 {
			t.Fatalf("after %d failures the account is still open: %d\n%s", i+6, got.StatusCode, got.text)
		}
	}

	// The application says so in words.
	b := visitor(t, app.origin)
	b.open("/login")
	b.fill(id("login-email"), userEmail)
	until(t, "the page tells to wait", func() error {
		b.fill(id("login-password"), "wrong password in the browser")
		b.click(id("login-submit"))
		if said := b.text(id("login-error")); !strings.HasPrefix(said, "Too many attempts.") {
			return errText(said)
		}
		return nil
	})
}

func retryAfter(t *testing.T, got answer) {
	t.Helper()
	seconds, err := strconv.Atoi(got.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Errorf("429 has Retry-After %q, want whole seconds", got.Header.Get("Retry-After"))
	}
}

func TestForgedHeaders_moveNoAddressAwayFromThePublicOrigin(t *testing.T) {
	app := theExample(t)
	serve(t, app.gatehousePort, app.origin, "")
	c := newClient(t, "http://"+app.address, app.origin).forge()

	provider, _ := c.get("/api/auth/providers").json(t)["credentials"].(map[string]any)
	for member, want := range map[string]string{
		"signinUrl": app.origin + "/api/auth/signin/credentials", "callbackUrl": app.origin + "/api/auth/callback/credentials",
	} {
		if provider[member] != want {
			t.Errorf("%s is %v, want %s", member, provider[member], want)
		}
	}
	if got := c.signIn(userEmail, "not the password at all").json(t)["url"]; !strings.HasPrefix(fmt.Sprint(got), app.origin+"/") {
		t.Errorf("a refused sign-in leads to %v", got)
	}
	if got := c.signIn(userEmail, userPassword).json(t)["url"]; got != app.origin {
		t.Errorf("the sign-in leads to %v, want %s", got, app.origin)
	}
	for _, path := range []string{"/api/auth/signin", "/api/auth/signout", "/api/auth/error", "/api/auth/account", "/api/auth/signup"} {
		got := c.get(path)
		if strings.Contains(got.text, "evil.example") || strings.Contains(fmt.Sprint(got.Header), "evil.example") {
			t.Errorf("%s repeats the forged host: %v\n%s", path, got.Header, got.text)
		}
	}
	c.cookies = nil
	got := c.get("/api/auth/account")
	if want := app.origin + "/api/auth/signin?callbackUrl=/api/auth/account"; got.Header.Get("Location") != want {
		t.Errorf("the account page leads to %q, want %q", got.Header.Get("Location"), want)
	}
}

// proves: NEXT-23
func TestForgedHeaders_openNoPage(t *testing.T) {
	app := theExample(t)
	serve(t, app.gatehousePort, app.origin, "")
	c := newClient(t, "http://"+app.address, app.origin).forge()
	for path, want := range map[string]int{"/api/me": 401, "/api/admin": 401, "/dashboard": 307} {
		if got := c.get(path); got.StatusCode != want {
			t.Errorf("%s answered %d to nobody, want %d\n%s", path, got.StatusCode, want, got.text)
		}
	}
	// A sign-in that says it comes from the forged host is refused.
	c.origin = "https://evil.example"
	if got := c.signIn(userEmail, userPassword); c.session() != nil {
		t.Errorf("a foreign origin signed in: %d\n%s", got.StatusCode, got.text)
	}
}

// proves: NEXT-7
func TestTrustedProxy_limitsOneClientAndNotAnother(t *testing.T) {
	app := theExample(t)
	f := newFront(t, app)
	g := serve(t, app.gatehousePort, f.origin, tolerant+"client_address:\n  trusted_proxies: [127.0.0.1]\n")
	from := func(address string) *client {
		c := newClient(t, f.origin, f.origin)
		c.header.Set(asClient, address)
		return c
	}

	c := from("198.51.100.7")
	for i := range 3 {
		// What the client itself puts into the header stands left of what the
		// proxy adds, and counts for nothing.
		c.header.Set("X-Forwarded-For", fmt.Sprint("203.0.113.", i))
		if got := c.signIn(fmt.Sprintf("nobody%d@example.test", i), "wrong password"); got.StatusCode != http.StatusUnauthorized {
			t.Fatalf("failure %d answered %d\n%s", i+1, got.StatusCode, got.text)
		}
	}
	for _, forged := range []string{"", "203.0.113.9", "127.0.0.1", "198.51.100.8, 127.0.0.1"} {
		c.header.Set("X-Forwarded-For", forged)
		got := c.signIn(userEmail, userPassword)
		if got.StatusCode != http.StatusTooManyRequests || c.session() != nil {
			t.Errorf("after too many failures, with X-Forwarded-For %q: %d, want 429\n%s", forged, got.StatusCode, got.text)
		}
		retryAfter(t, got)
	}

	other := from("198.51.100.8")
	if got := other.signIn(userEmail, userPassword); got.StatusCode != http.StatusOK || other.session() == nil {
		t.Errorf("another client got %d\n%s", got.StatusCode, got.text)
	}
	if got := g.cli("", "user", "show", "--json", userEmail); !strings.Contains(got, `"address":"198.51.100.8"`) {
		t.Errorf("the session does not have the client's address: %s", got)
	}

	// One subscriber has a whole /64.
	for i := range 3 {
		from(fmt.Sprintf("2001:db8:1:2::%x", i)).signIn(fmt.Sprintf("none%d@example.test", i), "wrong password")
	}
	if got := from("2001:db8:1:2:ffff::1").signIn(adminEmail, adminPassword); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the same /64 got %d, want 429", got.StatusCode)
	}
	if got := from("2001:db8:1:3::1").signIn(adminEmail, adminPassword); got.StatusCode != http.StatusOK {
		t.Errorf("another /64 got %d, want 200", got.StatusCode)
	}
}
