package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// endpoint is one whose posture is whole.
func endpoint(pattern string, handle web.HandlerFunc) web.Endpoint {
	return web.Endpoint{
		Method: "*", Pattern: pattern, Guard: web.Public, CSRF: web.NoEffect, Rate: web.Unlimited, Cache: web.NoStore,
		Handle: handle, Fail: web.FailProblem,
	}
}

func ok(w http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(w, "ok")
	return err
}

// served is a router with its log.
type served struct {
	t   *testing.T
	rt  *web.Router
	log *bytes.Buffer
}

func serve(t *testing.T, o web.RouterOptions, list ...web.Endpoint) served {
	t.Helper()
	log := &bytes.Buffer{}
	o.Logger = slog.New(slog.NewJSONHandler(log, nil))
	rt, err := web.NewRouter(list, o)
	if err != nil {
		t.Fatal(err)
	}
	return served{t, rt, log}
}

func (s served) do(r *http.Request) *http.Response {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.rt.ServeHTTP(w, r)
	return w.Result()
}

func (s served) get(target string) *http.Response {
	return s.do(httptest.NewRequest(http.MethodGet, target, nil))
}

// lines are the log lines, each as JSON.
func (s served) lines() (list []map[string]any) {
	s.t.Helper()
	for line := range strings.Lines(s.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			s.t.Fatalf("log line %q: %v", line, err)
		}
		list = append(list, m)
	}
	return list
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func problem(t *testing.T, res *http.Response) (p web.Problem) {
	t.Helper()
	if got := res.Header.Get("Content-Type"); got != "application/problem+json; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	text := body(t, res)
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if p.Status != res.StatusCode || p.Title != http.StatusText(p.Status) || p.Detail == "" || p.Code == "" {
		t.Errorf("status %d with the problem %+v", res.StatusCode, p)
	}
	return p
}

// An endpoint whose guard was forgotten cannot be routed.
//
// proves: ASVS 8.2.1
func TestNewRouter_refusesAnEndpointWithoutItsPosture(t *testing.T) {
	for what, forget := range map[string]func(e *web.Endpoint){
		"method": func(e *web.Endpoint) { e.Method = "" }, "pattern": func(e *web.Endpoint) { e.Pattern = "" },
		"guard": func(e *web.Endpoint) { e.Guard = "" }, "CSRF stance": func(e *web.Endpoint) { e.CSRF = "" },
		"rate class": func(e *web.Endpoint) { e.Rate = "" }, "cache stance": func(e *web.Endpoint) { e.Cache = "" },
		"handler": func(e *web.Endpoint) { e.Handle = nil }, "error writer": func(e *web.Endpoint) { e.Fail = nil },
	} {
		e := endpoint("/x", ok)
		forget(&e)
		if _, err := web.NewRouter([]web.Endpoint{e}, web.RouterOptions{Logger: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("without its %s: %v, want an error that names it", what, err)
		}
	}
}

func TestNewRouter_refusesTwoOfOneAddress(t *testing.T) {
	for name, list := range map[string][]web.Endpoint{
		"the same twice": {endpoint("/x", ok), endpoint("/x", ok)}, "no pattern": {endpoint("x x x", ok)},
		"neither is narrower": {endpoint("/{a}/x", ok), endpoint("/x/{b}", ok)},
	} {
		if _, err := web.NewRouter(list, web.RouterOptions{Logger: slog.New(slog.DiscardHandler)}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Only people get the page; nothing that a script asks for becomes one.
func TestRouter_showsPeopleAPageWhereNothingIs(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, "a page", web.Status(err)) }
	s := serve(t, web.RouterOptions{Page: page}, endpoint("/ok", ok))
	for mode, want := range map[string]string{"navigate": "text/plain; charset=utf-8", "cors": "application/problem+json; charset=utf-8", "": "application/problem+json; charset=utf-8"} {
		for _, target := range []string{"/", "/nowhere", "/x/../ok"} {
			r := httptest.NewRequest(http.MethodGet, "http://app.example"+target, nil)
			if mode != "" {
				r.Header.Set("Sec-Fetch-Mode", mode)
			}
			if res := s.do(r); res.StatusCode != http.StatusNotFound || res.Header.Get("Content-Type") != want {
				t.Errorf("%s %q: %d %s, want 404 %s", target, mode, res.StatusCode, res.Header.Get("Content-Type"), want)
			}
		}
	}
}

// proves: ASVS 3.4.4, ASVS 3.4.5, ASVS 3.4.6, ASVS 14.3.2, ASVS 3.2.1, CS-42, CS-14
func TestRouter_everyAnswerCarriesTheSafeHeaders(t *testing.T) {
	s := serve(t, web.RouterOptions{HTTPS: true},
		endpoint("/ok", ok),
		endpoint("/fails", func(http.ResponseWriter, *http.Request) error { return auth.CodeForbidden }),
		endpoint("/panics", func(http.ResponseWriter, *http.Request) error { panic("x") }),
		endpoint("/tree/", ok),
	)
	for target, status := range map[string]int{
		"/ok": 200, "/fails": 403, "/panics": 500, "/nowhere": 404, "/.git/HEAD": 404, "/tree/x": 200, "/": 404,
		"//ok": 404, "/x/../ok": 404, "/./ok": 404, "/x/%2e%2e/ok": 404, "//evil.example/..": 404,
	} {
		res := s.get("http://app.example" + target)
		if res.StatusCode != status {
			t.Errorf("%s: status %d, want %d", target, res.StatusCode, status)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
		csp := res.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "sandbox"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: policy %q lacks %s", target, csp, part)
			}
		}
		if got := res.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=63072000") {
			t.Errorf("%s: Strict-Transport-Security is %q", target, got)
		}
		if id := res.Header.Get("X-Request-Id"); !regexp.MustCompile(`^[a-z0-9]{16}$`).MatchString(id) {
			t.Errorf("%s: request ID %q", target, id)
		}
		if res.Header.Get("Set-Cookie") != "" || res.Header.Get("Server") != "" || res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", target, res.Header)
		}
	}
	if n := len(s.lines()); n != 12 {
		t.Errorf("%d log lines for 12 requests", n)
	}
}

