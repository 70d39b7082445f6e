package guard_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// R15: once more than a tenth of the idle time has passed, and not before.
func TestPass_renewsAfterATenthOfIdle(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		s.longTrust(t)
		_, token := s.Begin(t, m, s.NewUser(t, "ann"), nil)
		r := ask("GET", "/x", cookie(m, token.Text))
		for _, step := range []struct {
			forward time.Duration
			due     bool
		}{{0, false}, {time.Minute + time.Second, false}, {roomtest.Idle/10 - time.Minute - time.Second, false}, {2 * time.Second, true}} {
			s.Advance(step.forward)
			if fresh, _ := cookieOf(m, s.serve(r, guard.Policy{}, ok)); (fresh != "") != step.due {
				t.Fatalf("%s after the sign-in: renewed %v, want %v", s.Clock.Now().Sub(roomtest.Start), fresh != "", step.due)
			}
		}
		fresh, _ := cookieOf(m, s.serve(r, guard.Policy{}, ok))
		s.Advance(roomtest.Idle - time.Minute)
		if got := roomtest.Check(t, m, token.Text); got.Verdict != session.Void {
			t.Errorf("the old cookie past its idle end: verdict %d", got.Verdict)
		}
		if got := roomtest.Check(t, m, fresh); got.Verdict != session.Live || got.Start != roomtest.Start.Unix() {
			t.Errorf("the fresh one: verdict %d, begun %d", got.Verdict, got.Start)
		}
	})
}

// longTrust lets code in the application believe the cookie as long as
// Gatehouse does, so that the tenth alone makes renewal due.
func (s *site) longTrust(t *testing.T) {
	t.Helper()
	s.Sessions.LocalTrust = roomtest.Idle
}

// Used once a day and never asked through GET /session, a session still lives
// to its absolute end and not a moment longer.
func TestPass_renewsUpToTheAbsoluteEnd(t *testing.T) {
	s := newSite(t)
	s.longTrust(t)
	_, token := s.Begin(t, s.V4, s.NewUser(t, "ann"), nil)
	text := token.Text
	for hours := 0; hours < int(roomtest.Absolute/time.Hour)-3; hours += 3 {
		s.Advance(3 * time.Hour)
		res := s.serve(ask("GET", "/x", cookie(s.V4, text)), guard.Policy{}, ok)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("after %d hours: %d", hours, res.StatusCode)
		}
		if fresh, _ := cookieOf(s.V4, res); fresh != "" {
			text = fresh
		}
	}
	s.Advance(3 * time.Hour)
	if res := s.serve(ask("GET", "/x", cookie(s.V4, text)), guard.Policy{}, ok); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("past the absolute end: %d", res.StatusCode)
	}
}

// R12: code that only decodes the cookie takes it no longer than LocalTrust.
func TestPass_renewsWhatTheApplicationsReaderWouldRefuse(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		_, token := s.Begin(t, m, s.NewUser(t, "ann"), nil)
		r := ask("GET", "/x", cookie(m, token.Text))
		s.Advance(roomtest.LocalTrust - time.Minute)
		if fresh, _ := cookieOf(m, s.serve(r, guard.Policy{}, ok)); fresh != "" {
			t.Error("renewed while the application still takes it")
		}
		s.Advance(2 * time.Minute)
		if fresh, _ := cookieOf(m, s.serve(r, guard.Policy{}, ok)); fresh == "" {
			t.Error("not renewed")
		}
	})
}

// After a change of the user's row the cookie is sealed anew at once: until
// then each check would read the row.
func TestPass_renewsAfterAChangeOfTheUser(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site, m *mount.Mount) {
		s.longTrust(t)
		u := s.NewUser(t, "ann", "user")
		_, token := s.Begin(t, m, u, nil)
		if _, err := s.Users.SetRoles(t.Context(), "test", u.ID, []string{"admin"}); err != nil {
			t.Fatal(err)
		}
		fresh, _ := cookieOf(m, s.serve(ask("GET", "/x", cookie(m, token.Text)), needs("admin"), ok))
		if fresh == "" {
			t.Fatal("not renewed")
		}
		s.Faults.Away(true) // the fresh one needs no row
		if got := s.decide(ask("GET", "/x", cookie(m, fresh)), needs("admin")); got != "" {
			t.Errorf("the fresh cookie: %q", got)
		}
	})
}

