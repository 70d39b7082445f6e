package guard_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// site is a guard before the two mounts of roomtest, with its log.
type site struct {
	*roomtest.Rooms
	t     *testing.T
	guard *guard.Guard
	log   *bytes.Buffer
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Rooms: roomtest.New(t), t: t, log: &bytes.Buffer{}}
	logger := slog.New(slog.NewJSONHandler(s.log, nil))
	router, err := web.NewRouter(nil, web.RouterOptions{Logger: logger, HTTPS: true})
	if err != nil {
		t.Fatal(err)
	}
	page := func(w http.ResponseWriter, _ *http.Request, err error) {
		web.SetRetryAfter(w.Header(), auth.AsError(err))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(web.Status(err))
		_, _ = io.WriteString(w, "<p>a page</p>")
	}
	s.guard = guard.New(guard.Options{Mounts: []*mount.Mount{s.V4, s.V5}, Staleness: s.Index.Staleness, Router: router, Page: page, Logger: logger})
	return s
}

func onBoth(t *testing.T, do func(t *testing.T, s *site, m *mount.Mount)) {
	t.Run("v4", func(t *testing.T) { s := newSite(t); do(t, s, s.V4) })
	t.Run("v5", func(t *testing.T) { s := newSite(t); do(t, s, s.V5) })
}

// ask is a request of the application with the given changes, through a server
// whose Host nobody should believe.
func ask(method, target string, changes ...func(r *http.Request)) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	for _, change := range changes {
		change(r)
	}
	return r
}

func header(name, value string) func(r *http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func cookie(m *mount.Mount, token string) func(r *http.Request) {
	return header("Cookie", m.SessionCookie()+"="+token)
}

var (
	ownPage = header("Sec-Fetch-Site", "same-origin")
	visit   = header("Sec-Fetch-Mode", "navigate")
)

// needs is a policy of roles that must all be held.
func needs(roles ...string) (p guard.Policy) {
	for _, r := range roles {
		p.All = append(p.All, guard.Condition{Roles: []string{r}})
	}
	return p
}

// decide is the Code, empty when allowed.
func (s *site) decide(r *http.Request, p guard.Policy) auth.Code {
	s.t.Helper()
	d := s.guard.Identify(httptest.NewRecorder(), r).Decide(r.Context(), p)
	if d.Allowed() {
		return ""
	}
	return d.Refused.Code
}

// serve takes a request through all steps to a handler.
func (s *site) serve(r *http.Request, p guard.Policy, next http.HandlerFunc) *http.Response {
	w := httptest.NewRecorder()
	s.protect(p, next).ServeHTTP(w, r)
	return w.Result()
}

func (s *site) protect(p guard.Policy, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := s.guard.Identify(w, r)
		if d := c.Decide(r.Context(), p); !d.Allowed() {
			s.guard.Refuse(w, r, c, d)
			return
		}
		c.Pass(w, r, next, guard.Private)
	})
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

// renewed is the new text of the session cookie in an answer; deleted says that
// the answer deletes it.
func cookieOf(m *mount.Mount, res *http.Response) (renewed string, deleted bool) {
	for _, c := range res.Cookies() {
		if c.Name == m.SessionCookie() {
			return c.Value, c.MaxAge < 0
		}
	}
	return "", false
}

