package storetest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Passwords tests store.Passwords.
func Passwords(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"a password comes back as it went in", passwordRoundTrip},
		{"setting again replaces", passwordReplaced},
		{"who has none is not found", passwordAbsent},
		{"a hash is replaced only while it is the old one", passwordReplaceHash},
		{"of fifty that replace one hash exactly one wins", passwordReplaceAtOnce},
	})
}

func passwordRoundTrip(t *testing.T, s store.Store) {
	ctx, ann, bob := context.Background(), newUser(t, s, "ann"), newUser(t, s, "bob")
	want := auth.Password{UserID: ann.ID, Hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", MustChange: true, UpdatedAt: start}
	ok(t, "set", s.SetPassword(ctx, want))
	same(t, "password", must[auth.Password](t)(s.Password(ctx, ann.ID)), want)
	_, err := s.Password(ctx, bob.ID)
	refused(t, "somebody else's", err, store.ErrNotFound)
}

func passwordReplaced(t *testing.T, s store.Store) {
	ctx, ann := context.Background(), newUser(t, s, "ann")
	ok(t, "set", s.SetPassword(ctx, auth.Password{UserID: ann.ID, Hash: "one", MustChange: true, UpdatedAt: start}))
	want := auth.Password{UserID: ann.ID, Hash: "two", UpdatedAt: start.Add(time.Second)}
	ok(t, "set again", s.SetPassword(ctx, want))
	same(t, "password", must[auth.Password](t)(s.Password(ctx, ann.ID)), want)
}

func passwordAbsent(t *testing.T, s store.Store) {
	ctx, nobody := context.Background(), auth.NewUserID(start)
	_, err := s.Password(ctx, nobody)
	refused(t, "Password", err, store.ErrNotFound)
	refused(t, "SetPassword", s.SetPassword(ctx, auth.Password{UserID: nobody, Hash: "h"}), store.ErrNotFound)
	refused(t, "ReplaceHash", s.ReplaceHash(ctx, nobody, "", "new", start), store.ErrConflict)
}

func passwordReplaceHash(t *testing.T, s store.Store) {
	ctx, ann, later := context.Background(), newUser(t, s, "ann"), start.Add(time.Hour)
	want := auth.Password{UserID: ann.ID, Hash: "old", MustChange: true, UpdatedAt: start}
	ok(t, "set", s.SetPassword(ctx, want))
	refused(t, "replace another", s.ReplaceHash(ctx, ann.ID, "OLD", "new", later), store.ErrConflict)
	same(t, "password", must[auth.Password](t)(s.Password(ctx, ann.ID)), want)
	ok(t, "replace", s.ReplaceHash(ctx, ann.ID, "old", "new", later))
	want.Hash, want.UpdatedAt = "new", later // it is the same password: MustChange stays
	same(t, "password", must[auth.Password](t)(s.Password(ctx, ann.ID)), want)
}

func passwordReplaceAtOnce(t *testing.T, s store.Store) {
	ctx, ann := context.Background(), newUser(t, s, "ann")
	ok(t, "set", s.SetPassword(ctx, auth.Password{UserID: ann.ID, Hash: "old", UpdatedAt: start}))
	won := atOnce(t, 50, store.ErrConflict, func(i int) error {
		return s.ReplaceHash(ctx, ann.ID, "old", "new"+strconv.Itoa(i), start)
	})
	count(t, "winners", won, 1)
}
