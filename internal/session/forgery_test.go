package session_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// onBoth runs a test on a mount of each dialect.
func onBoth(t *testing.T, do func(t *testing.T, r *roomtest.Rooms, m *mount.Mount)) {
	t.Run("v4", func(t *testing.T) { r := roomtest.New(t); do(t, r, r.V4) })
	t.Run("v5", func(t *testing.T) { r := roomtest.New(t); do(t, r, r.V5) })
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func text(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestCheck_readsWhatWasSealed(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "admin", "user")
		begun, token := r.Begin(t, m, u, nil)
		got := roomtest.Check(t, m, token.Text)
		if got.Verdict != session.Live || !got.Verdict.SignedIn() {
			t.Fatalf("verdict %d, want live", got.Verdict)
		}
		if diff := cmp.Diff(begun.Facts, got.Facts); diff != "" {
			t.Errorf("facts (-begun +checked):\n%s", diff)
		}
		want := auth.Principal{
			UserID: u.ID, SessionID: begun.SessionID(), Roles: []string{"admin", "user"}, SignedInAt: roomtest.Start.Truncate(time.Second),
		}
		if diff := cmp.Diff(want, got.Principal()); diff != "" {
			t.Errorf("principal (-want +got):\n%s", diff)
		}
		if want := time.Unix(roomtest.Start.Add(roomtest.Idle).Unix(), 0); !token.Expires.Equal(want) {
			t.Errorf("expires %v, want %v", token.Expires, want)
		}
	})
}

// The application's secret writes every claim but gh (R6): whatever stands in
// the others, Gatehouse decides from gh alone.
//
// proves: NEXT-21, ASVS 8.3.1
func TestCheck_believesNothingButItsOwnClaim(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u, other := r.NewUser(t, "ann", "user"), r.NewUser(t, "bob", "admin")
		begun, token := r.Begin(t, m, u, nil)
		forged := roomtest.AppOf(t, m).Change(token.Text, func(c map[string]json.RawMessage) {
			c["roles"] = raw(`["admin","user"]`)
			c["sid"] = text(string(auth.NewSessionID(roomtest.Start)))
			c["sub"] = text(string(other.ID))
			c["email"] = text("bob@example.com")
			c["exp"], c["absoluteEnd"], c["epoch"] = raw("9999999999"), raw("9999999999"), raw("99")
			c["GH"], c["gh "] = text("x"), text("y")
		})
		got := roomtest.Check(t, m, forged)
		if diff := cmp.Diff(begun.Facts, got.Facts); got.Verdict != session.Live || diff != "" {
			t.Errorf("verdict %d, facts (-begun +checked):\n%s", got.Verdict, diff)
		}
		// The far exp buys no time.
		r.Advance(roomtest.Idle)
		if got := roomtest.Check(t, m, forged); got.Verdict != session.Void {
			t.Errorf("past the idle end, with exp in a far future: verdict %d, want void", got.Verdict)
		}
	})
}

