package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Keys says what store.Keys means.
func Keys(t *testing.T, open func(*testing.T) store.Store) {
	each(t, open, []test{
		{"a key keeps every member", keyRoundTrip},
		{"of one algorithm one key signs and one is next", keyAlone},
		{"of many that move a key one wins", keyMovesOnce},
		{"a retired key has no private part and is purged", keyRetires},
	})
}

func keyNamed(id string, state auth.KeyState) auth.Key {
	return auth.Key{ID: id, Algorithm: "ES256", State: state, Public: `{"kty":"EC"}`, Private: []byte{0, 9, 255}, CreatedAt: start}
}

func keyRoundTrip(t *testing.T, s store.Store) {
	ctx := context.Background()
	full := auth.Key{ID: "b", Algorithm: "RS256", State: auth.KeyRetiring, Public: "{}", Private: []byte("sealed"), CreatedAt: start,
		ActiveAt: start.Add(time.Hour), RetiringAt: start.Add(2 * time.Hour), RetiredAt: start.Add(3 * time.Hour)}
	bare := auth.Key{ID: "a", Algorithm: "ES256", State: auth.KeyRetired, CreatedAt: justAfter(start)}
	ok(t, "insert", s.InsertKey(ctx, full))
	ok(t, "insert", s.InsertKey(ctx, bare))
	same(t, "keys", must[[]auth.Key](t)(s.ListKeys(ctx)), []auth.Key{full, bare})
	refused(t, "the same ID", s.InsertKey(ctx, bare), store.ErrConflict)
}

func keyAlone(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "active", s.InsertKey(ctx, keyNamed("a", auth.KeyActive)))
	refused(t, "a second active", s.InsertKey(ctx, keyNamed("b", auth.KeyActive)), store.ErrConflict)
	ok(t, "next", s.InsertKey(ctx, keyNamed("b", auth.KeyNext)))
	refused(t, "a second next", s.InsertKey(ctx, keyNamed("c", auth.KeyNext)), store.ErrConflict)
	refused(t, "next becomes a second active", s.MoveKey(ctx, "b", auth.KeyNext, auth.KeyActive, start), store.ErrConflict)
	other := keyNamed("d", auth.KeyActive)
	other.Algorithm = "EdDSA"
	ok(t, "of another algorithm", s.InsertKey(ctx, other))
	err := s.InTx(ctx, func(tx store.Tx) error {
		if err := tx.MoveKey(ctx, "a", auth.KeyActive, auth.KeyRetiring, start); err != nil {
			return err
		}
		return tx.MoveKey(ctx, "b", auth.KeyNext, auth.KeyActive, justAfter(start))
	})
	ok(t, "rotate", err)
	for _, k := range must[[]auth.Key](t)(s.ListKeys(ctx)) {
		switch {
		case k.ID == "a" && (k.State != auth.KeyRetiring || !k.RetiringAt.Equal(start)),
			k.ID == "b" && (k.State != auth.KeyActive || !k.ActiveAt.Equal(justAfter(start))):
			t.Errorf("after the rotation: %+v", k)
		}
	}
}

func keyMovesOnce(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "insert", s.InsertKey(ctx, keyNamed("a", auth.KeyNext)))
	won := atOnce(t, 10, store.ErrConflict, func(int) error {
		return s.MoveKey(ctx, "a", auth.KeyNext, auth.KeyActive, start)
	})
	count(t, "moves", won, 1)
	refused(t, "no such key", s.MoveKey(ctx, "z", auth.KeyNext, auth.KeyActive, start), store.ErrConflict)
}

func keyRetires(t *testing.T, s store.Store) {
	ctx := context.Background()
	k := keyNamed("a", auth.KeyActive)
	ok(t, "insert", s.InsertKey(ctx, k))
	ok(t, "reseal", s.ResealKey(ctx, "a", []byte("anew")))
	same(t, "private", must[[]auth.Key](t)(s.ListKeys(ctx))[0].Private, []byte("anew"))
	ok(t, "retire", s.MoveKey(ctx, "a", auth.KeyActive, auth.KeyRetired, start))
	k.State, k.RetiredAt, k.Private = auth.KeyRetired, start, nil
	same(t, "retired", must[[]auth.Key](t)(s.ListKeys(ctx)), []auth.Key{k})
	refused(t, "reseal what is retired", s.ResealKey(ctx, "a", []byte("x")), store.ErrNotFound)
	count(t, "purged at the time", must[int](t)(s.PurgeKeys(ctx, start, 10)), 0)
	count(t, "purged after", must[int](t)(s.PurgeKeys(ctx, justAfter(start), 10)), 1)
}
