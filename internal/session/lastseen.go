package session

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// FlushInterval is how often last-seen times are written behind.
const FlushInterval = time.Minute

// maxSeen bounds what waits to be written; beyond it a time is dropped, and
// the next renewal brings a newer one.
const maxSeen = 100_000

// touchBatch is how many times are written in one transaction, so that no
// sign-in waits behind them.
const touchBatch = 200

// lastSeen gathers when sessions were used, so that no check writes.
type lastSeen struct {
	mu   sync.Mutex
	seen map[[16]byte]time.Time // by session
}

func (l *lastSeen) note(id [16]byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = make(map[[16]byte]time.Time)
	}
	if _, known := l.seen[id]; known || len(l.seen) < maxSeen {
		l.seen[id] = now
	}
}

// Seen notes that the session was used in another way than by its cookie: a
// refresh token that hangs from it. It is written behind like every other use.
func (r *Room) Seen(id auth.SessionID) {
	if key, err := id.UUID(); err == nil {
		r.seen.note(key, r.Now())
	}
}

func (l *lastSeen) take() map[[16]byte]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = nil
	return seen
}

// bringUpToDate gives a row the time that is not written yet, if there is one.
func (l *lastSeen) bringUpToDate(s *auth.Session) {
	id, err := s.ID.UUID()
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, known := l.seen[id]; known && at.After(s.LastSeenAt) {
		s.LastSeenAt = at
	}
}

// FlushSeen writes the gathered last-seen times. What cannot be written is
// lost: the times are for display alone.
func (r *Room) FlushSeen(ctx context.Context) error {
	batch := make(map[auth.SessionID]time.Time, touchBatch)
	write := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := r.Store.TouchSessions(ctx, batch); err != nil {
			return fmt.Errorf("write last seen: %w", err)
		}
		clear(batch)
		return nil
	}
	for id, at := range r.seen.take() {
		batch[auth.SessionIDFromUUID(id)] = at
		if len(batch) == touchBatch {
			if err := write(); err != nil {
				return err
			}
		}
	}
	return write()
}
