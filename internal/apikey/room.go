package apikey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/oneread"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// tolerance is how much longer than a key the feed keeps what is said of it, for
// the difference of clocks (guarantees R4).
const tolerance = 5 * time.Minute

// Bounds that settings keep to.
const (
	// MaxLifetime is the longest life of a key (guarantees R4).
	MaxLifetime = 400 * 24 * time.Hour
	// MinLifetime is the shortest.
	MinLifetime = time.Minute
	// MaxOverlap is how long a rotated key may go on at most; DefaultOverlap how
	// long it does when nothing is said.
	MaxOverlap     = 30 * 24 * time.Hour
	DefaultOverlap = 24 * time.Hour
)

// Options are what a Room needs. Durations and numbers have no default here:
// package gatehouse states them.
type Options struct {
	Store store.Store
	Index *revocation.Index
	// Policy returns what roles allow now. Code: unavailable.
	Policy func(ctx context.Context) (*rbac.Policy, error)
	// Environment is the one of keys that are made and taken here.
	Environment string
	// Lifetime is how long a key lives when nothing else is asked for; MostLifetime
	// is the longest that may be asked for.
	Lifetime, MostLifetime time.Duration
	// MaxPerUser is how many keys of one user may live.
	MaxPerUser int
	// RateLimit is that of keys without one of their own, and the most that a key
	// can be given but by an operator; zero is none.
	RateLimit auth.RateLimit
	// CacheEntries is how many keys are remembered.
	CacheEntries int
	// MaxStaleness is how old the Index may be.
	MaxStaleness time.Duration
	// Limits counts uses of keys, and unknown keys by address; nil counts nothing.
	Limits ratelimit.Source
	// Effect says how far a revocation has come; nil means that only MaxStaleness
	// is known of that.
	Effect revocation.EffectFunc
	// Logger receives what an operator must act on.
	Logger *slog.Logger
	// Now is this node's clock; nil means time.Now. Ahead is how far the
	// database's, which all nodes share, is ahead of it; nil means that it is the
	// same one.
	Now   func() time.Time
	Ahead func() time.Duration
}

// Room makes and judges API keys. It is safe for concurrent use.
type Room struct {
	Options
	cache  *cache
	grants *grantTable
	reads  *oneread.Reads[row]
	used   lastUsed
	counts counters
}

// New returns a Room.
func New(o Options) (*Room, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Store == nil || o.Index == nil || o.Policy == nil || o.Logger == nil:
		return nil, errors.New("apikey: store, index, policy and logger are needed")
	case !ValidEnvironment(o.Environment):
		return nil, fmt.Errorf("apikey: %q names no environment", o.Environment)
	case o.Lifetime < MinLifetime || o.MostLifetime < o.Lifetime || o.MostLifetime > MaxLifetime || o.MaxPerUser <= 0 || o.MaxStaleness <= 0 || o.CacheEntries < 0:
		return nil, errors.New("apikey: lifetimes and limits are out of bounds")
	}
	return &Room{Options: o, cache: newCache(o.CacheEntries), grants: newGrantTable(), reads: oneread.New[row](readsAtOnce)}, nil
}

// now is the time by the clock that all nodes share, cut to what rows keep.
func (r *Room) now() time.Time {
	now := r.Now()
	if r.Ahead != nil {
		now = now.Add(r.Ahead())
	}
	return now.UTC().Truncate(time.Microsecond)
}

// fresh refuses while the index does not hear of what ended. Its age is by this
// node's own clock, by which the follower marks it.
func (r *Room) fresh(now time.Time) error {
	switch age := r.Index.Staleness(now); {
	case age == revocation.Never:
		return auth.Unavailable(errors.New("change feed never read"))
	case age > r.MaxStaleness:
		return auth.Unavailable(fmt.Errorf("change feed not read for %s", age.Round(time.Millisecond)))
	}
	return nil
}

// refusal is what the room says of an error of the store.
func refusal(doing string, err error) error {
	var refused *auth.Error
	if errors.As(err, &refused) {
		return err
	}
	return auth.Unavailable(fmt.Errorf("%s: %w", doing, err))
}
