package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Transactions tests what spans the nouns: InTx, contexts, and the store's own
// life.
func Transactions(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"a transaction keeps all of it", txKeepsAll},
		{"a rolled back transaction leaves nothing", txLeavesNothing},
		{"a transaction sees what it has written, others do not", txIsolation},
		{"an error comes back as it is", txError},
		{"a refusal inside does not end the transaction", txRefusalInside},
		{"a panic leaves nothing and reaches the caller", txPanic},
		{"a cancelled context begins nothing", txCancelled},
		{"a context cancelled inside does not interrupt", txCancelledInside},
		{"a handle is dead after its function", txHandleEnds},
		{"a transaction inside a transaction is refused, not waited for", txNested},
		{"transactions at once lose no update", txAtOnce},
		{"the store answers a ping", txPing},
		{"a closed store fails and does not hang", txClosed},
	})
}

// writeEverything puts one row of each noun and returns a check that says how
// many of them are there.
func writeEverything(t *testing.T, tx store.Tx) (present func(s store.Store) int) {
	ctx := context.Background()
	u := newUser(t, tx, "ann")
	n, c, i := newSession(t, tx, u), challengeOf(u), invitation()
	ok(t, "password", tx.SetPassword(ctx, auth.Password{UserID: u.ID, Hash: "h", UpdatedAt: start}))
	ok(t, "challenge", tx.CreateChallenge(ctx, c))
	ok(t, "invitation", tx.CreateInvitation(ctx, i))
	must[auth.Counter](t)(tx.RaiseFailure(ctx, "key", window, start))
	ok(t, "event", tx.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(start), At: start}))
	must[int64](t)(tx.AppendChange(ctx, raised(1)))
	return func(s store.Store) (rows int) {
		found := func(err error) {
			if err == nil {
				rows++
			} else if !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
		}
		_, err := s.User(ctx, u.ID)
		found(err)
		_, err = s.Session(ctx, n.ID)
		found(err)
		_, err = s.Password(ctx, u.ID)
		found(err)
		_, err = s.TryChallenge(ctx, c.ID, c.Kind, start)
		found(err)
		rows += len(must[[]auth.Invitation](t)(s.ListInvitations(ctx, start)))
		rows += must[auth.Counter](t)(s.Counter(ctx, "key", window, start)).Failures
		rows += len(must[[]auth.Event](t)(s.ListEvents(ctx, "", 9)))
		rows += len(loadFeed(t, s))
		return rows
	}
}

func txKeepsAll(t *testing.T, s store.Store) {
	var present func(store.Store) int
	ok(t, "transaction", s.InTx(context.Background(), func(tx store.Tx) error {
		present = writeEverything(t, tx)
		return nil
	}))
	count(t, "rows", present(s), 8)
}

func txLeavesNothing(t *testing.T, s store.Store) {
	var present func(store.Store) int
	refused(t, "transaction", s.InTx(context.Background(), func(tx store.Tx) error {
		present = writeEverything(t, tx)
		return store.ErrConflict
	}), store.ErrConflict)
	count(t, "rows", present(s), 0)
}

func txIsolation(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "transaction", s.InTx(ctx, func(tx store.Tx) error {
		u := newUser(t, tx, "ann")
		same(t, "inside", must[auth.User](t)(tx.User(ctx, u.ID)), u)
		_, err := s.User(ctx, u.ID)
		refused(t, "outside", err, store.ErrNotFound)
		return nil
	}))
}

func txError(t *testing.T, s store.Store) {
	mine := errors.New("mine")
	if err := s.InTx(context.Background(), func(store.Tx) error { return mine }); err != mine {
		t.Errorf("got %v, want the function's own error", err)
	}
}

func txRefusalInside(t *testing.T, s store.Store) {
	ctx, ann := context.Background(), newUser(t, s, "ann")
	var bob auth.User
	ok(t, "transaction", s.InTx(ctx, func(tx store.Tx) error {
		refused(t, "taken", tx.CreateUser(ctx, ann), store.ErrConflict)
		_, err := tx.Session(ctx, auth.NewSessionID(start))
		refused(t, "absent", err, store.ErrNotFound)
		bob = newUser(t, tx, "bob")
		return nil
	}))
	same(t, "bob", must[auth.User](t)(s.User(ctx, bob.ID)), bob)
}

