package attack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// planted must never be found in a log or in an answer.
const planted = "hunter2-planted-secret"

var fieldNames = []string{
	"identifier", "email", "username", "password", "csrfToken", "callbackUrl", "json", "data", "name", "currentPassword", "newPassword", "invitationCode",
}

// hostileBodies are the bodies of requests that want to break a parser, by
// content type. Identifiers in them are none, so that nothing is hashed.
func hostileBodies() map[string][]string {
	var bodies []string
	for _, value := range []string{
		`null`, `true`, `1`, `-0`, `1e308`, `1e99999`, `[]`, `{}`, `["a"]`, `{"$gt":""}`, `[[[]]]`, `"\u0000"`, `"\r\nSet-Cookie: a=b"`, `"\ud800"`, `"\udc00\ud800"`,
		`"` + strings.Repeat("x", 4000) + `"`, `"` + strings.Repeat("\u00e9", 300) + `"`, `"' OR 1=1; DROP TABLE users; --"`, `"{{.}}"`, `"` + planted + `"`,
	} {
		members := make([]string, len(fieldNames))
		for i, name := range fieldNames {
			members[i] = `"` + name + `":` + value
		}
		bodies = append(bodies, "{"+strings.Join(members, ",")+"}")
	}
	bodies = append(bodies,
		"", "{", "}", "[]", "null", "true", "0", `"x"`, " ", "\x00", `{"email":}`, `{"email":"!"}garbage`, `{"email":"!"}{"email":"!"}`,
		`{"email":"!","email":"?","password":"x","password":1}`, `{"__proto__":{"a":1},"constructor":{"prototype":{}},"email":"!"}`,
		strings.Repeat("[", 60000), strings.Repeat(`{"a":`, 10000)+"1"+strings.Repeat("}", 10000), strings.Repeat(`{"a":`, 31)+"1"+strings.Repeat("}", 31),
		`{"email":"`+strings.Repeat("a", 70000)+`"}`, `{"email":"`+strings.Repeat("a", 10<<20)+`"}`, "{\"email\":\"\xff\xfe\",\"password\":\"\xff\"}",
		"\ufeff{\"email\":\"!\"}", `{"EMAIL":"!","Password":"x"}`, "{\"a\":\"\x01\"}", "{\"email\":\"!\", }",
	)
	forms := []string{
		"", "=", "&&&&", "%", "%zz=1", "email=%ff&password=%ff", "email=%00%0d%0a&password=%00", "csrfToken=x&csrfToken=y", "email[]=a&email[$ne]=1", ";;;",
		strings.Repeat("&", 60000), strings.Repeat("a=1&", 15000), "email=" + strings.Repeat("%41", 20000), "x=" + strings.Repeat("a", 10<<20),
		"callbackUrl=%00", "callbackUrl=http://%zz", "callbackUrl=//", "data[name]=x", "\xff\xfe=\x00", "email=%c0%af&password=%ed%a0%80", "password=" + planted,
	}
	return map[string][]string{
		jsonType: bodies, formType: forms,
		"application/json; charset=utf-16": {"\xfe\xff\x00{\x00}"}, "multipart/form-data": {"x"}, "multipart/form-data; boundary=x": {"--x\r\n\r\n--x--"},
		"application/xml": {"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"}, strings.Repeat("x", 5000): {"x"}, "": {"x"},
		"application/json, " + formType: {"{}", "a=b"},
	}
}

var hostileMethods = []string{
	"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X" + strings.Repeat("Y", 5000),
}

// sound checks what every answer owes, whatever the request was.
func sound(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status >= 500 || a.status < 200 {
		t.Errorf("%s: status %d\n%.300s", what, a.status, a.body)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'", "X-Request-Id": "", "Cache-Control": "",
	} {
		if got := a.header.Get(name); got == "" || !strings.Contains(got, want) {
			t.Errorf("%s: %d has %s %q, want %q in it", what, a.status, name, got, want)
		}
	}
	if a.header.Get("Set-Cookie") != "" && !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		t.Errorf("%s: an answer with cookies may be kept", what)
	}
	for _, leak := range []string{"goroutine ", "runtime error", "panic", ".go:", "SELECT ", "sqlite", planted} {
		if strings.Contains(a.body, leak) {
			t.Errorf("%s: the answer tells %q: %.300s", what, leak, a.body)
		}
	}
	for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
		if a.header.Get(name) != "" && !(name == "Access-Control-Allow-Origin" && published(what, a)) {
			t.Errorf("%s: has a header %s", what, name)
		}
	}
}

