//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The same of the App Router's route handler.
//
// proves: ASVS 10.1.1
func TestProxy_ofTheAppRouterKeepsTheTokenToo(t *testing.T) {
	app := theAppRouter(t)
	rec := newRecorder(t, app)
	mounts := fmt.Sprintf("  - dialect: v5\n    secrets: [%q]\n", sharedSecret)
	g := serveMounts(t, app.gatehousePort, rec.origin, mounts, tokensConfig())
	a := newAPI(t, freePort(), rec.origin+"/api/auth", "GATEHOUSE_INTERNAL="+g.base+"/api/auth")
	watch := watchAPI(t, app, a)
	c := newClient(t, strings.Replace(rec.origin, "localhost", "127.0.0.1", 1), rec.origin)
	c.host = strings.TrimPrefix(rec.origin, "http://")
	want := func(what string, got answer, status int) {
		t.Helper()
		if got.StatusCode != status {
			t.Errorf("%s: %d, want %d\n%s", what, got.StatusCode, status, got.text)
		}
	}

	want("nobody", c.get("/api/express/jose"), http.StatusUnauthorized)
	c.signIn(adminEmail, adminPassword)
	want("an administrator", c.get("/api/express/admin"), http.StatusOK)
	want("again", c.get("/api/express/admin"), http.StatusOK)
	want("a payment", c.postJSON("/api/express/payments", object{"sum": 1}), http.StatusCreated)
	foreign := *c
	foreign.origin = "https://evil.example.test"
	want("a payment that another site sends", foreign.postJSON("/api/express/payments", object{"sum": 1}), http.StatusForbidden)
	tokens, _ := watch.seen()
	if len(tokens) != 1 {
		t.Fatalf("%d tokens for one session, want one that is kept", len(tokens))
	}
	watch.refuses(tokens[0])
	want("after the API refused the token", c.postJSON("/api/express/payments", object{"sum": 2}), http.StatusCreated)
	if tokens, _ = watch.seen(); len(tokens) != 2 {
		t.Fatalf("%d tokens, want a second one", len(tokens))
	}
	for _, token := range tokens {
		_, claims := claimsOf(t, token)
		if !rec.contains(fmt.Sprint(claims["sub"])) {
			t.Error("the answers do not have the user's ID: the search finds nothing")
		}
		if rec.contains(token) || rec.contains(token[strings.LastIndex(token, ".")+1:]) {
			t.Error("an answer has the token in it")
		}
	}

	stolen := slices.Clone(c.cookies)
	want("sign-out", c.send(http.MethodPost, "/api/auth/logout", "application/json", "{}"), http.StatusOK)
	c.cookies = stolen
	want("with a copy of the cookie", c.get("/api/express/admin"), http.StatusUnauthorized)
	a.lets("/jose", tokens[1])
	a.refuses("/introspection", tokens[1], http.StatusUnauthorized, "not active")
}
