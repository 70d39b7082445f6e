package session_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

var carriers = []string{"sealed", "iron", "stored"}

// onEach runs a test for each carrier.
func onEach(t *testing.T, test func(t *testing.T, r *roomtest.Rooms, m *mount.Mount)) {
	for _, carrier := range carriers {
		t.Run(carrier, func(t *testing.T) {
			r := roomtest.New(t)
			test(t, r, r.Carried(t, r.Sessions, carrier))
		})
	}
}

func endAll(t *testing.T, r *roomtest.Rooms, id auth.UserID) auth.User {
	t.Helper()
	var u auth.User
	err := r.Store.InTx(t.Context(), func(tx store.Tx) (err error) {
		u, err = r.Sessions.EndAll(t.Context(), tx, id, r.Clock.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCarriers_bringBackWhatWasBegun(t *testing.T) {
	onEach(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "editor", "admin")
		begun, token := r.Begin(t, m, u, nil)
		s := roomtest.Check(t, m, token.Text)
		if s.Verdict != session.Live || s.UserID() != u.ID || s.SessionID() != begun.SessionID() || !slices.Equal(s.Roles, u.Roles) ||
			s.Epoch != u.Epoch || s.AbsoluteEnd != begun.AbsoluteEnd || s.Start != begun.Start {
			t.Errorf("came back as %+v, begun as %+v", s.Facts, begun.Facts)
		}
		if s.Subject() != string(u.ID) {
			t.Errorf("subject %s", s.Subject())
		}
		c := s.Claims()
		if name, _ := c.Get(session.ClaimName); string(name) != `"ann"` {
			t.Errorf("name %s", name)
		}
		next, err := m.Sessions.Renew(t.Context(), &s, nil)
		if err != nil || !next.Expires.Equal(token.Expires) {
			t.Errorf("renewed until %s, %v; want %s", next.Expires, err, token.Expires)
		}
		r.Advance(time.Hour)
		again := roomtest.Check(t, m, next.Text)
		if later, err := m.Sessions.Renew(t.Context(), &again, nil); err != nil || later.Expires.Sub(next.Expires) != time.Hour {
			t.Errorf("an hour later renewed until %s, %v", later.Expires, err)
		}
	})
}

// A session is worth nothing at another mount, whatever carries it there.
func TestCarriers_belongToTheirMount(t *testing.T) {
	r := roomtest.New(t)
	ann := r.NewUser(t, "ann")
	for _, from := range carriers {
		_, token := r.Begin(t, r.Carried(t, r.Sessions, from), ann, nil)
		for _, at := range carriers {
			s := roomtest.Check(t, r.Carried(t, r.Sessions, at), token.Text)
			if (s.Verdict == session.Live) != (at == from) {
				t.Errorf("begun at %s: verdict %d at %s", from, s.Verdict, at)
			}
		}
	}
}

// proves: NEXT-25
func TestCarriers_endAsOne(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, s session.Checked){
		"sign-out": func(t *testing.T, r *roomtest.Rooms, _ *mount.Mount, s session.Checked) {
			if err := r.Sessions.SignOut(t.Context(), s, auth.Device{}); err != nil {
				t.Fatal(err)
			}
		},
		"everything ended": func(t *testing.T, r *roomtest.Rooms, _ *mount.Mount, s session.Checked) { endAll(t, r, s.UserID()) },
		"user deleted": func(t *testing.T, r *roomtest.Rooms, _ *mount.Mount, s session.Checked) {
			if err := r.Users.Delete(t.Context(), "test", s.UserID()); err != nil {
				t.Fatal(err)
			}
		},
		"idle": func(_ *testing.T, r *roomtest.Rooms, _ *mount.Mount, _ session.Checked) {
			r.Advance(roomtest.Idle * 12 / 10)
		},
		"the absolute end": func(t *testing.T, r *roomtest.Rooms, m *mount.Mount, s session.Checked) {
			for range int(roomtest.Absolute/roomtest.Idle) * 2 {
				r.Advance(roomtest.Idle / 2)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
				s, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
				control, other := r.Begin(t, m, r.NewUser(t, "bob"), nil)
				end(t, r, m, s)
				if got := roomtest.Check(t, m, token.Text); got.Verdict.SignedIn() {
					t.Errorf("verdict %d, want nobody", got.Verdict)
				}
				r.Advance(auth.SupersededGrace + time.Second)
				if got := roomtest.Check(t, m, token.Text); got.Verdict != session.Void {
					t.Errorf("verdict %d after the grace, want void", got.Verdict)
				}
				live := roomtest.Check(t, m, other.Text).Verdict == session.Live
				if byTime := r.Clock.Now().After(control.End()); live == byTime {
					t.Errorf("the other session: live %v, past its end %v", live, byTime)
				}
			})
		})
	}
}

