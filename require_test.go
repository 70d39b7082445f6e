package gatehouse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

var navigation = http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}

// proves: NEXT-12, NEXT-20, NEXT-30
func TestRequire_answersEachCallerInTheirWay(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	cookies := login(t, g)
	signedIn, admins := g.Require()(http.HandlerFunc(whoAsks)), g.Require(gatehouse.Role("admin"))(http.HandlerFunc(whoAsks))
	for _, c := range []struct {
		what     string
		h        http.Handler
		headers  http.Header
		cookies  []*http.Cookie
		status   int
		kind     string
		location bool
	}{
		{"a script, nobody", signedIn, nil, nil, 401, "application/problem+json; charset=utf-8", false},
		{"a script, ann", signedIn, nil, cookies, 200, "", false},
		{"a script, ann for admins", admins, nil, cookies, 403, "application/problem+json; charset=utf-8", false},
		{"a person, nobody", signedIn, navigation, nil, 303, "", true},
		{"a person, ann for admins", admins, navigation, cookies, 403, "text/html; charset=utf-8", false},
	} {
		w := through(c.h, "GET", "/page?a=b&c", c.headers, c.cookies...)
		if w.Code != c.status || c.kind != "" && w.Header().Get("Content-Type") != c.kind || (w.Header().Get("Location") != "") != c.location {
			t.Errorf("%s: %d %v", c.what, w.Code, w.Header())
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != "Cookie" {
			t.Errorf("%s: Cache-Control %q, Vary %q", c.what, w.Header().Get("Cache-Control"), w.Header()["Vary"])
		}
		if c.location {
			want := "http://localhost:3000/api/auth/signin?callbackUrl=" + url.QueryEscape("http://localhost:3000/page?a=b&c")
			if got := w.Header().Get("Location"); got != want {
				t.Errorf("%s: leads to %q, want %q", c.what, got, want)
			}
		}
	}
}

// Somebody who is signed in and not allowed is not told to sign in: they are
// led away, or on to another account.
func TestRequire_leadsOnWhoeverIsNotAllowed(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	w := through(g.Require(gatehouse.Role("admin"))(http.HandlerFunc(whoAsks)), "GET", "/page", navigation, login(t, g)...)
	for _, want := range []string{
		"<h1>Not allowed</h1>", `<a class="button" href="http://localhost:3000">Go to `,
		`<a href="http://localhost:3000/api/auth/signin">Sign in as somebody else</a>`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing in\n%s", want, w.Body)
		}
	}
	if strings.Contains(w.Body.String(), "Go to sign-in") {
		t.Errorf("told to sign in:\n%s", w.Body)
	}
}

// The way to the sign-in page and back, as a browser goes it: what Require
// hands over, the sign-in page takes, and Host decides nothing.
func TestRequire_comesBackAfterSigningIn(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	mux := http.NewServeMux()
	mux.Handle("/api/auth/", g.Handler())
	mux.Handle("/inside/", http.StripPrefix("/inside", g.Require()(http.HandlerFunc(whoAsks))))
	srv := httptest.NewServer(mux) // its address is not the public origin
	defer srv.Close()
	for _, target := range []string{"/inside/page?a=b", "/inside/page?" + strings.Repeat("b", 2900)} {
		r, err := http.NewRequest("GET", srv.URL+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.Header = "evil.example", navigation.Clone()
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		path, ours := strings.CutPrefix(res.Header.Get("Location"), "http://localhost:3000")
		if res.StatusCode != http.StatusSeeOther || !ours {
			t.Fatalf("%d, leads to %q", res.StatusCode, res.Header.Get("Location"))
		}
		page := through(mux, "GET", path, navigation)
		kept := ""
		for _, c := range page.Result().Cookies() {
			if strings.HasSuffix(c.Name, "callback-url") {
				kept, _ = url.PathUnescape(c.Value)
			}
		}
		if page.Code != http.StatusOK || kept != "http://localhost:3000"+target {
			t.Errorf("%.40s: the sign-in page: %d, leads back to %.80q", target, page.Code, kept)
		}
	}
}

// Behind Authenticate the request is asked about once; in the answer of a page
// for members, the stricter word about caches holds.
func TestRequire_behindAuthenticate(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	cookies := login(t, g)
	h := g.Authenticate(g.Authenticate(g.Require()(g.Require()(http.HandlerFunc(whoAsks)))))
	w := through(h, "GET", "/", nil, cookies...)
	if w.Code != 200 || w.Body.String() != "true []" || w.Header().Get("Cache-Control") != "no-store" || len(w.Header()["Vary"]) != 3 {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
	own := g.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=5")
		g.Require()(http.HandlerFunc(whoAsks)).ServeHTTP(w, r)
	}))
	if got := through(own, "GET", "/", nil, cookies...).Header().Get("Cache-Control"); got != "private, max-age=5" {
		t.Errorf("set between the two: %q", got)
	}
}

// A middleware between the two that makes another method of the request makes no
// way around the question where the request comes from.
//
// proves: ASVS 3.5.1
func TestRequire_looksAgainBehindAuthenticate(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	h := g.Require()(http.HandlerFunc(whoAsks))
	override := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Method = r.FormValue("_method")
		h.ServeHTTP(w, r)
	})
	for site, want := range map[string]int{"cross-site": 403, "same-origin": 200} {
		for _, outer := range []func(http.Handler) http.Handler{g.Authenticate, g.Require()} {
			w := through(outer(override), "GET", "/notes/1?_method=DELETE", http.Header{"Sec-Fetch-Site": {site}}, login(t, g)...)
			if w.Code != want {
				t.Errorf("%s: %d, want %d", site, w.Code, want)
			}
		}
	}
}

