package revocation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// PollInterval is how often the feed is asked. On SQLite the question costs
// microseconds (PRAGMA data_version), so another process's change, the
// operator's CLI, is known after at most this long.
const PollInterval = 100 * time.Millisecond

// pollDeadline bounds one question, so that a hanging disk makes the index
// stale and checks refuse, instead of hanging with it.
const pollDeadline = 500 * time.Millisecond

// loadDeadline bounds the reading of the whole feed.
const loadDeadline = 30 * time.Second

// Follower keeps an Index up to date from the store's change feed.
type Follower struct {
	Store  store.Store
	Index  *Index
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Loaded is called once, when the feed has been read whole for the first
	// time; nil means nobody waits for it.
	Loaded func()

	failures, changes atomic.Uint64
}

// Run reads the feed until ctx ends, which is its only way to return nil. When
// a look fails it opens the feed anew and reads it whole; a reload adds to the
// Index and never removes (guarantees R2).
func (f *Follower) Run(ctx context.Context) error {
	if f.Now == nil {
		f.Now = time.Now
	}
	tick := time.NewTicker(PollInterval)
	defer tick.Stop()
	var feed store.Feed
	defer func() {
		if feed != nil {
			feed.Close()
		}
	}()
	failing := false
	for {
		var err error
		if feed == nil {
			feed, err = f.open(ctx)
		} else {
			err = f.poll(ctx, feed)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			f.failures.Add(1)
			if feed != nil {
				feed.Close()
				feed = nil
			}
			if !failing {
				f.Logger.Error("change feed cannot be read; checks will be refused when it stays so", "err", err)
			}
		} else if failing {
			f.Logger.Info("change feed is read again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (f *Follower) open(ctx context.Context) (store.Feed, error) {
	ctx, cancel := context.WithTimeout(ctx, loadDeadline)
	defer cancel()
	asOf := f.Now()
	feed, err := f.Store.OpenFeed(ctx)
	if err != nil {
		return nil, fmt.Errorf("open change feed: %w", err)
	}
	if err := feed.Load(ctx, f.apply); err != nil {
		return nil, errors.Join(fmt.Errorf("load change feed: %w", err), feed.Close())
	}
	f.Index.MarkFresh(asOf)
	if f.Loaded != nil {
		f.Loaded()
		f.Loaded = nil
	}
	return feed, nil
}

func (f *Follower) poll(ctx context.Context, feed store.Feed) error {
	ctx, cancel := context.WithTimeout(ctx, pollDeadline)
	defer cancel()
	asOf := f.Now() // before the question, so that its own duration counts as age
	changes, err := feed.Poll(ctx)
	if err != nil {
		return fmt.Errorf("poll change feed: %w", err)
	}
	for _, c := range changes {
		f.apply(c)
	}
	f.Index.MarkFresh(asOf)
	return nil
}

func (f *Follower) apply(c auth.Change) {
	f.Index.Apply(c)
	f.changes.Add(1)
}

// FollowerStats counts since the start.
type FollowerStats struct {
	// Failures is how many looks at the feed failed, Changes how many rows of
	// it were applied; a row is applied again when the feed is read anew.
	Failures, Changes uint64
}

// Stats returns the counts so far.
func (f *Follower) Stats() FollowerStats {
	return FollowerStats{Failures: f.failures.Load(), Changes: f.changes.Load()}
}
