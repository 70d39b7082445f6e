package storetest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Sessions tests store.Sessions.
func Sessions(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"a session comes back as it went in", sessionRoundTrip},
		{"empty members come back empty", sessionEmpty},
		{"what does not exist is not found", sessionAbsent},
		{"an ID is taken once", sessionSameID},
		{"a session needs a user, enabled and of the same epoch", sessionCondition},
		{"no session of an old epoch survives raises at the same time", sessionEpochRace},
		{"the list holds the living, the youngest first", sessionList},
		{"the absolute end is exact to the microsecond", sessionExpiry},
		{"a session ends once", sessionEnd},
		{"of fifty that end one session exactly one does", sessionEndAtOnce},
		{"ending a user's sessions spares the one named and the dead", sessionEndUser},
		{"what was superseded lately is revoked, and nothing else", sessionRevokeSuperseded},
		{"last seen moves forward alone", sessionTouch},
		{"a session comes with its user", sessionAndUser},
		{"changing the data raises the version, while the session lives", sessionData},
		{"purging takes what ended before, up to the limit", sessionPurge},
	})
}

func sessionRoundTrip(t *testing.T, s store.Store) {
	ctx := context.Background()
	for _, from := range []string{"192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7", "fe80::1%eth0"} {
		u := newUser(t, s, "a"+from)
		want := auth.Session{
			ID: auth.NewSessionID(start), UserID: u.ID, Mount: "/api/auth", Epoch: u.Epoch,
			Subject: "clx7é", CreatedAt: start, AbsoluteEnd: justAfter(start), LastSeenAt: justBefore(start),
			Methods: []string{"pwd", "otp"}, Address: netip.MustParseAddr(from), TokensOnly: true, UserAgent: "Ä'\"%_;--",
			SecretHash: "hash-of-the-secret", Data: `{"a":"ä"}`, Version: 7,
			EndedAt: start.Add(time.Hour), EndReason: auth.EndSuperseded,
		}
		ok(t, "insert", s.InsertSession(ctx, want))
		same(t, "session", must[auth.Session](t)(s.Session(ctx, want.ID)), want)
	}
}

func sessionEmpty(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	want := auth.Session{ID: auth.NewSessionID(start), UserID: u.ID, Epoch: u.Epoch, CreatedAt: start, AbsoluteEnd: start, LastSeenAt: start}
	ok(t, "insert", s.InsertSession(ctx, want))
	got := must[auth.Session](t)(s.Session(ctx, want.ID))
	same(t, "session", got, want)
	if got.Address.IsValid() || !got.EndedAt.IsZero() {
		t.Errorf("got address %v and end %v, want none", got.Address, got.EndedAt)
	}
}

func sessionAbsent(t *testing.T, s store.Store) {
	ctx, id := context.Background(), auth.NewSessionID(start)
	_, err := s.Session(ctx, id)
	refused(t, "Session", err, store.ErrNotFound)
	refused(t, "EndSession", s.EndSession(ctx, id, auth.EndSignOut, start), store.ErrNotFound)
	count(t, "sessions of nobody", len(must[[]auth.Session](t)(s.ListSessions(ctx, auth.NewUserID(start), start))), 0)
	count(t, "ended sessions of nobody", must[int](t)(s.EndUserSessions(ctx, auth.NewUserID(start), "", auth.EndRevoked, start)), 0)
}

