package gatehouse_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/gatehousetest"
)

// whoAsks answers with the name of the user and their roles.
func whoAsks(w http.ResponseWriter, r *http.Request) {
	p, ok := gatehouse.PrincipalFrom(r.Context())
	fmt.Fprintf(w, "%v %v", ok, p.Roles)
}

// through sends a request through a handler of the embedding program.
func through(h http.Handler, method, path string, headers http.Header, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:3000"+path, nil)
	for name, values := range headers {
		r.Header[name] = values
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func loginAt(t *testing.T, g *gatehouse.Gatehouse, base string, cookies ...*http.Cookie) []*http.Cookie {
	t.Helper()
	w := call(g, "POST", base+"/login", `{"email":"ann@example.test","password":"`+password+`"}`, cookies...)
	if w.Code != http.StatusOK {
		t.Fatalf("login at %s: %d %s", base, w.Code, w.Body)
	}
	return w.Result().Cookies()
}

func run(t *testing.T, g *gatehouse.Gatehouse) {
	t.Helper()
	stop := start(t, g)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func twoMounts(t *testing.T) gatehouse.Config {
	cfg := config(t)
	cfg.Mounts = append(cfg.Mounts, gatehouse.Mount{BasePath: "/auth", Dialect: "v5", Secrets: cfg.Mounts[0].Secrets})
	return cfg
}

func TestAuthenticate_saysWhoAsksAtEitherMount(t *testing.T) {
	g := open(t, twoMounts(t))
	createAnn(t, g)
	run(t, g)
	h := g.Authenticate(http.HandlerFunc(whoAsks))
	four, five := loginAt(t, g, "/api/auth"), loginAt(t, g, "/auth")
	for what, c := range map[string]struct {
		cookies []*http.Cookie
		want    string
	}{
		"nobody": {nil, "false []"}, "v4": {four, "true []"}, "v5": {five, "true []"},
		"a forged cookie": {[]*http.Cookie{{Name: four[0].Name, Value: "forged"}}, "false []"},
	} {
		w := through(h, "GET", "/", nil, c.cookies...)
		if w.Code != http.StatusOK || w.Body.String() != c.want || w.Header().Get("Vary") != "Cookie" {
			t.Errorf("%s: %d %q, Vary %q; want %q", what, w.Code, w.Body, w.Header().Get("Vary"), c.want)
		}
	}
	if _, ok := gatehouse.PrincipalFrom(context.Background()); ok {
		t.Error("somebody in a context that came through nothing")
	}
}

// Without Run nothing can be said: 503, no cookie touched, and the operator is
// told what is missing, once and not with every request.
func TestAuthenticate_saysThatRunIsMissing(t *testing.T) {
	cfg := config(t)
	g := open(t, cfg)
	createAnn(t, g)
	stop := start(t, g)
	cookies := login(t, g)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	forgotten := open(t, cfg)
	for _, h := range []http.Handler{
		forgotten.Authenticate(http.HandlerFunc(whoAsks)), forgotten.Require()(http.HandlerFunc(whoAsks)), forgotten.Require()(http.HandlerFunc(whoAsks)),
	} {
		w := through(h, "GET", "/", nil, cookies...)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || len(w.Header()["Set-Cookie"]) != 0 || w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%d %v, want 503 with Retry-After and no cookie touched", w.Code, w.Header())
		}
	}
	if n := strings.Count(log.String(), "start it with go g.Run(ctx)"); n != 1 {
		t.Errorf("%d lines say that Run is missing, want one:\n%s", n, log)
	}
	if w := through(forgotten.Authenticate(http.HandlerFunc(whoAsks)), "GET", "/", nil); w.Code != http.StatusOK {
		t.Errorf("without a cookie: %d, want 200: nothing had to be asked", w.Code)
	}
}

// A program may put Authenticate around everything, Gatehouse's own addresses
// with it: those see to their cookies themselves, in an outage too.
func TestAuthenticate_leavesGatehousesOwnAddressesAlone(t *testing.T) {
	cfg := config(t)
	g := open(t, cfg)
	createAnn(t, g)
	stop := start(t, g)
	h := g.Authenticate(g.Handler())
	void := &http.Cookie{Name: "next-auth.session-token", Value: "void"}
	post := http.Header{"Content-Type": {"application/json"}, "Origin": {"http://localhost:3000"}}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "http://localhost:3000/api/auth/login", strings.NewReader(`{"email":"ann@example.test","password":"`+password+`"}`))
	r.Header = post.Clone()
	r.AddCookie(void)
	h.ServeHTTP(w, r)
	cookies := sessionsOf(w.Result().Cookies())
	if w.Code != http.StatusOK || len(cookies) != 1 || cookies[0].MaxAge < 0 || !signedIn(g, cookies) {
		t.Fatalf("sign-in over a void cookie: %d %v", w.Code, cookies)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	out := through(open(t, cfg).Handler(), "POST", "/api/auth/logout", post, cookies...)
	wrapped := open(t, cfg)
	again := through(wrapped.Authenticate(wrapped.Handler()), "POST", "/api/auth/logout", post, cookies...)
	if out.Code != http.StatusServiceUnavailable || again.Code != out.Code || len(again.Header()["Set-Cookie"]) != len(out.Header()["Set-Cookie"]) || len(out.Header()["Set-Cookie"]) == 0 {
		t.Errorf("sign-out in an outage: %d %q; with Authenticate around: %d %q", out.Code, out.Header()["Set-Cookie"], again.Code, again.Header()["Set-Cookie"])
	}
}

// A cookie alone is nobody where something may change.
//
// proves: NEXT-5, CB-10
func TestAuthenticate_namesNobodyWhereACookieIsNotEnough(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	cookies := login(t, g)
	h := g.Authenticate(http.HandlerFunc(whoAsks))
	for origin, want := range map[string]string{"": "false []", "http://localhost:3000": "true []", "http://localhost:3001": "false []"} {
		headers := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		if origin != "" {
			headers.Set("Origin", origin)
		}
		if w := through(h, "POST", "/", headers, cookies...); w.Body.String() != want {
			t.Errorf("Origin %q: %q, want %q", origin, w.Body, want)
		}
	}
}

// Requests, changes of roles and the end of the session meet.
func TestAuthenticate_concurrentlyWithChanges(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	cookies := login(t, g)
	u, err := g.Users().Find(t.Context(), "ann@example.test")
	if err != nil {
		t.Fatal(err)
	}
	h := g.Authenticate(g.Require(gatehouse.AnyRole("a", "b"))(http.HandlerFunc(whoAsks)))
	if _, err := g.Users().SetRoles(t.Context(), "test", u.ID, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	var ask sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		ask.Go(func() {
			for {
				if w := through(h, "GET", "/", nil, cookies...); w.Code != http.StatusOK {
					t.Errorf("while the roles change: %d %s", w.Code, w.Body)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 6 {
		if _, err := g.Users().SetRoles(t.Context(), "test", u.ID, []string{[]string{"b", "a"}[i%2]}); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	ask.Wait()
	if _, err := g.Users().Disable(t.Context(), "test", u.ID); err != nil {
		t.Fatal(err)
	}
	if w := through(h, "GET", "/", nil, cookies...); w.Code != http.StatusUnauthorized {
		t.Errorf("the first request after the user was disabled: %d, want 401", w.Code)
	}
}

// nothing is a ResponseWriter that costs nothing.
type nothing struct{ header http.Header }

func (n nothing) Header() http.Header         { return n.header }
func (n nothing) WriteHeader(int)             {}
func (n nothing) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkRequire is a whole guarded request without the network; bare is the
// same without the guard.
func BenchmarkRequire(b *testing.B) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	serve := func(name string, h http.Handler, cookies []*http.Cookie) {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "http://localhost:3000/", nil)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			w := nothing{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
			if w.header.Get("Retry-After") != "" || w.header.Get("WWW-Authenticate") != "" {
				b.Fatalf("refused: %v", w.header)
			}
		})
	}
	serve("bare", bare, nil)
	for _, dialect := range []string{"v4", "v5"} {
		g := gatehousetest.New(b, func(c *gatehouse.Config) { c.Mounts[0].Dialect = dialect })
		at, err := url.Parse(g.URL)
		if err != nil {
			b.Fatal(err)
		}
		cookies := g.Client(auth.RoleAdmin).Jar.Cookies(at)
		serve(dialect, g.Require()(bare), cookies)
		serve(dialect+"/role", g.Authenticate(g.Require(gatehouse.Role(auth.RoleAdmin))(bare)), cookies)
		serve(dialect+"/permission", g.Authenticate(g.Require(gatehouse.Permission("orders:read"))(bare)), cookies)
		serve(dialect+"/hint", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !g.Hint(r).ProbablySignedIn() {
				b.Fatal("nobody, it says")
			}
			bare(w, r)
		}), cookies)
	}
}

// Asking for a permission costs no more memory than asking for a role.
func TestRequire_allocatesNothingForAPermission(t *testing.T) {
	g := gatehousetest.New(t)
	at, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", g.URL+"/", nil)
	for _, c := range g.Client(auth.RoleAdmin).Jar.Cookies(at) {
		r.AddCookie(c)
	}
	w := nothing{http.Header{}}
	reached := 0
	allocs := func(n gatehouse.Need) float64 {
		h := g.Require(n)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
		return testing.AllocsPerRun(200, func() { clear(w.header); h.ServeHTTP(w, r) })
	}
	role, permission := allocs(gatehouse.Role(auth.RoleAdmin)), allocs(gatehouse.Permission("orders:read"))
	if permission > role || reached != 2*201 {
		t.Errorf("%v allocations for a permission, %v for a role; the handler was reached %d times", permission, role, reached)
	}
}
