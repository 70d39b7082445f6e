package sqlstore

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// run brings every member of a batch to its result: together if that goes
// well, and those that a lost transaction took with it once more, each alone.
func (w *writer) run(batch []*member) {
	for _, m := range w.together(batch) {
		w.together([]*member{m})
	}
}

// together runs the members in one transaction, each in a savepoint of its
// own, and commits. It returns those that must run again because the
// transaction was lost; they have no result yet.
func (w *writer) together(batch []*member) (again []*member) {
	ctx := context.Background() // nobody's deadline may end what all share
	begun := time.Now()         // of a duration, which the monotonic clock measures
	if err := w.begin(ctx); err != nil {
		w.watch(0, time.Since(begun), err)
		settleStarted(batch, err)
		return nil
	}
	done := false
	defer func() {
		if !done { // lost, failed, or a function left its goroutine
			w.rollback(ctx)
		}
	}()

	alone := len(batch) == 1
	var ran []*member
	for i, m := range batch {
		if !m.start() {
			continue
		}
		err, lost := w.step(ctx, m, alone)
		if lost {
			if err != nil {
				m.settle(err)
			} else {
				ran = append(ran, m)
			}
			return slices.Concat(ran, batch[i+1:])
		}
		m.err = err
		ran = append(ran, m)
	}

	if alone && len(ran) == 1 && ran[0].err != nil {
		ran[0].settle(ran[0].err)
		return nil // rolled back, nothing to commit
	}
	if _, err := w.conn.exec(ctx, "COMMIT"); err != nil {
		err = describe("commit, so it is not known whether the change was kept", err)
		w.watch(len(ran), time.Since(begun), err)
		for _, m := range ran {
			m.settle(err)
		}
		return nil
	}
	done = true
	w.watch(len(ran), time.Since(begun), nil)
	for _, m := range ran {
		m.settle(m.err)
	}
	return nil
}

// step runs one member. lost means that the common transaction is gone; err is
// then the member's own failure, or nil when it is not to blame.
func (w *writer) step(ctx context.Context, m *member, alone bool) (err error, lost bool) {
	guarded := !alone && !m.atomic
	if guarded {
		if _, err := w.conn.exec(ctx, "SAVEPOINT member"); err != nil {
			return nil, true
		}
	}
	t := &tx{conn: w.conn}
	err = m.call(t)
	if t.failed != nil {
		err = t.failed // whatever fn made of it: nothing that follows a failure can be trusted
	}
	if !guarded {
		return err, !alone && err != nil && !refusal(err)
	}
	if err != nil {
		if _, back := w.conn.exec(ctx, "ROLLBACK TO member"); back != nil {
			return t.failed, true // "no such savepoint": SQLite rolled everything back
		}
	}
	if _, release := w.conn.exec(ctx, "RELEASE member"); release != nil {
		return t.failed, true
	}
	return err, false
}

// call runs the member's function. A panic is kept for the goroutine that owns
// it.
func (m *member) call(t *tx) (err error) {
	m.panicked, m.stack = nil, nil
	defer t.end()
	defer func() {
		if p := recover(); p != nil {
			m.panicked, m.stack = p, debug.Stack()
			err = fmt.Errorf("sqlstore: panic in a transaction: %v", p)
		}
	}()
	return callMember(m.fn, t)
}

func (w *writer) begin(ctx context.Context) error {
	if w.conn != nil && w.unclean {
		w.rollback(ctx)
	}
	if w.conn == nil {
		conn, err := connect(ctx, w.pool)
		if err != nil {
			return describe("open the writing connection", err)
		}
		w.conn, w.unclean = conn, false
	}
	// IMMEDIATE takes the write lock now, where waiting for another process is
	// harmless, and makes the order of seq the order of commits.
	_, err := w.conn.exec(ctx, "BEGIN IMMEDIATE")
	if err != nil {
		w.unclean = true
		w.dropIfGone(err)
	}
	return describe("begin a transaction", err)
}

// rollback returns the connection to a state without a transaction. That there
// was none any more is no failure.
func (w *writer) rollback(ctx context.Context) {
	_, err := w.conn.exec(ctx, "ROLLBACK")
	w.unclean = false
	w.dropIfGone(err)
}

// dropIfGone lets go of a connection that database/sql has closed by itself;
// its statements went with it and must not be touched.
func (w *writer) dropIfGone(err error) {
	if gone(err) {
		w.conn = nil
	}
}

// settleStarted gives every member that still waits the same failure.
func settleStarted(batch []*member, err error) {
	for _, m := range batch {
		if m.start() {
			m.settle(err)
		}
	}
}