func sessionAndUser(t *testing.T, s store.Store) {
	ctx := context.Background()
	_, _, err := s.SessionAndUser(ctx, auth.NewSessionID(start))
	refused(t, "of no session", err, store.ErrNotFound)
	ann, _ := newUser(t, s, "ann"), newSession(t, s, newUser(t, s, "bob"))
	n := newSession(t, s, ann)
	check := func(what string) {
		t.Helper()
		for name, read := range map[string]func() (auth.Session, auth.User, error){
			"alone": func() (auth.Session, auth.User, error) { return s.SessionAndUser(ctx, n.ID) },
			"in a transaction": func() (row auth.Session, u auth.User, err error) {
				err = s.InTx(ctx, func(tx store.Tx) (err error) {
					row, u, err = tx.SessionAndUser(ctx, n.ID)
					return err
				})
				return row, u, err
			},
		} {
			row, u, err := read()
			ok(t, name, err)
			same(t, what+", session "+name, row, must[auth.Session](t)(s.Session(ctx, n.ID)))
			same(t, what+", user "+name, u, must[auth.User](t)(s.User(ctx, ann.ID)))
		}
	}
	check("live")
	ok(t, "end", s.EndSession(ctx, n.ID, auth.EndRevoked, justAfter(start)))
	at := start
	must[auth.User](t)(s.UpdateUser(ctx, ann.ID, store.UserUpdate{DisabledAt: &at, Roles: &[]string{"a", "b"}}, start))
	check("ended, of a disabled user")
}

func sessionSameID(t *testing.T, s store.Store) {
	n := newSession(t, s, newUser(t, s, "ann"))
	refused(t, "second session of one ID", s.InsertSession(context.Background(), n), store.ErrConflict)
}

func sessionCondition(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	insert := func(change func(*auth.Session)) error {
		n := sessionOf(u)
		change(&n)
		return s.InsertSession(ctx, n)
	}
	refused(t, "nobody's", insert(func(n *auth.Session) { n.UserID = auth.NewUserID(start) }), store.ErrConflict)
	refused(t, "older epoch", insert(func(n *auth.Session) { n.Epoch-- }), store.ErrConflict)
	refused(t, "newer epoch", insert(func(n *auth.Session) { n.Epoch++ }), store.ErrConflict)

	at, zero := start, time.Time{}
	must[auth.User](t)(s.UpdateUser(ctx, u.ID, store.UserUpdate{DisabledAt: &at}, start))
	refused(t, "disabled user's", insert(func(*auth.Session) {}), store.ErrConflict)
	must[auth.User](t)(s.UpdateUser(ctx, u.ID, store.UserUpdate{DisabledAt: &zero}, start))
	ok(t, "enabled user's", insert(func(*auth.Session) {}))
	must[auth.User](t)(s.RaiseEpoch(ctx, u.ID, start))
	refused(t, "epoch read before the raise", insert(func(*auth.Session) {}), store.ErrConflict)
	count(t, "sessions", len(must[[]auth.Session](t)(s.ListSessions(ctx, u.ID, start))), 1)
}

// sessionEpochRace plays the password change against sign-ins that read the
// old password: each raise ends what is there, so a session that lives after
// the last raise and carries an older epoch slipped through.
func sessionEpochRace(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	won := atOnce(t, 40, store.ErrConflict, func(i int) error {
		if i%4 == 0 {
			return s.InTx(ctx, func(tx store.Tx) error {
				if _, err := tx.RaiseEpoch(ctx, u.ID, start); err != nil {
					return err
				}
				_, err := tx.EndUserSessions(ctx, u.ID, "", auth.EndRevoked, start)
				return err
			})
		}
		proof, err := s.User(ctx, u.ID)
		if err != nil {
			return err
		}
		return s.InsertSession(ctx, sessionOf(proof))
	})
	now := must[auth.User](t)(s.User(ctx, u.ID))
	count(t, "epoch", int(now.Epoch), 11)
	if won < 10 {
		t.Errorf("%d transactions succeeded, want at least the ten raises", won)
	}
	for _, n := range must[[]auth.Session](t)(s.ListSessions(ctx, u.ID, start)) {
		if n.Epoch != now.Epoch {
			t.Errorf("a session of epoch %d lives, the user is at %d", n.Epoch, now.Epoch)
		}
	}
}

