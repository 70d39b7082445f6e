package sqlstore

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// announceInterval is the least time from one notification of this process to
// the next.
const announceInterval = 20 * time.Millisecond

// announceDeadline bounds the sending of one.
const announceDeadline = 500 * time.Millisecond

// announcement wakes the followers, all but the process's own, which knows its
// commits: it hears by whom it is. It is no part of the transaction that wrote
// the row: a NOTIFY there holds a lock of the whole server until the commit is
// on the disk and the standby, and so sends every revocation of the server
// through one door (guarantees R11).
func announcement(by string) string {
	return "BEGIN; SET LOCAL synchronous_commit TO off; NOTIFY " + feedChannel + ", '" + by + "'; COMMIT"
}

// announcer tells other nodes that there is something new, on a connection of
// its own. Nothing rests on it: that it fails is nobody's failure.
type announcer struct {
	config *pgx.ConnConfig
	name   string // of this process, made anew at each start

	mu      sync.Mutex
	pending bool // something new that was not told
	telling bool // the goroutine runs
	closing chan struct{}
	tellers sync.WaitGroup

	conn *pgx.Conn // of the goroutine
}

func newAnnouncer(config *pgx.ConnConfig) *announcer {
	return &announcer{config: config, name: rand.Text(), closing: make(chan struct{})}
}

// ring asks for a notification. It returns at once; the goroutine that sends it
// ends when there is nothing to tell any more.
func (a *announcer) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending = true
	if !a.telling {
		a.telling = true
		a.tellers.Go(a.tell)
	}
}

func (a *announcer) tell() {
	for a.more() {
		a.send()
		select {
		case <-a.closing:
		case <-time.After(announceInterval):
		}
	}
}

// more takes what is pending, and ends the goroutine when nothing is.
func (a *announcer) more() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	had := a.pending
	a.pending, a.telling = false, had
	return had
}

func (a *announcer) send() {
	ctx, cancel := context.WithTimeout(context.Background(), announceDeadline)
	defer cancel()
	if a.conn == nil || a.conn.IsClosed() {
		conn, err := pgx.ConnectConfig(ctx, a.config)
		if err != nil {
			return
		}
		a.conn = conn
	}
	if _, err := a.conn.Exec(ctx, announcement(a.name), pgx.QueryExecModeSimpleProtocol); err != nil {
		a.conn.Close(ctx)
	}
}

// close sends what is still to be told; a command ends right after its commit.
func (a *announcer) close() {
	close(a.closing)
	a.tellers.Wait()
	if a.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), announceDeadline)
		defer cancel()
		a.conn.Close(ctx)
	}
}