// due is a request whose session's cookie is due for renewal.
func (s *site) due() (*http.Request, session.Checked) {
	s.t.Helper()
	begun, token := s.Begin(s.t, s.V4, s.NewUser(s.t, "ann"), nil)
	s.Advance(roomtest.Idle / 2)
	return ask("GET", "/x", cookie(s.V4, token.Text)), begun
}

// R14: the index is asked when the header is written, however long the handler
// took, and a session that ended meanwhile gets no cookie.
func TestPass_asksAgainWhenTheHeaderIsWritten(t *testing.T) {
	s := newSite(t)
	r, begun := s.due()
	res := s.serve(r, guard.Policy{}, func(w http.ResponseWriter, _ *http.Request) {
		if err := s.Sessions.SignOut(t.Context(), begun, auth.Device{}); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if res.StatusCode != http.StatusNoContent || len(res.Header["Set-Cookie"]) != 0 {
		t.Errorf("%d %q, want no cookie", res.StatusCode, res.Header["Set-Cookie"])
	}
}

// A handler that signs somebody in or out has the last word about the cookie,
// also when the one that came was void.
func TestPass_leavesTheHandlersCookieAlone(t *testing.T) {
	s := newSite(t)
	r, _ := s.due()
	own := s.V4.SessionCookie() + "=theirs; Path=/"
	set := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", own)
		w.Header().Add("Set-Cookie", "other=1")
	}
	if got := s.serve(r, guard.Policy{}, set).Header["Set-Cookie"]; !slices.Equal(got, []string{own, "other=1"}) {
		t.Errorf("due for renewal: %q", got)
	}
	void := ask("GET", "/x", cookie(s.V4, "garbage"))
	pass := func(next http.HandlerFunc) []string {
		w := httptest.NewRecorder()
		s.guard.Identify(w, void).Pass(w, void, next, guard.Personal)
		return w.Result().Header["Set-Cookie"]
	}
	if got := pass(set); !slices.Equal(got, []string{own, "other=1"}) {
		t.Errorf("void: %q", got)
	}
	if got := pass(ok); len(got) != 1 || !strings.Contains(got[0], "Max-Age=0") {
		t.Errorf("void, and nobody else sets it: %q", got)
	}
}

// An answer that shared caches may keep must not carry anybody's cookie.
//
// proves: ASVS 14.3.2
func TestPass_keepsCookiesFromSharedCaches(t *testing.T) {
	for own, want := range map[string]struct {
		control []string
		renewed bool
	}{
		"":                          {[]string{"no-store"}, true},
		"private, max-age=60":       {[]string{"private, max-age=60"}, true},
		"No-Store":                  {[]string{"No-Store"}, true},
		"no-cache":                  {[]string{"no-cache", "private"}, true},
		"max-age=60":                {[]string{"max-age=60", "private"}, true},
		"public, max-age=60":        {[]string{"public, max-age=60"}, false},
		"max-age=1,S-MaxAge=60":     {[]string{"max-age=1,S-MaxAge=60"}, false},
		"max-age=31536000,  PUBLIC": {[]string{"max-age=31536000,  PUBLIC"}, false},
		// RFC 9111 §5.2.2.7: for these fields alone; the rest may be kept.
		`private="X-Foo", max-age=600`: {[]string{`private="X-Foo", max-age=600`}, false},
		`x="a, private", max-age=9`:    {[]string{`x="a, private", max-age=9`, "private"}, true},
		`x="a\", public", max-age=9`:   {[]string{`x="a\", public", max-age=9`, "private"}, true},
		`x="a", public, y="`:           {[]string{`x="a", public, y="`}, false},
		// §5.2.2.3: who understands the status passes over no-store.
		"must-understand, no-store, max-age=600": {[]string{"must-understand, no-store, max-age=600", "private"}, true},
		"must-understand, private":               {[]string{"must-understand, private"}, true},
	} {
		s := newSite(t)
		r, _ := s.due()
		res := s.serve(r, guard.Policy{}, func(w http.ResponseWriter, r *http.Request) {
			if own != "" {
				w.Header().Set("Cache-Control", own)
			}
			ok(w, r)
		})
		fresh, _ := cookieOf(s.V4, res)
		if !slices.Equal(res.Header["Cache-Control"], want.control) || (fresh != "") != want.renewed || res.Header.Get("Vary") != "Cookie" {
			t.Errorf("handler says %q: Cache-Control %q, renewed %v, Vary %q", own, res.Header["Cache-Control"], fresh != "", res.Header["Vary"])
		}
	}
}

// RFC 9213: what a field for some caches alone says overrules Cache-Control
// there, so unless it forbids to keep the answer, no cookie goes into it.
//
// proves: ASVS 14.3.2
func TestPass_keepsCookiesFromTargetedCaches(t *testing.T) {
	for _, c := range []struct {
		name, value string
		renewed     bool
	}{
		{"CDN-Cache-Control", "max-age=60", false}, {"CDN-Cache-Control", "", false}, {"CDN-Cache-Control", "no-store", true}, {"CDN-Cache-Control", "max-age=60, private", true},
		{"CDN-Cache-Control", "no-store=?0", false}, {"CDN-Cache-Control", "no-store, no-store=?0", false}, {"CDN-Cache-Control", "no-store;x=1", false},
		{"CDN-Cache-Control", "no-store, must-understand", false}, {"CDN-Cache-Control", "private, s-maxage=9", false}, {"CDN-Cache-Control", `x="no-store"`, false},
		{"Acme-Cache-Control", "max-age=60", false}, {"X-LiteSpeed-Cache-Control", "public,max-age=60", false}, {"Edge-Control", "max-age=1d", false},
		{"Surrogate-Control", "max-age=60", false}, {"Surrogate-Control", "no-store", true}, {"Surrogate-Control", "no-store, max-age=60;abc", false},
		{"X-Accel-Expires", "60", false}, {"X-Accel-Expires", "@1893456000", false}, {"X-Accel-Expires", "off", false}, {"X-Accel-Expires", "0", true},
		{"X-Cache", "HIT", true},
	} {
		s := newSite(t)
		r, _ := s.due()
		for _, name := range []string{http.CanonicalHeaderKey(c.name), strings.ToLower(c.name)} {
			fresh, _ := cookieOf(s.V4, s.serve(r, guard.Policy{}, func(w http.ResponseWriter, r *http.Request) {
				w.Header()[name] = []string{c.value}
				ok(w, r)
			}))
			if (fresh != "") != c.renewed {
				t.Errorf("%s: %s: renewed %v, want %v", name, c.value, fresh != "", c.renewed)
			}
		}
	}
}

// A void cookie is deleted while it is surely the one that was checked.
func TestPass_deletesNoVoidCookieLate(t *testing.T) {
	for after, want := range map[time.Duration]bool{0: true, time.Second: true, 2 * time.Second: false, time.Hour: false} {
		s := newSite(t)
		r := ask("GET", "/x", cookie(s.V4, "garbage"))
		w := httptest.NewRecorder()
		s.guard.Identify(w, r).Pass(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.Clock.Advance(after)
			ok(w, r)
		}), guard.Personal)
		if _, deleted := cookieOf(s.V4, w.Result()); deleted != want {
			t.Errorf("after %s: deleted %v, want %v", after, deleted, want)
		}
	}
}

