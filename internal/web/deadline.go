package web

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// requestContext carries the facts of a request, and ends it when it has waited
// for too long. The time is counted from the first call that asks how long it
// may wait: a body that arrives slowly has the server's own limit, and a request
// that waits for nothing costs no timer.
type requestContext struct {
	context.Context // the server's
	facts           *Facts
	limit           time.Duration // zero is none

	once  sync.Once
	armed atomic.Pointer[armedContext]
}

type armedContext struct {
	context.Context
	cancel context.CancelFunc
}

// arm starts the time, once, and returns the context that ends with it.
func (c *requestContext) arm() context.Context {
	if c.limit <= 0 {
		return c.Context
	}
	c.once.Do(func() {
		limited, cancel := context.WithTimeout(c.Context, c.limit)
		c.armed.Store(&armedContext{limited, cancel})
	})
	return c.armed.Load().Context
}

// release ends what is still done for a request that was answered.
func (c *requestContext) release() {
	if a := c.armed.Load(); a != nil {
		a.cancel()
	}
}

// current is the context as it is now.
func (c *requestContext) current() context.Context {
	if a := c.armed.Load(); a != nil {
		return a.Context
	}
	return c.Context
}

// Deadline implements context.Context.
func (c *requestContext) Deadline() (time.Time, bool) { return c.arm().Deadline() }

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} { return c.arm().Done() }

// Err implements context.Context.
func (c *requestContext) Err() error { return c.current().Err() }

// Value implements context.Context.
func (c *requestContext) Value(key any) any {
	if key == (factsKey{}) {
		return c.facts
	}
	return c.current().Value(key)
}
