//go:build unix

package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tokenWatch stands between the Next.js example and the Express API, and keeps
// what the one sends to the other.
type tokenWatch struct {
	mu     sync.Mutex
	tokens []string // each once, in order
	sent   []http.Header
	refuse string // a token to answer 401 for
}

// watchAPI listens where the Next.js example looks for the API.
func watchAPI(t *testing.T, app example, a *api) *tokenWatch {
	t.Helper()
	w := &tokenWatch{}
	target, err := url.Parse(a.base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.mu.Lock()
		if !slices.Contains(w.tokens, token) {
			w.tokens = append(w.tokens, token)
		}
		w.sent = append(w.sent, r.Header.Clone())
		refused := token == w.refuse
		w.mu.Unlock()
		if refused {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	server.Listener.Close()
	if server.Listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", app.apiPort)); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	return w
}

func (w *tokenWatch) seen() ([]string, []http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tokens), slices.Clone(w.sent)
}

func (w *tokenWatch) refuses(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = token
}

// The Next.js example calls the Express API with the caller's token, which it
// attaches itself: no answer to the browser ever holds it.
//
// proves: ASVS 10.1.1
func TestProxy_theBrowserNeverSeesTheToken(t *testing.T) {
	app := theExample(t)
	rec := newRecorder(t, app)
	g := serve(t, app.gatehousePort, rec.origin, tokensConfig())
	a := newAPI(t, freePort(), rec.origin+"/api/auth", "GATEHOUSE_INTERNAL="+g.base+"/api/auth")
	watch := watchAPI(t, app, a)
	b := visitor(t, rec.origin)

	b.open("/")
	if got := b.calls("api-express"); got != "401" {
		t.Errorf("the proxy answered %s to nobody", got)
	}
	b.signIn(userEmail, userPassword)
	if got := b.calls("api-express"); got != "200" {
		t.Fatalf("the proxy answered %s to a user: %s", got, b.text(id("api-express-body")))
	}
	shown := b.text(id("api-express-body"))
	b.reload()
	b.calls("api-express")

	tokens, sent := watch.seen()
	if len(tokens) == 0 || len(sent) < 2 {
		t.Fatalf("the API got %d calls with %d tokens", len(sent), len(tokens))
	}
	for _, h := range sent {
		if h.Get("Cookie") != "" {
			t.Error("the proxy passed cookies on to the API")
		}
	}
	for _, token := range tokens {
		_, claims := claimsOf(t, token)
		if !rec.contains(fmt.Sprint(claims["sub"])) || !strings.Contains(shown, fmt.Sprint(claims["sub"])) {
			t.Errorf("the browser never got the user's ID %v: the search finds nothing", claims["sub"])
		}
		signature := token[strings.LastIndex(token, ".")+1:]
		if rec.contains(token) || rec.contains(signature) {
			t.Error("an answer to the browser has the token in it")
		}
		a.lets("/jose", token) // it is one
	}
	if rec.contains("fam_") {
		t.Error("an answer to the browser has a refresh token in it")
	}
}

func TestProxy_answersAsTheAPIDoesAndRefusesAfterSignOut(t *testing.T) {
	app := theExample(t)
	g := serve(t, app.gatehousePort, app.origin, tokensConfig())
	a := newAPI(t, freePort(), app.origin+"/api/auth", "GATEHOUSE_INTERNAL="+g.base+"/api/auth")
	watch := watchAPI(t, app, a)
	c := newClient(t, "http://"+app.address, app.origin)
	c.host = strings.TrimPrefix(app.origin, "http://")
	c.signIn(userEmail, userPassword)
	want := func(what string, got answer, status int) {
		t.Helper()
		if got.StatusCode != status {
			t.Errorf("%s: %d, want %d\n%s", what, got.StatusCode, status, got.text)
		}
	}

	for range 3 {
		want("a user", c.get("/api/express/jose"), http.StatusOK)
	}
	want("a role that is missing", c.get("/api/express/admin"), http.StatusForbidden)
	want("nothing there", c.get("/api/express/nowhere"), http.StatusNotFound)
	want("a slash within a name", c.get("/api/express/%2e%2e%2fjose"), http.StatusNotFound)
	want("a payment", c.postJSON("/api/express/payments", object{"sum": 1}), http.StatusCreated)
	foreign := *c
	foreign.origin = "https://evil.example.test"
	want("a payment that another site sends", foreign.postJSON("/api/express/payments", object{"sum": 1}), http.StatusForbidden)
	tokens, _ := watch.seen()
	if len(tokens) != 1 {
		t.Fatalf("%d tokens for one session: it was not kept", len(tokens))
	}

	// A token that the API takes no more is replaced once.
	watch.refuses(tokens[0])
	want("after the API refused the token", c.get("/api/express/introspection"), http.StatusOK)
	if tokens, _ = watch.seen(); len(tokens) != 2 {
		t.Fatalf("%d tokens, want a second one", len(tokens))
	}

	stolen := slices.Clone(c.cookies)
	want("sign-out", c.send(http.MethodPost, "/api/auth/logout", "application/json", "{}"), http.StatusOK)
	want("after the sign-out", c.get("/api/express/jose"), http.StatusUnauthorized)
	c.cookies = stolen
	want("with a copy of the cookie", c.get("/api/express/jose"), http.StatusUnauthorized)
	a.lets("/jose", tokens[1]) // the token itself goes on, and stays in the server
	a.refuses("/introspection", tokens[1], http.StatusUnauthorized, "not active")
}

// Without Gatehouse, or without the API, nobody is let in and nobody is told to
// sign in again.
func TestProxy_whenTheAPIIsAwayItAnswers503(t *testing.T) {
	app := theExample(t)
	serve(t, app.gatehousePort, app.origin, tokensConfig())
	c := newClient(t, "http://"+app.address, app.origin)
	c.signIn(userEmail, userPassword)
	got := c.get("/api/express/jose")
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
}
