package roomtest

import (
	"sync"
	"time"
)

// Start is when a [Clock] begins: a moment with microseconds, as stores keep
// them, and in the middle of a second, as moments are.
var Start = time.Date(2026, 3, 9, 13, 37, 59, 123457000, time.UTC)

// Clock is a clock that stands until it is moved. It is safe for concurrent
// use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows [Start].
func NewClock() *Clock { return &Clock{now: Start} }

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock; a negative d sets it back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
