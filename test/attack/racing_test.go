package attack_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// holding is a TracerProvider by which a test stops one request where a span of
// the given name begins: between the steps of the real program, with nothing
// built in for it.
type holding struct {
	noop.TracerProvider
	armed chan string   // a name waits here for its span
	held  chan struct{} // the request has come there
	free  chan struct{} // and may go on
}

func newHolding() *holding {
	return &holding{armed: make(chan string, 1), held: make(chan struct{}), free: make(chan struct{})}
}

func (h *holding) Tracer(string, ...trace.TracerOption) trace.Tracer { return holdingTracer{h: h} }

type holdingTracer struct {
	noop.Tracer
	h *holding
}

func (t holdingTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	select {
	case want := <-t.h.armed:
		if want != name {
			t.h.armed <- want // only the slow request runs by now
			break
		}
		t.h.held <- struct{}{}
		<-t.h.free
	default:
	}
	return trace.ContextWithSpan(ctx, recorded{}), recorded{}
}

// recorded is a span that says it is kept: below others none are begun.
type recorded struct{ noop.Span }

func (recorded) IsRecording() bool { return true }

// during runs slow, stops it where the span begins, does meanwhile, and returns
// what slow was answered.
func (h *holding) during(t *testing.T, span string, slow func() answer, meanwhile func()) answer {
	t.Helper()
	h.armed <- span
	answered := make(chan answer, 1)
	go func() { answered <- slow() }()
	select {
	case <-h.held:
	case a := <-answered:
		t.Fatalf("no span %q on the way to %d %s", span, a.status, a.body)
	case <-time.After(time.Minute):
		t.Fatalf("no span %q", span)
	}
	meanwhile()
	h.free <- struct{}{}
	return <-answered
}

// racing is a site whose requests can be stopped, with one user.
func racing(t *testing.T) (*site, *holding, auth.User) {
	t.Helper()
	h := newHolding()
	s := newSite(t, func(c *gatehouse.Config) {
		c.TracerProvider = h
		c.Password.Workers = 4 // one is held
	})
	return s, h, s.newUser(t, "victim@app.example")
}

// knows is a request of the thief, who knows the password.
func (s *site) knows() answer {
	return s.send(request{http.MethodPost, v4.base + "/login", jsonType, `{"email":"victim@app.example","password":"` + password + `"}`, nil, nil})
}

// A sign-in that has shown the right password, and waits for its session to be
// written, does not survive what voids everything meanwhile (guarantees R3).
//
// proves: ASVS 7.4.2
func TestRace_aSignInUnderWayDoesNotSurviveWhatVoidsEverything(t *testing.T) {
	const other = "eleven blue boats in fog"
	for name, void := range map[string]func(t *testing.T, s *site, u auth.User, b *browser){
		"nothing": nil, // the control
		"a new password": func(t *testing.T, s *site, _ auth.User, b *browser) {
			if a := b.json("/change-password", map[string]any{"currentPassword": password, "newPassword": other}); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
		},
		"revoking all": func(t *testing.T, s *site, _ auth.User, b *browser) {
			if a := b.json("/sessions/revoke-all", map[string]any{}); a.status != 200 || !strings.Contains(a.body, `"effective":"everywhere"`) {
				t.Fatalf("%d %s", a.status, a.body)
			}
		},
		"an operator who revokes all": func(t *testing.T, s *site, u auth.User, _ *browser) {
			if _, err := s.Sessions().RevokeUser(t.Context(), "test", u.ID); err != nil {
				t.Fatal(err)
			}
		},
		"an operator who disables the user": func(t *testing.T, s *site, u auth.User, _ *browser) {
			if _, err := s.Users().Disable(t.Context(), "test", u.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, h, u := racing(t)
			b := s.browser(v4).signIn(t, "victim@app.example", password)
			a := h.during(t, "hash password", s.knows, func() {
				if void != nil {
					void(t, s, u, b)
				}
			})
			in := s.who(v4, a.cookies()).Email
			switch {
			case void == nil && (a.status != 200 || in == ""):
				t.Errorf("nothing happened meanwhile, and the sign-in is answered %d %s", a.status, a.body)
			case void != nil && (a.status < 400 || a.status >= 500 || a.beginsSession() || in != ""):
				t.Errorf("%d %s, signed in as %q", a.status, a.body, in)
			}
		})
	}
}

