package session_test

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
)

// A tenth of the idle time, at least a minute, and where idle is shorter than
// two minutes at least half of it: a session in use never runs out.
func TestRenewalDue_afterATenthOfIdle(t *testing.T) {
	for idle, least := range map[time.Duration]time.Duration{
		30 * 24 * time.Hour: 3 * 24 * time.Hour, time.Hour: 6 * time.Minute, 10 * time.Minute: time.Minute, 5 * time.Minute: time.Minute, time.Minute: 30 * time.Second,
	} {
		r := roomtest.New(t)
		o := r.SessionOptions()
		o.Idle, o.LocalTrust, o.Absolute = idle, idle, 90*24*time.Hour
		room, err := session.New(o)
		if err != nil {
			t.Fatal(err)
		}
		m := r.Mount(t, room, roomtest.BaseV4, seal.V4)
		_, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
		r.Advance(least)
		if s := roomtest.Check(t, m, token.Text); m.Sessions.RenewalDue(&s) {
			t.Errorf("idle %s: due after %s", idle, least)
		}
		r.Advance(time.Second)
		s := roomtest.Check(t, m, token.Text)
		if !m.Sessions.RenewalDue(&s) {
			t.Errorf("idle %s: not due past %s", idle, least)
		}
		if _, err := m.Sessions.Renew(t.Context(), &s, nil); err != nil || m.Sessions.RenewalDue(&s) {
			t.Errorf("idle %s: due again after renewal (%v)", idle, err)
		}
	}
}

// Near the absolute end a new seal buys nothing.
func TestRenewalDue_notWhereItMovesNothing(t *testing.T) {
	r := roomtest.New(t)
	o := r.SessionOptions()
	o.Idle, o.LocalTrust, o.Absolute = time.Hour, time.Hour, time.Hour
	room, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Mount(t, room, roomtest.BaseV4, seal.V4)
	begun, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
	r.Advance(50 * time.Minute)
	if s := roomtest.Check(t, m, token.Text); m.Sessions.RenewalDue(&s) {
		t.Error("due")
	}
	if err := room.SignOut(t.Context(), begun, auth.Device{}); err != nil {
		t.Fatal(err)
	}
	if s := roomtest.Check(t, m, token.Text); m.Sessions.RenewalDue(&s) {
		t.Error("due for a session that has ended")
	}
}