func TestRouter_saysHSTSOnHTTPSAlone(t *testing.T) {
	s := serve(t, web.RouterOptions{}, endpoint("/ok", ok))
	if got := s.get("/ok").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("on plain http: %q", got)
	}
}

func TestRouter_assetsMayBeKept(t *testing.T) {
	e := endpoint("/asset.css", ok)
	e.Cache = web.Immutable
	if got := serve(t, web.RouterOptions{}, e).get("/asset.css").Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("got %q", got)
	}
}

// The request's ID is ours; one from outside would let its sender write into
// our log.
func TestRouter_takesNoRequestIDFromOutside(t *testing.T) {
	s := serve(t, web.RouterOptions{}, endpoint("/ok", ok))
	r := httptest.NewRequest(http.MethodGet, "/ok", nil)
	r.Header.Set("X-Request-Id", "planted")
	if id := s.do(r).Header.Get("X-Request-Id"); id == "planted" || strings.Contains(s.log.String(), "planted") {
		t.Errorf("request ID %q, log %s", id, s.log)
	}
}

// proves: ASVS 16.5.4, ASVS 16.5.1, NEXT-10
func TestRouter_survivesAPanicAndTellsNothingOfIt(t *testing.T) {
	s := serve(t, web.RouterOptions{}, endpoint("/ok", ok),
		endpoint("/panics", func(http.ResponseWriter, *http.Request) error {
			panic(fmt.Sprintf("secret detail %d", 42))
		}),
	)
	res := s.get("/panics")
	if res.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d", res.StatusCode)
	}
	reference := res.Header.Get("X-Request-Id")
	p := problem(t, res)
	if p.Code != "internal" || p.Detail != auth.CodeInternal.Message() || p.Reference != reference {
		t.Errorf("problem %+v, want nothing but the reference %s", p, reference)
	}
	line := s.lines()[0]
	text := fmt.Sprint(line["err"])
	if line["level"] != "ERROR" || line["request_id"] != reference || !strings.Contains(text, "secret detail 42") || !strings.Contains(text, "router_test.go") {
		t.Errorf("log line %v, want the panic with its stack", line)
	}
	if got := s.get("/ok"); got.StatusCode != 200 {
		t.Errorf("the next request: %d", got.StatusCode)
	}
}

// What was begun cannot be answered anew; the log must know all the same.
//
// proves: ASVS 16.3.4
func TestRouter_logsAPanicInTheMiddleOfAnAnswer(t *testing.T) {
	s := serve(t, web.RouterOptions{}, endpoint("/late", func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "the beginning")
		panic("too late")
	}))
	if got := body(t, s.get("/late")); got != "the beginning" {
		t.Errorf("body %q", got)
	}
	if line := s.lines()[0]; line["level"] != "ERROR" || !strings.Contains(fmt.Sprint(line["err"]), "too late") {
		t.Errorf("log line %v, want the panic in it", line)
	}
}

