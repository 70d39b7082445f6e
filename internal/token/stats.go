package token

import (
	"errors"
	"sync/atomic"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Stats are counts since the start.
type Stats struct {
	// Issued is how many access tokens were made; Rotated how many refresh
	// tokens were replaced, Repeated how often one that had just been replaced was
	// answered again, Refused how many were not good for anything, Reused how many
	// of these ended their family, and Ahead how many were ahead of the database.
	Issued, Rotated, Repeated, Refused, Reused, Ahead uint64
	// Good, Invalid and Unavailable are the verdicts on access tokens brought to
	// Gatehouse's own guards.
	Good, Invalid, Unavailable uint64
}

type counters struct {
	issued, rotated, repeated, refused, reused, ahead atomic.Uint64
	good, invalid, unavailable                        atomic.Uint64
}

// Stats returns the counts so far.
func (r *Room) Stats() Stats {
	c := &r.counts
	return Stats{
		Issued: c.issued.Load(), Rotated: c.rotated.Load(), Repeated: c.repeated.Load(), Refused: c.refused.Load(),
		Reused: c.reused.Load(), Ahead: c.ahead.Load(),
		Good: c.good.Load(), Invalid: c.invalid.Load(), Unavailable: c.unavailable.Load(),
	}
}

// check counts a verdict.
func (c *counters) check(err error) {
	switch {
	case err == nil:
		c.good.Add(1)
	case errors.Is(err, auth.CodeInvalidToken):
		c.invalid.Add(1)
	default:
		c.unavailable.Add(1)
	}
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