func sessionList(t *testing.T, s store.Store) {
	ctx, ann, bob := context.Background(), newUser(t, s, "ann"), newUser(t, s, "bob")
	newSession(t, s, bob)
	var want []auth.Session
	for i := range 3 {
		n := sessionOf(ann)
		n.CreatedAt = start.Add(time.Duration(i) * time.Microsecond)
		ok(t, "insert", s.InsertSession(ctx, n))
		want = append([]auth.Session{n}, want...)
	}
	ended := newSession(t, s, ann)
	ok(t, "end", s.EndSession(ctx, ended.ID, auth.EndSignOut, start))
	same(t, "sessions", must[[]auth.Session](t)(s.ListSessions(ctx, ann.ID, start)), want)
}

func sessionExpiry(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	n := newSession(t, s, u)
	for _, c := range []struct {
		now  time.Time
		want int
	}{{justBefore(n.AbsoluteEnd), 1}, {n.AbsoluteEnd, 0}, {justAfter(n.AbsoluteEnd), 0}} {
		count(t, "sessions at "+c.now.Format(time.RFC3339Nano), len(must[[]auth.Session](t)(s.ListSessions(ctx, u.ID, c.now))), c.want)
	}
	same(t, "the row itself", must[auth.Session](t)(s.Session(ctx, n.ID)), n)
	count(t, "ended at its end", must[int](t)(s.EndUserSessions(ctx, u.ID, "", auth.EndRevoked, n.AbsoluteEnd)), 0)
	count(t, "ended before its end", must[int](t)(s.EndUserSessions(ctx, u.ID, "", auth.EndRevoked, justBefore(n.AbsoluteEnd))), 1)
}

func sessionEnd(t *testing.T, s store.Store) {
	ctx := context.Background()
	n := newSession(t, s, newUser(t, s, "ann"))
	ok(t, "end", s.EndSession(ctx, n.ID, auth.EndSuperseded, justAfter(start)))
	refused(t, "end again", s.EndSession(ctx, n.ID, auth.EndRevoked, start.Add(time.Hour)), store.ErrNotFound)
	n.EndedAt, n.EndReason = justAfter(start), auth.EndSuperseded
	same(t, "session", must[auth.Session](t)(s.Session(ctx, n.ID)), n)
}

func sessionEndAtOnce(t *testing.T, s store.Store) {
	n := newSession(t, s, newUser(t, s, "ann"))
	won := atOnce(t, 50, store.ErrNotFound, func(int) error {
		return s.EndSession(context.Background(), n.ID, auth.EndSignOut, start)
	})
	count(t, "winners", won, 1)
}

func sessionEndUser(t *testing.T, s store.Store) {
	ctx, ann, bob := context.Background(), newUser(t, s, "ann"), newUser(t, s, "bob")
	one, two, kept, others := newSession(t, s, ann), newSession(t, s, ann), newSession(t, s, ann), newSession(t, s, bob)
	ok(t, "end", s.EndSession(ctx, one.ID, auth.EndSignOut, start))
	later := start.Add(time.Minute)
	count(t, "ended", must[int](t)(s.EndUserSessions(ctx, ann.ID, kept.ID, auth.EndRevoked, later)), 1)
	one.EndedAt, one.EndReason = start, auth.EndSignOut
	two.EndedAt, two.EndReason = later, auth.EndRevoked
	for _, want := range []auth.Session{one, two, kept, others} {
		same(t, "session", must[auth.Session](t)(s.Session(ctx, want.ID)), want)
	}
	count(t, "ended without exception", must[int](t)(s.EndUserSessions(ctx, ann.ID, "", auth.EndRevoked, later)), 1)
	count(t, "left", len(must[[]auth.Session](t)(s.ListSessions(ctx, ann.ID, start))), 0)
}

