package revocation

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Applying returns the store with one habit added: every Change that a
// transaction wrote is in the Index when the transaction's success is
// returned, and not before. When the outcome of a commit is unknown nothing is
// applied; the Follower decides (guarantees R17, R21).
func Applying(s store.Store, x *Index) store.Store { return applying{s, x} }

type applying struct {
	store.Store
	index *Index
}

func (a applying) InTx(ctx context.Context, fn func(tx store.Tx) error) error {
	var written []auth.Change
	err := a.Store.InTx(ctx, func(tx store.Tx) error {
		rec := &recording{Tx: tx}
		err := fn(rec)
		written = rec.written
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range written {
		a.index.Apply(c)
	}
	return nil
}

func (a applying) AppendChange(ctx context.Context, c auth.Change) (int64, error) {
	seq, err := a.Store.AppendChange(ctx, c)
	if err == nil {
		a.index.Apply(c)
	}
	return seq, err
}

// recording remembers what the transaction wrote to the feed.
type recording struct {
	store.Tx
	written []auth.Change
}

func (r *recording) AppendChange(ctx context.Context, c auth.Change) (int64, error) {
	seq, err := r.Tx.AppendChange(ctx, c)
	if err == nil {
		r.written = append(r.written, c)
	}
	return seq, err
}
