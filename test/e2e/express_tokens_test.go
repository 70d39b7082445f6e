//go:build unix

package e2e_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tokensConfig is what gatehouse.yaml says for the API of examples/express.
func tokensConfig() string {
	return fmt.Sprintf(`
tokens:
  audiences:
    - id: %s
    - id: %s
      secret: %s
  clients:
    - id: %s
      secret_hash: %x
      audiences: [%s]
      may_introspect: true
`, apiAudience, legacyAudience, legacySecret, apiClient, sha256.Sum256([]byte(apiSecret)), apiAudience)
}

// withTokens starts Gatehouse for itself and the Express API that takes its
// tokens.
func withTokens(t *testing.T) (*gatehouse, *api) {
	t.Helper()
	need(t, "node", "npm")
	port := freePort()
	origin := fmt.Sprintf("http://localhost:%d", port)
	mounts := fmt.Sprintf("  - secrets: [%q]\n  - base_path: /other\n    dialect: v5\n    secrets: [%q]\n", sharedSecret, legacySecret+"-other")
	g := serveMounts(t, port, origin, mounts, tokensConfig())
	return g, newAPI(t, freePort(), origin+"/api/auth")
}

// publicOf is the origin of a Gatehouse that people reach without an application
// in front.
func publicOf(g *gatehouse) string { return strings.Replace(g.base, "127.0.0.1", "localhost", 1) }

