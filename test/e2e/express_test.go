//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	apiAudience    = "https://api.example.test"
	legacyAudience = "https://legacy.example.test"
	legacySecret   = "legacy-Rk3ZtQ8wLx5HsJ9fPc2YgMd7EaU4Vb6n"
	apiClient      = "orders-api"
	apiSecret      = "client-Lx5HsJ9fPc2YgMd7EaU4Vb6nRk3ZtQ8w"
)

// localRoutes are the routes of examples/express that verify by themselves,
// with the keys that the issuer publishes.
var localRoutes = []string{"/jose", "/jsonwebtoken", "/express-jwt", "/express-oauth2-jwt-bearer"}

// api is examples/express under way.
type api struct {
	*process
	t    *testing.T
	base string
}

// newAPI starts examples/express for the tokens of an issuer.
func newAPI(t *testing.T, port int, issuer string, more ...string) *api {
	t.Helper()
	need(t, "node", "npm")
	if err := all.packages(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join(root(), "examples", "express", "server.js"))
	cmd.Env = append(environ(fmt.Sprintf("PORT=%d", port), "ISSUER="+issuer, "AUDIENCE="+apiAudience, "LEGACY_AUDIENCE="+legacyAudience,
		"JWT_SECRET="+legacySecret, "CLIENT_ID="+apiClient, "CLIENT_SECRET="+apiSecret), more...)
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	a := &api{process: p, t: t, base: fmt.Sprintf("http://127.0.0.1:%d", port)}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the Express API said:\n%s", p.out.since(0))
		}
	})
	if err := p.await(a.base + "/hello"); err != nil {
		t.Fatal(err)
	}
	return a
}

// get calls a route with a token, or without one, and returns the answer with
// what the API wrote to its log meanwhile.
func (a *api) get(route, token string) (answer, string) {
	a.t.Helper()
	c := newClient(a.t, a.base, a.base)
	if token != "" {
		c.header.Set("Authorization", "Bearer "+token)
	}
	from := a.out.len()
	got := c.get(route)
	said := ""
	if got.StatusCode >= 400 && got.StatusCode != http.StatusNotFound {
		until(a.t, "the API logs the refusal", func() error {
			if said = a.out.since(from); !strings.HasSuffix(said, "\n") {
				return fmt.Errorf("%q", said)
			}
			return nil
		})
	}
	return got, said
}

// lets wants a route to take the token, and returns whom it says to see.
func (a *api) lets(route, token string) map[string]any {
	a.t.Helper()
	got, said := a.get(route, token)
	if got.StatusCode != http.StatusOK {
		a.t.Errorf("%s: %d, want 200\n%s\n%s", route, got.StatusCode, got.text, said)
		return nil
	}
	return got.json(a.t)
}

// refuses wants a route to refuse the token as it should: with the status, a
// challenge, a problem document that says nothing of the inside, and the reason
// in the log.
func (a *api) refuses(route, token string, status int, reason string) {
	a.t.Helper()
	got, said := a.get(route, token)
	if got.StatusCode != status {
		a.t.Errorf("%s: %d, want %d\n%s\n%s", route, got.StatusCode, status, got.text, said)
		return
	}
	if !strings.Contains(said, reason) {
		a.t.Errorf("%s: the log says %q, want %q in it", route, said, reason)
	}
	if kind := got.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") {
		a.t.Errorf("%s: content type %q", route, kind)
	}
	for _, inside := range []string{"node_modules", ".js", "    at ", "Error", legacySecret, apiSecret} {
		if strings.Contains(got.text, inside) {
			a.t.Errorf("%s: the answer tells of the inside: %s", route, got.text)
		}
	}
	challenge := got.Header.Get("WWW-Authenticate")
	switch {
	case status != http.StatusUnauthorized:
		if challenge != "" {
			a.t.Errorf("%s: %d with the challenge %q", route, status, challenge)
		}
	case !strings.HasPrefix(challenge, "Bearer "):
		a.t.Errorf("%s: challenge %q", route, challenge)
	case strings.Contains(challenge, `error="invalid_token"`) != (token != ""):
		a.t.Errorf("%s: challenge %q, with a token %t", route, challenge, token != "")
	}
}
