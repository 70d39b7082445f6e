package apikey

import (
	"errors"
	"sync/atomic"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Stats are counts since the start.
type Stats struct {
	// Good, Invalid, Forbidden, Limited and Unavailable are the verdicts.
	Good, Invalid, Forbidden, Limited, Unavailable uint64
	// Cache is what is remembered of keys.
	Cache CacheStats
}

type counters struct{ good, invalid, forbidden, limited, unavailable atomic.Uint64 }

// Stats returns the counts so far.
func (r *Room) Stats() Stats {
	c := &r.counts
	return Stats{
		Good: c.good.Load(), Invalid: c.invalid.Load(), Forbidden: c.forbidden.Load(), Limited: c.limited.Load(), Unavailable: c.unavailable.Load(),
		Cache: r.cache.stats(),
	}
}

// note counts a verdict.
func (c *counters) note(err error) {
	switch {
	case err == nil:
		c.good.Add(1)
	case errors.Is(err, auth.CodeInvalidAPIKey):
		c.invalid.Add(1)
	case errors.Is(err, auth.CodeForbidden):
		c.forbidden.Add(1)
	case errors.Is(err, auth.CodeTooManyAttempts):
		c.limited.Add(1)
	default:
		c.unavailable.Add(1)
	}
}
