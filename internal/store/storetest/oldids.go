package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// OldIDs tests store.OldIDs.
func OldIDs(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"old IDs come back in order, the main one first", oldIDRoundTrip},
		{"a user is found by an old ID at its mount alone", oldIDFinds},
		{"an old ID is taken once at a mount, whoever asks", oldIDTaken},
		{"a user has one main old ID at a mount", oldIDOneMain},
		{"refused old IDs leave none behind", oldIDWhole},
		{"old IDs go with their user", oldIDDeleted},
		{"the first refusal of adoption stays", adoptionRefused},
	})
}

func oldIDRoundTrip(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	count(t, "none yet", len(must[[]auth.OldID](t)(s.OldIDs(ctx, u.ID))), 0)
	ok(t, "add", s.AddOldIDs(ctx, u.ID, []auth.OldID{
		{Mount: "/b", Value: "2"}, {Mount: "/b", Value: "9", Main: true}, {Mount: "/a", Value: "clx'\"é"}, {Mount: "/b", Value: "1"},
	}))
	same(t, "old IDs", must[[]auth.OldID](t)(s.OldIDs(ctx, u.ID)), []auth.OldID{
		{Mount: "/a", Value: "clx'\"é"}, {Mount: "/b", Value: "9", Main: true}, {Mount: "/b", Value: "1"}, {Mount: "/b", Value: "2"},
	})
}

func oldIDFinds(t *testing.T, s store.Store) {
	ctx, ann, bob := context.Background(), newUser(t, s, "ann"), newUser(t, s, "bob")
	ok(t, "add", s.AddOldIDs(ctx, ann.ID, []auth.OldID{{Mount: "/a", Value: "1", Main: true}}))
	ok(t, "add the same value at another mount", s.AddOldIDs(ctx, bob.ID, []auth.OldID{{Mount: "/b", Value: "1", Main: true}}))
	same(t, "at /a", must[auth.Adoption](t)(s.UserByOldID(ctx, "/a", "1")), auth.Adoption{User: ann})
	same(t, "at /b", must[auth.Adoption](t)(s.UserByOldID(ctx, "/b", "1")), auth.Adoption{User: bob})
	for _, c := range [][2]string{{"/c", "1"}, {"/a", "2"}, {"/a", ""}, {"", "1"}, {"/a", "1 "}, {"/A", "1"}} {
		_, err := s.UserByOldID(ctx, c[0], c[1])
		refused(t, c[0]+" "+c[1], err, store.ErrNotFound)
	}
}

func oldIDTaken(t *testing.T, s store.Store) {
	ctx, ann, bob := context.Background(), newUser(t, s, "ann"), newUser(t, s, "bob")
	id := []auth.OldID{{Mount: "/a", Value: "1"}}
	ok(t, "add", s.AddOldIDs(ctx, ann.ID, id))
	refused(t, "somebody else's", s.AddOldIDs(ctx, bob.ID, id), store.ErrConflict)
	refused(t, "her own once more", s.AddOldIDs(ctx, ann.ID, id), store.ErrConflict)
	refused(t, "of nobody", s.AddOldIDs(ctx, auth.NewUserID(start), []auth.OldID{{Mount: "/a", Value: "2"}}), store.ErrNotFound)
}

func oldIDOneMain(t *testing.T, s store.Store) {
	ctx, ann := context.Background(), newUser(t, s, "ann")
	ok(t, "add", s.AddOldIDs(ctx, ann.ID, []auth.OldID{{Mount: "/a", Value: "1", Main: true}, {Mount: "/b", Value: "1", Main: true}}))
	refused(t, "a second main one", s.AddOldIDs(ctx, ann.ID, []auth.OldID{{Mount: "/a", Value: "2", Main: true}}), store.ErrConflict)
	ok(t, "one that is not", s.AddOldIDs(ctx, ann.ID, []auth.OldID{{Mount: "/a", Value: "2"}}))
}

func oldIDWhole(t *testing.T, s store.Store) {
	ctx, ann, bob := context.Background(), newUser(t, s, "ann"), newUser(t, s, "bob")
	ok(t, "add", s.AddOldIDs(ctx, ann.ID, []auth.OldID{{Mount: "/a", Value: "taken"}}))
	err := s.InTx(ctx, func(tx store.Tx) error {
		refused(t, "add", tx.AddOldIDs(ctx, bob.ID, []auth.OldID{{Mount: "/a", Value: "free"}, {Mount: "/a", Value: "taken"}}), store.ErrConflict)
		return nil // goes on after the refusal and commits
	})
	ok(t, "transaction", err)
	count(t, "left behind", len(must[[]auth.OldID](t)(s.OldIDs(ctx, bob.ID))), 0)
}

func oldIDDeleted(t *testing.T, s store.Store) {
	ctx, ann := context.Background(), newUser(t, s, "ann")
	ok(t, "add", s.AddOldIDs(ctx, ann.ID, []auth.OldID{{Mount: "/a", Value: "1"}}))
	ok(t, "delete", s.DeleteUser(ctx, ann.ID))
	_, err := s.UserByOldID(ctx, "/a", "1")
	refused(t, "found", err, store.ErrNotFound)
	ok(t, "given anew", s.AddOldIDs(ctx, newUser(t, s, "bob").ID, []auth.OldID{{Mount: "/a", Value: "1"}}))
}

func adoptionRefused(t *testing.T, s store.Store) {
	ctx, ann, bob := context.Background(), newUser(t, s, "ann"), newUser(t, s, "bob")
	ok(t, "ann's ID", s.AddOldIDs(ctx, ann.ID, []auth.OldID{{Mount: "/a", Value: "1"}}))
	ok(t, "bob's ID", s.AddOldIDs(ctx, bob.ID, []auth.OldID{{Mount: "/a", Value: "2"}}))
	ok(t, "refuse", s.RefuseAdoption(ctx, ann.ID, start))
	ok(t, "refuse again", s.RefuseAdoption(ctx, ann.ID, start.Add(time.Hour)))
	ok(t, "refuse for nobody", s.RefuseAdoption(ctx, auth.NewUserID(start), start))
	same(t, "ann", must[auth.Adoption](t)(s.UserByOldID(ctx, "/a", "1")), auth.Adoption{User: ann, RefusedAt: start})
	same(t, "bob", must[auth.Adoption](t)(s.UserByOldID(ctx, "/a", "2")), auth.Adoption{User: bob})
	ok(t, "another ID of ann's", s.AddOldIDs(ctx, ann.ID, []auth.OldID{{Mount: "/a", Value: "3"}}))
	same(t, "ann by it", must[auth.Adoption](t)(s.UserByOldID(ctx, "/a", "3")), auth.Adoption{User: ann, RefusedAt: start})
}