// A slow GET /session that was found good before its session ended brings no
// cookie back. It is stopped where it gives the session another ID, because the
// user has come to a role: the longest way that a renewal has (guarantees R14).
//
// proves: ASVS 7.4.1
func TestRace_aRenewalUnderWayDoesNotSurviveTheEnd(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *site, u auth.User, b, other *browser){
		"nothing": nil, // the control
		"a sign-out": func(t *testing.T, _ *site, _ auth.User, b, _ *browser) {
			if a := b.json("/logout", map[string]any{}); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
		},
		"revoking all others elsewhere": func(t *testing.T, _ *site, _ auth.User, _, other *browser) {
			if a := other.json("/sessions/revoke-others", map[string]any{}); a.status != 200 || !strings.Contains(a.body, `"ended":1`) {
				t.Fatalf("%d %s", a.status, a.body)
			}
		},
		"revoking all elsewhere": func(t *testing.T, _ *site, _ auth.User, _, other *browser) {
			if a := other.json("/sessions/revoke-all", map[string]any{}); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
		},
		"disabling the user": func(t *testing.T, s *site, u auth.User, _, _ *browser) {
			if _, err := s.Users().Disable(t.Context(), "test", u.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, h, u := racing(t)
			b := s.browser(v4).signIn(t, "victim@app.example", password)
			// The one that ends it has the role already, so that its own requests have
			// nothing to be stopped at.
			if _, err := s.Users().SetRoles(t.Context(), "test", u.ID, []string{"admin", "user"}); err != nil {
				t.Fatal(err)
			}
			other := s.browser(v4).signIn(t, "victim@app.example", password)
			before := b.thief()
			get := func() answer {
				return s.send(request{http.MethodGet, v4.base + "/session", "", "", http.Header{"Sec-Fetch-Site": {"same-origin"}}, before.jar})
			}
			a := h.during(t, "store transaction", get, func() {
				if end != nil {
					end(t, s, u, b, other)
				}
			})
			after := s.who(v4, a.cookies()).Email
			switch {
			case end == nil && (!a.beginsSession() || after == ""):
				t.Errorf("nothing happened meanwhile, and no cookie came: %d %s", a.status, a.body)
			case end != nil && (a.beginsSession() || after != "" || strings.Contains(a.body, "victim@")):
				t.Errorf("a cookie came back: %d %s %v", a.status, a.body, a.header["Set-Cookie"])
			}
			if end != nil && before.who().Email != "" {
				t.Error("the cookie of before is good")
			}
		})
	}
}

// IDs of sessions are no secrets: they stand in logs and cookies. With another
// user's, at whichever mount it began, nothing can be seen or done at either
// mount, and the answer is that for an ID that never was.
//
// proves: ASVS 8.2.2
func TestSessions_ofOthersAreNotThere(t *testing.T) {
	s := newSite(t, nil)
	victim, thief := s.newUser(t, "victim@app.example"), s.newUser(t, "thief@app.example")
	s.browser(v4).signIn(t, "victim@app.example", password)
	s.browser(v5).signIn(t, "victim@app.example", password)
	theirs, err := s.Sessions().List(t.Context(), victim.ID)
	if err != nil || len(theirs) != 2 {
		t.Fatalf("%d sessions, %v", len(theirs), err)
	}
	for _, d := range dialects {
		b := s.browser(d).signIn(t, "thief@app.example", password)
		if list := b.get("/sessions").body + b.get("/account/sessions").body; strings.Contains(list, string(theirs[0].ID)) || strings.Contains(list, string(theirs[1].ID)) {
			t.Error("the list has somebody else's")
		}
		said := map[string]bool{}
		for _, id := range []auth.SessionID{theirs[0].ID, theirs[1].ID, auth.NewSessionID(time.Now()), "ses_x", auth.SessionID(victim.ID)} {
			for _, pw := range []string{"", password, "wrong but quite long enough"} {
				a := b.json("/sessions/revoke", map[string]any{"id": string(id), "password": pw, "userId": string(victim.ID), "user": string(victim.ID)})
				var p map[string]any
				if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != http.StatusNotFound {
					t.Errorf("%s: %d %s", id, a.status, a.body)
				}
				delete(p, "reference")
				text, _ := json.Marshal(p)
				said[string(text)] = true
			}
			if a := b.form("/account/sessions", map[string]string{"session": string(id)}); a.status != http.StatusNotFound {
				t.Errorf("the page, %s: %d", id, a.status)
			}
		}
		if len(said) != 1 {
			t.Errorf("the answers differ: %v", said)
		}
		for _, path := range []string{"/sessions/revoke-others", "/sessions/revoke-all"} {
			if a := b.json(path, map[string]any{"user": string(victim.ID), "userId": string(victim.ID), "id": string(theirs[0].ID)}); a.status != 200 {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	}
	if left, err := s.Sessions().List(t.Context(), victim.ID); err != nil || len(left) != 2 {
		t.Errorf("the victim has %d sessions left, %v", len(left), err)
	}
	if left, err := s.Sessions().List(t.Context(), thief.ID); err != nil || len(left) != 0 {
		t.Errorf("the control: the thief has %d sessions left, %v", len(left), err)
	}
}
