package session

import (
	"context"
	"time"
)

// Effect says where a revocation that was stored holds (guarantees R7).
type Effect struct {
	// Everywhere: every server that is alive refuses already.
	Everywhere bool
	// Latest is when the last of them will refuse, whatever happens to it or to
	// its way to the database: what it has not heard by then it does not accept
	// any more. Zero when it holds everywhere.
	Latest time.Time
}

// ReachFunc says how far the change with this number, and every one committed
// before it, has come. It may wait for some tenths of a second: most servers
// hear within one.
type ReachFunc func(ctx context.Context, seq int64) (Effect, error)

// reach is the Effect of what was just committed under the numbers, the last
// of which counts. What cannot be found out is pending: a revocation is never
// refused because nobody can say how far it has come.
func (r *Room) reach(ctx context.Context, seqs []int64, now time.Time) Effect {
	if len(seqs) > 0 && r.Reach != nil {
		if e, err := r.Reach(ctx, seqs[len(seqs)-1]); err == nil {
			return e
		}
	}
	return r.effectSince(now)
}

// effectSince is what the bound alone says of a change that was committed then.
func (r *Room) effectSince(committed time.Time) Effect {
	latest := committed.Add(r.MaxStaleness)
	if !latest.After(r.Now()) {
		return Effect{Everywhere: true}
	}
	return Effect{Latest: latest}
}
