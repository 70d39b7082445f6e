package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// The bounds of trying again. Nothing is tried again once COMMIT was sent,
// unless the server has said that it kept nothing.
const (
	// maxTurns is how often a transaction runs that others keep overtaking.
	maxTurns = 30
	// freeTurns is how many of these it does beside the others; later ones wait
	// for each other.
	freeTurns = 2
	// maxLost is how often a connection may be lost before COMMIT.
	maxLost = 3
)

// InTx runs fn in a transaction of its own, as if there were no other one at
// the same time (SERIALIZABLE). It refuses to be called inside a transaction's
// function.
func (db *Postgres) InTx(ctx context.Context, fn func(store.Tx) error) error {
	return db.run(&member{ctx: ctx, fn: func(t *tx) error { return fn(t) }})
}

func (db *Postgres) write(ctx context.Context, method func(*tx) error) error {
	return db.run(&member{ctx: ctx, fn: method, atomic: true})
}

// beside runs READ COMMITTED: what it reads makes nobody else's transaction one
// that cannot be serialized. SSI looks at SERIALIZABLE ones alone.
func (db *Postgres) beside(ctx context.Context, fn func(*tx) error) error {
	return db.run(&member{ctx: ctx, fn: fn, atomic: true, beside: true})
}

// run brings a member to its result.
func (db *Postgres) run(m *member) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	if insideMember() {
		return errNested
	}
	for turn, losses := 1, 0; ; turn++ {
		err := db.attempt(m, turn > freeTurns)
		if m.panicked != nil {
			db.o.Logger.Error("panic in a transaction; it was rolled back", "panic", m.panicked, "stack", string(m.stack))
			panic(m.panicked)
		}
		unkept, is := err.(*nothingKept)
		switch {
		case !is:
			return err
		case overtaken(unkept.error) && turn < maxTurns && m.ctx.Err() == nil:
		case lost(unkept.error) && losses < maxLost && m.ctx.Err() == nil:
			losses++
			db.pool.Reset()
		default:
			return unkept.error
		}
	}
}

// nothingKept is a failure of the database of which it is known that nothing was
// kept. It does not leave run.
type nothingKept struct{ error }

// attempt runs the member once. waiting: after those who have been overtaken
// as well.
func (db *Postgres) attempt(m *member, waiting bool) (err error) {
	c, err := db.acquire(m.ctx)
	if err != nil {
		return &nothingKept{err}
	}
	x := &pgConn{conn: c, limit: db.o.StatementTimeout, guard: !m.atomic}
	begun, finished := time.Now(), false
	defer func() {
		if !finished { // refused, failed, or the function left its goroutine
			db.giveUp(c)
		}
		c.Release()
	}()
	ctx := context.WithoutCancel(m.ctx) // a caller who leaves would break the connection
	if err := db.begin(ctx, x, waiting, m.beside); err != nil {
		if lost(err) || c.Conn().IsClosed() {
			db.away.note(err)
		}
		return &nothingKept{err}
	}
	t := &tx{conn: x}
	err = m.call(t)
	if t.failed != nil {
		err = t.failed // whatever fn made of it: nothing that follows a failure can be trusted
		if lost(err) || c.Conn().IsClosed() {
			db.away.note(err)
		}
		return &nothingKept{err}
	}
	if err != nil {
		return err
	}
	finished = true
	err = db.commit(ctx, c)
	if err != nil {
		db.o.Watch(1, time.Since(begun), err)
		return err
	}
	if t.announces {
		db.announcer.ring()
	}
	db.away.over()
	db.o.Watch(1, time.Since(begun), nil)
	return nil
}

// beginText begins a transaction with everything it must not owe to defaults of
// the role, of the database or of whoever had the connection before. The wait
// for a standby is never shortened below "on" (guarantees R18), and one of
// "remote_apply" is left.
const beginText = `BEGIN ISOLATION LEVEL %s READ WRITE; %s
SET LOCAL statement_timeout TO %d; SET LOCAL lock_timeout TO %[3]d; SET LOCAL idle_in_transaction_session_timeout TO %[3]d;
SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)`

// takeTurn waits for others who do the same. It comes before the snapshot is
// taken, so what they did is seen.
const takeTurn = `LOCK TABLE installation IN SHARE UPDATE EXCLUSIVE MODE;`

func (db *Postgres) begin(ctx context.Context, x *pgConn, waiting, beside bool) error {
	level, turn := "SERIALIZABLE", ""
	if beside {
		level = "READ COMMITTED"
	}
	if waiting {
		turn = takeTurn
	}
	_, err := x.exec(ctx, fmt.Sprintf(beginText, level, turn, db.o.StatementTimeout.Milliseconds()))
	return describePostgres("begin a transaction", err)
}

// giveUp rolls back. A connection that cannot do even that is closed.
func (db *Postgres) giveUp(c *pgxpool.Conn) {
	if c.Conn().IsClosed() || c.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), db.o.StatementTimeout)
	defer cancel()
	if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
		c.Conn().Close(ctx)
	}
}

// commit says whether the change is kept, and where it cannot know that it says
// so: when the answer was lost, and when it came with a warning, as it does when
// somebody ended the wait for a standby. Nobody's limit but this one ends that
// wait.
func (db *Postgres) commit(ctx context.Context, c *pgxpool.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, db.o.StatementTimeout+grace)
	defer cancel()
	w, _ := c.Conn().PgConn().CustomData()[warningsKey].(*warnings)
	if w == nil {
		return errors.New("sqlstore: a connection was not made by this store")
	}
	w.last = ""
	tag, err := c.Exec(ctx, "COMMIT")
	switch {
	case overtaken(err):
		return &nothingKept{describePostgres("commit", err)}
	case err != nil:
		c.Conn().Close(ctx)
		return unknownOutcome(err)
	case tag.String() != "COMMIT":
		return fmt.Errorf("sqlstore: commit: the server had given the transaction up (%s); nothing of it is kept", tag)
	case w.last != "":
		return unknownOutcome(errors.New(w.last))
	}
	return nil
}