func TestPass_presetsWhatCachesMayDo(t *testing.T) {
	s := newSite(t)
	_, token := s.Begin(t, s.V4, s.NewUser(t, "ann"), nil)
	for _, c := range []struct {
		what string
		r    *http.Request
		want string
	}{
		{"nobody", ask("GET", "/x"), ""}, {"signed in", ask("GET", "/x", cookie(s.V4, token.Text)), guard.Personal},
		{"a void cookie", ask("GET", "/x", cookie(s.V4, "garbage")), guard.Personal},
	} {
		w := httptest.NewRecorder()
		s.guard.Identify(w, c.r).Pass(w, c.r, http.HandlerFunc(ok), guard.Personal)
		if got := w.Header().Get("Cache-Control"); got != c.want || w.Header().Get("Vary") != "Cookie" {
			t.Errorf("%s: Cache-Control %q, Vary %q; want %q", c.what, got, w.Header().Get("Vary"), c.want)
		}
	}
	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "max-age=9") // somebody further out
	w.Header().Set("Vary", "Cookie")
	r := ask("GET", "/x", cookie(s.V4, token.Text))
	s.guard.Identify(w, r).Pass(w, r, http.HandlerFunc(ok), guard.Personal)
	if got := w.Header(); got.Get("Cache-Control") != "max-age=9" || len(got["Vary"]) != 1 {
		t.Errorf("set further out: %v", got)
	}
}

