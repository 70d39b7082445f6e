package mount_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// onBoth runs a test on a mount of each dialect.
func onBoth(t *testing.T, do func(t *testing.T, r *roomtest.Rooms, m *mount.Mount)) {
	t.Run("v4", func(t *testing.T) { r := roomtest.New(t); do(t, r, r.V4) })
	t.Run("v5", func(t *testing.T) { r := roomtest.New(t); do(t, r, r.V5) })
}

// stem is how the dialect's cookies are called.
func stem(m *mount.Mount) string {
	if m.IsV5() {
		return "authjs."
	}
	return "next-auth."
}

func sessionCookie(m *mount.Mount) string { return "__Secure-" + stem(m) + "session-token" }
func csrfCookie(m *mount.Mount) string    { return "__Host-" + stem(m) + "csrf-token" }
func callbackCookie(m *mount.Mount) string {
	return "__Secure-" + stem(m) + "callback-url"
}

// request is one on the mount; cookies are name, value, name, value.
func request(m *mount.Mount, method, path, body string, cookies ...string) *http.Request {
	r := httptest.NewRequest(method, "https://evil.example"+m.BasePath+path, strings.NewReader(body))
	r.Header.Set("X-Forwarded-Host", "evil.example")
	for i := 0; i < len(cookies); i += 2 {
		r.Header.Add("Cookie", cookies[i]+"="+url.PathEscape(cookies[i+1]))
	}
	return r
}

