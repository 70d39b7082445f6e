package revocation

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// How far a node's clock may differ from the database's (guarantees R7).
// Absolute ends are compared with the node's clock; the rows that void what
// ends then are kept five minutes longer.
const (
	clockWarning = time.Second
	clockLimit   = 5 * time.Second
)

// clock is what is known of the database's clock.
type clock struct {
	difference atomic.Int64 // database minus ours
	warned     bool         // of the follower's goroutine
}

// compare takes the database's clock as read between two readings of ours.
func (c *clock) compare(log *slog.Logger, database, before, after time.Time) {
	if database.IsZero() {
		return
	}
	middle := before.Add(after.Sub(before) / 2)
	difference := database.Sub(middle)
	c.difference.Store(int64(difference))
	switch far := difference.Abs() > clockWarning; {
	case far && !c.warned:
		log.Warn("the clock of this server differs from the database's; at five seconds it is not ready", "database_ahead", difference.Round(time.Millisecond).String())
		c.warned = true
	case !far && c.warned:
		log.Info("the clock of this server agrees with the database's again")
		c.warned = false
	}
}

func (c *clock) ahead() time.Duration { return time.Duration(c.difference.Load()) }

// ClockDifference is how far the database's clock is ahead of this node's, as
// of the last look; zero where the database has no clock of its own.
func (f *Follower) ClockDifference() time.Duration { return f.clock.ahead() }

// Fit says why the node must not be sent requests: nil, or that its clock is
// too far from the database's.
func (f *Follower) Fit() error {
	if d := f.clock.ahead(); d.Abs() > clockLimit {
		return fmt.Errorf("the clock of this server is %s away from the database's", d.Abs().Round(time.Millisecond))
	}
	return nil
}