// However the handler begins its answer, the cookie is in its header, and what
// servers offer besides is still there.
func TestPass_settlesHoweverTheAnswerBegins(t *testing.T) {
	for what, next := range map[string]http.HandlerFunc{
		"nothing is written": func(http.ResponseWriter, *http.Request) {},
		"a status":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"a body":             ok,
		"early hints first": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			if w.Header().Get("Set-Cookie") != "" {
				panic("settled by a hint")
			}
			w.WriteHeader(http.StatusOK)
		},
		"a flush":               func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"a flush by controller": func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
		"a copy":                func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("ok")) },
		"a deadline, then a body": func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				panic(err)
			}
			ok(w, r)
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t)
			r, _ := s.due()
			srv := httptest.NewServer(s.protect(guard.Policy{}, next))
			defer srv.Close()
			if fresh, _ := cookieOf(s.V4, s.send(srv, r)); fresh == "" {
				t.Error("not renewed")
			}
		})
	}
}

// send puts a made request to a server.
func (s *site) send(srv *httptest.Server, r *http.Request) *http.Response {
	s.t.Helper()
	out, err := http.NewRequestWithContext(s.t.Context(), r.Method, srv.URL+r.URL.RequestURI(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	out.Header = r.Header
	res, err := srv.Client().Do(out)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestPass_letsAConnectionBeTakenOver(t *testing.T) {
	s := newSite(t)
	r, _ := s.due()
	srv := httptest.NewServer(s.protect(guard.Policy{}, func(w http.ResponseWriter, _ *http.Request) {
		conn, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		takeOver(conn, buffer)
	}))
	defer srv.Close()
	if res := s.send(srv, r); res.StatusCode != http.StatusTeapot || len(res.Header["Set-Cookie"]) != 0 {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	// Where it cannot be, the writer does not pretend.
	s.serve(r, guard.Policy{}, func(w http.ResponseWriter, _ *http.Request) {
		if _, can := w.(http.Hijacker); can {
			t.Error("a recorder's connection can be taken over")
		}
	})
}

func takeOver(_ net.Conn, buffer *bufio.ReadWriter) {
	_, _ = buffer.WriteString("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	_ = buffer.Flush()
}

// A handler that goes on after its answer was given for it, behind
// http.TimeoutHandler for one, reads who asks while the cookie is sealed anew.
func TestPass_concurrentlyWithALateHandler(t *testing.T) {
	s := newSite(t)
	r, _ := s.due()
	w := httptest.NewRecorder()
	c := s.guard.Identify(w, r)
	stop, done := make(chan struct{}), make(chan struct{})
	c.Pass(w, r, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		go func() {
			defer close(done)
			for {
				if p, ok := c.Principal(); !ok || p.UserID == "" || !c.Decide(t.Context(), guard.Policy{}).Allowed() {
					t.Error("nobody")
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		w.WriteHeader(http.StatusServiceUnavailable)
	}), guard.Private)
	close(stop)
	<-done
	if fresh, _ := cookieOf(s.V4, w.Result()); fresh == "" {
		t.Error("not renewed")
	}
}
