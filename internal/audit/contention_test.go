package audit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Nothing that a round holds is anything that an event's transaction wants: while
// one is in the middle of its transaction, events are appended without a wait, in
// serializable transactions that read and write them, and none is done again.
//
// proves: ASVS 15.4.3
func TestRound_standsInNoTransactionsWay(t *testing.T) {
	g := onPostgres(t)
	g.write(t, 20)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, g.url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	run := func(text string) {
		if _, err := c.Exec(ctx, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	// What a round does, stopped before its COMMIT.
	round := func(level string) (locks int) {
		run("BEGIN ISOLATION LEVEL " + level)
		run("UPDATE event_marks SET seq = seq WHERE name = 'head'")
		run("UPDATE events SET seq = n.n, mac = 'x', chain_key = 'x' FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM events WHERE seq IS NULL) AS n WHERE events.id = n.id")
		if err := c.QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE mode = 'SIReadLock' AND pid = pg_backend_pid()").Scan(&locks); err != nil {
			t.Fatal(err)
		}
		return locks
	}
	if round("SERIALIZABLE") == 0 {
		t.Error("a round at the level of other transactions would have no predicate locks either: this test sees nothing")
	}
	run("ROLLBACK")
	if locks := round("READ COMMITTED"); locks != 0 {
		t.Errorf("the round has %d predicate locks, want none", locks)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	ran := 0
	for i := range 8 {
		all.Go(func() {
			err := g.InTx(ctx, func(tx store.Tx) error {
				mu.Lock()
				ran++
				mu.Unlock()
				now := g.clock.Now()
				return tx.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(now), At: now, Type: auth.EventSignInSucceeded, UserID: auth.UserID(fmt.Sprint("usr_", i))})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if ran != 8 {
		t.Errorf("8 transactions ran %d times, want each once", ran)
	}
	run("ROLLBACK")
	r := g.room(t)
	chain(t, r)
	good(t, r, 28)
}