func TestRouter_letsAnAbortThrough(t *testing.T) {
	s := serve(t, web.RouterOptions{}, endpoint("/abort", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }))
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v", p)
		}
	}()
	s.get("/abort")
	t.Error("the abort was swallowed")
}

// One line a request: IDs and codes, never what was typed.
//
// proves: ASVS 16.2.5, ASVS 16.4.1, ASVS 16.2.4
func TestRouter_logHoldsNothingThatWasSent(t *testing.T) {
	const secret = "PLANTED"
	s := serve(t, web.RouterOptions{}, endpoint("/in/{part}", func(_ http.ResponseWriter, r *http.Request) error {
		f := web.FactsFrom(r.Context())
		f.UserID, f.SessionID = "usr_1", "ses_1"
		return &auth.Error{Code: auth.CodeInvalidCredentials, Cause: errors.New("cause " + secret)}
	}))
	r := httptest.NewRequest("PROPFIND", "http://"+secret+".example/in/"+secret+"?token="+secret+"#"+secret, strings.NewReader("password="+secret))
	for _, name := range []string{"Cookie", "Authorization", "Referer", "X-Forwarded-For", "Origin", "Content-Type"} {
		r.Header.Set(name, secret+"=1\n\u202e"+secret)
	}
	r.Header.Set("User-Agent", secret+"\r\nlevel=ERROR\x1b[31m")
	s.do(r)
	if strings.Contains(s.log.String(), secret) {
		t.Errorf("the log repeats what was sent:\n%s", s.log)
	}
	lines := s.lines()
	if len(lines) != 1 {
		t.Fatalf("%d lines for one request", len(lines))
	}
	for key, want := range map[string]string{
		"endpoint": "/in/{part}", "method": "PROPFIND", "code": "invalid_credentials", "user_id": "usr_1", "session_id": "ses_1", "status": "401", "level": "INFO",
	} {
		if got := fmt.Sprint(lines[0][key]); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

func TestRouter_handsTheFactsOn(t *testing.T) {
	var got auth.Device
	s := serve(t, web.RouterOptions{ClientAddress: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") }},
		endpoint("/ok", func(_ http.ResponseWriter, r *http.Request) error {
			got = web.FactsFrom(r.Context()).Device
			return nil
		}))
	r := httptest.NewRequest(http.MethodGet, "/ok", nil)
	for sent, want := range map[string]string{
		"Firefox/1": "Firefox/1", "a\x1b[31m\x7fb": "a[31mb", "a\u009b31mb\u202ec\u2028d": "a31mbcd", "not \xff text": "not  text", strings.Repeat("é", 200): strings.Repeat("é", 127), "": "",
	} {
		r.Header.Set("User-Agent", sent)
		s.do(r)
		if got.UserAgent != want || got.Address != netip.MustParseAddr("192.0.2.7") {
			t.Errorf("%q: %+v, want %q", sent, got, want)
		}
	}
	if f := web.FactsFrom(t.Context()); f == nil || f.RequestID != "" {
		t.Errorf("outside a router: %+v", f)
	}
}

// proves: NEXT-11, ASVS 4.1.4, CS-37, ASVS 13.4.4
func TestMethodNotAllowed_namesTheAllowedOnes(t *testing.T) {
	post := endpoint("/x", ok)
	post.Method = http.MethodPost
	s := serve(t, web.RouterOptions{}, post, endpoint("/x", web.MethodNotAllowed(http.MethodPost)))
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "BREW"} {
		res := s.do(httptest.NewRequest(method, "/x", nil))
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "POST" {
			t.Errorf("%s: %d, Allow %q", method, res.StatusCode, res.Header.Get("Allow"))
		}
	}
	if res := s.do(httptest.NewRequest(http.MethodPost, "/x", nil)); res.StatusCode != 200 {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

// A dialect that answers a refusal itself still has it logged.
func TestRouter_logsARefusalThatTheHandlerAnsweredItself(t *testing.T) {
	s := serve(t, web.RouterOptions{}, endpoint("/refuses", func(w http.ResponseWriter, r *http.Request) error {
		web.FactsFrom(r.Context()).Err = auth.NewError(auth.CodeInvalidCredentials, nil)
		return ok(w, r)
	}))
	s.get("/refuses")
	if lines := s.lines(); len(lines) != 1 || lines[0]["code"] != "invalid_credentials" {
		t.Errorf("log %v, want one line with the code", lines)
	}
}
