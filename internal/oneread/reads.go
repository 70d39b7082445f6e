package oneread

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// waiting is how many rows may wait for their turn; beyond it the answer is
	// that nothing can be said.
	waiting  = 4096
	deadline = 2 * time.Second
)

// ErrBusy is returned when too many rows wait to be read.
var ErrBusy = errors.New("oneread: too many rows wait to be read")

// Reads lets everybody who asks for one row wait for one read of it. It is safe
// for concurrent use.
type Reads[T any] struct {
	turn chan struct{}

	mu    sync.Mutex
	under map[[16]byte]*read[T]
}

type read[T any] struct {
	done chan struct{}
	row  T
	err  error
}

// New returns Reads of which so many are under way at once.
func New[T any](atOnce int) *Reads[T] {
	return &Reads[T]{turn: make(chan struct{}, atOnce), under: make(map[[16]byte]*read[T])}
}

// Of returns what fn reads, within two seconds. fn may have begun before Of was
// called. The error is fn's, the context's, or [ErrBusy].
func (r *Reads[T]) Of(ctx context.Context, id [16]byte, fn func(context.Context, [16]byte) (T, error)) (T, error) {
	var none T
	r.mu.Lock()
	one, joined := r.under[id]
	if !joined {
		if len(r.under) >= waiting {
			r.mu.Unlock()
			return none, ErrBusy
		}
		one = &read[T]{done: make(chan struct{}), err: ErrBusy} // should fn panic
		r.under[id] = one
	}
	r.mu.Unlock()
	if joined {
		select {
		case <-one.done:
			return one.row, one.err
		case <-ctx.Done():
			return none, ctx.Err()
		}
	}
	// Others wait for it, so it goes on when this request is given up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
	defer cancel()
	defer func() {
		r.mu.Lock()
		delete(r.under, id)
		r.mu.Unlock()
		close(one.done)
	}()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
		one.row, one.err = fn(ctx, id)
	case <-ctx.Done():
		one.err = ctx.Err()
	}
	return one.row, one.err
}