// proves: NEXT-12, NEXT-20, ASVS 8.3.1
func TestDecide_byRole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		_, token := s.Begin(t, m, s.NewUser(t, "ann", "user", "editor"), nil)
		any := guard.Policy{All: []guard.Condition{{Roles: []string{"admin", "editor"}}}}
		for _, c := range []struct {
			what   string
			token  string
			policy guard.Policy
			want   auth.Code
		}{
			{"nobody, nothing needed", "", guard.Policy{}, auth.CodeSignedOut},
			{"nobody, a role needed", "", needs("user"), auth.CodeSignedOut},
			{"signed in", token.Text, guard.Policy{}, ""},
			{"a role that is held", token.Text, needs("user"), ""},
			{"two roles that are held", token.Text, needs("user", "editor"), ""},
			{"a role that is not", token.Text, needs("admin"), auth.CodeForbidden},
			{"one of two", token.Text, needs("user", "admin"), auth.CodeForbidden},
			{"any of two", token.Text, any, ""},
			{"a part of a name", token.Text, needs("use"), auth.CodeForbidden},
			{"other letters", token.Text, needs("User"), auth.CodeForbidden},
			{"a condition without roles", token.Text, guard.Policy{All: []guard.Condition{{}}}, auth.CodeForbidden},
			{"a cookie of nobody's", "garbage", guard.Policy{}, auth.CodeSessionExpired},
		} {
			r := ask("GET", "/x")
			if c.token != "" {
				cookie(m, c.token)(r)
			}
			if got := s.decide(r, c.policy); got != c.want {
				t.Errorf("%s: %q, want %q", c.what, got, c.want)
			}
		}
	})
}

// A route may demand that less time has passed since the feed was read.
//
// proves: ASVS 7.4.1
func TestDecide_freshRoutesRefuseSooner(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		_, token := s.Begin(t, m, s.NewUser(t, "ann", "user"), nil)
		fresh := guard.Policy{All: []guard.Condition{{Roles: []string{"user"}}}, MaxStaleness: 2 * time.Second}
		admins := guard.Policy{All: []guard.Condition{{Roles: []string{"admin"}}}, MaxStaleness: 2 * time.Second}
		signedIn := func() *http.Request { return ask("GET", "/x", cookie(m, token.Text)) }
		want := func(when string, r *http.Request, p guard.Policy, code auth.Code) {
			t.Helper()
			if got := s.decide(r, p); got != code {
				t.Errorf("%s: %q, want %q", when, got, code)
			}
		}
		s.Clock.Advance(2 * time.Second) // without a look at the feed
		want("at the limit", signedIn(), fresh, "")
		s.Clock.Advance(time.Millisecond)
		want("beyond it", signedIn(), fresh, auth.CodeUnavailable)
		want("beyond it, and not allowed: that too rests on the feed", signedIn(), admins, auth.CodeUnavailable)
		want("beyond it, nobody", ask("GET", "/x"), fresh, auth.CodeSignedOut)
		want("another route", signedIn(), needs("user"), "")
		s.Advance(0) // the feed is read
		want("after a look", signedIn(), fresh, "")
	})
}

func TestPrincipal_saysWhoAndSinceWhen(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		u := s.NewUser(t, "ann", "user")
		begun, token := s.Begin(t, m, u, nil)
		s.Advance(time.Hour)
		c := s.guard.Identify(httptest.NewRecorder(), ask("GET", "/x", cookie(m, token.Text)))
		p, ok := c.Principal()
		if !ok || p.UserID != u.ID || p.SessionID != begun.SessionID() || !slices.Equal(p.Roles, u.Roles) || p.SignedInAt.Unix() != roomtest.Start.Unix() {
			t.Errorf("%+v, %v", p, ok)
		}
		p.Roles[0] = "admin" // a handler's mistake
		if d := c.Decide(t.Context(), needs("admin")); d.Allowed() {
			t.Error("a handler's change to its own copy made an administrator")
		}
	})
}

// Whoever has the application's secret can write every claim but ours.
//
// proves: NEXT-4, NEXT-21, ASVS 8.3.1
func TestDecide_refusesWhatTheApplicationSealed(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		u := s.NewUser(t, "ann", "user")
		_, token := s.Begin(t, m, u, nil)
		app := roomtest.AppOf(t, m)
		forged := app.SealText(fmt.Sprintf(`{"sub":%q,"email":"ann@example.com","roles":["admin"],"exp":9999999999}`, u.ID))
		if got := s.decide(ask("GET", "/x", cookie(m, forged)), guard.Policy{}); got != auth.CodeSessionExpired {
			t.Errorf("a cookie without our own claim: %q, want session_expired", got)
		}
		promoted := app.Change(token.Text, func(c map[string]json.RawMessage) { c["roles"] = json.RawMessage(`["admin"]`) })
		if got := s.decide(ask("GET", "/x", cookie(m, promoted)), needs("admin")); got != auth.CodeForbidden {
			t.Errorf("a role written by the application: %q, want forbidden", got)
		}
	})
}

