package revocation_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

func openStore(t *testing.T, path string) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: path, Migrate: true})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func freshStore(t *testing.T) *sqlstore.DB {
	return openStore(t, filepath.Join(t.TempDir(), "revocation.db"))
}

func isVoid(t *testing.T, x *revocation.Index, id auth.SessionID) bool {
	t.Helper()
	_, found := x.SessionEnded(key(t, id))
	return found
}

func TestApplying_knowsItsOwnChangesOnceTheyAreCommitted(t *testing.T) {
	ctx, x, id := context.Background(), revocation.NewIndex(), auth.NewSessionID(start)
	s := revocation.Applying(freshStore(t), x)
	err := s.InTx(ctx, func(tx store.Tx) error {
		if _, err := tx.AppendChange(ctx, ended(id, 0, start, start)); err != nil {
			return err
		}
		if isVoid(t, x, id) {
			t.Error("void before the commit: the transaction may still fail")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !isVoid(t, x, id) {
		t.Error("committed, acknowledged, and not void on this very node")
	}
	other := auth.NewSessionID(start)
	if _, err := s.AppendChange(ctx, ended(other, 0, start, start)); err != nil {
		t.Fatal(err)
	}
	if !isVoid(t, x, other) {
		t.Error("a change outside a transaction is not applied")
	}
}

func TestApplying_forgetsWhatWasRolledBack(t *testing.T) {
	ctx, x, id := context.Background(), revocation.NewIndex(), auth.NewSessionID(start)
	s := revocation.Applying(freshStore(t), x)
	broken := errors.New("a later statement fails")
	err := s.InTx(ctx, func(tx store.Tx) error {
		if _, err := tx.AppendChange(ctx, ended(id, 0, start, start)); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v, want the function's own error", err)
	}
	if isVoid(t, x, id) {
		t.Error("void although nothing was committed")
	}
}

// twice runs each function a second time, as a store may after a conflict, and
// commits the second run alone.
type twice struct{ store.Store }

var errAgain = errors.New("run it again")

func (s twice) InTx(ctx context.Context, fn func(tx store.Tx) error) error {
	err := s.Store.InTx(ctx, func(tx store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errAgain
	})
	if !errors.Is(err, errAgain) {
		return err
	}
	return s.Store.InTx(ctx, fn)
}

func TestApplying_countsTheRunThatWasCommitted(t *testing.T) {
	ctx, x := context.Background(), revocation.NewIndex()
	s := revocation.Applying(twice{freshStore(t)}, x)
	var ids []auth.SessionID
	err := s.InTx(ctx, func(tx store.Tx) error {
		id := auth.NewSessionID(start)
		ids = append(ids, id)
		_, err := tx.AppendChange(ctx, ended(id, 0, start, start))
		return err
	})
	if err != nil || len(ids) != 2 {
		t.Fatalf("%d runs, error %v", len(ids), err)
	}
	if isVoid(t, x, ids[0]) || !isVoid(t, x, ids[1]) {
		t.Errorf("first run void: %v, second: %v; want the second alone", isVoid(t, x, ids[0]), isVoid(t, x, ids[1]))
	}
}

// unknown commits and says that it does not know.
type unknown struct{ store.Store }

var errLost = errors.New("the answer to the commit was lost")

func (s unknown) InTx(ctx context.Context, fn func(tx store.Tx) error) error {
	return errors.Join(s.Store.InTx(ctx, fn), errLost)
}

// R21: when the commit is unknown nothing is acknowledged, and the follower
// decides.
func TestApplying_leavesAnUnknownCommitToTheFollower(t *testing.T) {
	ctx, x, id := context.Background(), revocation.NewIndex(), auth.NewSessionID(start)
	db := freshStore(t)
	err := revocation.Applying(unknown{db}, x).InTx(ctx, func(tx store.Tx) error {
		_, err := tx.AppendChange(ctx, ended(id, 0, start, start))
		return err
	})
	if !errors.Is(err, errLost) {
		t.Fatalf("got %v", err)
	}
	if isVoid(t, x, id) {
		t.Error("applied although it is not known whether it was committed")
	}
	follow(t, &revocation.Follower{Store: db, Index: x}, func() bool { return isVoid(t, x, id) })
}