func TestCarriers_supersededGoesOnForAMoment(t *testing.T) {
	onEach(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "user")
		s, old := r.Begin(t, m, u, nil)
		_, fresh := r.Begin(t, m, u, &s)
		if got := roomtest.Check(t, m, old.Text); got.Verdict != session.Superseded {
			t.Errorf("verdict %d, want superseded", got.Verdict)
		}
		if _, err := r.Users.SetRoles(t.Context(), "test", u.ID, []string{"admin", "user"}); err != nil {
			t.Fatal(err)
		}
		if got := roomtest.Check(t, m, old.Text); got.Verdict != session.Superseded || !slices.Equal(got.Roles, []string{"user"}) {
			t.Errorf("verdict %d with roles %v, want superseded with what both have", got.Verdict, got.Roles)
		}
		if got := roomtest.Check(t, m, fresh.Text); got.Verdict != session.Live || !slices.Equal(got.Roles, []string{"admin", "user"}) {
			t.Errorf("verdict %d with roles %v, want live with both", got.Verdict, got.Roles)
		}
		r.Advance(auth.SupersededGrace)
		if got := roomtest.Check(t, m, old.Text); got.Verdict != session.Void {
			t.Errorf("verdict %d after the grace", got.Verdict)
		}
	})
}

// A session that has come to a role takes another ID where a cookie can be set;
// one that has lost a role keeps its own.
//
// proves: ASVS 7.2.4, CB-7
func TestRenew_givesASessionThatGainedARoleAnotherID(t *testing.T) {
	onEach(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann", "a", "b")
		begun, token := r.Begin(t, m, u, nil)
		set := func(roles ...string) {
			t.Helper()
			if _, err := r.Users.SetRoles(t.Context(), "test", u.ID, roles); err != nil {
				t.Fatal(err)
			}
		}
		set("b")
		s := roomtest.Check(t, m, token.Text)
		next, err := m.Sessions.Renew(t.Context(), &s, nil)
		if err != nil || s.SessionID() != begun.SessionID() || !slices.Equal(s.Roles, []string{"b"}) {
			t.Fatalf("a role lost: %v, ID changed %v, roles %v", err, s.SessionID() != begun.SessionID(), s.Roles)
		}
		set("admin", "b")
		one, two := roomtest.Check(t, m, next.Text), roomtest.Check(t, m, next.Text)
		if !m.Sessions.RenewalDue(&one) || !slices.Equal(one.Roles, []string{"admin", "b"}) {
			t.Errorf("a role gained: not due, or roles %v", one.Roles)
		}
		// A server that passes the cookie on drops the answer's: the ID stays.
		passed := roomtest.Check(t, m, next.Text)
		if _, err := m.Sessions.Renew(t.Context(), &passed, nil); err != nil || passed.SessionID() != begun.SessionID() || !slices.Contains(passed.Roles, "admin") {
			t.Fatalf("asked by a server: %v, the ID changed %v, roles %v", err, passed.SessionID() != begun.SessionID(), passed.Roles)
		}
		one, two = roomtest.Check(t, m, next.Text), roomtest.Check(t, m, next.Text)
		one.FromBrowser, two.FromBrowser = true, true
		rotated, err := m.Sessions.Renew(t.Context(), &one, nil)
		if err != nil || one.Verdict != session.Live || one.SessionID() == begun.SessionID() {
			t.Fatalf("a role gained: %v, verdict %d, ID the same %v", err, one.Verdict, one.SessionID() == begun.SessionID())
		}
		if late, err := m.Sessions.Renew(t.Context(), &two, nil); err != nil || late.Text != "" || two.Verdict != session.Superseded {
			t.Errorf("the second of two at once: %v, verdict %d, token %v", err, two.Verdict, late.Text != "")
		}
		now := roomtest.Check(t, m, rotated.Text)
		if now.Verdict != session.Live || now.Start != begun.Start || now.AbsoluteEnd != begun.AbsoluteEnd || now.UserID() != u.ID {
			t.Errorf("after it: verdict %d, %+v", now.Verdict, now.Facts)
		}
		if m.Sessions.RenewalDue(&now) {
			t.Error("after it another renewal is due")
		}
		if again, err := m.Sessions.Renew(t.Context(), &now, nil); err != nil || again.Text == "" || now.SessionID() != one.SessionID() {
			t.Errorf("after it: %v, the ID changed again %v", err, now.SessionID() != one.SessionID())
		}
		if old := roomtest.Check(t, m, next.Text); old.Verdict != session.Superseded {
			t.Errorf("the old cookie: verdict %d, want superseded", old.Verdict)
		}
		r.Advance(auth.SupersededGrace)
		if old := roomtest.Check(t, m, next.Text); old.Verdict != session.Void {
			t.Errorf("the old cookie after the grace: verdict %d", old.Verdict)
		}
		if !slices.Contains(r.Events(t, u.ID), auth.EventSessionRotated) {
			t.Error("no event tells of it")
		}
	})
}