// A cookie of one mount is worth nothing at the other, under whatever name.
func TestIdentify_keepsMountsApart(t *testing.T) {
	s := newSite(t)
	ann, bob := s.NewUser(t, "ann"), s.NewUser(t, "bob")
	_, four := s.Begin(t, s.V4, ann, nil)
	_, five := s.Begin(t, s.V5, bob, nil)
	who := func(changes ...func(r *http.Request)) auth.UserID {
		p, _ := s.guard.Identify(httptest.NewRecorder(), ask("GET", "/x", changes...)).Principal()
		return p.UserID
	}
	for _, c := range []struct {
		what string
		got  auth.UserID
		want auth.UserID
	}{
		{"v4", who(cookie(s.V4, four.Text)), ann.ID}, {"v5", who(cookie(s.V5, five.Text)), bob.ID},
		{"v4's under v5's name", who(cookie(s.V5, four.Text)), ""}, {"v5's under v4's name", who(cookie(s.V4, five.Text)), ""},
		{"both: the first mount counts", who(cookie(s.V5, five.Text), cookie(s.V4, four.Text)), ann.ID},
		{"a void one beside a good one", who(cookie(s.V4, "garbage"), cookie(s.V5, five.Text)), bob.ID},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	// The good one is not touched, and neither is the void one: its own mount sees to it.
	res := s.serve(ask("GET", "/x", cookie(s.V4, "garbage"), cookie(s.V5, five.Text)), guard.Policy{}, ok)
	if len(res.Header["Set-Cookie"]) != 0 || res.StatusCode != 200 {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

// proves: ASVS 7.4.1, ASVS 7.4.2
func TestDecide_hearsOfAnEndAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		u := s.NewUser(t, "ann", "user", "admin")
		begun, token := s.Begin(t, m, u, nil)
		_, other := s.Begin(t, m, u, nil)
		get := func(token session.Token) *http.Request { return ask("GET", "/x", cookie(m, token.Text)) }
		if err := s.Sessions.SignOut(t.Context(), begun, auth.Device{}); err != nil {
			t.Fatal(err)
		}
		if got := s.decide(get(token), guard.Policy{}); got != auth.CodeSessionExpired {
			t.Errorf("after signing out: %q", got)
		}
		if got := s.decide(get(other), needs("admin")); got != "" {
			t.Errorf("the other session: %q", got)
		}
		if _, err := s.Users.SetRoles(t.Context(), "test", u.ID, []string{"user"}); err != nil {
			t.Fatal(err)
		}
		if got := s.decide(get(other), needs("admin")); got != auth.CodeForbidden {
			t.Errorf("after the role was taken: %q, want forbidden", got)
		}
		if _, err := s.Users.Disable(t.Context(), "test", u.ID); err != nil {
			t.Fatal(err)
		}
		if got := s.decide(get(other), guard.Policy{}); got != auth.CodeSessionExpired {
			t.Errorf("after the user was disabled: %q", got)
		}
	})
}

// R14: a session superseded by a new sign-in counts for half a minute, with the
// lesser roles, and its cookie is left alone.
func TestDecide_supersededKeepsTheLesserRoles(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		u := s.NewUser(t, "ann", "user")
		old, token := s.Begin(t, m, u, nil)
		u, err := s.Users.SetRoles(t.Context(), "test", u.ID, []string{"admin", "user"})
		if err != nil {
			t.Fatal(err)
		}
		s.Begin(t, m, u, &old)
		r := ask("GET", "/x", cookie(m, token.Text))
		if got := s.decide(r, needs("user")); got != "" {
			t.Errorf("the lesser role: %q", got)
		}
		if got := s.decide(r, needs("admin")); got != auth.CodeForbidden {
			t.Errorf("the role that came later: %q, want forbidden", got)
		}
		if res := s.serve(r, needs("user"), ok); len(res.Header["Set-Cookie"]) != 0 {
			t.Errorf("its cookie was touched: %q", res.Header["Set-Cookie"])
		}
		s.Advance(auth.SupersededGrace + time.Second)
		if got := s.decide(r, needs("user")); got != auth.CodeSessionExpired {
			t.Errorf("past the grace: %q", got)
		}
	})
}

