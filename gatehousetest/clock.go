package gatehousetest

import (
	"sync"
	"time"
)

// Clock stands until it is moved. It begins at the present, because cookie jars
// go by the real time. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	settle func()
}

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward and waits until the Gatehouse has heard of
// it, a tenth of a second at most: a server that has not read its change feed
// for longer than Session.MaxStaleness refuses every check, and between the
// move and the next look that is how it seems. Call it from the test's own
// goroutine. A negative d does nothing.
func (c *Clock) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
	c.settle()
}
