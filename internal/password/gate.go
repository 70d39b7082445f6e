package password

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// ErrBusy is matched, with errors.Is, by the error of a hash that was not even
// queued. The error itself is a [*BusyError].
var ErrBusy = errors.New("password hashing is busy")

// BusyError says that the queue for hashing is full. Nothing was computed.
type BusyError struct {
	// RetryAfter is the time the queue needs to drain at its present speed.
	// It is usually under a second; a Retry-After header rounds it up.
	RetryAfter time.Duration
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%v: retry after %v", ErrBusy, e.RetryAfter)
}

// Is reports whether target is [ErrBusy].
func (e *BusyError) Is(target error) bool { return target == ErrBusy }

const (
	// defaultQueuePerPlace makes a caller at the end of the default queue wait
	// ten hashes: 250 ms when a hash takes 25 ms.
	defaultQueuePerPlace = 10
	// assumedHash is taken for the time of a hash until one was measured.
	assumedHash = 25 * time.Millisecond
)

// Gate admits a bounded number of hashes at once and queues a bounded number
// behind them, first come, first served. It exists because a hash wants a core
// and 19 MiB: 64 hashes side by side on two cores finish less than a quarter of
// what two finish, and hold 1.2 GiB while they do.
//
// Work runs in a goroutine of its own that ends with it; it is waited for. A Gate
// is safe for concurrent use.
type Gate struct {
	// Watch, if not nil, is told of every piece of work that was done: whose
	// context it had, when the caller came, how long it waited for its places
	// and how long it worked. It measures, and is set before the gate is used.
	Watch func(ctx context.Context, came time.Time, waited, worked time.Duration)

	width, depth int

	mu       sync.Mutex
	admitted int           // callers inside or queued, or about to be
	free     int           // places not taken
	waiting  list.List     // of *waiter, first come first
	hash     time.Duration // moving average of the time one holder stays
	refused  uint64        // callers that were not admitted, since the start
}

// waiter is a caller in the queue.
type waiter struct {
	places int
	ready  chan struct{} // closed once its places are taken for it
}

// NewGate returns a gate as wide as width hashes with a queue of depth callers
// behind it. Width 0 means GOMAXPROCS, so that hashing uses the cores and no
// more memory than it must. Depth 0 means ten callers for each place, at most
// about 250 ms of waiting; a negative depth means no queue.
func NewGate(width, depth int) *Gate {
	if width <= 0 {
		width = runtime.GOMAXPROCS(0)
	}
	if depth == 0 {
		depth = defaultQueuePerPlace * width
	}
	return &Gate{width: width, depth: max(depth, 0), free: width, hash: assumedHash}
}

// Do runs work once places are free for it, and gives them back when work
// returns or panics. Places below 1 counts as 1, above the width as the width.
//
// If nobody more is admitted it returns a [*BusyError] at once. If ctx ends while Do
// waits, it leaves the queue and returns the cause of ctx. Work that has begun
// is finished whatever becomes of ctx, for a hash cannot be interrupted.
func (g *Gate) Do(ctx context.Context, places int, work func()) error {
	leave, err := g.Admit()
	if err != nil {
		return err
	}
	defer leave()
	return g.run(ctx, places, work)
}

// Admit takes one of the width+depth rooms behind the gate, or returns a
// [*BusyError] at once. Whoever has one will be served: work that must not be
// begun in vain, such as counting a guess that is then never judged, asks
// first. The caller gives the room back by calling leave, once.
func (g *Gate) Admit() (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.admitted >= g.width+g.depth {
		g.refused++
		return nil, &BusyError{RetryAfter: g.drainTime()}
	}
	g.admitted++
	return func() {
		g.mu.Lock()
		g.admitted--
		g.mu.Unlock()
	}, nil
}

// run is Do for somebody admitted. More places than there are would be waited
// for for ever, and with them everybody behind.
func (g *Gate) run(ctx context.Context, places int, work func()) error {
	places = min(max(places, 1), g.width)
	came := time.Now() // durations, not moments: the monotonic clock is right
	if err := g.enter(ctx, places); err != nil {
		return err
	}
	begun := time.Now()
	defer func() {
		worked := time.Since(begun)
		g.leave(places, worked)
		if g.Watch != nil {
			g.Watch(ctx, came, begun.Sub(came), worked)
		}
	}()
	apart(work)
	return nil
}

// Load returns how many places are taken and how many callers are queued.
func (g *Gate) Load() (taken, queued int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.width - g.free, g.waiting.Len()
}

// Refused returns how many callers were not admitted since the gate was made.
func (g *Gate) Refused() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

func (g *Gate) enter(ctx context.Context, places int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	g.mu.Lock()
	if g.waiting.Len() == 0 && g.free >= places {
		g.free -= places
		g.mu.Unlock()
		return nil
	}
	w := &waiter{places: places, ready: make(chan struct{})}
	place := g.waiting.PushBack(w)
	g.mu.Unlock()

	select {
	case <-w.ready:
		if ctx.Err() == nil {
			return nil
		}
	case <-ctx.Done():
	}
	g.abandon(w, place)
	return context.Cause(ctx)
}

// abandon takes w out of the queue, or gives back the places that it was given
// at the same moment. Either may let the next in.
func (g *Gate) abandon(w *waiter, place *list.Element) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready:
		g.free += w.places
	default:
		g.waiting.Remove(place)
	}
	g.admit()
}

func (g *Gate) leave(places int, stayed time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hash += (stayed - g.hash) / 8
	g.free += places
	g.admit()
}

// admit lets in as many as fit from the head of the queue. A head that needs
// more than is free keeps the rest waiting, or it would wait for ever.
func (g *Gate) admit() {
	for head := g.waiting.Front(); head != nil; head = g.waiting.Front() {
		w := head.Value.(*waiter)
		if w.places > g.free {
			return
		}
		g.free -= w.places
		g.waiting.Remove(head)
		close(w.ready)
	}
}

// drainTime estimates when all who are inside or queued now will be done.
func (g *Gate) drainTime() time.Duration {
	rounds := (g.admitted + g.width - 1) / g.width // inside and queued alike
	return max(time.Duration(rounds)*g.hash, time.Millisecond)
}
