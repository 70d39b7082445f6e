package session_test

import (
	"encoding/json"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

func shownEmail(s *session.Checked) string {
	c := s.Claims()
	raw, _ := c.Get(session.ClaimEmail)
	var email string
	_ = json.Unmarshal(raw, &email)
	return email
}

// Whoever has the application's secret writes the readable copies. What
// Gatehouse says of a user stays what the row says (R6).
//
// proves: NEXT-21
func TestCheck_showsTheRowWhenTheReadableCopiesWereAltered(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "user")
		_, token := r.Begin(t, m, u, nil)
		for what, change := range map[string]func(c map[string]json.RawMessage){
			"another's address": func(c map[string]json.RawMessage) { c["email"] = text("admin@example.test") },
			"a script":          func(c map[string]json.RawMessage) { c["picture"] = text("javascript:alert(1)") },
			"another's name":    func(c map[string]json.RawMessage) { c["name"] = text("Admin") },
			"another's ID":      func(c map[string]json.RawMessage) { c["sub"] = text("clx-of-the-admin") },
			"no ID":             func(c map[string]json.RawMessage) { delete(c, "sub") },
			"no address":        func(c map[string]json.RawMessage) { delete(c, "email") },
			"null":              func(c map[string]json.RawMessage) { c["email"] = raw("null") },
			"a number":          func(c map[string]json.RawMessage) { c["name"] = raw("7") },
		} {
			s := roomtest.Check(t, m, roomtest.AppOf(t, m).Change(token.Text, change))
			if s.Verdict != session.Live || shownEmail(&s) != u.Email {
				t.Errorf("%s: verdict %d, shows %q, want %q", what, s.Verdict, shownEmail(&s), u.Email)
			}
			if got := s.Subject(); got != string(u.ID) {
				t.Errorf("%s: the subject is %q, want %q", what, got, u.ID)
			}
			c := s.Claims()
			if sub, _ := c.Get("sub"); string(sub) != `"`+string(u.ID)+`"` {
				t.Errorf("%s: the next seal says sub %s", what, sub)
			}
			if picture, has := c.Get(session.ClaimPicture); has {
				t.Errorf("%s: shows the picture %s, of a user who has none", what, picture)
			}
		}
	})
}

// The application's own encoder escapes otherwise; that is no alteration, and
// costs no look at the row.
func TestCheck_takesAnotherSpellingOfTheSameTextForTheSame(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		_, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
		respelled := roomtest.AppOf(t, m).Change(token.Text, func(c map[string]json.RawMessage) {
			if c["email"][1] != 'a' {
				t.Fatalf("the address is %s, this test escapes an a", c["email"])
			}
			c["email"] = raw(`"\u0061` + string(c["email"][2:]))
		})
		r.Faults.Away(true)
		if s := roomtest.Check(t, m, respelled); s.Verdict != session.Live {
			t.Errorf("verdict %d, want live without a look at the row", s.Verdict)
		}
	})
}

// Signing out leaves nothing behind that a later sign-in only superseded.
func TestSignOut_endsTheGraceOfWhatWasSuperseded(t *testing.T) {
	onBoth(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann")
		first, old := r.Begin(t, m, u, nil)
		second, _ := r.Begin(t, m, u, &first)
		if s := roomtest.Check(t, m, old.Text); s.Verdict != session.Superseded {
			t.Fatalf("before the sign-out: verdict %d, want superseded", s.Verdict)
		}
		if err := r.Sessions.SignOut(t.Context(), second, auth.Device{}); err != nil {
			t.Fatal(err)
		}
		if s := roomtest.Check(t, m, old.Text); s.Verdict.SignedIn() {
			t.Errorf("after the sign-out: verdict %d, want nobody", s.Verdict)
		}
	})
}
