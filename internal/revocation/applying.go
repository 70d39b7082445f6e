package revocation

import (
	"context"
	"sync"

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
		a.committed(ctx, c)
	}
	return nil
}

func (a applying) AppendChange(ctx context.Context, c auth.Change) (int64, error) {
	seq, err := a.Store.AppendChange(ctx, c)
	if err == nil {
		c.Seq = seq
		a.committed(ctx, c)
	}
	return seq, err
}

func (a applying) committed(ctx context.Context, c auth.Change) {
	a.index.Apply(c)
	if n, noting := ctx.Value(notedKey{}).(*Noted); noting {
		n.add(c.Seq)
	}
}

// recording remembers what the transaction wrote to the feed.
type recording struct {
	store.Tx
	written []auth.Change
}

func (r *recording) AppendChange(ctx context.Context, c auth.Change) (int64, error) {
	seq, err := r.Tx.AppendChange(ctx, c)
	if err == nil {
		c.Seq = seq
		r.written = append(r.written, c)
	}
	return seq, err
}

// Noted collects the names of the rows that were committed to the feed under a
// context of [Note]. It is safe for concurrent use.
type Noted struct {
	mu   sync.Mutex
	seqs []int64
}

type notedKey struct{}

// Note returns a context under which a store made by [Applying] notes what it
// commits to the feed, so that [Reach.Effect] can say how far it has come:
//
//	ctx, noted := revocation.Note(ctx)
//	err := room.Revoke(ctx, …)
//	effect := reach.Effect(ctx, noted)
func Note(ctx context.Context) (context.Context, *Noted) {
	n := &Noted{}
	return context.WithValue(ctx, notedKey{}, n), n
}

func (n *Noted) add(seq int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seqs = append(n.seqs, seq)
}

// Seqs returns the names of the rows so far.
func (n *Noted) Seqs() []int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]int64(nil), n.seqs...)
}
