package revocation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Effectiveness says where a revocation that was acknowledged is in force.
type Effectiveness string

// The two answers. There is no third: what is acknowledged is in force on
// every node by [Effect.Latest].
const (
	// Everywhere: no node accepts what was voided any more.
	Everywhere Effectiveness = "everywhere"
	// Pending: some node has not been heard of since; it may accept until
	// Latest.
	Pending Effectiveness = "pending"
)

// Effect is what a revocation's answer says of its reach (guarantees R7).
type Effect struct {
	Effective Effectiveness `json:"effective"`
	// Latest is the moment after which no node accepts what was voided, by this
	// node's clock; zero when that is so already.
	Latest time.Time `json:"latest,omitzero"`
}

// EffectFunc says how far what was noted has come; [Reach.Effect] is one. It may
// wait for some tenths of a second: most servers hear within one.
type EffectFunc func(ctx context.Context, noted *Noted) Effect

// EffectSince is what the bound alone says at now of a change that was committed
// then: every node has heard of it after maxStaleness, or refuses everything.
func EffectSince(committed, now time.Time, maxStaleness time.Duration) Effect {
	latest := committed.Add(maxStaleness)
	if !latest.After(now) {
		return Effect{Effective: Everywhere}
	}
	return Effect{Effective: Pending, Latest: latest}
}

// The bounds of waiting for the other nodes: ordinarily they have looked within
// some hundredths of a second.
const (
	reachWait     = time.Second
	reachInterval = 20 * time.Millisecond
	reachDeadline = 500 * time.Millisecond
	// reachTold is the least time from one line in the log to the next.
	reachTold = time.Minute
)

// Reach finds out whether a revocation is in force on every node. It is safe
// for concurrent use.
type Reach struct {
	// Store is asked for the nodes and how far they have come.
	Store interface {
		Reach(ctx context.Context, self auth.NodeID, seqs []int64) (store.Reach, error)
	}
	// Self is this process's node, which knows its own commits.
	Self auth.NodeID
	// MaxStaleness is how long a node accepts without hearing of the feed, for
	// nodes that cannot be asked for theirs.
	MaxStaleness time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger is told when the store cannot be asked, at most once in reachTold;
	// nil means nobody.
	Logger *slog.Logger

	mu   sync.Mutex
	told time.Time
}

// Effect waits for up to a second until what was noted is in force everywhere,
// and says where it is in force then. It is asked after the commit was
// acknowledged, and cannot fail: what cannot be found out is pending. A context
// that ends cuts the waiting short. Nothing noted is in force everywhere.
func (r *Reach) Effect(ctx context.Context, noted *Noted) Effect {
	seqs := noted.Seqs()
	if len(seqs) == 0 {
		return Effect{Effective: Everywhere}
	}
	ctx, cancel := context.WithTimeout(ctx, reachWait)
	defer cancel()
	// Until the first answer every node may have looked just before the commit.
	latest := r.now().Add(r.MaxStaleness)
	for {
		asked := r.now()
		reach, err := r.ask(ctx, seqs)
		if err != nil && ctx.Err() == nil { // otherwise whoever asked has gone, or has waited long enough
			r.tell(err)
		}
		if err == nil {
			if len(reach.Behind) == 0 {
				return Effect{Effective: Everywhere}
			}
			if within := asked.Add(reach.Within); reach.Within > 0 && within.Before(latest) {
				latest = within
			}
		}
		select {
		case <-ctx.Done():
			return Effect{Effective: Pending, Latest: latest}
		case <-time.After(reachInterval):
		}
	}
}

func (r *Reach) ask(ctx context.Context, seqs []int64) (store.Reach, error) {
	ctx, cancel := context.WithTimeout(ctx, reachDeadline)
	defer cancel()
	return r.Store.Reach(ctx, r.Self, seqs)
}

// tell logs that the store could not be asked, unless it has just done so: the
// answer to a revocation says "pending" then, and nothing else would say why.
func (r *Reach) tell(err error) {
	if r.Logger == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); r.told.IsZero() || now.Sub(r.told).Abs() >= reachTold {
		r.told = now
		r.Logger.Warn("it cannot be found out how far revocations have come; their answers say pending, and they hold everywhere after max_staleness", "err", err)
	}
}

func (r *Reach) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