// proves: CB-10, CB-11, NEXT-5, ASVS 3.5.1, ASVS 4.4.2
func TestDecide_aCookieAloneChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		_, token := s.Begin(t, m, s.NewUser(t, "ann"), nil)
		own := header("Origin", roomtest.Origin)
		isJSON, isForm := header("Content-Type", "application/json; charset=utf-8"), header("Content-Type", "application/x-www-form-urlencoded")
		upgrade := header("Upgrade", "websocket")
		for _, c := range []struct {
			what    string
			method  string
			with    []func(*http.Request)
			refused bool
		}{
			{"reading", "GET", nil, false},
			{"reading from elsewhere", "GET", []func(*http.Request){header("Sec-Fetch-Site", "cross-site")}, false},
			{"HEAD", "HEAD", nil, false},
			{"silence", "POST", nil, true},
			{"a form, in silence", "POST", []func(*http.Request){isForm}, true},
			{"text that looks like JSON", "POST", []func(*http.Request){header("Content-Type", "text/plain")}, true},
			{"our own page, by Sec-Fetch-Site", "POST", []func(*http.Request){ownPage, isForm}, false},
			{"our own page, by Origin", "POST", []func(*http.Request){own, isForm}, false},
			{"a sibling", "POST", []func(*http.Request){header("Sec-Fetch-Site", "same-site"), header("Origin", "https://sub.app.example")}, true},
			{"another site", "POST", []func(*http.Request){header("Origin", "https://evil.example")}, true},
			{"another site, JSON", "POST", []func(*http.Request){header("Origin", "https://evil.example"), isJSON}, true},
			{"another site, same host name in Host", "POST", []func(*http.Request){header("Origin", "https://evil.example"), header("Host", "evil.example")}, true},
			{"an opaque origin", "POST", []func(*http.Request){header("Origin", "null"), isForm}, true},
			{"two origins", "POST", []func(*http.Request){own, header("Origin", "https://evil.example")}, true},
			{"JSON, in silence", "POST", []func(*http.Request){isJSON}, false},
			{"PUT, in silence", "PUT", nil, true},
			{"DELETE, in silence", "DELETE", nil, true},
			{"an invented method", "BREW", nil, true},
			{"a method in small letters", "get", nil, true},
			{"WebSocket from our own page", "GET", []func(*http.Request){upgrade, own}, false},
			{"WebSocket from elsewhere", "GET", []func(*http.Request){upgrade, header("Origin", "https://sub.app.example")}, true},
			{"WebSocket, in silence", "GET", []func(*http.Request){upgrade}, true},
			{"WebSocket behind an empty line", "GET", []func(*http.Request){header("Upgrade", ""), upgrade}, true},
		} {
			r := ask(c.method, "/x", append(c.with, cookie(m, token.Text))...)
			want := auth.Code("")
			if c.refused {
				want = auth.CodeCSRF
			}
			if got := s.decide(r, guard.Policy{}); got != want {
				t.Errorf("%s: %q, want %q", c.what, got, want)
			}
			// A handler behind Authenticate alone must not act for them either.
			if _, known := s.guard.Identify(httptest.NewRecorder(), r).Principal(); known == c.refused {
				t.Errorf("%s: principal %v", c.what, known)
			}
		}
		if got := s.decide(ask("POST", "/x"), guard.Policy{}); got != auth.CodeSignedOut {
			t.Errorf("nobody, in silence: %q, want signed_out: there is no cookie to ride on", got)
		}
		if got := s.decide(ask("POST", "/x", cookie(m, token.Text)), needs("admin")); got != auth.CodeCSRF {
			t.Errorf("both wrong: %q, want csrf_failed first", got)
		}
	})
}