func form(r *http.Request) *http.Request {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func jsonBody(r *http.Request) *http.Request {
	r.Header.Set("Content-Type", "application/json")
	return r
}

// open opens an exchange and fails the test if it cannot be.
func open(t *testing.T, m *mount.Mount, r *http.Request) (*mount.Exchange, *httptest.ResponseRecorder) {
	t.Helper()
	w := httptest.NewRecorder()
	x, err := m.Open(w, r)
	if err != nil {
		t.Fatalf("open %s %s: %v", r.Method, r.URL, err)
	}
	return x, w
}

// sent are the Set-Cookie lines by the cookie's name.
func sent(x *mount.Exchange, w *httptest.ResponseRecorder) map[string]string {
	x.SendCookies()
	lines := map[string]string{}
	for _, line := range w.Header().Values("Set-Cookie") {
		name, _, _ := strings.Cut(line, "=")
		lines[name] = line
	}
	return lines
}

func value(line string) string {
	line, _, _ = strings.Cut(line, ";")
	_, v, _ := strings.Cut(line, "=")
	decoded, err := url.PathUnescape(v)
	if err != nil {
		panic(err)
	}
	return decoded
}

// Addresses come from the configuration alone; every request of these tests
// says that it goes to evil.example.
//
// proves: CS-24
func TestMount_addressesNeverComeFromTheRequest(t *testing.T) {
	onBoth(t, func(t *testing.T, _ *roomtest.Rooms, m *mount.Mount) {
		x, w := open(t, m, request(m, http.MethodGet, "/signin", ""))
		for _, address := range []string{x.Origin(), x.Base(), x.Callback, x.Absolute("/x"), x.Absolute("//evil.example"), x.Redirect("https://evil.example/"), x.Redirect("//evil.example")} {
			if !strings.HasPrefix(address, roomtest.Origin) || strings.HasPrefix(address, roomtest.Origin+".") {
				t.Errorf("got %q", address)
			}
		}
		for _, line := range sent(x, w) {
			if strings.Contains(line, "evil") || strings.Contains(line, "Domain") {
				t.Errorf("Set-Cookie: %s", line)
			}
		}
	})
}

func TestMount_Action(t *testing.T) {
	r := roomtest.New(t)
	for path, want := range map[string]string{
		"/session": "session", "/signin/credentials": "signin", "/callback/credentials/x": "callback", "/": "", "/%73ession": "session",
	} {
		if got := r.V4.Action(request(r.V4, http.MethodGet, path, "")); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestNew_refusesWhatIsNoMount(t *testing.T) {
	r := roomtest.New(t)
	secrets := []auth.Secret{roomtest.AppSecret}
	for name, make := range map[string]func() (*mount.Mount, error){
		"no origin": func() (*mount.Mount, error) { return mount.New(r.Sessions, "", "/a", seal.V4, secrets) },
		"an origin's path": func() (*mount.Mount, error) {
			return mount.New(r.Sessions, "https://a.example/x", "/a", seal.V4, secrets)
		},
		"another scheme": func() (*mount.Mount, error) { return mount.New(r.Sessions, "javascript://a", "/a", seal.V4, secrets) },
		"no secret":      func() (*mount.Mount, error) { return mount.New(r.Sessions, roomtest.Origin, "/a", seal.V4, nil) },
		"an empty secret": func() (*mount.Mount, error) {
			return mount.New(r.Sessions, roomtest.Origin, "/a", seal.V5, []auth.Secret{""})
		},
		"no dialect": func() (*mount.Mount, error) { return mount.New(r.Sessions, roomtest.Origin, "/a", "v6", secrets) },
	} {
		if _, err := make(); err == nil || strings.Contains(err.Error(), roomtest.AppSecret.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A fresh browser gets a token and its cookie; a browser that has a good one
// keeps it, so the back button works.
//
// proves: CB-12, NEXT-6, ASVS 11.5.1
func TestOpen_handsOutACSRFTokenOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, _ *roomtest.Rooms, m *mount.Mount) {
		x, w := open(t, m, request(m, http.MethodGet, "/csrf", ""))
		line := sent(x, w)[csrfCookie(m)]
		if len(x.CSRFToken) != 64 || !strings.HasPrefix(value(line), x.CSRFToken+"|") {
			t.Fatalf("token %q, cookie %q", x.CSRFToken, line)
		}
		again, w := open(t, m, request(m, http.MethodGet, "/csrf", "", csrfCookie(m), value(line)))
		if again.CSRFToken != x.CSRFToken || sent(again, w)[csrfCookie(m)] != "" {
			t.Errorf("a good cookie was replaced: token %q", again.CSRFToken)
		}
		other, _ := open(t, m, request(m, http.MethodGet, "/csrf", ""))
		if other.CSRFToken == x.CSRFToken {
			t.Error("two browsers got one token")
		}
		for name, planted := range map[string]string{
			"no hash": x.CSRFToken, "another hash": x.CSRFToken + "|" + strings.Repeat("0", 64), "empty": "", "a bar": "|", "another token": strings.Repeat("0", 64) + "|" + value(line)[65:],
			"long": strings.Repeat("a", 5000) + "|x",
		} {
			bad, w := open(t, m, request(m, http.MethodGet, "/csrf", "", csrfCookie(m), planted))
			if bad.CSRFToken == x.CSRFToken || len(bad.CSRFToken) != 64 || sent(bad, w)[csrfCookie(m)] == "" {
				t.Errorf("%s: token %q", name, bad.CSRFToken)
			}
		}
	})
}

// proves: ASVS 3.5.1, NEXT-5, CS-19, CS-20, CB-10, CB-13
func TestVerified_needsCookieTokenAndOwnOrigin(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		first, w := open(t, m, request(m, http.MethodGet, "/csrf", ""))
		cookie, token := value(sent(first, w)[csrfCookie(m)]), first.CSRFToken
		second, w := open(t, m, request(m, http.MethodGet, "/csrf", ""))
		otherCookie := value(sent(second, w)[csrfCookie(m)])
		plainName := strings.TrimPrefix(csrfCookie(m), "__Host-")

		for _, c := range []struct {
			name         string
			method       string
			cookie       string // name=value pairs below
			cookieName   string
			body         string
			json         bool
			site, origin string
			want         bool
		}{
			{name: "form", cookie: cookie, body: "csrfToken=" + token, want: true},
			{name: "JSON", cookie: cookie, body: `{"csrfToken":"` + token + `"}`, json: true, want: true},
			{name: "own origin", cookie: cookie, body: "csrfToken=" + token, site: "same-origin", origin: roomtest.Origin, want: true},
			{name: "a page without referrer", cookie: cookie, body: "csrfToken=" + token, site: "same-origin", origin: "null", want: true},
			{name: "typed in", cookie: cookie, body: "csrfToken=" + token, site: "none", want: true},
			{name: "the last of two counts", cookie: cookie, body: "csrfToken=x&csrfToken=" + token, want: true},
			{name: "the first of two does not", cookie: cookie, body: "csrfToken=" + token + "&csrfToken=x"},
			{name: "no field", cookie: cookie, body: "x=1"},
			{name: "empty field", cookie: cookie, body: "csrfToken="},
			{name: "empty body", cookie: cookie},
			{name: "the cookie's value as field", cookie: cookie, body: "csrfToken=" + url.QueryEscape(cookie)},
			{name: "token of another browser", cookie: cookie, body: "csrfToken=" + second.CSRFToken},
			{name: "cookie of another browser", cookie: otherCookie, body: "csrfToken=" + token},
			{name: "no cookie", body: "csrfToken=" + token},
			{name: "cookie without prefix", cookieName: plainName, cookie: cookie, body: "csrfToken=" + token},
			{name: "pair made up", cookie: "00|00", body: "csrfToken=00"},
			{name: "token as number", cookie: cookie, body: `{"csrfToken":1}`, json: true},
			{name: "token as list", cookie: cookie, body: `{"csrfToken":["` + token + `"]}`, json: true},
			{name: "GET", method: http.MethodGet, cookie: cookie, body: "csrfToken=" + token},
			{name: "PUT", method: http.MethodPut, cookie: cookie, body: "csrfToken=" + token},
			{name: "foreign origin", cookie: cookie, body: "csrfToken=" + token, origin: "https://evil.example"},
			{name: "sibling", cookie: cookie, body: "csrfToken=" + token, site: "same-site", origin: "https://sub.app.example"},
			{name: "cross site", cookie: cookie, body: "csrfToken=" + token, site: "cross-site"},
			{name: "no origin of its own", cookie: cookie, body: "csrfToken=" + token, origin: "null"},
		} {
			if c.method == "" {
				c.method = http.MethodPost
			}
			if c.cookieName == "" {
				c.cookieName = csrfCookie(m)
			}
			var cookies []string
			if c.cookie != "" {
				cookies = []string{c.cookieName, c.cookie}
			}
			req := request(m, c.method, "/signin/credentials", c.body, cookies...)
			if req = form(req); c.json {
				req = jsonBody(req)
			}
			if c.site != "" {
				req.Header.Set("Sec-Fetch-Site", c.site)
			}
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			x, _ := open(t, m, req)
			if got := x.Verified(); got != c.want {
				t.Errorf("%s: verified %v, want %v", c.name, got, c.want)
			}
		}
		// A token in the address proves nothing.
		x, _ := open(t, m, form(request(m, http.MethodPost, "/signout?csrfToken="+token, "", csrfCookie(m), cookie)))
		if x.Verified() {
			t.Error("a token in the query was taken")
		}
	})
}

// proves: ASVS 3.7.2, ASVS 1.2.2, NEXT-30
func TestOpen_choosesWhereToGoOn(t *testing.T) {
	onBoth(t, func(t *testing.T, _ *roomtest.Rooms, m *mount.Mount) {
		const own = roomtest.Origin
		for _, c := range []struct{ name, body, query, cookie, want string }{
			{"nothing", "", "", "", own},
			{"body", "/a", "/b", own + "/c", own + "/a"},
			{"query", "", "/b?x=1", own + "/c", own + "/b?x=1"},
			{"cookie", "", "", own + "/c", own + "/c"},
			{"own address", own + "/x#y", "", "", own + "/x#y"},
			{"foreign", "https://evil.example/", "", "", own},
			{"foreign by prefix", own + ".evil.example/", "", "", own},
			{"foreign by user", "https://app.example@evil.example/", "", "", own},
			{"foreign in the query", "", "https://evil.example/", "", own},
			{"foreign in the cookie", "", "", "https://evil.example/", own},
			{"backslashes", `https://app.example\@evil.example/`, "", "", own},
			{"another port", "https://app.example:8443/", "", "", own},
			{"plain http", "http://app.example/", "", "", own},
			{"script", "javascript:alert(1)", "", "", own},
			{"data", "data:text/html,x", "", "", own},
			{"two slashes stay a path", "//evil.example/", "", "", own + "//evil.example/"},
		} {
			var cookies []string
			if c.cookie != "" {
				cookies = []string{callbackCookie(m), c.cookie}
			}
			target := "/signin"
			if c.query != "" {
				target += "?callbackUrl=" + url.QueryEscape(c.query)
			}
			x, w := open(t, m, form(request(m, http.MethodPost, target, "callbackUrl="+url.QueryEscape(c.body), cookies...)))
			if x.Callback != c.want {
				t.Errorf("%s: goes on to %q, want %q", c.name, x.Callback, c.want)
			}
			line := sent(x, w)[callbackCookie(m)]
			if c.want == c.cookie {
				if line != "" {
					t.Errorf("%s: the same cookie was sent again", c.name)
				}
			} else if value(line) != c.want {
				t.Errorf("%s: cookie %q, want %q", c.name, line, c.want)
			}
		}
	})
}

func TestOpen_refusesACallbackThatIsNone(t *testing.T) {
	r := roomtest.New(t)
	for name, req := range map[string]*http.Request{
		"in the query":       request(r.V4, http.MethodGet, "/signin?callbackUrl=nonsense", ""),
		"script in query":    request(r.V4, http.MethodGet, "/signin?callbackUrl=javascript:alert(1)", ""),
		"control characters": request(r.V4, http.MethodGet, "/signin?callbackUrl=%2Fa%0D%0ASet-Cookie:x", ""),
		"in the cookie":      request(r.V4, http.MethodGet, "/signin", "", callbackCookie(r.V4), "not an address"),
		"in the body":        form(request(r.V4, http.MethodPost, "/signin", "callbackUrl=not+an+address")),
		"endless":            form(request(r.V4, http.MethodPost, "/signin", "callbackUrl=/"+strings.Repeat("a", 5000))),
	} {
		w := httptest.NewRecorder()
		_, err := r.V4.Open(w, req)
		if !errors.Is(err, mount.ErrCallbackURL) || web.Status(err) != http.StatusBadRequest {
			t.Errorf("%s: %v, want a refusal with status 400", name, err)
		}
		if len(w.Header()) != 0 {
			t.Errorf("%s: headers were set: %v", name, w.Header())
		}
	}
}

// proves: ASVS 15.3.5, ASVS 5.2.1
func TestOpen_refusesBodiesThatAreNone(t *testing.T) {
	r := roomtest.New(t)
	for name, c := range map[string]struct {
		req    *http.Request
		status int
	}{
		"a list":     {jsonBody(request(r.V4, http.MethodPost, "/session", `[]`)), 400},
		"cut":        {jsonBody(request(r.V4, http.MethodPost, "/session", `{"a`)), 400},
		"deep":       {jsonBody(request(r.V4, http.MethodPost, "/session", `{"a":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`)), 400},
		"large form": {form(request(r.V4, http.MethodPost, "/session", strings.Repeat("a", web.MaxBody+1))), 413},
		"large JSON": {jsonBody(request(r.V4, http.MethodPost, "/session", `{"a":"`+strings.Repeat("a", web.MaxBody)+`"}`)), 413},
	} {
		if _, err := r.V4.Open(httptest.NewRecorder(), c.req); err == nil || web.Status(err) != c.status {
			t.Errorf("%s: %v, want status %d", name, err, c.status)
		}
	}
}

func TestField_readsFormsAndJSON(t *testing.T) {
	r := roomtest.New(t)
	for name, c := range map[string]struct {
		req  *http.Request
		want string
	}{
		"form":                     {form(request(r.V4, http.MethodPost, "/x", "a=1&email=ann%40example.com&%zz")), "ann@example.com"},
		"last of two":              {form(request(r.V4, http.MethodPost, "/x", "email=x&email=y")), "y"},
		"JSON":                     {jsonBody(request(r.V4, http.MethodPost, "/x", `{"email":"ann"}`)), "ann"},
		"number":                   {jsonBody(request(r.V4, http.MethodPost, "/x", `{"email":1}`)), ""},
		"null":                     {jsonBody(request(r.V4, http.MethodPost, "/x", `{"email":null}`)), ""},
		"object":                   {jsonBody(request(r.V4, http.MethodPost, "/x", `{"email":{"$ne":""}}`)), ""},
		"absent":                   {jsonBody(request(r.V4, http.MethodPost, "/x", `{}`)), ""},
		"empty JSON":               {jsonBody(request(r.V4, http.MethodPost, "/x", "")), ""},
		"no content type":          {request(r.V4, http.MethodPost, "/x", "email=ann"), ""},
		"form on GET":              {form(request(r.V4, http.MethodGet, "/x", "email=ann")), ""},
		"not taken from the query": {form(request(r.V4, http.MethodPost, "/x?email=eve", "a=1")), ""},
	} {
		x, _ := open(t, r.V4, c.req)
		if got := x.Field("email"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	x, _ := open(t, r.V4, jsonBody(request(r.V4, http.MethodPost, "/x", `{"data":{"a": 1}}`)))
	if got := string(x.Raw("data")); got != `{"a": 1}` {
		t.Errorf("raw %q", got)
	}
}

// proves: ASVS 3.3.1, ASVS 3.3.2, ASVS 3.3.3, ASVS 3.3.4, NEXT-3
func TestKeepSession_attributes(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		_, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
		x, w := open(t, m, request(m, http.MethodGet, "/session", ""))
		x.KeepSession(token)
		x.KeepAttempt("chl_x.secret")
		lines := sent(x, w)
		for name, expires := range map[string]string{
			sessionCookie(m): "; Expires=" + token.Expires.UTC().Format(http.TimeFormat), csrfCookie(m): "", callbackCookie(m): "",
			"__Host-" + stem(m) + "attempt": "",
		} {
			line, ok := lines[name]
			if !ok {
				t.Errorf("no cookie %s", name)
				continue
			}
			_, attributes, _ := strings.Cut(line, ";")
			for _, want := range []string{" Path=/", " HttpOnly", " Secure", " SameSite=Lax"} {
				if !slices.Contains(strings.Split(attributes, ";"), want) {
					t.Errorf("%s lacks%s: %s", name, want, line)
				}
			}
			if strings.Contains(line, "Domain") || expires != "" && !strings.Contains(line, expires) || expires == "" && strings.Contains(line, "Expires") {
				t.Errorf("%s: %s", name, line)
			}
		}
		if len(lines) != 4 {
			t.Errorf("%d cookies: %v", len(lines), lines)
		}
		if !strings.Contains(lines["__Host-"+stem(m)+"attempt"], "Max-Age=600") {
			t.Errorf("the attempt's cookie: %s", lines["__Host-"+stem(m)+"attempt"])
		}
		x.SendCookies()
		if n := len(w.Header().Values("Set-Cookie")); n != 4 {
			t.Errorf("sent twice: %d lines", n)
		}
	})
}

func TestKeepSession_onPlainHTTPHasNoPrefix(t *testing.T) {
	r := roomtest.New(t)
	m, err := mount.New(r.Sessions, "http://localhost:3000", "/api/auth", seal.V4, []auth.Secret{roomtest.AppSecret})
	if err != nil {
		t.Fatal(err)
	}
	_, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
	x, w := open(t, m, request(m, http.MethodGet, "/session", ""))
	x.KeepSession(token)
	for name, line := range sent(x, w) {
		if strings.HasPrefix(name, "__") || strings.Contains(line, "Secure") || !strings.Contains(line, "HttpOnly") {
			t.Errorf("Set-Cookie: %s", line)
		}
	}
}

// A long cookie is split, read again whole, and replaced without a rest.
//
// proves: ASVS 3.3.5, CS-16
func TestSession_survivesChunks(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "user")
		begun, short := r.Begin(t, m, u, nil)
		s := roomtest.Check(t, m, short.Text)
		long, err := m.Sessions.Renew(context.Background(), &s, func(c *session.Claims) { c.SetString("profile", strings.Repeat("é", 4000)) })
		if err != nil {
			t.Fatal(err)
		}
		x, w := open(t, m, request(m, http.MethodGet, "/session", "", sessionCookie(m), short.Text))
		x.KeepSession(long)
		var cookies []string
		deleted := false
		set := sent(x, w)
		for _, name := range slices.Sorted(maps.Keys(set)) { // the first chunk first: without it there is a gap
			line := set[name]
			if len(line) > 4096 {
				t.Errorf("%s has %d bytes", name, len(line))
			}
			if name == sessionCookie(m) {
				deleted = strings.Contains(line, "Max-Age=0")
			} else if strings.HasPrefix(name, sessionCookie(m)+".") {
				cookies = append(cookies, name, value(line))
			}
		}
		if len(cookies) < 6 || !deleted {
			t.Fatalf("%d chunks, the whole one deleted: %v", len(cookies)/2, deleted)
		}
		x, w = open(t, m, request(m, http.MethodGet, "/session", "", cookies...))
		got, err := x.Session()
		if err != nil || got.Verdict != session.Live || got.SessionID() != begun.SessionID() {
			t.Fatalf("verdict %d, %v", got.Verdict, err)
		}
		x.KeepSession(short)
		lines := sent(x, w)
		for i := 0; i < len(cookies); i += 2 {
			if !strings.Contains(lines[cookies[i]], "Max-Age=0") {
				t.Errorf("%s stays behind: %q", cookies[i], lines[cookies[i]])
			}
		}
		if value(lines[sessionCookie(m)]) != short.Text {
			t.Error("the whole one is not set")
		}
		// A chunk missing or of another session: nobody, and the rest goes. A whole
		// one beside chunks is the same user's, or junk, or else one of the two was
		// planted: nobody then, and only a sign-out deletes.
		mixed := slices.Clone(cookies)
		_, foreign := r.Begin(t, m, r.NewUser(t, "bob"), nil)
		mixed[3] = foreign.Text
		beside := func(whole string) []string { return append(slices.Clone(cookies), sessionCookie(m), whole) }
		for name, c := range map[string]struct {
			cookies []string
			want    session.Verdict
		}{
			"a chunk missing":                {cookies[2:], session.Void},
			"a chunk of another session":     {mixed, session.Void},
			"chunks and junk":                {beside("junk"), session.Live},
			"chunks and the same user's":     {beside(short.Text), session.Live},
			"chunks and another user's":      {beside(foreign.Text), session.JustEnded},
			"a gap and another user's":       {append(slices.Clone(cookies[2:]), sessionCookie(m), foreign.Text), session.JustEnded},
			"five of them":                   {append(beside("a"), sessionCookie(m), "b", sessionCookie(m), "c", sessionCookie(m), short.Text), session.JustEnded},
			"another user's twice":           {[]string{sessionCookie(m), foreign.Text, sessionCookie(m), foreign.Text}, session.Live},
			"junk, ours, and other user's":   {[]string{sessionCookie(m), "junk", sessionCookie(m), short.Text, sessionCookie(m), foreign.Text}, session.JustEnded},
			"two that are no session at all": {[]string{sessionCookie(m), "junk", sessionCookie(m), "more"}, session.JustEnded},
		} {
			x, w := open(t, m, request(m, http.MethodGet, "/session", "", c.cookies...))
			got, err := x.Session()
			if err != nil || got.Verdict != c.want || !x.HasSession() {
				t.Errorf("%s: verdict %d, %v, has session %v", name, got.Verdict, err, x.HasSession())
			}
			x.DropSession()
			lines := sent(x, w)
			for i := 0; i < len(c.cookies); i += 2 {
				if !strings.Contains(lines[c.cookies[i]], "Max-Age=0") {
					t.Errorf("%s: %s is not deleted", name, c.cookies[i])
				}
			}
		}
	})
}