func sessionTouch(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	forward, backward, equal := newSession(t, s, u), newSession(t, s, u), newSession(t, s, u)
	err := s.TouchSessions(ctx, map[auth.SessionID]time.Time{
		forward.ID: justAfter(start), backward.ID: justBefore(start), equal.ID: start,
		auth.NewSessionID(start): start.Add(time.Hour),
	})
	ok(t, "touch", err)
	forward.LastSeenAt = justAfter(start)
	for _, want := range []auth.Session{forward, backward, equal} {
		same(t, "session", must[auth.Session](t)(s.Session(ctx, want.ID)), want)
	}
	ok(t, "touch nothing", s.TouchSessions(ctx, nil))
}

func sessionPurge(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	before := start.Add(30 * time.Minute)
	add := func(absoluteEnd, ended time.Time) auth.SessionID {
		n := sessionOf(u)
		n.AbsoluteEnd, n.EndedAt = absoluteEnd, ended
		ok(t, "insert", s.InsertSession(ctx, n))
		return n.ID
	}
	late := start.Add(time.Hour)
	gone := []auth.SessionID{add(justBefore(before), time.Time{}), add(late, justBefore(before)), add(justBefore(before), justBefore(before))}
	kept := []auth.SessionID{add(before, time.Time{}), add(late, before), add(late, time.Time{})}

	count(t, "purged, limit zero", must[int](t)(s.PurgeSessions(ctx, before, 0)), 0)
	count(t, "purged, limit two", must[int](t)(s.PurgeSessions(ctx, before, 2)), 2)
	count(t, "purged, the rest", must[int](t)(s.PurgeSessions(ctx, before, 2)), 1)
	count(t, "purged, nothing left", must[int](t)(s.PurgeSessions(ctx, before, 2)), 0)
	for _, id := range gone {
		_, err := s.Session(ctx, id)
		refused(t, "purged session", err, store.ErrNotFound)
	}
	for _, id := range kept {
		must[auth.Session](t)(s.Session(ctx, id))
	}
}

func sessionRevokeSuperseded(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, ben := newUser(t, s, "ann"), newUser(t, s, "ben")
	after := start.Add(time.Minute)
	made := func(u auth.User, reason auth.EndReason, at time.Time) auth.SessionID {
		x := sessionOf(u)
		ok(t, "insert", s.InsertSession(ctx, x))
		if reason != "" {
			ok(t, "end", s.EndSession(ctx, x.ID, reason, at))
		}
		return x.ID
	}
	made(ann, "", after)
	made(ann, auth.EndSuperseded, after)
	made(ann, auth.EndSignOut, justAfter(after))
	made(ben, auth.EndSuperseded, justAfter(after))
	lately := made(ann, auth.EndSuperseded, justAfter(after))
	got := must[[]auth.Session](t)(s.RevokeSuperseded(ctx, ann.ID, after))
	if len(got) != 1 || got[0].ID != lately || got[0].EndReason != auth.EndRevoked || !got[0].EndedAt.Equal(justAfter(after)) {
		t.Errorf("revoked %+v, want the one that was superseded after the time, its end unmoved", got)
	}
	count(t, "revoked again", len(must[[]auth.Session](t)(s.RevokeSuperseded(ctx, ann.ID, after))), 0)
}

func sessionData(t *testing.T, s store.Store) {
	ctx := context.Background()
	want := newSession(t, s, newUser(t, s, "ann"))
	want.Data, want.Version = `{"theme":"dark"}`, want.Version+1
	same(t, "changed", must[auth.Session](t)(s.ChangeSessionData(ctx, want.ID, want.Data)), want)
	same(t, "stored", must[auth.Session](t)(s.Session(ctx, want.ID)), want)
	won := atOnce(t, 10, nil, func(int) error {
		_, err := s.ChangeSessionData(ctx, want.ID, "{}")
		return err
	})
	count(t, "version after ten more", int(must[auth.Session](t)(s.Session(ctx, want.ID)).Version), int(want.Version)+won)
	ok(t, "end", s.EndSession(ctx, want.ID, auth.EndSignOut, start))
	_, err := s.ChangeSessionData(ctx, want.ID, "{}")
	refused(t, "after the end", err, store.ErrNotFound)
}