// An outage decides nothing: 503, never 401, and no cookie is touched.
func TestRefuse_outageIsNoSignOut(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		u := s.NewUser(t, "ann", "user")
		_, token := s.Begin(t, m, u, nil)
		check := func(what string, r *http.Request) {
			t.Helper()
			res := s.serve(r, guard.Policy{}, ok)
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || len(res.Header["Set-Cookie"]) != 0 || res.Header.Get("Location") != "" {
				t.Errorf("%s: %d %v, want 503 with Retry-After and no cookie touched", what, res.StatusCode, res.Header)
			}
		}
		if _, err := s.Users.SetRoles(t.Context(), "test", u.ID, []string{"admin"}); err != nil {
			t.Fatal(err)
		}
		s.Faults.Away(true)
		check("the changed row cannot be read", ask("GET", "/x", cookie(m, token.Text)))
		s.Faults.Away(false)
		s.Clock.Advance(2 * roomtest.MaxStaleness)
		check("stale", ask("GET", "/x", cookie(m, token.Text)))
		check("stale, a person", ask("GET", "/x", visit, cookie(m, token.Text)))
		check("stale, a void cookie", ask("GET", "/x", cookie(m, "garbage")))
		if res := s.serve(ask("GET", "/x"), guard.Policy{}, ok); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("stale, without a cookie: %d, want 401: nothing had to be asked", res.StatusCode)
		}
		s.Index.MarkFresh(s.Clock.Now())
		if res := s.serve(ask("GET", "/x", cookie(m, token.Text)), needs("admin"), ok); res.StatusCode != http.StatusOK {
			t.Errorf("afterwards: %d", res.StatusCode)
		}
	})
}

// While the first mount cannot tell, the second must not make the caller
// somebody else.
func TestIdentify_outageMakesNobodySomebodyElse(t *testing.T) {
	s := newSite(t)
	ann, bob := s.NewUser(t, "ann"), s.NewUser(t, "bob")
	_, four := s.Begin(t, s.V4, ann, nil)
	_, five := s.Begin(t, s.V5, bob, nil)
	if _, err := s.Users.SetRoles(t.Context(), "test", ann.ID, []string{"x"}); err != nil {
		t.Fatal(err)
	}
	s.Faults.Away(true)
	r := ask("GET", "/x", cookie(s.V4, four.Text), cookie(s.V5, five.Text))
	if got := s.decide(r, guard.Policy{}); got != auth.CodeUnavailable {
		t.Errorf("%q, want unavailable", got)
	}
	if p, ok := s.guard.Identify(httptest.NewRecorder(), r).Principal(); ok {
		t.Errorf("taken for %s", p.UserID)
	}
	// A void cookie beside one that nothing can be said of stays as well.
	s.Faults.Away(false)
	if _, err := s.Users.SetRoles(t.Context(), "test", bob.ID, []string{"x"}); err != nil {
		t.Fatal(err)
	}
	s.Faults.Away(true)
	res := s.serve(ask("GET", "/x", cookie(s.V4, "garbage"), cookie(s.V5, five.Text)), guard.Policy{}, ok)
	if res.StatusCode != http.StatusServiceUnavailable || len(res.Header["Set-Cookie"]) != 0 {
		t.Errorf("a void cookie and an unknown one: %d %q, want 503 and no cookie touched", res.StatusCode, res.Header["Set-Cookie"])
	}
}