// What an application puts beside the user's claims stays through renewals, and
// through a change of the ID.
func TestCarriers_carryOnWhatTheApplicationPutIn(t *testing.T) {
	onEach(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		u := r.NewUser(t, "ann")
		_, token := r.Begin(t, m, u, nil)
		s := roomtest.Check(t, m, token.Text)
		next, err := m.Sessions.Renew(t.Context(), &s, func(c *session.Claims) { c.Set("theme", []byte(`{"dark":true}`)) })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Users.SetRoles(t.Context(), "test", u.ID, []string{"admin"}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			s := roomtest.Check(t, m, next.Text)
			c := s.Claims()
			if raw, _ := c.Get("theme"); string(raw) != `{"dark":true}` || s.Verdict != session.Live {
				t.Errorf("round %d: verdict %d, theme %s", i, s.Verdict, raw)
			}
			if next, err = m.Sessions.Renew(t.Context(), &s, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// However a cookie is altered, it is nobody's.
func TestCarriers_takeNoAlteredCookie(t *testing.T) {
	onEach(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) {
		_, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
		covered, _, _ := strings.Cut(token.Text, "~") // what iron-session puts behind is not
		for i := range len(covered) {
			for _, c := range []byte{token.Text[i] ^ 1, 'A', '.', '*'} {
				altered := []byte(token.Text)
				if altered[i] = c; string(altered) == token.Text {
					continue
				}
				if s := roomtest.Check(t, m, string(altered)); s.Verdict.SignedIn() {
					t.Fatalf("character %d made %q: verdict %d", i, c, s.Verdict)
				}
			}
		}
		for _, text := range []string{token.Text[1:], token.Text[:len(covered)-1], "A" + token.Text, covered + "A", strings.ToUpper(token.Text)} {
			if s := roomtest.Check(t, m, text); s.Verdict.SignedIn() {
				t.Errorf("%.20s…: verdict %d", text, s.Verdict)
			}
		}
	})
}

// Whatever happens in whatever order, a cookie is signed in exactly as long as
// its session is good, for all carriers alike.
func TestCarriers_agreeWithAModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onEach(t, func(t *testing.T, r *roomtest.Rooms, m *mount.Mount) { walk(t, r, m, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

// browser is one cookie and what must be true of it.
type browser struct {
	token string
	user  int
	used  time.Time // last renewed
	end   time.Time
	over  bool
}

func walk(t *testing.T, r *roomtest.Rooms, m *mount.Mount, random *rand.Rand) {
	users := []auth.User{r.NewUser(t, "ann"), r.NewUser(t, "bob")}
	var all []*browser
	roles := [][]string{nil, {"a"}, {"a", "b"}, {"b"}}
	for step := range 150 {
		switch who := random.IntN(len(users)); random.IntN(8) {
		case 0: // the limit of sessions ends none of those in use
			live := 0
			for _, b := range all {
				if b.user == who && !b.over {
					live++
				}
			}
			if live >= roomtest.MaxPerUser {
				continue
			}
			u, err := r.Store.User(t.Context(), users[who].ID)
			if err != nil {
				t.Fatal(err)
			}
			_, token := r.Begin(t, m, u, nil)
			all = append(all, &browser{token: token.Text, user: who, used: r.Clock.Now(), end: r.Clock.Now().Add(roomtest.Absolute)})
		case 1:
			r.Advance(time.Duration(random.Int64N(int64(roomtest.Idle / 3))))
		case 2:
			if _, err := r.Users.SetRoles(t.Context(), "test", users[who].ID, roles[random.IntN(len(roles))]); err != nil {
				t.Fatal(err)
			}
		case 3:
			if random.IntN(4) > 0 {
				continue
			}
			endAll(t, r, users[who].ID)
			for _, b := range all {
				b.over = b.over || b.user == who
			}
		case 4:
			if err := r.Sessions.FlushSeen(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 5:
			if len(all) == 0 {
				continue
			}
			b := all[random.IntN(len(all))]
			s := roomtest.Check(t, m, b.token)
			if s.Verdict != session.Live {
				continue
			}
			if err := r.Sessions.SignOut(t.Context(), s, auth.Device{}); err != nil {
				t.Fatal(err)
			}
			b.over = true
		}
		for _, b := range all {
			use(t, r, m, b, step)
		}
	}
}

// use checks a cookie as a request does, and renews it.
func use(t *testing.T, r *roomtest.Rooms, m *mount.Mount, b *browser, step int) {
	t.Helper()
	now := r.Clock.Now()
	s := roomtest.Check(t, m, b.token)
	idle, absolute := now.Sub(b.used) >= roomtest.Idle, !now.Before(b.end)
	if b.over || idle || absolute {
		if s.Verdict.SignedIn() {
			t.Fatalf("step %d: verdict %d of a session that is over %v, idle %v, at its end %v", step, s.Verdict, b.over, idle, absolute)
		}
		b.over = true
		return
	}
	if s.Verdict != session.Live {
		t.Fatalf("step %d: verdict %d of a session that was used %s ago and ends in %s", step, s.Verdict, now.Sub(b.used), b.end.Sub(now))
	}
	u, err := r.Store.User(context.Background(), s.UserID())
	if err != nil || !slices.Equal(s.Roles, u.Roles) {
		t.Fatalf("step %d: roles %v, the user's are %v (%v)", step, s.Roles, u.Roles, err)
	}
	next, err := m.Sessions.Renew(context.Background(), &s, nil)
	if err != nil || next.Text == "" {
		t.Fatalf("step %d: not renewed: %v", step, err)
	}
	b.token, b.used = next.Text, now
}