// published says whether the answer is what verifiers of tokens need: the same
// for everybody, and with nothing of anybody.
func published(what string, a answer) bool {
	return strings.Contains(what, "/.well-known/") && a.header.Get("Set-Cookie") == "" && strings.HasPrefix(a.header.Get("Cache-Control"), "public, max-age=") &&
		a.header.Get("Access-Control-Allow-Credentials") == "" && !strings.Contains(a.body, "victim")
}

// clean checks the log: nothing of ours went wrong, no line was made by an
// outsider, and nothing secret is in it.
func (l *logbook) clean(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		switch {
		case !strings.HasPrefix(line, "time="):
			t.Errorf("a line of its own in the log: %.200q", line)
		case strings.Contains(line, "level=ERROR"), strings.Contains(line, "panic"):
			t.Errorf("an outsider made us log a fault: %.600s", line)
		case len(line) > 1000:
			t.Errorf("an outsider made a line of %d bytes: %.200s", len(line), line)
		}
		for _, secret := range []string{planted, password, secretV4, secretV5, "victim@", "csrf-token", "session-token", "eyJ"} {
			if strings.Contains(line, secret) {
				t.Errorf("the log tells %q: %.300s", secret, line)
			}
		}
	}
}

// addresses are those of the endpoint table, and the spellings around them.
func addresses(t *testing.T, s *site) []string {
	t.Helper()
	table, err := gatehouse.Endpoints(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	seen := map[string]bool{}
	for _, e := range table {
		path := strings.NewReplacer("{provider}", "credentials", "{error}", "Verification").Replace(e.Pattern)
		if e.Guard != web.Operator && !seen[path] {
			seen[path] = true
			list = append(list, path)
		}
	}
	if len(list) < 20 {
		t.Fatalf("only %d addresses in the table", len(list))
	}
	return list
}

// proves: ASVS 16.5.1, ASVS 16.4.1, CS-2, CS-11, CS-42, NEXT-10
func TestHostileBodies_areRefusedOnEveryEndpoint(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	victim := s.browser(v4).signIn(t, "victim@app.example", password)
	token := victim.token()
	for _, path := range addresses(t, s) {
		for contentType, bodies := range hostileBodies() {
			for i, body := range bodies {
				what := fmt.Sprintf("POST %s, %.40s, body %d (%.40q)", path, contentType, i, body)
				sound(t, what, s.send(request{http.MethodPost, path, contentType, body, nil, nil}))
				if len(body) > 64<<10 || strings.HasSuffix(path, "/signout") || strings.HasSuffix(path, "/logout") || strings.HasSuffix(path, "/revoke-all") {
					continue // at whichever mount: a sign-out at one is a sign-out at all
				}
				switch { // once more, by somebody signed in and with the right token
				case contentType == formType:
					body += "&csrfToken=" + token
				case strings.HasPrefix(body, `{"`):
					body = strings.Replace(body, "{", `{"csrfToken":"`+token+`",`, 1)
				}
				sound(t, what+", signed in", s.send(request{http.MethodPost, path, contentType, body, nil, victim.jar}))
			}
		}
	}
	s.log.clean(t)
	if got := victim.who().Email; got != "victim@app.example" {
		t.Errorf("the victim is signed in as %q now", got)
	}
}

// proves: ASVS 4.1.4, CS-37, NEXT-11
func TestHostileMethods_changeNothing(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	victim := s.browser(v4).signIn(t, "victim@app.example", password)
	for _, path := range addresses(t, s) {
		for _, method := range hostileMethods {
			a := s.send(request{method, path, "", "", nil, victim.jar})
			sound(t, fmt.Sprintf("%.20s %s", method, path), a)
			if method != "GET" && method != "POST" && method != "HEAD" && a.status < 400 {
				t.Errorf("%.20s %s is answered %d", method, path, a.status)
			}
			if a.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
				t.Errorf("%.20s %s: 405 without Allow", method, path)
			}
			if strings.Contains(a.body, "XYYY") {
				t.Errorf("%s: an invented method is in the answer", path)
			}
		}
	}
	if victim.who().Email == "" {
		t.Error("one of them signed the victim out")
	}
	s.log.clean(t)
}

