package apikey

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

const (
	// usedEvery is how many seconds lie between two times of use of one key that
	// are written.
	usedEvery = 60
	// maxUsed bounds what waits to be written; beyond it a time is dropped.
	maxUsed = 100_000
	// touchBatch is how many times are written in one transaction, so that nobody
	// waits behind them.
	touchBatch = 200
)

// lastUsed gathers when keys were used, so that no check writes.
type lastUsed struct {
	mu   sync.Mutex
	used map[[16]byte]time.Time // by key
}

func (l *lastUsed) note(id [16]byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used == nil {
		l.used = make(map[[16]byte]time.Time)
	}
	if _, known := l.used[id]; known || len(l.used) < maxUsed {
		l.used[id] = now
	}
}

func (l *lastUsed) take() map[[16]byte]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	used := l.used
	l.used = nil
	return used
}

// bringUpToDate gives a row the time that is not written yet, if there is one.
func (l *lastUsed) bringUpToDate(k *auth.APIKey) {
	id, err := k.ID.UUID()
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, known := l.used[id]; known && at.After(k.LastUsedAt) {
		k.LastUsedAt = at
	}
}

// FlushUsed writes the gathered times of use. What cannot be written is lost:
// the times are for display alone.
func (r *Room) FlushUsed(ctx context.Context) error {
	batch := make(map[auth.APIKeyID]time.Time, touchBatch)
	write := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := r.Store.TouchAPIKeys(ctx, batch); err != nil {
			return fmt.Errorf("write last use: %w", err)
		}
		clear(batch)
		return nil
	}
	for id, at := range r.used.take() {
		batch[auth.APIKeyIDFromUUID(id)] = at
		if len(batch) == touchBatch {
			if err := write(); err != nil {
				return err
			}
		}
	}
	return write()
}
