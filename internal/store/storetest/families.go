package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Families says what store.Families means.
func Families(t *testing.T, open func(*testing.T) store.Store) {
	each(t, open, []test{
		{"a family keeps every member", familyRoundTrip},
		{"a family begins only for an enabled user of the same epoch, on a session that lives", familyConditions},
		{"of many rotations of one generation one wins", familyRotatesOnce},
		{"what ended rotates no more", familyEndedDoesNotRotate},
		{"a predecessor returns as often as allowed", familyRetries},
		{"a session's families end with it, offline ones do not", familySession},
		{"lists and ends are of one user", familyUser},
		{"a purge takes what ended or passed its end before the time", familyPurge},
	})
}

// familyOf returns a family on the session that lasts a day. It is not stored.
func familyOf(s auth.Session) auth.Family {
	return auth.Family{
		ID: auth.NewFamilyID(start), UserID: s.UserID, SessionID: s.ID, Subject: "old-7", ClientID: "web", Mount: s.Mount,
		Audiences: []string{"https://api.example"}, Scopes: []string{"read", "write"}, Epoch: s.Epoch, Methods: []string{"pwd"},
		KeyID: "k1", Salt: []byte{0, 1, 255}, Generation: 1, RotatedAt: start, ProvenAt: justBefore(start), CreatedAt: start,
		AbsoluteEnd: start.Add(24 * time.Hour),
	}
}

func newFamily(t *testing.T, s store.Store, on auth.Session) auth.Family {
	t.Helper()
	f := familyOf(on)
	ok(t, "insert family", s.InsertFamily(context.Background(), f))
	return f
}

func familyRoundTrip(t *testing.T, s store.Store) {
	ctx := context.Background()
	on := newSession(t, s, newUser(t, s, "ann"))
	want := newFamily(t, s, on)
	same(t, "family", must[auth.Family](t)(s.Family(ctx, want.ID)), want)
	bare := auth.Family{ID: auth.NewFamilyID(start), UserID: on.UserID, Epoch: on.Epoch, Offline: true, Salt: []byte{7},
		RotatedAt: start, ProvenAt: start, CreatedAt: start, AbsoluteEnd: justAfter(start)}
	ok(t, "insert", s.InsertFamily(ctx, bare))
	same(t, "bare family", must[auth.Family](t)(s.Family(ctx, bare.ID)), bare)
	_, err := s.Family(ctx, auth.NewFamilyID(start))
	refused(t, "another ID", err, store.ErrNotFound)
}

func familyConditions(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann := newUser(t, s, "ann")
	on := newSession(t, s, ann)
	f := familyOf(on)
	f.Epoch++
	refused(t, "another epoch", s.InsertFamily(ctx, f), store.ErrConflict)
	f = familyOf(on)
	f.UserID = auth.NewUserID(start)
	refused(t, "no such user", s.InsertFamily(ctx, f), store.ErrConflict)
	f = familyOf(on)
	f.SessionID = auth.NewSessionID(start)
	refused(t, "no such session", s.InsertFamily(ctx, f), store.ErrConflict)
	ok(t, "end session", s.EndSession(ctx, on.ID, auth.EndSignOut, start))
	refused(t, "ended session", s.InsertFamily(ctx, familyOf(on)), store.ErrConflict)
	on = newSession(t, s, ann)
	disabled := start
	must[auth.User](t)(s.UpdateUser(ctx, ann.ID, store.UserUpdate{DisabledAt: &disabled}, start))
	refused(t, "disabled user", s.InsertFamily(ctx, familyOf(on)), store.ErrConflict)
}

func familyRotatesOnce(t *testing.T, s store.Store) {
	ctx := context.Background()
	f := newFamily(t, s, newSession(t, s, newUser(t, s, "ann")))
	must[auth.Family](t)(s.RetryFamily(ctx, f.ID, 1, 5))
	won := atOnce(t, 20, store.ErrConflict, func(int) error {
		_, err := s.RotateFamily(ctx, f.ID, 1, "k2", start.Add(time.Minute))
		return err
	})
	count(t, "rotations", won, 1)
	f.Generation, f.KeyID, f.RotatedAt = 2, "k2", start.Add(time.Minute)
	same(t, "rotated", must[auth.Family](t)(s.Family(ctx, f.ID)), f)
	_, err := s.RotateFamily(ctx, auth.NewFamilyID(start), 1, "k2", start)
	refused(t, "no such family", err, store.ErrConflict)
}

