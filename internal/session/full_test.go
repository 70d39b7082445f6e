package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
)

// A node whose index has no room left refuses what a node with room refuses: it
// asks the store, and says nothing while that is away (guarantees R19).
//
// proves: ASVS 7.4.1
func TestCheck_onANodeWhoseIndexIsFull(t *testing.T) {
	r, ctx := roomtest.New(t), context.Background()
	ann, bob, eve, old := r.NewUser(t, "ann"), r.NewUser(t, "bob"), r.NewUser(t, "eve", "admin"), r.NewUser(t, "old")
	annOut, annToken := r.Begin(t, r.V4, ann, nil)
	_, bobToken := r.Begin(t, r.V4, bob, nil)
	_, eveToken := r.Begin(t, r.V4, eve, nil)
	before, beforeToken := r.Begin(t, r.V4, old, nil)
	_, nowToken := r.Begin(t, r.V4, old, &before)
	signOut(t, r, annOut)
	if _, err := r.Users.Disable(ctx, "cli", bob.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Users.SetRoles(ctx, "cli", eve.ID, []string{"user"}); err != nil {
		t.Fatal(err)
	}

	o := r.SessionOptions()
	o.Index = revocation.NewIndexOf(0)
	for _, c := range r.Feed(t) {
		o.Index.Apply(c)
	}
	o.Index.MarkFresh(r.Clock.Now())
	if entries, _, beyond := o.Index.Fill(); entries != 0 || beyond == 0 {
		t.Fatalf("%d entries kept whole, %d beyond: the experiment shows nothing", entries, beyond)
	}
	full, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Mount(t, full, roomtest.BaseV4, r.V4.Dialect)
	wantVerdict(t, "signed out", m, annToken.Text, session.JustEnded)
	wantVerdict(t, "disabled", m, bobToken.Text, session.JustEnded)
	wantVerdict(t, "superseded", m, beforeToken.Text, session.Superseded)
	wantVerdict(t, "the one that took its place", m, nowToken.Text, session.Live)
	if s := roomtest.Check(t, m, eveToken.Text); s.Verdict != session.Live || len(s.Roles) != 1 || s.Roles[0] != "user" {
		t.Errorf("roles were taken away: %d with %v", s.Verdict, s.Roles)
	}

	r.Faults.Away(true)
	for name, token := range map[string]string{"signed out": annToken.Text, "disabled": bobToken.Text, "roles taken away": eveToken.Text} {
		if _, err := m.Sessions.Check(ctx, token, auth.Device{}); !errors.Is(err, auth.CodeUnavailable) {
			t.Errorf("%s, and the store is away: %v, want unavailable", name, err)
		}
	}
	r.Faults.Away(false)
	r.Clock.Advance(time.Minute)
	o.Index.MarkFresh(r.Clock.Now())
	wantVerdict(t, "signed out a minute ago", m, annToken.Text, session.Void)
	wantVerdict(t, "superseded a minute ago", m, beforeToken.Text, session.Void)
}