// tokens are what POST /token and POST /refresh hand out.
type tokens struct {
	Type    string `json:"token_type"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
	Token   string `json:"token"`
}

// handed asks for tokens and wants them.
func handed(t *testing.T, c *client, path string, body any) (got tokens) {
	t.Helper()
	a := c.postJSON(path, body)
	if err := json.Unmarshal([]byte(a.text), &got); err != nil || a.StatusCode != http.StatusOK || got.Access == "" || got.Type != "Bearer" {
		t.Fatalf("%s: %d %s", path, a.StatusCode, a.text)
	}
	return got
}

func (g *gatehouse) tokensFor(t *testing.T, email, password, audience string) tokens {
	t.Helper()
	got := handed(t, newClient(t, g.base, ""), "/api/auth/token", object{"identifier": email, "password": password, "audience": audience})
	if got.Refresh == "" || got.Token != got.Access || got.Expires <= 0 {
		t.Fatalf("an answer that is not complete: %+v", got)
	}
	return got
}

// claimsOf reads a token as anybody can.
func claimsOf(t *testing.T, token string) (header, claims object) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %s", token)
	}
	for i, into := range []*object{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// form posts a form and returns status and body.
func form(t *testing.T, address string, fields url.Values) (int, string) {
	t.Helper()
	c := newClient(t, address, "")
	got := c.send(http.MethodPost, "", "application/x-www-form-urlencoded", fields.Encode())
	return got.StatusCode, got.text
}

// proves: ASVS 9.2.4, ASVS 9.2.3
func TestExpress_everyRouteTakesWhatGatehouseIssues(t *testing.T) {
	g, a := withTokens(t)
	user := g.tokensFor(t, userEmail, userPassword, apiAudience)
	admin := g.tokensFor(t, adminEmail, adminPassword, apiAudience)
	legacy := g.tokensFor(t, userEmail, userPassword, legacyAudience)

	_, claims := claimsOf(t, user.Access)
	want := object{"id": claims["sub"], "roles": []any{"user"}, "scopes": []any{}}
	for _, route := range append(slices.Clone(localRoutes), "/introspection") {
		if diff := cmp.Diff(want, a.lets(route, user.Access)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", route, diff)
		}
	}
	if got := a.lets("/shared-secret", legacy.Access); got["id"] != claims["sub"] {
		t.Errorf("the shared secret: %v", got)
	}

	// What somebody may do is another question.
	for _, route := range []string{"/admin", "/admin/introspection"} {
		a.refuses(route, user.Access, http.StatusForbidden, "For the role admin only")
		if got := a.lets(route, admin.Access); !slices.Contains(got["roles"].([]any), any("admin")) {
			t.Errorf("%s: %v", route, got)
		}
	}

	// What is for somebody else, by somebody else, or no access token.
	elsewhere := handed(t, newClient(t, g.base, ""), "/other/token", object{"identifier": userEmail, "password": userPassword, "audience": apiAudience})
	issuerOnly := handed(t, newClient(t, g.base, ""), "/api/auth/token", object{"identifier": userEmail, "password": userPassword, "audience": publicOf(g) + "/api/auth"})
	for _, route := range append(slices.Clone(localRoutes), "/introspection") {
		for name, token := range map[string]string{
			"of another mount": elsewhere.Access, "for Gatehouse itself": issuerOnly.Access, "signed with the shared secret": legacy.Access,
			"a refresh token": user.Refresh, "altered": flip(user.Access),
		} {
			t.Run(route+" "+name, func(t *testing.T) { a.within(t).refuses(route, token, http.StatusUnauthorized, "401") })
		}
	}
	a.refuses("/shared-secret", user.Access, http.StatusUnauthorized, "JsonWebTokenError")
}

// Where Gatehouse is asked, a token that was revoked is refused at once. Where
// it is not, the token lives until it expires, and the README says so.
//
// proves: ASVS 7.4.1, ASVS 7.4.2
func TestExpress_revocationCountsWhereGatehouseIsAsked(t *testing.T) {
	g, a := withTokens(t)
	const password = "a third long password for tests"
	g.createUser("eve@example.test", password, "user")
	c := newClient(t, g.base, publicOf(g))
	if got := c.postJSON("/api/auth/login", object{"identifier": userEmail, "password": userPassword}); got.StatusCode != http.StatusOK {
		t.Fatalf("sign-in: %d %s", got.StatusCode, got.text)
	}
	ofSession := handed(t, c, "/api/auth/token", object{"audience": apiAudience})
	revoked := g.tokensFor(t, userEmail, userPassword, apiAudience)
	disabled := g.tokensFor(t, "eve@example.test", password, apiAudience)
	kept := g.tokensFor(t, userEmail, userPassword, apiAudience)

	for name, act := range map[string]struct {
		tokens tokens
		end    func()
	}{
		"revoked": {revoked, func() {
			if status, text := form(t, g.base+"/api/auth/revoke", url.Values{"token": {revoked.Refresh}}); status != http.StatusOK {
				t.Errorf("revoke: %d %s", status, text)
			}
		}},
		"signed out": {ofSession, func() {
			if got := c.postJSON("/api/auth/logout", object{}); got.StatusCode != http.StatusOK {
				t.Errorf("sign-out: %d %s", got.StatusCode, got.text)
			}
		}},
		"user disabled": {disabled, func() { g.cli("", "user", "disable", "eve@example.test") }},
	} {
		t.Run(name, func(t *testing.T) {
			a := a.within(t)
			a.lets("/introspection", act.tokens.Access)
			act.end()
			if name == "user disabled" { // by another process: heard of within a poll
				until(t, "the API refuses", func() error {
					if got, _ := a.get("/introspection", act.tokens.Access); got.StatusCode != http.StatusUnauthorized {
						return fmt.Errorf("%d %s", got.StatusCode, got.text)
					}
					return nil
				})
			}
			a.refuses("/introspection", act.tokens.Access, http.StatusUnauthorized, "not active")
			for _, route := range localRoutes {
				a.lets(route, act.tokens.Access)
			}
			if status, text := form(t, g.base+"/api/auth/refresh", url.Values{"refresh_token": {act.tokens.Refresh}}); status != http.StatusBadRequest || !strings.Contains(text, "invalid_grant") {
				t.Errorf("refresh: %d %s", status, text)
			}
		})
	}
	a.lets("/introspection", kept.Access) // the control: of the same user
}

// proves: ASVS 10.4.5
func TestExpress_twoTabsRefreshAtOnceAndAThiefEndsItForAll(t *testing.T) {
	g, a := withTokens(t)
	first := g.tokensFor(t, userEmail, userPassword, apiAudience)
	got := make([]tokens, 8)
	var tabs sync.WaitGroup
	for i := range got {
		tabs.Go(func() {
			c := newClient(t, g.base, "")
			if answer, err := c.try(http.MethodPost, "/api/auth/refresh", "application/x-www-form-urlencoded", url.Values{"refresh_token": {first.Refresh}}.Encode()); err == nil {
				_ = json.Unmarshal([]byte(answer.text), &got[i])
			}
		})
	}
	tabs.Wait()
	for i, one := range got {
		if one.Access == "" || one.Refresh != got[0].Refresh || one.Refresh == first.Refresh {
			t.Errorf("refresh %d of %d at once: %+v", i, len(got), one)
			continue
		}
		a.lets("/introspection", one.Access)
	}
	if t.Failed() {
		return
	}

	// The replaced token once more, and again, until it is too much: now nobody
	// can tell who of the two is the thief.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		status, text := form(t, g.base+"/api/auth/refresh", url.Values{"refresh_token": {first.Refresh}})
		if status == http.StatusBadRequest && strings.Contains(text, "invalid_grant") {
			break
		}
		if status != http.StatusOK || time.Now().After(deadline) {
			t.Fatalf("the replaced token again: %d %s", status, text)
		}
	}
	if status, text := form(t, g.base+"/api/auth/refresh", url.Values{"refresh_token": {got[0].Refresh}}); status != http.StatusBadRequest {
		t.Errorf("the successor after the theft: %d %s", status, text)
	}
	for _, one := range append(got, first) {
		a.refuses("/introspection", one.Access, http.StatusUnauthorized, "not active")
	}
	a.lets("/jose", first.Access) // verified without asking: until it expires
}

func TestExpress_theClientRefreshesOnceAndSignsOut(t *testing.T) {
	g, a := withTokens(t)
	issuer := publicOf(g) + "/api/auth"
	c := interop(t, "client.mjs")
	// In front of the API stands one that takes the first token for expired.
	gate := newExpiring(t, a.base)
	if got := c.ask(object{"do": "signIn", "issuer": issuer, "audience": apiAudience, "identifier": userEmail, "password": "not the password at all"}); got["failed"] == nil {
		t.Fatal("signed in with a wrong password")
	}
	c.ask(object{"do": "signIn", "issuer": issuer, "audience": apiAudience, "identifier": userEmail, "password": userPassword})
	before := fmt.Sprint(c.ask(object{"do": "token"})["token"])
	gate.expire(before)

	answers, _ := c.ask(object{"do": "fetch", "url": gate.address + "/introspection", "times": 12})["answers"].([]any)
	if len(answers) != 12 {
		t.Fatalf("%d answers", len(answers))
	}
	for _, one := range answers {
		if got := one.(object); got["status"] != 200.0 {
			t.Errorf("a call while the token had expired: %v", got)
		}
	}
	after := fmt.Sprint(c.ask(object{"do": "token"})["token"])
	if seen := gate.tokens(); !cmp.Equal(seen, []string{before, after}) || before == after {
		t.Errorf("the API saw %d tokens, want the old one and one new one: a refresh for all calls", len(seen))
	}
	// A token that is refused even when it is new is not refreshed for ever.
	gate.expire(after)
	gate.expireAll()
	answers, _ = c.ask(object{"do": "fetch", "url": gate.address + "/introspection"})["answers"].([]any)
	if len(answers) != 1 || answers[0].(object)["status"] != 401.0 {
		t.Errorf("refused twice: %v", answers)
	}

	last := fmt.Sprint(c.ask(object{"do": "token"})["token"])
	a.lets("/introspection", last)
	c.ask(object{"do": "signOut"})
	a.refuses("/introspection", last, http.StatusUnauthorized, "not active")
	if got := c.ask(object{"do": "fetch", "url": a.base + "/introspection"}); got["failed"] != "SignedOut" {
		t.Errorf("a call after the sign-out: %v", got)
	}
}

// Pages of the same site have a cookie. What they change needs the CSRF token.
func TestExpress_theCookieRoutesWantProofOfTheirOwnPage(t *testing.T) {
	g, a := withTokens(t)
	origin := publicOf(g)
	c := newClient(t, g.base, origin)
	c.signIn(userEmail, userPassword)
	token, _ := c.get("/api/auth/csrf").json(t)["csrfToken"].(string)
	page := &client{t: t, base: a.base, origin: origin, header: http.Header{}, cookies: c.cookies}
	nobody := newClient(t, a.base, origin)

	if got := page.get("/cookie"); got.StatusCode != http.StatusOK || !slices.Contains(got.json(t)["roles"].([]any), any("user")) {
		t.Errorf("GET: %d %s", got.StatusCode, got.text)
	}
	if got := nobody.get("/cookie"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("GET by nobody: %d", got.StatusCode)
	}
	for _, one := range []struct {
		name, origin, token string
		want                int
	}{
		{"without the header", origin, "", http.StatusForbidden},
		{"with another token", origin, strings.Repeat("0", len(token)), http.StatusForbidden},
		{"from another origin", "https://evil.example.test", token, http.StatusForbidden},
		{"from our page", origin, token, http.StatusCreated},
	} {
		page.origin, page.header = one.origin, http.Header{}
		if one.token != "" {
			page.header.Set("X-CSRF-Token", one.token)
		}
		if got := page.postJSON("/cookie/notes", object{}); got.StatusCode != one.want {
			t.Errorf("POST %s: %d, want %d\n%s", one.name, got.StatusCode, one.want, got.text)
		}
	}
	stolen := slices.Clone(c.cookies)
	if got := c.postJSON("/api/auth/logout", object{}); got.StatusCode != http.StatusOK {
		t.Fatalf("sign-out: %d %s", got.StatusCode, got.text)
	}
	page.cookies = stolen
	if got := page.get("/cookie"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("GET with a copy of the cookie after the sign-out: %d", got.StatusCode)
	}
}