// proves: NEXT-12, NEXT-30, ASVS 16.5.1
func TestRefuse_inTheCallersDialect(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		_, token := s.Begin(t, m, s.NewUser(t, "ann", "user"), nil)
		mine := cookie(m, token.Text)
		const problem, page = "application/problem+json; charset=utf-8", "text/html; charset=utf-8"
		lines := 0
		for _, c := range []struct {
			what     string
			r        *http.Request
			status   int
			kind     string
			location string
		}{
			{"a script, nobody", ask("GET", "/x"), 401, problem, ""},
			{"fetch that takes HTML, nobody", ask("GET", "/x", header("Sec-Fetch-Mode", "cors"), header("Accept", "text/html")), 401, problem, ""},
			{"a script posts, nobody", ask("POST", "/x", header("Accept", "text/html")), 401, problem, ""},
			{"a person, nobody", ask("GET", "/x?a=b", visit), 303, "", "/x?a=b"},
			{"an older browser, nobody", ask("GET", "/x?a=b", header("Accept", "text/html,*/*")), 303, "", "/x?a=b"},
			{"a person sends a form, nobody", ask("POST", "/x", visit), 401, page, ""},
			{"a script, wrong role", ask("GET", "/x", mine), 403, problem, ""},
			{"a person, wrong role", ask("GET", "/x", visit, mine), 403, page, ""},
			{"a form from elsewhere", ask("POST", "/x", visit, mine, header("Sec-Fetch-Site", "cross-site")), 403, page, ""},
		} {
			res := s.serve(c.r, needs("admin"), ok)
			lines++
			if res.StatusCode != c.status || res.Header.Get("Content-Type") != c.kind {
				t.Errorf("%s: %d %q, want %d %q", c.what, res.StatusCode, res.Header.Get("Content-Type"), c.status, c.kind)
			}
			want := ""
			if c.location != "" {
				want = s.V4.Base() + "/signin?callbackUrl=" + url.QueryEscape(roomtest.Origin+c.location)
			}
			if got := res.Header.Get("Location"); got != want {
				t.Errorf("%s: leads to %q, want %q", c.what, got, want)
			}
			if got := res.Header.Get("WWW-Authenticate"); (got != "") != (c.status == 401) || got != "" && !strings.HasPrefix(got, `Cookie realm="https://app.example"`) {
				t.Errorf("%s: challenge %q", c.what, got)
			}
			if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Vary") != "Cookie" || res.Header.Get("X-Request-Id") == "" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: headers %v", c.what, res.Header)
			}
			if n := strings.Count(s.log.String(), "\n"); n != lines {
				t.Fatalf("%s: %d log lines, want one an answer", c.what, n-lines+1)
			}
		}
		text := s.log.String()
		for _, want := range []string{`"endpoint":"(embedded)"`, `"code":"signed_out"`, `"code":"forbidden"`, `"code":"csrf_failed"`, `"user_id":"usr_`, `"session_id":"ses_`} {
			if !strings.Contains(text, want) {
				t.Errorf("the log has no %s", want)
			}
		}
		if strings.Contains(text, token.Text) || strings.Contains(text, "a=b") || strings.Contains(text, "ann@") {
			t.Errorf("the log tells too much:\n%s", text)
		}
	})
}

// A guard around everything would lead from the sign-in page to the sign-in
// page. The operator is told instead.
func TestRefuse_leadsNobodyRoundInCircles(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/api/auth/signin", "/api/auth/signin?callbackUrl=x", "/api/auth", "/v5/auth/session"} {
		res := s.serve(ask("GET", path, visit), guard.Policy{}, ok)
		if res.StatusCode != http.StatusInternalServerError || res.Header.Get("Location") != "" {
			t.Errorf("%s: %d %v, want 500", path, res.StatusCode, res.Header)
		}
	}
	if !strings.Contains(s.log.String(), "leave Gatehouse's Handler outside of Require") {
		t.Errorf("the log does not say what is wrong:\n%s", s.log)
	}
	if n := strings.Count(s.log.String(), "leave Gatehouse's Handler outside of Require"); n != 1 {
		t.Errorf("the log says what is wrong %d times, want once", n)
	}
	// Anybody can ask for these, whatever the program does.
	for _, path := range []string{
		"/api/authors", "/api/auth/../x", "/api/auth/..%2fx", "/api/auth/%2e%2E/x", "/api/auth/./x", "/api/auth//x", "/api/auth/x%5c..%5cy", "/api/auth/..\\x", "/api/auth/x/..",
	} {
		r := ask("GET", "/x", visit)
		r.RequestURI = path
		if res := s.serve(r, guard.Policy{}, ok); s.guard.OwnPages(r) || res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s, which only begins alike: %d, want 303", path, res.StatusCode)
		}
	}
}

