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
	"time"
)

// proves: NEXT-16
func TestAppRouter_disabledUserIsRefusedEverywhereWithinASecond(t *testing.T) {
	app := theAppRouter(t)
	g := devAppRouter(t, app)
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	b.saveNote("the first note")
	b.shows(id("note-outcome"), "Saved.")
	b.reload()
	if note := b.note(); note != "the first note" {
		t.Fatalf("the note is %q", note)
	}
	other := b.another()
	other.open("/") // a page for everybody, so proxy.ts asks nothing
	other.saveNote("on the start page")
	other.shows(id("note-outcome"), "Saved.")

	c := b.client()
	const refusal = `{"title":"Unauthorized","status":401,"detail":"Nobody is signed in."}`
	page := lastGoodCall(c, app.origin, "/dashboard", refusal)
	handler := lastGoodCall(c, app.origin, "/api/me", refusal)
	g.cli("", "user", "disable", userEmail)
	told := time.Now()
	for name, began := range map[string]<-chan time.Time{"the page": page, "the route handler": handler} {
		last := <-began
		if last.IsZero() {
			t.Errorf("%s: the first call was refused already: the test shows nothing", name)
		}
		if late := last.Sub(told); late > time.Second {
			t.Errorf("%s let the disabled user in %v after the command returned", name, late)
		}
	}

	// On the start page the action refuses by itself, on the other proxy.ts does.
	other.saveNote("too late")
	other.shows(id("note-outcome"), "Your session has ended. Nothing was saved: sign in again.")
	b.saveNote("too late")
	b.shows(id("error"), "Something went wrong, or your session has ended.")
	b.click("main button") // load the page again
	b.titled("Sign in")
	g.cli("", "user", "enable", userEmail)
	b.hosted("identifier", userEmail, "password", userPassword)
	b.at("/dashboard")
	if note := b.note(); note != "on the start page" {
		t.Errorf("the note is %q: a refused action changed it", note)
	}
}

func TestAppRouter_outageSignsNobodyOut(t *testing.T) {
	app := theAppRouter(t)
	g := devAppRouter(t, app)
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	b.open("/")
	before := b.sessionCookie()
	c := b.client()
	if err := g.end(); err != nil {
		t.Fatal(err)
	}

	b.saveNote("in the outage")
	b.shows(id("note-outcome"), "Nobody can tell who is signed in at the moment. Nothing was saved: try again soon.")
	b.open("/dashboard?tab=2")
	b.titled("Service unavailable")
	b.at("/dashboard?tab=2")
	b.says(id("refusal"), "Nobody can tell who is signed in at the moment. If you were signed in, you still are: try again soon.")
	b.open("/") // for everybody, so it is there
	b.shows(id("server-status"), "unknown")
	b.click(id("nav-dashboard"))
	b.titled("Service unavailable")

	c.refused("/api/me", http.StatusServiceUnavailable)
	c.header.Set("Sec-Fetch-Mode", "navigate")
	for _, path := range []string{"/dashboard", "/api/me"} {
		got := c.get(path)
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s answered %d, Retry-After %q", path, got.StatusCode, got.Header.Get("Retry-After"))
		}
		if got.Header.Get("Set-Cookie") != "" || !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s touches cookies or may be cached: %v", path, got.Header)
		}
	}
	if now := b.sessionCookie(); now == nil || now.Value != before.Value {
		t.Fatal("the outage touched the session cookie")
	}

	g.start()
	b.click("main a.button") // try again
	b.at("/dashboard")
	b.says(id("dashboard-email"), userEmail)
	b.says(id("who"), "Demo User")
}

