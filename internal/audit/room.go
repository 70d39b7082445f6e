package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Options are what a Room needs.
type Options struct {
	Store store.Store
	// Secrets are Gatehouse's own: the first signs, all verify.
	Secrets []auth.Secret
	// Installation is the store's: the chain of one database says nothing in
	// another.
	Installation string
	// NewerSecrets says whether other servers have secrets that this one was not
	// given yet; nil means never.
	NewerSecrets func() bool
	// Retention is how long events are kept.
	Retention time.Duration
	// Sample says whether one more refusal of this kind is worth a row; nil means
	// always.
	Sample func(ctx context.Context, kind string, now time.Time) bool
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Room chains, verifies and shows the audit record. It is safe for concurrent
// use; that somebody may read is for the caller to decide.
type Room struct {
	o     Options
	keys  *keys
	stats stats
	// swept is when events were last looked for however old their IDs are, in
	// microseconds; of the goroutine of Run, and of tests.
	swept atomic.Int64
	// strange is since when a mark has a key that is not known, in microseconds;
	// zero when none has.
	strange atomic.Int64
	// seen is the head that this server saw or wrote last; nil before.
	seen atomic.Pointer[Head]
}

// New returns a Room. It starts nothing.
func New(o Options) (*Room, error) {
	if o.Store == nil || o.Logger == nil || o.Retention <= 0 {
		return nil, errors.New("audit: store, logger and retention are needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewerSecrets == nil {
		o.NewerSecrets = func() bool { return false }
	}
	k, err := newKeys(o.Installation, o.Secrets)
	if err != nil {
		return nil, err
	}
	return &Room{o: o, keys: k}, nil
}

// stats are counts for the metrics.
type stats struct {
	chained, unrecorded, head atomic.Int64
	// oldest is when the oldest event that the last round left without a place was
	// written, in microseconds; zero when it left none.
	oldest atomic.Int64
}

// Stats is what the metrics show.
type Stats struct {
	// Chained and Unrecorded count since the start: events that this server gave a
	// place, and refusals that became no row because there were many alike.
	Chained, Unrecorded int64
	// Head is the last place that this server has seen.
	Head int64
	// Lag is the age of the oldest event that the last round left without a place.
	Lag time.Duration
}

// Stats returns the counts as they are now.
func (r *Room) Stats() Stats {
	s := Stats{Chained: r.stats.chained.Load(), Unrecorded: r.stats.unrecorded.Load(), Head: r.stats.head.Load()}
	if oldest := r.stats.oldest.Load(); oldest != 0 {
		s.Lag = max(0, r.o.Now().Sub(time.UnixMicro(oldest)))
	}
	return s
}

// marks are the three, as they are stored.
type marks struct{ head, checkpoint, beginning store.Mark }

// marks reads them. The names of those that are not there are in missing.
func (r *Room) marks(ctx context.Context) (m marks, missing []store.MarkName, err error) {
	list, err := r.o.Store.Marks(ctx)
	if err != nil {
		return m, nil, err
	}
	for _, one := range []struct {
		name store.MarkName
		to   *store.Mark
	}{{store.MarkHead, &m.head}, {store.MarkCheckpoint, &m.checkpoint}, {store.MarkBeginning, &m.beginning}} {
		one.to.Name = one.name
		found := false
		for _, row := range list {
			if row.Name == one.name {
				*one.to, found = row, true
			}
		}
		if !found {
			missing = append(missing, one.name)
		}
	}
	return m, missing, nil
}
