package revocation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const (
	// PollInterval is how often the feed is asked on SQLite, where the question
	// costs microseconds (PRAGMA data_version): another process's change, the
	// operator's CLI, is known after at most this long.
	PollInterval = 100 * time.Millisecond
	// ServerPollInterval is how often the feed is asked on a database server,
	// where each look is a small commit. Notifications wake the follower before.
	ServerPollInterval = 500 * time.Millisecond
	// roundSpacing is the least time from one look to the next, however many
	// notifications come.
	roundSpacing = 20 * time.Millisecond
	// pollDeadline bounds one look, so that a hanging disk or server makes the
	// index stale and checks refuse, instead of hanging with it.
	pollDeadline = 500 * time.Millisecond
	// openDeadline bounds the way to the feed; progress.go has the bounds of the
	// reading of all of it.
	openDeadline = 2 * time.Second
)

// Follower keeps an Index up to date from the store's change feed.
type Follower struct {
	Store  store.Store
	Index  *Index
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Interval is the time from one look to the next when nothing wakes the
	// follower; zero means PollInterval.
	Interval time.Duration
	// Node is what this server tells the others of itself in each round; nil
	// means that it is no node, and tells nothing. It is called in the
	// follower's goroutine and returns at once.
	Node func() auth.Node
	// Loaded is called once, when the feed has been read whole for the first
	// time and every node with older secrets has heard of this one; nil means
	// nobody waits for it.
	Loaded func()

	failures, changes, loads, rounds, woken atomic.Uint64
	restored                                atomic.Uint64
	newerSecrets                            atomic.Bool
	firstBeat                               time.Time // when it was committed, by the database's clock
	restoring                               sync.WaitGroup
	clock                                   clock
	fullness                                fullness
	took                                    atomic.Int64
	patience                                time.Duration // with the next reading of the whole feed
}

// Run reads the feed until ctx ends, which is its only way to return nil. When
// a look fails it opens the feed anew and reads it whole; a reload adds to the
// Index and never removes (guarantees R2).
func (f *Follower) Run(ctx context.Context) error {
	if f.Now == nil {
		f.Now = time.Now
	}
	if f.Interval == 0 {
		f.Interval = PollInterval
	}
	var feed store.Feed
	defer f.restoring.Wait()
	defer func() {
		if feed != nil {
			feed.Close()
		}
	}()
	var missing *missing
	failing := false
	for {
		var err error
		news := false
		if feed == nil {
			feed, missing, err = f.open(ctx)
		}
		if err == nil {
			news, err = f.round(ctx, feed, missing)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err == nil && missing != nil {
			f.restore(ctx, missing)
			missing = nil
		}
		f.tell(err, failing)
		if failing = err != nil; failing {
			f.failures.Add(1)
			if feed != nil {
				feed.Close()
				feed = nil
			}
		}
		if !f.pause(ctx, feed, news) {
			return nil
		}
	}
}

// tell logs a change for the worse or the better once.
func (f *Follower) tell(err error, failing bool) {
	switch {
	case err != nil && !failing:
		f.Logger.Error("change feed cannot be read; checks will be refused when it stays so", "err", err)
	case err == nil && failing:
		f.Logger.Info("change feed is read again")
	}
}

// pause waits for the next look: until something may be new, and not longer
// than the interval. After a look that brought news the next one comes as soon
// as it may, because its beat tells the other nodes that the news has arrived.
// It returns false when ctx has ended.
func (f *Follower) pause(ctx context.Context, feed store.Feed, news bool) bool {
	spacing := time.NewTimer(roundSpacing)
	defer spacing.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-spacing.C:
	}
	if news || f.Interval <= roundSpacing {
		return true
	}
	rest, cancel := context.WithTimeout(ctx, f.Interval-roundSpacing)
	defer cancel()
	if feed == nil {
		// It failed: there may be much to hear of.
		again := time.NewTimer(min(f.Interval, PollInterval) - roundSpacing)
		defer again.Stop()
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	} else if err := feed.Wait(rest); err != nil && rest.Err() == nil {
		// A connection that broke while waiting: the next look finds out.
		return true
	}
	return ctx.Err() == nil
}

// open opens the feed and reads it whole. The index is not fresh yet: it is
// after the first round, whose beat comes before its reading, so that a node
// that nobody has heard of has accepted nothing.
func (f *Follower) open(ctx context.Context) (store.Feed, *missing, error) {
	opening, cancel := context.WithTimeout(ctx, openDeadline)
	defer cancel()
	feed, err := f.Store.OpenFeed(opening)
	if err != nil {
		return nil, nil, fmt.Errorf("open change feed: %w", err)
	}
	look := newReload(f.Index)
	if err := f.load(ctx, feed, look); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("load change feed: %w", err), feed.Close())
	}
	f.loads.Add(1)
	f.Index.roles.Add(1)
	return feed, look.missing(f.Now().Add(f.clock.ahead())), nil
}

// load reads the whole feed, as long as it takes, and not longer than nothing
// moves.
func (f *Follower) load(ctx context.Context, feed store.Feed, look *reload) error {
	ctx, cancel := context.WithTimeout(ctx, loadDeadline)
	defer cancel()
	f.patience = max(f.patience, loadPatience)
	reading := whileMoving(ctx, f.patience)
	defer reading.stop()
	err := feed.Load(reading, func(c auth.Change) {
		reading.moved()
		f.apply(c)
		look.saw(c)
	})
	if err = reading.why(err); errors.Is(err, errStoodStill) {
		f.patience = min(2*f.patience, mostPatience)
	} else if err == nil {
		f.patience = 0
	}
	return err
}

// round looks once: it tells how far this node has come, and applies what is
// new. It says whether there was anything. A look that has begun is finished
// when ctx ends: a beat that was given up on the way could still arrive, after
// this node has withdrawn, and the others would wait for it.
func (f *Follower) round(ctx context.Context, feed store.Feed, missing *missing) (news bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pollDeadline)
	defer cancel()
	var beat auth.Node
	if f.Node != nil {
		beat = f.Node()
	}
	asOf := f.Now() // before the question, so that its own duration counts as age
	round, err := feed.Poll(ctx, beat)
	if err != nil {
		return false, fmt.Errorf("poll change feed: %w", err)
	}
	for _, c := range round.Changes {
		f.apply(c)
		missing.found(c)
	}
	f.rounds.Add(1)
	f.woken.Add(uint64(round.Woken))
	done := f.Now()
	f.took.Store(int64(done.Sub(asOf)))
	f.clock.compare(f.Logger, round.DatabaseTime, asOf, done)
	f.watchFill()
	f.Index.MarkFresh(asOf)
	f.compareSecrets(beat, round)
	if f.Loaded != nil && f.heardOf(round) {
		f.Loaded()
		f.Loaded = nil
	}
	return len(round.Changes) > 0, nil
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
	// Loads is how often the feed was read whole, Rounds how many looks
	// succeeded, Woken how many notifications came, Restored how many entries
	// were written back to a store that lacked them.
	Loads, Rounds, Woken, Restored uint64
	// Took is how long the last look took.
	Took time.Duration
}

// Stats returns the counts so far.
func (f *Follower) Stats() FollowerStats {
	return FollowerStats{
		Failures: f.failures.Load(), Changes: f.changes.Load(),
		Loads: f.loads.Load(), Rounds: f.rounds.Load(), Woken: f.woken.Load(), Restored: f.restored.Load(), Took: time.Duration(f.took.Load()),
	}
}