func familyEndedDoesNotRotate(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann := newUser(t, s, "ann")
	on := newSession(t, s, ann)
	rotate := func(f auth.Family, now time.Time) error {
		_, err := s.RotateFamily(ctx, f.ID, 1, "k2", now)
		return err
	}
	f := newFamily(t, s, on)
	refused(t, "at its absolute end", rotate(f, f.AbsoluteEnd), store.ErrConflict)
	ok(t, "before its absolute end", rotate(f, justBefore(f.AbsoluteEnd)))
	f = newFamily(t, s, on)
	ok(t, "end", s.EndFamily(ctx, f.ID, auth.EndRevoked, start))
	refused(t, "ended", rotate(f, start), store.ErrConflict)
	refused(t, "end twice", s.EndFamily(ctx, f.ID, auth.EndRevoked, start), store.ErrNotFound)
	hanging, offline := newFamily(t, s, on), familyOf(on)
	offline.Offline = true
	ok(t, "insert offline", s.InsertFamily(ctx, offline))
	ok(t, "end session", s.EndSession(ctx, on.ID, auth.EndSignOut, start))
	refused(t, "its session ended", rotate(hanging, start), store.ErrConflict)
	ok(t, "offline outlives the session", rotate(offline, start))
	on = newSession(t, s, ann)
	f = newFamily(t, s, on)
	must[auth.User](t)(s.RaiseEpoch(ctx, ann.ID, start))
	refused(t, "the epoch was raised", rotate(f, start), store.ErrConflict)
}

func familyRetries(t *testing.T, s store.Store) {
	ctx := context.Background()
	f := newFamily(t, s, newSession(t, s, newUser(t, s, "ann")))
	won := atOnce(t, 12, store.ErrConflict, func(int) error {
		_, err := s.RetryFamily(ctx, f.ID, 1, 5)
		return err
	})
	count(t, "returns", won, 5)
	_, err := s.RetryFamily(ctx, f.ID, 2, 9)
	refused(t, "another generation", err, store.ErrConflict)
	ok(t, "end", s.EndFamily(ctx, f.ID, auth.EndRevoked, start))
	_, err = s.RetryFamily(ctx, f.ID, 1, 9)
	refused(t, "ended", err, store.ErrConflict)
}

func familySession(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann := newUser(t, s, "ann")
	on, other := newSession(t, s, ann), newSession(t, s, ann)
	f, elsewhere, offline := newFamily(t, s, on), newFamily(t, s, other), familyOf(on)
	offline.Offline = true
	ok(t, "insert offline", s.InsertFamily(ctx, offline))
	ended := must[[]auth.Family](t)(s.EndSessionFamilies(ctx, on.ID, auth.EndSignOut, start))
	f.EndedAt, f.EndReason = start, auth.EndSignOut
	same(t, "ended", ended, []auth.Family{f})
	for _, live := range []auth.Family{elsewhere, offline} {
		same(t, "live", must[auth.Family](t)(s.Family(ctx, live.ID)), live)
	}
	next := newSession(t, s, newUser(t, s, "eve"))
	ok(t, "move", s.MoveFamilies(ctx, on.ID, next.ID))
	for _, moved := range []auth.Family{f, offline} {
		moved.SessionID = next.ID
		same(t, "moved", must[auth.Family](t)(s.Family(ctx, moved.ID)), moved)
	}
	same(t, "not moved", must[auth.Family](t)(s.Family(ctx, elsewhere.ID)), elsewhere)
	count(t, "of no session", len(must[[]auth.Family](t)(s.EndSessionFamilies(ctx, "", auth.EndSignOut, start))), 0)
}

func familyUser(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, bob := newUser(t, s, "ann"), newUser(t, s, "bob")
	on := newSession(t, s, ann)
	first := newFamily(t, s, on)
	second := familyOf(on)
	second.CreatedAt = justAfter(start)
	ok(t, "insert", s.InsertFamily(ctx, second))
	of := newFamily(t, s, newSession(t, s, bob))
	same(t, "list", must[[]auth.Family](t)(s.ListFamilies(ctx, ann.ID, start)), []auth.Family{second, first})
	count(t, "at their end", len(must[[]auth.Family](t)(s.ListFamilies(ctx, ann.ID, first.AbsoluteEnd))), 0)
	count(t, "ended", must[int](t)(s.EndUserFamilies(ctx, ann.ID, auth.EndRevoked, start)), 2)
	count(t, "listed after", len(must[[]auth.Family](t)(s.ListFamilies(ctx, ann.ID, start))), 0)
	same(t, "bob's", must[auth.Family](t)(s.Family(ctx, of.ID)), of)
	ok(t, "delete", s.DeleteUser(ctx, ann.ID))
	_, err := s.Family(ctx, first.ID)
	refused(t, "after the user", err, store.ErrNotFound)
}

func familyPurge(t *testing.T, s store.Store) {
	ctx := context.Background()
	on := newSession(t, s, newUser(t, s, "ann"))
	ended, live := newFamily(t, s, on), newFamily(t, s, on)
	ok(t, "end", s.EndFamily(ctx, ended.ID, auth.EndRevoked, start))
	count(t, "at its end", must[int](t)(s.PurgeFamilies(ctx, start, 10)), 0)
	count(t, "no place", must[int](t)(s.PurgeFamilies(ctx, justAfter(start), 0)), 0)
	count(t, "after its end", must[int](t)(s.PurgeFamilies(ctx, justAfter(start), 10)), 1)
	count(t, "after the absolute end", must[int](t)(s.PurgeFamilies(ctx, justAfter(live.AbsoluteEnd), 10)), 1)
}
