package sqlstore

import (
	"context"
	"database/sql"
	"log/slog"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// batchLimit is how many members share one commit at most. Beyond some dozens
// the disk's part in each is small, and the first member waits for the last.
const batchLimit = 64

// writer is the one way to change the database: callers queue, and one of them
// leads, running all that wait in one transaction. There is no goroutine of
// its own: whoever finds no leader becomes it, and hands on when its batch is
// committed.
type writer struct {
	pool *sql.DB
	log  *slog.Logger
	// watch is Options.Watch, never nil.
	watch func(members int, took time.Duration, err error)

	mu      sync.Mutex
	queue   []*member
	leading bool
	closed  bool
	drained chan struct{} // closed when closed and nobody leads any more
	queued  atomic.Int32  // len(queue), to be looked at without the lock

	// Of the leader alone:
	expect  int // how many members the next batch may have: those of the last one, and who came meanwhile
	conn    *connection
	unclean bool // a transaction may still be open on conn
}

// member is one transaction in the queue.
type member struct {
	ctx context.Context
	fn  func(*tx) error
	// atomic: fn is one method of the contract, which leaves nothing behind
	// when it refuses, so it needs no savepoint to be rolled back to.
	atomic bool
	// beside: PostgreSQL may run it less strictly than others.
	beside bool
	state  atomic.Int32
	// turn says how the waiting ends: true, lead; false, the result is there.
	turn chan bool

	// Of the leader, until turn says false:
	err      error
	panicked any
	stack    []byte
}

// The states of a member: it waits until either its leader starts it or its
// caller leaves.
const (
	waiting int32 = iota
	started
	settled
	left
)

// start claims the member for running. A caller that left, or whose context
// is done by now, is not run; the latter gets its context's error.
func (m *member) start() bool {
	if m.state.Load() != started && !m.state.CompareAndSwap(waiting, started) {
		return false
	}
	if err := m.ctx.Err(); err != nil {
		m.settle(err)
		return false
	}
	return true
}

func (m *member) settle(err error) {
	m.err = err
	m.state.Store(settled)
}

// do brings a member to its result, which it returns after the commit.
func (w *writer) do(m *member) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	m.turn = make(chan bool, 1)
	first, err := w.enqueue(m)
	if err != nil {
		return err
	}
	if !first {
		lead, err := w.wait(m)
		if err != nil {
			return err
		}
		if !lead {
			return w.result(m)
		}
	}
	w.gather()
	w.lead(m)
	return w.result(m)
}

// enqueue adds the member and says whether its caller is to lead.
func (w *writer) enqueue(m *member) (first bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false, errClosed
	}
	w.queue = append(w.queue, m)
	w.queued.Store(int32(len(w.queue)))
	first = !w.leading
	w.leading = true
	return first, nil
}

// nestedAfter is how long a caller waits before it asks whether it waits for
// itself. A batch takes some milliseconds.
const nestedAfter = 50 * time.Millisecond

// wait returns when the member has its result, or is to lead. It returns the
// context's error if the context ends before the member was started.
func (w *writer) wait(m *member) (lead bool, err error) {
	suspicion := time.NewTimer(nestedAfter)
	defer suspicion.Stop()
	select {
	case lead := <-m.turn:
		return lead, nil
	case <-m.ctx.Done():
		return w.leave(m, m.ctx.Err())
	case <-suspicion.C:
	}
	if insideMember() {
		return w.leave(m, errNested)
	}
	select {
	case lead := <-m.turn:
		return lead, nil
	case <-m.ctx.Done():
		return w.leave(m, m.ctx.Err())
	}
}

// leave takes a member that was not started out of the queue, for the reason
// given. One that was started has its result within one commit.
func (w *writer) leave(m *member, reason error) (lead bool, err error) {
	w.mu.Lock()
	if m.state.CompareAndSwap(waiting, left) {
		defer w.mu.Unlock()
		select {
		case <-m.turn: // named as leader at the same moment
			w.handOn()
		default:
		}
		return false, reason
	}
	w.mu.Unlock()
	return <-m.turn, nil
}

// lead runs one batch, releases its results and hands on.
func (w *writer) lead(own *member) {
	batch := w.take()
	defer func() {
		settleStarted(batch, errAborted) // only if a function left its goroutine
		w.expect = min(len(batch)+int(w.queued.Load()), batchLimit)
		for _, m := range batch {
			if m != own && m.state.Load() == settled {
				m.turn <- false
			}
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.handOn()
	}()
	w.run(batch)
}

// gather lets the callers that the last batch released queue again, so that
// they share this commit. It goes on while they come, and gives up after some
// yields without anybody: about ten microseconds, a fraction of a commit.
func (w *writer) gather() {
	seen, idle := 0, 0
	for idle < 64 {
		n := int(w.queued.Load())
		if n >= w.expect {
			return
		}
		if idle++; n > seen {
			seen, idle = n, 0
		}
		runtime.Gosched()
	}
}

func (w *writer) take() []*member {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), batchLimit)
	batch := w.queue[:n:n]
	w.queue = append([]*member(nil), w.queue[n:]...)
	w.queued.Store(int32(len(w.queue)))
	return batch
}

// handOn names the first that still waits as leader. The lock is held.
func (w *writer) handOn() {
	for len(w.queue) > 0 && w.queue[0].state.Load() == left {
		w.queue = w.queue[1:]
	}
	if len(w.queue) > 0 {
		w.queue[0].turn <- true
		return
	}
	w.leading = false
	if w.closed {
		close(w.drained)
	}
}

// result returns what became of the member, in its own goroutine: a panic of
// its function is raised here.
func (w *writer) result(m *member) error {
	if m.panicked != nil {
		w.log.Error("panic in a transaction; it was rolled back", "panic", m.panicked, "stack", string(m.stack))
		panic(m.panicked)
	}
	return m.err
}

// close lets what is queued finish, refuses more, and closes the connection.
func (w *writer) close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		if !w.leading {
			close(w.drained)
		}
	}
	w.mu.Unlock()
	<-w.drained
	if w.conn != nil {
		w.conn.close()
	}
	return w.pool.Close()
}

// callMember is a function of its own so that insideMember can find it on the
// stack.
//
//go:noinline
func callMember(fn func(*tx) error, t *tx) error { return fn(t) }

// insideMember says whether the calling goroutine is running a member's
// function. Waiting for the writer there would be waiting for itself, for
// ever. A look at the stack costs some microseconds, too much for every call.
func insideMember() bool {
	entry := reflect.ValueOf(callMember).Pointer()
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			if f := runtime.FuncForPC(pc - 1); f != nil && f.Entry() == entry {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
