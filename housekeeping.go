package gatehouse

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/session"
)

// How long rows are kept after they have lost their meaning, and how often they
// are looked for. Purges run in small batches, so that no sign-in waits behind
// one.
const (
	purgeInterval   = 10 * time.Minute
	purgeBatch      = 500
	keepSessions    = 30 * 24 * time.Hour
	keepAPIKeys     = 90 * 24 * time.Hour
	keepCounters    = 48 * time.Hour
	keepChallenges  = time.Hour
	keepInvitations = 30 * 24 * time.Hour
	flushDeadline   = 5 * time.Second
	purgeDeadline   = 30 * time.Second
	// readyInterval is how often readiness is asked for the log, should nobody
	// else ask; readyDeadline bounds the question.
	readyInterval = 10 * time.Second
	readyDeadline = 2 * time.Second
)

// keepHouse writes last-seen times behind, purges, and sees whether the server
// is ready, until ctx ends; then it writes what it still holds.
func (g *Gatehouse) keepHouse(ctx context.Context) error {
	flush := time.NewTicker(session.FlushInterval)
	defer flush.Stop()
	purge := time.NewTicker(purgeInterval)
	defer purge.Stop()
	look := time.NewTicker(readyInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushDeadline)
			defer cancel()
			g.flush(last)
			return nil
		case <-flush.C:
			limited, cancel := context.WithTimeout(ctx, flushDeadline)
			g.flush(limited)
			cancel()
		case <-look.C:
			limited, cancel := context.WithTimeout(ctx, readyDeadline)
			_ = g.Ready(limited) // for the log
			cancel()
		case <-purge.C:
			limited, cancel := context.WithTimeout(ctx, purgeDeadline)
			g.purge(limited)
			cancel()
		}
	}
}

func (g *Gatehouse) flush(ctx context.Context) {
	if err := g.rooms.sessions.FlushSeen(ctx); err != nil {
		g.cfg.Logger.Warn("last-seen times of sessions were lost", "err", err)
	}
	if err := g.rooms.apiKeys.FlushUsed(ctx); err != nil {
		g.cfg.Logger.Warn("times at which API keys were used were lost", "err", err)
	}
}

// purge removes what nobody needs any more, by the database's clock, which is
// one for all nodes (guarantees R21). A failure is tried again at the
// next round.
func (g *Gatehouse) purge(ctx context.Context) {
	now, s := g.cfg.Now().Add(g.rooms.follower.ClockDifference()), g.rooms.store
	for _, p := range []struct {
		what   string
		remove func(ctx context.Context, before time.Time, limit int) (int, error)
		keep   time.Duration
	}{
		{"sessions", s.PurgeSessions, keepSessions},
		{"challenges", s.PurgeChallenges, keepChallenges},
		{"invitations", s.PurgeInvitations, keepInvitations},
		{"counters", s.PurgeCounters, keepCounters},
		{"events", g.rooms.audit.Cut, g.rooms.audit.Retention()},
		{"changes", s.PurgeChanges, 0},
		{"keys", s.PurgeKeys, keepKeys},
		{"families", s.PurgeFamilies, keepSessions},
		{"api_keys", s.PurgeAPIKeys, keepAPIKeys},
		{"creations", s.PurgeCreations, 0},
	} {
		for {
			n, err := p.remove(ctx, now.Add(-p.keep), purgeBatch)
			g.rooms.telemetry.Purged(p.what, n, err)
			if err != nil && !errors.Is(err, context.Canceled) {
				g.cfg.Logger.Warn("old rows could not be purged", "rows", p.what, "err", err)
			}
			if err != nil || n < purgeBatch {
				break
			}
		}
	}
	g.rooms.index.Purge(now)
}
