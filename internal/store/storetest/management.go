package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Creations says what store.Creations means.
func Creations(t *testing.T, open func(*testing.T) store.Store) {
	each(t, open, []test{
		{"a creation keeps every member until its end", creationRoundTrip},
		{"of many that begin one wins", creationAtOnce},
		{"one that was done stays, one under way may be forgotten", creationForgotten},
		{"what is past its end gives way and is purged", creationEnds},
	})
}

func creationOf(key string) auth.Creation {
	return auth.Creation{Key: key, Request: "hash", Until: start.Add(time.Hour)}
}

func creationRoundTrip(t *testing.T, s store.Store) {
	ctx := context.Background()
	c := creationOf("k")
	ok(t, "begin", s.BeginCreation(ctx, c, start))
	same(t, "under way", must[auth.Creation](t)(s.Creation(ctx, "k", start)), c)
	ok(t, "finish", s.FinishCreation(ctx, "k", "usr_1"))
	c.Made = "usr_1"
	same(t, "done", must[auth.Creation](t)(s.Creation(ctx, "k", justBefore(c.Until))), c)
	_, err := s.Creation(ctx, "k", c.Until)
	refused(t, "at its end", err, store.ErrNotFound)
	refused(t, "finish again", s.FinishCreation(ctx, "k", "usr_2"), store.ErrNotFound)
	refused(t, "finish what never began", s.FinishCreation(ctx, "other", "usr_2"), store.ErrNotFound)
}

func creationAtOnce(t *testing.T, s store.Store) {
	ctx := context.Background()
	won := atOnce(t, 20, store.ErrConflict, func(int) error { return s.BeginCreation(ctx, creationOf("k"), start) })
	count(t, "winners", won, 1)
}

func creationForgotten(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "begin", s.BeginCreation(ctx, creationOf("k"), start))
	ok(t, "forget", s.ForgetCreation(ctx, "k"))
	ok(t, "forget what is not there", s.ForgetCreation(ctx, "k"))
	ok(t, "begin again", s.BeginCreation(ctx, creationOf("k"), start))
	ok(t, "finish", s.FinishCreation(ctx, "k", "usr_1"))
	ok(t, "forget one that was done", s.ForgetCreation(ctx, "k"))
	refused(t, "begin once more", s.BeginCreation(ctx, creationOf("k"), start), store.ErrConflict)
}

func creationEnds(t *testing.T, s store.Store) {
	ctx := context.Background()
	c := creationOf("k")
	ok(t, "begin", s.BeginCreation(ctx, c, start))
	ok(t, "finish", s.FinishCreation(ctx, "k", "usr_1"))
	later := c
	later.Until = c.Until.Add(time.Hour)
	refused(t, "before the end", s.BeginCreation(ctx, later, justBefore(c.Until)), store.ErrConflict)
	ok(t, "at the end", s.BeginCreation(ctx, later, c.Until))
	same(t, "the new one", must[auth.Creation](t)(s.Creation(ctx, "k", c.Until)), later)
	ok(t, "another", s.BeginCreation(ctx, creationOf("old"), start))
	count(t, "purged at the end of the old one", must[int](t)(s.PurgeCreations(ctx, c.Until, 10)), 0)
	count(t, "purged after it", must[int](t)(s.PurgeCreations(ctx, justAfter(c.Until), 10)), 1)
	must[auth.Creation](t)(s.Creation(ctx, "k", c.Until))
}

// Held says what store.Held means.
func Held(t *testing.T, open func(*testing.T) store.Store) {
	each(t, open, []test{{"what has ended is kept too, and what is somebody else's is not told", heldAll}})
}

func heldAll(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, bob := newUser(t, s, "ann"), newUser(t, s, "bob")
	live, ended := newSession(t, s, ann), newSession(t, s, ann)
	newSession(t, s, bob)
	ok(t, "end", s.EndSession(ctx, ended.ID, auth.EndSignOut, justAfter(start)))
	ended.EndedAt, ended.EndReason = justAfter(start), auth.EndSignOut
	want := []auth.Session{live, ended}
	if ended.ID < live.ID {
		want = []auth.Session{ended, live}
	}
	same(t, "sessions", must[[]auth.Session](t)(s.EverySession(ctx, ann.ID)), want)
	f := familyOf(live)
	ok(t, "insert family", s.InsertFamily(ctx, f))
	ok(t, "end family", s.EndFamily(ctx, f.ID, auth.EndRevoked, justAfter(start)))
	f.EndedAt, f.EndReason = justAfter(start), auth.EndRevoked
	same(t, "families", must[[]auth.Family](t)(s.EveryFamily(ctx, ann.ID)), []auth.Family{f})
	same(t, "families of somebody else", must[[]auth.Family](t)(s.EveryFamily(ctx, bob.ID)), []auth.Family{})
}