// proves: NEXT-23
func TestAppRouter_noHeaderOrSpellingOpensAGuardedPage(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	nobody := newClient(t, "http://"+app.address, app.origin)
	user := visitor(t, app.origin)
	user.signInHosted("/dashboard", userEmail, userPassword)
	somebody := user.client()

	var headers []http.Header
	for _, name := range []string{"proxy", "src/proxy", "middleware", "src/middleware", "pages/_middleware"} {
		for _, mode := range []string{"navigate", "cors"} {
			headers = append(headers, http.Header{"X-Middleware-Subrequest": {strings.Repeat(name+":", 9) + name}, "Sec-Fetch-Mode": {mode}})
		}
	}
	headers = append(headers,
		http.Header{"Rsc": {"1"}},
		http.Header{"Rsc": {"1"}, "Next-Router-Prefetch": {"1"}},
		http.Header{"X-Nextjs-Data": {"1"}},
		http.Header{"X-Middleware-Next": {"1"}, "X-Middleware-Rewrite": {"/"}},
		http.Header{"X-Matched-Path": {"/"}, "X-Invoke-Path": {"/"}, "X-Original-Url": {"/"}, "X-Rewrite-Url": {"/"}},
	)
	for _, h := range headers {
		nobody.header, somebody.header = h, h
		for _, path := range []string{"/dashboard", "/admin", "/api/me", "/api/admin"} {
			if got := nobody.get(path); got.StatusCode < 300 {
				t.Errorf("with %v %s answered %d to nobody", h, path, got.StatusCode)
			}
		}
		for _, path := range []string{"/admin", "/api/admin"} {
			if got := somebody.get(path); got.StatusCode < 300 || strings.Contains(got.text, "Hello, administrator") {
				t.Errorf("with %v %s answered %d to a user without the role", h, path, got.StatusCode)
			}
		}
	}

	nobody.header, somebody.header = http.Header{}, http.Header{}
	for _, path := range []string{
		"/%61dmin", "/admin%2f", "/admin/", "/ADMIN", "//admin", "/./admin", "/x/../admin", "/%2e/admin", "/admin%00", "/admin;x", `/\admin`,
		"/_next/static/../../admin", "/api/auth/../../admin", "/api/auth/../admin", "/icon.svg/../admin", "/api/auth/%2e%2e/admin", "/api/auth/..%2fadmin",
		"/admin.rsc", "/admin.segments/_tree.segment.rsc", "/admin.txt", "/_next/data/x/admin.json", "/api/%61dmin", "/api//admin",
	} {
		for who, c := range map[string]*client{"nobody": nobody, "a user without the role": somebody} {
			got, err := c.try(http.MethodGet, path, "", "")
			if err == nil && (got.StatusCode == http.StatusOK || strings.Contains(got.text, "Hello, administrator")) {
				t.Errorf("%s answered %d to %s\n%.500s", path, got.StatusCode, who, got.text)
			}
		}
	}
}

// Next.js tells shared caches to keep static pages and files for long. What is
// guarded must not be kept, nor the renewed cookie that goes with it.
func TestAppRouter_staticPagesAreGuardedAndKeptByNobody(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	stranger := newClient(t, app.origin, app.origin)
	stranger.header.Set("Sec-Fetch-Mode", "navigate")
	if got := stranger.get("/handbook"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("nobody: /handbook answered %d", got.StatusCode)
	}
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	c := b.client()
	c.header.Set("Sec-Fetch-Mode", "navigate")
	got := c.get("/handbook")
	if got.StatusCode != http.StatusOK || !strings.Contains(got.text, "For people who are signed in.") {
		t.Fatalf("/handbook answered %d\n%s", got.StatusCode, got.text)
	}
	if kept := got.Header.Values("Cache-Control"); len(kept) != 1 || kept[0] != "private, no-store" {
		t.Errorf("Cache-Control %q", kept)
	}
}

// proves: NEXT-22
func TestAppRouter_forgedCookieIsNobody(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	good := b.sessionCookie()
	middle := len(good.Value) / 2
	for name, value := range map[string]string{
		"altered": good.Value[:middle] + string(good.Value[middle]^1) + good.Value[middle+1:],
		"cut":     good.Value[:middle],
		"garbage": "eyJhbGciOiJub25lIn0.e30.",
	} {
		c := newClient(t, app.origin, app.origin)
		c.header.Set("Cookie", good.Name+"="+value)
		c.refused("/api/me", http.StatusUnauthorized)
		c.header.Set("Sec-Fetch-Mode", "navigate")
		if got := c.get("/dashboard"); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: /dashboard answered %d", name, got.StatusCode)
		}
		if got := c.get("/"); !strings.Contains(got.text, "nobody is signed in") {
			t.Errorf("%s: the start page does not say that nobody is signed in", name)
		}
	}
}

