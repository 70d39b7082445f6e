package signin

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Pace is what one source of tries may get wrong: Burst in Period, regained
// evenly. Beyond it each further try must wait, a second first and twice as long
// each time, up to MaxDelay.
type Pace struct {
	Burst            int
	Period, MaxDelay time.Duration
}

// sourceUnknown is the key of everybody whose address is not known.
const sourceUnknown = "source:unknown"

// source names what a try from there is counted against. All the world behind a
// proxy that hides it shares one, with a pace of its own: generous enough for
// the world, and too slow for who tries one password at every account. Browsers
// that are known to their account are not held up by it.
func (t Throttle) source(d auth.Device) (key string, p Pace) {
	address, known := ratelimit.AddressKey(d.Address)
	if !known {
		return sourceUnknown, t.Unknown
	}
	return t.blind("source:", address), t.Address
}

// CheckSource refuses what comes from a source that must wait, before any work
// is done for it.
func (t Throttle) CheckSource(ctx context.Context, rows store.Counters, d auth.Device, now time.Time) error {
	key, pace := t.source(d)
	return pace.check(ctx, rows, key, now)
}

// one is what a single failure adds to the backlog.
func (p Pace) one() time.Duration { return p.Period / time.Duration(p.Burst) }

func (p Pace) check(ctx context.Context, rows store.Counters, key string, now time.Time) error {
	if p.Burst == 0 {
		return nil
	}
	b, err := rows.Backlog(ctx, key, now)
	if err != nil {
		return fmt.Errorf("read failures of the source: %w", err)
	}
	failures := int((b.Until.Sub(now) + p.one() - 1) / p.one())
	if b.Until.IsZero() || failures < p.Burst {
		return nil
	}
	if wait := b.LastAt.Add(doubled(failures-p.Burst, p.MaxDelay)).Sub(now); wait > 0 {
		return &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: wait}
	}
	return nil
}

func (p Pace) raise(ctx context.Context, tx store.Tx, key string, now time.Time) error {
	if p.Burst == 0 {
		return nil
	}
	if err := tx.RaiseBacklog(ctx, key, p.one(), now); err != nil {
		return fmt.Errorf("count failure of the source: %w", err)
	}
	return nil
}

func (p Pace) lower(ctx context.Context, tx store.Tx, key string) error {
	if p.Burst == 0 {
		return nil
	}
	return tx.LowerBacklog(ctx, key, p.one())
}