// Nor does it lead from the application's own sign-in page to that page.
func TestRefuse_leadsNobodyRoundInCirclesByTheApplicationsPages(t *testing.T) {
	s := newSite(t)
	s.guard = guard.New(guard.Options{
		Mounts: s.guard.Mounts, Router: s.guard.Router, Page: s.guard.Page, Logger: s.guard.Logger,
		Pages: []string{"/log in?x=y", "", "https://app.example/error/"},
	})
	for path, want := range map[string]int{
		"/log%20in": 500, "/log%20in/?callbackUrl=x": 500, "/error?error=Configuration": 500, "/": 303, "/log": 303, "/x?/error": 303,
	} {
		if res := s.serve(ask("GET", path, visit), guard.Policy{}, ok); res.StatusCode != want || (res.Header.Get("Location") == "") != (want == 500) {
			t.Errorf("%s: %d to %q, want %d", path, res.StatusCode, res.Header.Get("Location"), want)
		}
	}
	if n := strings.Count(s.log.String(), "the pages that Mount.Pages names"); n != 1 {
		t.Errorf("the log says what is wrong %d times, want once:\n%s", n, s.log)
	}
	if res := s.serve(ask("GET", "/error"), guard.Policy{}, ok); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a script: %d, want 401", res.StatusCode)
	}
}

// A definite void deletes the cookies, in all chunks, and only then.
func TestRefuse_deletesAVoidCookieAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		begun, token := s.Begin(t, m, s.NewUser(t, "ann"), nil)
		r := ask("GET", "/x", cookie(m, token.Text))
		if err := s.Sessions.SignOut(t.Context(), begun, auth.Device{}); err != nil {
			t.Fatal(err)
		}
		if res := s.serve(r, guard.Policy{}, ok); res.StatusCode != 401 || len(res.Header["Set-Cookie"]) != 0 {
			t.Errorf("just ended: %d %q, want 401 and no cookie touched", res.StatusCode, res.Header["Set-Cookie"])
		}
		s.Advance(auth.SupersededGrace + time.Second)
		res := s.serve(r, guard.Policy{}, ok)
		if _, deleted := cookieOf(m, res); res.StatusCode != 401 || !deleted {
			t.Errorf("later: %d %q, want 401 and the cookie deleted", res.StatusCode, res.Header["Set-Cookie"])
		}
		chunks := header("Cookie", m.SessionCookie()+".0=a; "+m.SessionCookie()+".2=b")
		if res := s.serve(ask("GET", "/x", chunks), guard.Policy{}, ok); len(res.Header["Set-Cookie"]) != 2 {
			t.Errorf("chunks that make no whole: %q, want both deleted", res.Header["Set-Cookie"])
		}
	})
}

// Two cookies never add up: the later sign-in counts, in the order of the
// mounts where both are of one second, and renewal is that one's.
func TestIdentify_laterSignInCounts(t *testing.T) {
	for _, wait := range []time.Duration{-time.Second, 0, time.Second} {
		s := newSite(t)
		ann, bob := s.NewUser(t, "ann"), s.NewUser(t, "bob")
		first, second := s.V4, s.V5
		if wait < 0 {
			first, second = s.V5, s.V4
		}
		_, one := s.Begin(t, first, ann, nil)
		s.Advance(wait.Abs())
		_, two := s.Begin(t, second, bob, nil)
		want, counts := bob.ID, second
		if wait == 0 {
			want, counts = ann.ID, first
		}
		r := ask("GET", "/x", cookie(first, one.Text), cookie(second, two.Text))
		if p, _ := s.guard.Identify(httptest.NewRecorder(), r).Principal(); p.UserID != want {
			t.Errorf("%s apart: %s, want %s", wait, p.UserID, want)
		}
		s.Advance(roomtest.Idle / 2)
		res := s.serve(r, guard.Policy{}, ok)
		if fresh, _ := cookieOf(counts, res); fresh == "" || len(res.Header["Set-Cookie"]) != 1 {
			t.Errorf("%s apart: renewed %q", wait, res.Header["Set-Cookie"])
		}
	}
}