func TestAppRouter_postFromAnotherSiteChangesNothing(t *testing.T) {
	app := theAppRouter(t)
	devAppRouter(t, app)
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	c := b.client()
	for name, h := range map[string]http.Header{
		"another site":                {"Sec-Fetch-Site": {"cross-site"}},
		"another origin of this site": {"Sec-Fetch-Site": {"same-site"}},
		"an older browser":            {"Origin": {"http://evil.example"}},
		"a sandboxed page":            {"Origin": {"null"}},
		"plain http elsewhere":        {"Origin": {"http://app.example"}},
		"nobody says from where":      {},
	} {
		c.header, c.origin = h, h.Get("Origin")
		if got := c.send(http.MethodPost, "/api/note", "", `{"text":"forged"}`); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: POST /api/note answered %d", name, got.StatusCode)
		}
	}
	c.header, c.origin = http.Header{"Sec-Fetch-Site": {"same-origin"}}, app.origin
	if got := c.postJSON("/api/note", map[string]string{"text": "our own"}); got.StatusCode != http.StatusNoContent {
		t.Errorf("POST /api/note answered %d\n%s", got.StatusCode, got.text)
	}
	b.reload()
	if note := b.note(); note != "our own" {
		t.Errorf("the note is %q", note)
	}
}

// between stands in front of Gatehouse, where the example asks.
type between struct {
	mu     sync.Mutex
	seen   []string                                              // the Cookie header of each question
	answer func(question int, w http.ResponseWriter) (done bool) // in Gatehouse's place; nil: never
}

// withBetween starts a proxy at the address that the example asks, and a gatehouse
// behind it.
func withBetween(t *testing.T, app example) *between {
	t.Helper()
	g := dev(t, freePort(), app.origin, "--dialect", "v5")
	behind, err := url.Parse(g.base)
	if err != nil {
		t.Fatal(err)
	}
	f := &between{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/auth/session" && f.takes(w, r) {
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	server.Listener.Close()
	if server.Listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", app.gatehousePort)); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	return f
}

func (f *between) takes(w http.ResponseWriter, r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, strings.Join(r.Header.Values("Cookie"), " AND "))
	return f.answer != nil && f.answer(len(f.seen), w)
}

// during forgets the questions so far and answers those to come.
func (f *between) during(answer func(question int, w http.ResponseWriter) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.answer = nil, answer
}

func (f *between) questions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

func text(w http.ResponseWriter, status int, body string) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
	return true
}

