package gatehouse_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

func hintOf(g *gatehouse.Gatehouse, cookies ...*http.Cookie) gatehouse.Hint {
	r := httptest.NewRequest("GET", "http://localhost:3000/page", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return g.Hint(r)
}

// A Hint is a guess: it knows what the cookie says and hears of nothing that
// happened since. What it guesses wrongly, the check does not.
//
// proves: NEXT-23
func TestHint_guessesAndTheCheckDecides(t *testing.T) {
	for name, carry := range map[string]func(m *gatehouse.Mount){
		"v4":     func(*gatehouse.Mount) {},
		"v5":     func(m *gatehouse.Mount) { m.Dialect = "v5" },
		"iron":   func(m *gatehouse.Mount) { m.Carrier, m.Iron.Cookie, m.Iron.IDs = "iron", "app_session", []string{"1"} },
		"stored": func(m *gatehouse.Mount) { m.Carrier = "stored" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			carry(&cfg.Mounts[0])
			began := time.Now()
			var ahead atomic.Int64
			cfg.Now = func() time.Time { return began.Add(time.Duration(ahead.Load())) }
			g := open(t, cfg)
			createAnn(t, g)
			stop := start(t, g)
			cookies := login(t, g)
			members := g.Require(gatehouse.Role("user"))(http.HandlerFunc(whoAsks))
			check := func(when string, signedIn, user bool, status int) {
				t.Helper()
				h := hintOf(g, cookies...)
				if h.ProbablySignedIn() != signedIn || h.ProbablyHasRole("user") != user || h.ProbablyHasRole("admin") {
					t.Errorf("%s: guessed %+v", when, h)
				}
				if w := through(members, "GET", "/", nil, cookies...); w.Code != status {
					t.Errorf("%s: checked %d, want %d", when, w.Code, status)
				}
			}
			u, err := g.Users().Find(t.Context(), "ann@example.test")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.Users().SetRoles(t.Context(), "test", u.ID, []string{"user"}); err != nil {
				t.Fatal(err)
			}
			cookies = login(t, g)
			check("signed in", true, true, 200)
			if _, err := g.Sessions().RevokeUser(t.Context(), "test", u.ID); err != nil {
				t.Fatal(err)
			}
			h := hintOf(g, cookies...)
			if w := through(members, "GET", "/", nil, cookies...); !h.ProbablySignedIn() || w.Code != 401 {
				t.Errorf("revoked: guessed %+v, checked %d", h, w.Code)
			}
			cookies = login(t, g)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			ahead.Store(int64(10 * time.Minute)) // nobody has read the feed since
			check("while nothing can be said", true, true, 503)
			if name != "stored" { // whose time of use may be on another server
				ahead.Store(int64(400 * 24 * time.Hour))
				if h := hintOf(g, cookies...); h.ProbablySignedIn() || h.ProbablyHasRole("user") {
					t.Errorf("run out: %+v", h)
				}
			}
			for _, c := range cookies {
				if c.Value != "" {
					c.Value = c.Value[:len(c.Value)-4] + "AAAA"
				}
			}
			if h := hintOf(g, cookies...); h.ProbablySignedIn() || hintOf(g).ProbablySignedIn() {
				t.Error("somebody, of a forged cookie or of none")
			}
		})
	}
}

// A Hint cannot be taken for a check by mistake: it names nobody, and what it
// says begins with "Probably".
func TestHint_namesNobody(t *testing.T) {
	h := reflect.TypeFor[gatehouse.Hint]()
	for f := range h.Fields() {
		if f.IsExported() {
			t.Errorf("field %s is exported", f.Name)
		}
	}
	if h.NumMethod() == 0 || reflect.PointerTo(h).NumMethod() != h.NumMethod() {
		t.Errorf("%d methods, %d by pointer", h.NumMethod(), reflect.PointerTo(h).NumMethod())
	}
	for m := range h.Methods() {
		if !strings.HasPrefix(m.Name, "Probably") || m.Type.Out(0).Kind() != reflect.Bool {
			t.Errorf("method %s %v", m.Name, m.Type)
		}
	}
}
