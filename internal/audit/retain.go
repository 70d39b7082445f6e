package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Retention is how long events are kept.
func (r *Room) Retention() time.Duration { return r.o.Retention }

// Cut removes up to limit events from the beginning of the chain that are older
// than the given time, and returns how many. It leaves a signed checkpoint, at
// which [Room.Verify] begins. Events without a place are never removed; an event
// that is younger than its neighbours keeps those behind it until it is as old.
func (r *Room) Cut(ctx context.Context, before time.Time, limit int) (int, error) {
	m, missing, err := r.marks(ctx)
	if err != nil {
		return 0, fmt.Errorf("cut the audit chain: %w", err)
	}
	if len(missing) > 0 {
		return 0, fmt.Errorf("cut the audit chain: the database has lost the mark %q of the chain", missing[0])
	}
	c := m.checkpoint
	switch {
	case unset(c):
	case !r.keys.knows(c.Key):
		return 0, nil // the next round decides
	case !r.keys.signed(c):
		return 0, fmt.Errorf("cut the audit chain: the checkpoint: %w", errForged)
	}
	events, err := r.o.Store.ChainedEvents(ctx, c.Seq, limit)
	if err != nil {
		return 0, fmt.Errorf("cut the audit chain: %w", err)
	}
	seq := c.Seq
	for _, e := range events {
		if !e.At.Before(before) {
			break
		}
		c.Seq, c.MAC = e.Seq, e.MAC
	}
	if c.Seq == seq {
		return 0, nil
	}
	c.At = r.o.Now()
	n, err := r.o.Store.CutEvents(ctx, r.keys.sign(c))
	if errors.Is(err, store.ErrConflict) {
		return 0, nil // another server was faster
	}
	return n, err
}