func txPanic(t *testing.T, s store.Store) {
	var present func(store.Store) int
	func() {
		defer func() {
			if p := recover(); p != "ouch" {
				t.Errorf("recovered %v, want the function's own panic", p)
			}
		}()
		_ = s.InTx(context.Background(), func(tx store.Tx) error {
			present = writeEverything(t, tx)
			panic("ouch")
		})
	}()
	count(t, "rows", present(s), 0)
	newUser(t, s, "ann") // and the store goes on
}

func txCancelled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	u := newUser(t, s, "ann")
	cancel()
	refused(t, "InTx", s.InTx(ctx, func(store.Tx) error {
		t.Error("the function ran")
		return nil
	}), context.Canceled)
	refused(t, "write", s.ForgetFailures(ctx, "key"), context.Canceled)
	_, err := s.User(ctx, u.ID)
	refused(t, "read", err, context.Canceled)
}

func txCancelledInside(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	var present func(store.Store) int
	ok(t, "transaction", s.InTx(ctx, func(tx store.Tx) error {
		cancel()
		if _, err := tx.RaiseFailure(ctx, "other", window, start); err != nil {
			return err
		}
		present = writeEverything(t, tx)
		return nil
	}))
	count(t, "rows", present(s), 8)
}

func txHandleEnds(t *testing.T, s store.Store) {
	ctx := context.Background()
	for _, result := range []error{nil, store.ErrConflict} {
		var kept store.Tx
		_ = s.InTx(ctx, func(tx store.Tx) error {
			kept = tx
			return result
		})
		if err := kept.CreateUser(ctx, auth.User{ID: auth.NewUserID(start), Username: "late"}); err == nil {
			t.Error("a write on a dead handle succeeded")
		}
		if _, err := kept.ListUsers(ctx, "", 9); err == nil {
			t.Error("a read on a dead handle succeeded")
		}
	}
	count(t, "users", len(must[[]auth.User](t)(s.ListUsers(ctx, "", 9))), 0)
}

func txNested(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "transaction", s.InTx(ctx, func(tx store.Tx) error {
		if err := s.InTx(ctx, func(store.Tx) error { return nil }); err == nil {
			t.Error("InTx inside InTx succeeded")
		}
		if err := s.ForgetFailures(ctx, "key"); err == nil {
			t.Error("a write past the transaction succeeded")
		}
		newUser(t, tx, "ann")
		return nil
	}))
	count(t, "users", len(must[[]auth.User](t)(s.ListUsers(ctx, "", 9))), 1)
}

// txAtOnce reads and writes back what it read: a lost update shows in the sum.
func txAtOnce(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	won := atOnce(t, 50, store.ErrConflict, func(i int) error {
		return s.InTx(ctx, func(tx store.Tx) error {
			now, err := tx.User(ctx, u.ID)
			if err != nil {
				return err
			}
			longer := now.Name + "x"
			if _, err := tx.UpdateUser(ctx, u.ID, store.UserUpdate{Name: &longer}, start); err != nil {
				return err
			}
			if i%5 == 0 {
				return store.ErrConflict
			}
			return nil
		})
	})
	count(t, "transactions kept", won, 40)
	count(t, "letters", len(must[auth.User](t)(s.User(ctx, u.ID)).Name), len("ann")+40)
}

func txPing(t *testing.T, s store.Store) {
	ok(t, "ping", s.Ping(context.Background()))
}

func txClosed(t *testing.T, s store.Store) {
	ctx := context.Background()
	newUser(t, s, "ann")
	ok(t, "close", s.Close())
	if err := s.InTx(ctx, func(store.Tx) error { return nil }); err == nil {
		t.Error("a transaction on a closed store succeeded")
	}
	if _, err := s.ListUsers(ctx, "", 9); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("a read on a closed store: got %v, want a failure", err)
	}
	if err := s.Ping(ctx); err == nil {
		t.Error("a closed store answers a ping")
	}
}
