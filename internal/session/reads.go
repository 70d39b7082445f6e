package session

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Bounds on the reading of stored sessions of which there is no copy: when a
// server has just started every session is one.
const (
	// readsAtOnce is how many reads are under way.
	readsAtOnce = 32
	// readsWaiting is how many sessions may wait for their turn; beyond it the
	// answer is that nothing can be said.
	readsWaiting = 4096
	readDeadline = 2 * time.Second
)

var errReads = errors.New("session: too many stored sessions wait to be read")

// reads lets everybody who asks for one session wait for one read of it. It is
// safe for concurrent use.
type reads struct {
	turn chan struct{}

	mu    sync.Mutex
	under map[[16]byte]*oneRead
}

type oneRead struct {
	done chan struct{}
	row  rowOfUser
	err  error
}

func newReads() *reads {
	return &reads{turn: make(chan struct{}, readsAtOnce), under: make(map[[16]byte]*oneRead)}
}

// of returns what fn reads. fn may have begun before of was called.
func (r *reads) of(ctx context.Context, id [16]byte, fn func(context.Context, [16]byte) (rowOfUser, error)) (rowOfUser, error) {
	r.mu.Lock()
	one, joined := r.under[id]
	if !joined {
		if len(r.under) >= readsWaiting {
			r.mu.Unlock()
			return rowOfUser{}, errReads
		}
		one = &oneRead{done: make(chan struct{})}
		r.under[id] = one
	}
	r.mu.Unlock()
	if joined {
		select {
		case <-one.done:
			return one.row, one.err
		case <-ctx.Done():
			return rowOfUser{}, ctx.Err()
		}
	}
	// Others wait for it, so it goes on when this request is given up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readDeadline)
	defer cancel()
	defer func() {
		r.mu.Lock()
		delete(r.under, id)
		r.mu.Unlock()
		close(one.done)
	}()
	one.err = errReads // should fn panic
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
		one.row, one.err = fn(ctx, id)
	case <-ctx.Done():
		one.err = ctx.Err()
	}
	return one.row, one.err
}