// proves: NEXT-4, CS-10
func TestCheck_refusesForgedFacts(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "user")
		begun, token := r.Begin(t, m, u, nil)
		app := roomtest.AppOf(t, m)
		gh := func(value json.RawMessage) string {
			return app.Change(token.Text, func(c map[string]json.RawMessage) { c["gh"] = value })
		}
		admin := begun.Facts
		admin.Roles = []string{"admin"}
		own := string(app.Open(token.Text)["gh"])
		forged := map[string]string{
			"none":                          app.Change(token.Text, func(c map[string]json.RawMessage) { delete(c, "gh") }),
			"signed with the app's secret":  gh(text(session.SealFacts(m.BasePath, admin, roomtest.AppSecret))),
			"signed with another secret":    gh(text(session.SealFacts(m.BasePath, admin, "some other secret"))),
			"signed for another mount":      gh(text(session.SealFacts("/elsewhere", begun.Facts, roomtest.Secret))),
			"cut":                           gh(raw(own[:len(own)-3] + `"`)),
			"longer":                        gh(raw(own[:len(own)-1] + `AAAA"`)),
			"escaped":                       gh(raw(`"\u00` + "41" + own[2:])),
			"empty":                         gh(raw(`""`)),
			"null":                          gh(raw(`null`)),
			"number":                        gh(raw(`1`)),
			"object":                        gh(raw(`{"user":"x"}`)),
			"list":                          gh(raw(`[` + own + `]`)),
			"the JSON of an admin":          app.SealText(`{"username":"admin","roles":["admin"]}`),
			"nothing at all":                app.SealText(`{}`),
			"not sealed":                    `{"username":"admin"}`,
			"not sealed, base64":            "eyJ1c2VybmFtZSI6ImFkbWluIn0",
			"a row's ID":                    string(begun.SessionID()),
			"an injection":                  `' OR 1=1 --`,
			"unsigned token":                "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
			"null bytes":                    strings.Repeat("\x00", 500),
			"a megabyte":                    strings.Repeat("A", 1<<20),
			"four dots":                     "....",
			"empty text":                    "",
			"last character of the seal":    token.Text[:len(token.Text)-2] + "AA",
			"first character of the header": "f" + token.Text[1:],
		}
		for name, cookie := range forged {
			s, err := m.Sessions.Check(context.Background(), cookie, auth.Device{})
			if err != nil || s.Verdict != session.Void {
				t.Errorf("%s: verdict %d, error %v; want void and none", name, s.Verdict, err)
			}
			if again, err := m.Sessions.Renew(context.Background(), &s, nil); err != nil || again.Text != "" {
				t.Errorf("%s: a void cookie was renewed (%v)", name, err)
			}
		}
	})
}

// A cookie of one mount is worth nothing at another, even where both share the
// application's secret.
//
// proves: ASVS 3.5.4
func TestCheck_refusesTheCookieOfAnotherMount(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	_, v4 := r.Begin(t, r.V4, u, nil)
	_, v5 := r.Begin(t, r.V5, u, nil)
	beside := r.Mount(t, r.Sessions, "/beside", r.V4.Dialect)
	factsOf := func(m *mount.Mount, token string) string {
		var gh string
		if err := json.Unmarshal(roomtest.AppOf(t, m).Open(token)["gh"], &gh); err != nil {
			t.Fatal(err)
		}
		return gh
	}
	for name, c := range map[string]struct {
		m     *mount.Mount
		token string
	}{
		"v4's whole cookie at v5":      {r.V5, v4.Text},
		"v5's whole cookie at v4":      {r.V4, v5.Text},
		"v4's whole cookie at another": {beside, v4.Text},
		"v4's facts in a v5 cookie": {r.V5, roomtest.AppOf(t, r.V5).Change(v5.Text, func(c map[string]json.RawMessage) {
			c["gh"] = text(factsOf(r.V4, v4.Text))
		})},
	} {
		if got := roomtest.Check(t, c.m, c.token); got.Verdict != session.Void {
			t.Errorf("%s: verdict %d, want void", name, got.Verdict)
		}
	}
}

// proves: ASVS 7.2.2, ASVS 7.2.3
func TestBegin_neverMakesTheSameTwice(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUser(t, "ann")
	ids, tokens := map[auth.SessionID]bool{}, map[string]bool{}
	for range 50 {
		s, token := r.Begin(t, r.V5, u, nil)
		if ids[s.SessionID()] || tokens[token.Text] {
			t.Fatal("two sign-ins gave the same session")
		}
		ids[s.SessionID()], tokens[token.Text] = true, true
	}
}

// proves: ASVS 11.7.2, NIST-12
func TestSeal_holdsNoCredential(t *testing.T) {
	r := roomtest.New(t)
	u := r.NewUserWithPassword(t, "ann", "user")
	stored, err := r.DB.Password(context.Background(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, token := r.Begin(t, r.V5, u, nil)
	claims := roomtest.AppOf(t, r.V5).Open(token.Text)
	names := map[string]bool{}
	for name, value := range claims {
		names[name] = true
		if strings.Contains(string(value), roomtest.Password.Reveal()) || strings.Contains(string(value), stored.Hash) || strings.Contains(string(value), "argon2") {
			t.Errorf("claim %s holds a credential", name)
		}
	}
	want := map[string]bool{"name": true, "email": true, "sub": true, "roles": true, "sid": true, "gh": true, "iat": true, "exp": true, "jti": true}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}