// proves: CB-4, CS-10, CS-11
func TestSession_isReadFromItsOwnCookieAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		_, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
		bearer := request(m, http.MethodGet, "/session", "")
		bearer.Header.Set("Authorization", "Bearer "+token.Text)
		for name, c := range map[string]struct {
			req *http.Request
			has bool
		}{
			"none":                     {request(m, http.MethodGet, "/session", ""), false},
			"in the query":             {request(m, http.MethodGet, "/session?"+sessionCookie(m)+"="+token.Text, ""), false},
			"in the body":              {form(request(m, http.MethodPost, "/session", sessionCookie(m)+"="+token.Text)), false},
			"bearer":                   {bearer, false},
			"without the prefix":       {request(m, http.MethodGet, "/session", "", stem(m)+"session-token", token.Text), false},
			"a name that begins alike": {request(m, http.MethodGet, "/session", "", sessionCookie(m)+"-x", token.Text), false},
			"empty":                    {request(m, http.MethodGet, "/session", "", sessionCookie(m), ""), false},
			"made up":                  {request(m, http.MethodGet, "/session", "", sessionCookie(m), "' OR 1=1 --"), true},
			"binary":                   {request(m, http.MethodGet, "/session", "", sessionCookie(m), "\x00\xff\xfe"), true},
			"long":                     {request(m, http.MethodGet, "/session", "", sessionCookie(m), strings.Repeat("A", 100_000)), true},
		} {
			x, _ := open(t, m, c.req)
			s, err := x.Session()
			if err != nil || s.Verdict != session.Void || x.HasSession() != c.has {
				t.Errorf("%s: verdict %d, %v, has session %v", name, s.Verdict, err, x.HasSession())
			}
			if _, err := x.Require(); !errors.Is(err, auth.CodeSignedOut) {
				t.Errorf("%s: require: %v, want signed_out", name, err)
			}
		}
		x, _ := open(t, m, request(m, http.MethodGet, "/session", "", sessionCookie(m), token.Text))
		if s, err := x.Require(); err != nil || s.Verdict != session.Live {
			t.Errorf("the cookie itself: %v", err)
		}
		if s, err := m.Bare(httptest.NewRecorder(), request(m, http.MethodGet, "/x", "", sessionCookie(m), token.Text)).Session(); err != nil || s.Verdict != session.Live {
			t.Errorf("on an endpoint outside the protocol: %v", err)
		}
	})
}

