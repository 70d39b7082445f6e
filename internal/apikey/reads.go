package apikey

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Bounds on the reading of keys of which there is no copy: when a server has
// just started every key is one.
const (
	// readsAtOnce is how many reads are under way.
	readsAtOnce = 16
	// readsWaiting is how many keys may wait for their turn; beyond it the answer
	// is that nothing can be said.
	readsWaiting = 4096
	readDeadline = 2 * time.Second
)

var errReads = errors.New("apikey: too many API keys wait to be read")

// row is a key as it was read.
type row struct {
	key   auth.APIKey
	owner store.Owner
}

// reads lets everybody who asks for one key wait for one read of it. It is safe
// for concurrent use.
type reads struct {
	turn chan struct{}

	mu    sync.Mutex
	under map[[16]byte]*oneRead
}

type oneRead struct {
	done chan struct{}
	row  row
	err  error
}

func newReads() *reads {
	return &reads{turn: make(chan struct{}, readsAtOnce), under: make(map[[16]byte]*oneRead)}
}

// of returns what fn reads. fn may have begun before of was called.
func (r *reads) of(ctx context.Context, id [16]byte, fn func(context.Context, [16]byte) (row, error)) (row, error) {
	r.mu.Lock()
	one, joined := r.under[id]
	if !joined {
		if len(r.under) >= readsWaiting {
			r.mu.Unlock()
			return row{}, errReads
		}
		one = &oneRead{done: make(chan struct{}), err: errReads} // should fn panic
		r.under[id] = one
	}
	r.mu.Unlock()
	if joined {
		select {
		case <-one.done:
			return one.row, one.err
		case <-ctx.Done():
			return row{}, ctx.Err()
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
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
		one.row, one.err = fn(ctx, id)
	case <-ctx.Done():
		one.err = ctx.Err()
	}
	return one.row, one.err
}