// What one Gatehouse found out counts for nothing at another.
func TestRequire_believesNoOtherGatehouse(t *testing.T) {
	cfg := config(t)
	cfg.Secrets = []gatehouse.Secret{ownSecond}
	one, other := open(t, config(t)), open(t, cfg)
	createAnn(t, one)
	run(t, one)
	run(t, other)
	cookies := login(t, one)
	h := one.Authenticate(other.Require()(http.HandlerFunc(whoAsks)))
	if w := through(h, "GET", "/", nil, cookies...); w.Code != http.StatusUnauthorized {
		t.Errorf("%d %s, want 401: the other one never made this cookie", w.Code, w.Body)
	}
}

// What is wired wrongly stops the program at its start.
func TestRequire_panicsWhereItIsWiredWrongly(t *testing.T) {
	cfg := config(t)
	cfg.RateLimits = []gatehouse.RateLimitPolicy{{Name: "api", Burst: 1}}
	g := open(t, cfg)
	var none http.HandlerFunc
	for want, wire := range map[string]func(){
		`gatehouse: Role(""): no user can hold this role. A role is`:  func() { gatehouse.Role("") },
		`gatehouse: Role("the admin"): no user can hold`:              func() { gatehouse.Role("the admin") },
		`gatehouse: Role("` + strings.Repeat("a", 65) + `"): no user`: func() { gatehouse.Role(strings.Repeat("a", 65)) },
		`gatehouse: AnyRole("ädmin"): no user can hold`:               func() { gatehouse.AnyRole("user", "ädmin") },
		`gatehouse: AnyRole(): name at least one role`:                func() { gatehouse.AnyRole() },
		`gatehouse: Require: a zero Need`:                             func() { g.Require(gatehouse.Need{}) },
		`gatehouse: Permission("orders"): nobody can have`:            func() { gatehouse.Permission("orders") },
		`gatehouse: Permission("*:read"): nobody can have`:            func() { gatehouse.Permission("*:read") },
		`gatehouse: AnyPermission("Orders:read"): nobody`:             func() { gatehouse.AnyPermission("orders:read", "Orders:read") },
		`gatehouse: AnyPermission(): name at least one`:               func() { gatehouse.AnyPermission() },
		`gatehouse: Scope(""): no credential can have`:                func() { gatehouse.Scope("") },
		`gatehouse: Scope("two words"): no credential`:                func() { gatehouse.Scope("two words") },
		`gatehouse: AnyOf(): name at least one Need`:                  func() { gatehouse.AnyOf() },
		`gatehouse: AnyOf: a zero Need`:                               func() { gatehouse.AnyOf(gatehouse.APIKey(), gatehouse.Need{}) },
		`gatehouse: AnyOf: Fresh says nothing of who calls`:           func() { gatehouse.AnyOf(gatehouse.Role("a"), gatehouse.Fresh()) },
		`gatehouse: Protect: the handler is nil`:                      func() { g.Protect("api")(nil) },
		`gatehouse: RateLimit("nothing"): there is no policy`:         func() { g.Protect("nothing") },
		`gatehouse: CSRF: the handler is nil`:                         func() { g.CSRF(nil) },
		`gatehouse: Require: the handler is nil`:                      func() { g.Require()(nil) },
		`gatehouse: Authenticate: the handler is nil`:                 func() { g.Authenticate(none) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
					t.Errorf("panicked with %q, want %q", got, want)
				}
			}()
			wire()
		}()
	}
}

// The roles that AnyRole was given are its own.
func TestAnyRole_keepsWhatItWasGiven(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	roles := []string{"admin", "editor"}
	h := g.Require(gatehouse.AnyRole(roles...))(http.HandlerFunc(whoAsks))
	roles[0], roles[1] = "user", "user"
	u, err := g.Users().Find(t.Context(), "ann@example.test")
	if err != nil {
		t.Fatal(err)
	}
	cookies := login(t, g)
	for role, want := range map[string]int{"user": 403, "editor": 200} {
		if _, err := g.Users().SetRoles(t.Context(), "test", u.ID, []string{role}); err != nil {
			t.Fatal(err)
		}
		if w := through(h, "GET", "/", nil, cookies...); w.Code != want {
			t.Errorf("as %s: %d, want %d", role, w.Code, want)
		}
	}
}

// A server that has lost its database goes on for a while, but not where the
// program wants it fresh.
func TestRequire_freshRoutesAreClosedSoonerThanOthers(t *testing.T) {
	cfg := config(t)
	began := time.Now()
	var ahead atomic.Int64 // the clock stands still but for this
	cfg.Now = func() time.Time { return began.Add(time.Duration(ahead.Load())) }
	g := open(t, cfg)
	createAnn(t, g)
	stop := start(t, g)
	cookies := login(t, g)
	if err := stop(); err != nil { // from here on nobody reads the feed
		t.Fatal(err)
	}
	anywhere, fresh := g.Require()(http.HandlerFunc(whoAsks)), g.Require(gatehouse.Fresh())(http.HandlerFunc(whoAsks))
	ahead.Store(int64(gatehouse.FreshWithin))
	if w := through(fresh, "GET", "/page", nil, cookies...); w.Code != http.StatusOK {
		t.Errorf("at the limit: %d", w.Code)
	}
	ahead.Add(1)
	if w := through(anywhere, "GET", "/page", nil, cookies...); w.Code != http.StatusOK {
		t.Errorf("a route like any other: %d", w.Code)
	}
	w := through(fresh, "GET", "/page", nil, cookies...)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || len(w.Result().Cookies()) > 0 {
		t.Errorf("a fresh route: %d %v", w.Code, w.Header())
	}
}