// An address that two readers could take for two is nobody's: it is refused,
// not repaired by a redirect.
//
// proves: ASVS 1.5.3
func TestHostileAddresses_areRefusedNotRepaired(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{
		"//api/auth/session", "/api//auth/session", "/api/auth//session", "/api/auth/./session", "/api/auth/../auth/session", "/x/../api/auth/session",
		"/api/auth/..", "/api/auth/.", "/api/auth/session/..", "//evil.example/..", "//evil.example/%2e%2e", "///evil.example/../", "/%2f/evil.example/..",
		`/\evil.example/..`, "http://evil.example//x", "/api/auth/%2e%2e/x", "/api/auth/%2e/session", "/api/auth%2fsession", "/api/auth/%2fsession",
		"/api/auth/session/", "/api/auth/session;x", "/API/AUTH/session", "/api/auth/Session", "/api/auth/session%00", "/api/auth/session%20", "/api/auth/%ff",
		"/api/auth/%c0%af", "/api/auth", "/api/auth/", "/auth", "/auth/", "/auth//session", "/authx", "/api/authx/session", "/api/auth/session/x", "/auth/signin/a/b",
		"/api/auth/" + strings.Repeat("a/", 5000), "/api/auth/" + strings.Repeat("a", 50000), "/", "*", "/debug/pprof/", "/metrics", "/livez", "/readyz",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a := s.send(request{method, path, formType, "a=b", nil, nil})
			what := fmt.Sprintf("%s %.60s", method, path)
			if a.status != http.StatusBadRequest && a.status != http.StatusNotFound {
				t.Errorf("%s is answered %d, leading to %q", what, a.status, a.location())
			}
			if a.header != nil {
				sound(t, what, a)
			}
		}
	}
	s.log.clean(t)
}

// proves: ASVS 1.3.3, CS-24
func TestHostileHeaders_neverReachAnAnswer(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range addresses(t, s) {
		for _, name := range []string{
			"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Server", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "X-Host",
			"Referer", "Origin", "User-Agent", "Accept", "Accept-Language", "X-Request-Id", "X-HTTP-Method-Override", "X-Real-IP", "Via", "X-Next-Url",
		} {
			for _, value := range []string{"evil.example", "host=evil.example;proto=https", "<script>evil.example"} {
				a := s.send(request{http.MethodGet, path, "", "", http.Header{name: {value}}, nil})
				sound(t, path+" with "+name, a)
				if text, _ := json.Marshal(a.header); strings.Contains(a.body+string(text), "evil.example") {
					t.Errorf("%s: %s %q is in the answer", path, name, value)
				}
			}
		}
	}
	s.log.clean(t)
}

// proves: ASVS 1.1.2, ASVS 1.2.1, ASVS 1.2.3, ASVS 1.3.5, ASVS 1.3.7, CS-43
func TestPages_neverCarryAnOutsidersMarkup(t *testing.T) {
	s := newSite(t, nil)
	for _, d := range dialects {
		b := s.browser(d)
		for _, evil := range []string{
			`"><script>evil()</script>`, `'><img src=x onerror=evil()>`, `</title><script>evil()</script>`, `" autofocus onfocus=evil() x="`, `javascript:evil()`, `<!--evil()`,
		} {
			escaped := url.QueryEscape(evil)
			var shown []answer
			for _, page := range []string{"/signin", "/error", "/signout", "/verify-request", "/signup", "/setup", "/signin/" + url.PathEscape(evil), "/error/" + url.PathEscape(evil), "/" + url.PathEscape(evil)} {
				shown = append(shown, b.get(page+"?error="+escaped+"&name="+escaped+"&email="+escaped+"&callbackUrl="+escaped))
			}
			shown = append(shown, b.form("/setup", map[string]string{"setupToken": evil, "identifier": evil, "name": evil, "password": evil}))
			shown = append(shown, b.form("/signup", map[string]string{"identifier": evil, "name": evil, "password": evil}))
			for _, a := range shown {
				sound(t, evil, a)
				html := strings.Contains(a.header.Get("Content-Type"), "html")
				for _, markup := range []string{"<script>", "<img", "<!--", `" autofocus`, `href="javascript:`, `action="javascript:`} {
					if html && strings.Contains(a.body, markup) {
						t.Errorf("%s: %q became %q:\n%.400s", d, evil, markup, a.body)
					}
				}
				if html && !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
					t.Errorf("%s: a page without a policy", d)
				}
			}
		}
	}
}

// A name may hold anything; it is text wherever it is shown.
//
// proves: ASVS 1.1.2, ASVS 1.2.1
func TestAccountPage_showsAHostileNameAsText(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser(v4)
	name := `O'Brien <b>"{{.}}</b><script>evil()</script>`
	a := b.form("/signup", map[string]string{"identifier": "ann@app.example", "name": name, "password": password})
	if a.status != http.StatusSeeOther {
		t.Fatalf("sign up: %d", a.status)
	}
	if got := b.who().Name; got != name {
		t.Errorf("the API tells the name as %q, want %q", got, name)
	}
	page := b.get("/account").body
	if strings.Contains(page, "<b>") || strings.Contains(page, "<script>") || !strings.Contains(page, "O&#39;Brien &lt;b&gt;") {
		t.Errorf("the page does not escape the name once:\n%s", page)
	}
}