// What is over for requests under way may not act any more.
func TestRequire_refusesASupersededSession(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	_, old := r.Begin(t, r.V4, u, nil)
	before := roomtest.Check(t, r.V4, old.Text)
	r.Begin(t, r.V4, u, &before)
	x, _ := open(t, r.V4, request(r.V4, http.MethodGet, "/session", "", sessionCookie(r.V4), old.Text))
	if s, err := x.Session(); err != nil || s.Verdict != session.Superseded {
		t.Errorf("session: %v", err)
	}
	if _, err := x.Require(); !errors.Is(err, auth.CodeSignedOut) {
		t.Errorf("require: %v, want signed_out", err)
	}
}

// The session is checked once an exchange, also when nothing can be said.
func TestSession_isCheckedOnce(t *testing.T) {
	r := roomtest.New(t)
	begun, token := r.Begin(t, r.V4, r.NewUser(t, "ann"), nil)
	x, _ := open(t, r.V4, request(r.V4, http.MethodGet, "/session", "", sessionCookie(r.V4), token.Text))
	first, err := x.Session()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sessions.SignOut(context.Background(), begun, auth.Device{}); err != nil {
		t.Fatal(err)
	}
	if again, err := x.Session(); err != nil || again != first {
		t.Errorf("another answer in one exchange: %v", err)
	}
	r.Clock.Advance(2 * roomtest.MaxStaleness)
	x, w := open(t, r.V4, request(r.V4, http.MethodGet, "/session", "", sessionCookie(r.V4), token.Text))
	for range 2 {
		s, err := x.Session()
		if s != nil || !errors.Is(err, auth.CodeUnavailable) {
			t.Errorf("while stale: %v, want unavailable", err)
		}
	}
	if _, err := x.Require(); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("require while stale: %v, want unavailable and not signed_out", err)
	}
	if _, set := sent(x, w)[sessionCookie(r.V4)]; set {
		t.Error("the session's cookie was touched")
	}
}