// What proxy.ts was told does not count for the page: it asks by itself. Here
// the first question, that of proxy.ts, gets another answer than the second.
//
// proves: NEXT-23
func TestAppRouter_pagesAskForThemselves(t *testing.T) {
	app := theAppRouter(t)
	f := withBetween(t, app)
	b := visitor(t, app.origin)
	b.signInHosted("/dashboard", userEmail, userPassword)
	c := b.client()
	c.header.Set("Sec-Fetch-Mode", "navigate")

	const admin = `{"user":{"id":"usr_forged","roles":["admin"]},"expires":"2099-01-01T00:00:00.000Z"}`
	forgeFirst := func(then string) func(int, http.ResponseWriter) bool {
		return func(question int, w http.ResponseWriter) bool {
			if question == 1 {
				return text(w, 200, admin)
			}
			return then != "" && text(w, 200, then)
		}
	}
	f.during(forgeFirst("null"))
	if got := c.get("/dashboard"); got.StatusCode != http.StatusTemporaryRedirect || got.Header.Get("Location") != "/api/auth/signin?callbackUrl=%2Fdashboard" {
		t.Errorf("the page answered %d, Location %q, to nobody whom proxy.ts let through", got.StatusCode, got.Header.Get("Location"))
	}
	f.during(forgeFirst("")) // then as it is: a user without the role
	if got := c.get("/admin"); got.StatusCode != http.StatusNotFound || strings.Contains(got.text, "Hello, administrator") {
		t.Errorf("the admin page answered %d to a user whom proxy.ts let through\n%.300s", got.StatusCode, got.text)
	}
	f.during(forgeFirst(""))
	c.refused("/api/admin", http.StatusForbidden)
	f.during(forgeFirst("null"))
	c.refused("/api/me", http.StatusUnauthorized)

	// Gatehouse goes away between the two: the page says so in its place.
	f.during(func(question int, w http.ResponseWriter) bool { return question > 1 && text(w, 503, "{}") })
	b.open("/dashboard")
	b.says(id("error"), "Nobody can tell who is signed in at the moment. If you were signed in, you still are: try again soon.")
	f.during(nil)
	b.click("main button") // try again
	b.shows(id("dashboard-email"), userEmail)

	// Answers that are none are an outage, too.
	for _, wrong := range []struct {
		status int
		body   string
	}{{500, "null"}, {429, "null"}, {404, "null"}, {200, "<html>"}, {200, "{}"}, {200, `{"user":{}}`}, {200, ""}, {302, "null"}} {
		f.during(func(_ int, w http.ResponseWriter) bool {
			w.Header().Set("Location", "/elsewhere")
			return text(w, wrong.status, wrong.body)
		})
		c.refused("/api/me", http.StatusServiceUnavailable)
	}
	hang, began := make(chan struct{}), time.Now()
	f.during(func(int, http.ResponseWriter) bool { <-hang; return true })
	c.refused("/api/me", http.StatusServiceUnavailable)
	close(hang)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a Gatehouse that hangs held the answer for %v", took)
	}
}

// A session spread over several cookies, and whatever else the browser sends,
// reaches Gatehouse byte for byte, by all three ways.
func TestAppRouter_cookiesReachGatehouseAsTheyAre(t *testing.T) {
	app := theAppRouter(t)
	f := withBetween(t, app)
	const cookie = `a="x y"; authjs.session-token.0=eyJ.one+/=; authjs.session-token.1=two%7C%zz; b=%E4; a=again; c=`
	c := newClient(t, app.origin, app.origin)
	c.header.Set("Cookie", cookie)
	const somebody = `{"user":{"id":"usr_somebody"},"expires":"2099-01-01T00:00:00.000Z"}`
	renewed := []string{"authjs.session-token.0=new; Path=/; HttpOnly; SameSite=Lax", "authjs.session-token.1=; Path=/; Max-Age=0"}
	for _, path := range []string{"/dashboard", "/api/me", "/"} {
		for _, mode := range []string{"navigate", "cors"} {
			f.during(func(_ int, w http.ResponseWriter) bool {
				for _, k := range renewed {
					w.Header().Add("Set-Cookie", k)
				}
				return text(w, 200, somebody)
			})
			c.header.Set("Sec-Fetch-Mode", mode)
			c.cookies = nil
			got := c.get(path)
			if got.StatusCode != http.StatusOK {
				t.Errorf("%s answered %d", path, got.StatusCode)
			}
			asked := f.questions()
			if len(asked) == 0 {
				t.Errorf("%s asked nobody", path)
			}
			for i, seen := range asked {
				if seen != cookie {
					t.Errorf("%s: question %d of %d brought the cookies\n%s, want\n%s", path, i+1, len(asked), seen, cookie)
				}
			}
			// A renewed cookie goes on to the browser as it is, when a guarded
			// page is opened and not else.
			var want []string
			if path == "/dashboard" && mode == "navigate" {
				want = renewed
			}
			if set := got.Header.Values("Set-Cookie"); !slices.Equal(set, want) {
				t.Errorf("%s (%s) sets %q, want %q", path, mode, set, want)
			}
		}
	}
}