func TestAttempt_goesFromStepToStep(t *testing.T) {
	r := roomtest.New(t)
	x, w := open(t, r.V5, request(r.V5, http.MethodPost, "/callback/credentials", ""))
	x.KeepAttempt("chl_1.sec ret;ä")
	line := sent(x, w)["__Host-authjs.attempt"]
	x, w = open(t, r.V5, request(r.V5, http.MethodPost, "/new-password", "", "__Host-authjs.attempt", value(line)))
	if got := x.Attempt(); got.Reveal() != "chl_1.sec ret;ä" {
		t.Errorf("got %q", got.Reveal())
	}
	x.DropAttempt()
	if line := sent(x, w)["__Host-authjs.attempt"]; !strings.Contains(line, "Max-Age=0") {
		t.Errorf("dropped: %q", line)
	}
	x, _ = open(t, r.V5, request(r.V5, http.MethodPost, "/new-password", ""))
	if got := x.Attempt(); got != "" {
		t.Errorf("without a cookie: %q", got.Reveal())
	}
}

// R14: a sign-out that could not be stored is not acknowledged; the browser's
// own cookies go all the same, and the session elsewhere lives until it can be.
func TestSignOut_isNotAcknowledgedWhenItCouldNotBeStored(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		_, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
		signOut := func() (line string, err error) {
			x, w := open(t, m, request(m, "POST", "/signout", "", sessionCookie(m), token.Text))
			err = x.SignOut()
			return sent(x, w)[sessionCookie(m)], err
		}
		r.Faults.Away(true)
		line, err := signOut()
		if !errors.Is(err, auth.CodeUnavailable) || auth.AsError(err).RetryAfter <= 0 || errors.Is(err, auth.CodeInternal) {
			t.Errorf("while the store is away: %v, want unavailable with a wait", err)
		}
		if !strings.Contains(line, "Max-Age=0") {
			t.Errorf("while the store is away the cookie is %q, want it deleted", line)
		}
		r.Faults.Away(false)
		if s := roomtest.Check(t, m, token.Text); s.Verdict != session.Live {
			t.Errorf("a copy after the refused sign-out: verdict %d, want live, as the refusal said", s.Verdict)
		}
		if line, err := signOut(); err != nil || !strings.Contains(line, "Max-Age=0") {
			t.Errorf("with the store back: %v, cookie %q", err, line)
		}
		if s := roomtest.Check(t, m, token.Text); s.Verdict.SignedIn() {
			t.Errorf("a copy after the sign-out: verdict %d, want nobody", s.Verdict)
		}
	})
}
