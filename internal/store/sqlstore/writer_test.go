package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

var start = time.Date(2026, 3, 9, 13, 37, 59, 123457000, time.UTC)

// batch gathers transactions into one common commit: a first one holds the
// writer while the others queue.
type batch struct {
	t       *testing.T
	db      *sqlstore.DB
	release chan struct{}
	all     sync.WaitGroup
	queued  int
}

func gather(t *testing.T, db *sqlstore.DB) *batch {
	b := &batch{t: t, db: db, release: make(chan struct{})}
	begun := make(chan struct{})
	b.all.Go(func() {
		err := db.InTx(context.Background(), func(store.Tx) error {
			close(begun)
			<-b.release
			return nil
		})
		if err != nil {
			t.Errorf("the transaction that holds the writer: %v", err)
		}
	})
	<-begun
	return b
}

// add queues fn behind the others and returns where its result will be.
func (b *batch) add(ctx context.Context, fn func(store.Tx) error) *result {
	r := &result{}
	b.all.Go(func() {
		defer func() { r.panicked = recover() }()
		r.err = b.db.InTx(ctx, fn)
	})
	b.queued++
	for sqlstore.Queued(b.db) < b.queued {
		runtime.Gosched()
	}
	return r
}

// run lets the batch go and waits for every result.
func (b *batch) run() {
	close(b.release)
	b.all.Wait()
}

type result struct {
	err      error
	panicked any
}

func (r *result) want(t *testing.T, who string, want error) {
	t.Helper()
	if !errors.Is(r.err, want) || r.panicked != nil {
		t.Errorf("%s: got error %v, panic %v; want %v", who, r.err, r.panicked, want)
	}
}

// count is a transaction that raises the counter of key.
func count(key string) func(store.Tx) error {
	return func(tx store.Tx) error {
		_, err := tx.RaiseFailure(context.Background(), key, time.Hour, start)
		return err
	}
}

func failures(t *testing.T, s store.Counters, key string) int {
	t.Helper()
	c, err := s.Counter(context.Background(), key, time.Hour, start)
	if err != nil {
		t.Fatal(err)
	}
	return c.Failures
}

func wantFailures(t *testing.T, s store.Counters, want map[string]int) {
	t.Helper()
	for key, n := range want {
		if got := failures(t, s, key); got != n {
			t.Errorf("counter %q: got %d, want %d", key, got, n)
		}
	}
}

func TestInTx_queuedMembersShareOneTransaction(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	b := gather(t, db)
	b.add(ctx, count("first"))
	second := b.add(ctx, func(tx store.Tx) error {
		if got := failures(t, tx, "first"); got != 1 {
			t.Errorf("inside the batch the first member's count is %d, want 1", got)
		}
		if got := failures(t, db, "first"); got != 0 {
			t.Errorf("outside the batch the first member's count is %d before the commit, want 0", got)
		}
		return nil
	})
	b.run()
	second.want(t, "second member", nil)
	wantFailures(t, db, map[string]int{"first": 1})
}

func TestInTx_failingMemberLeavesTheOthersAlone(t *testing.T) {
	db, ctx, mine := openNew(t), context.Background(), errors.New("mine")
	b := gather(t, db)
	first := b.add(ctx, count("first"))
	failing := b.add(ctx, func(tx store.Tx) error { return errors.Join(count("failing")(tx), mine) })
	last := b.add(ctx, count("last"))
	b.run()
	first.want(t, "first", nil)
	failing.want(t, "failing", mine)
	last.want(t, "last", nil)
	wantFailures(t, db, map[string]int{"first": 1, "failing": 0, "last": 1})
}

func TestInTx_panicBelongsToItsOwner(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	b := gather(t, db)
	first := b.add(ctx, count("first")) // leads the batch
	panicking := b.add(ctx, func(tx store.Tx) error {
		if err := count("panicking")(tx); err != nil {
			return err
		}
		panic("ouch")
	})
	last := b.add(ctx, count("last"))
	b.run()
	first.want(t, "first", nil)
	last.want(t, "last", nil)
	if panicking.panicked != "ouch" {
		t.Errorf("owner recovered %v, want ouch", panicking.panicked)
	}
	wantFailures(t, db, map[string]int{"first": 1, "panicking": 0, "last": 1})
}

// A function that leaves its goroutine (testing's FailNow does) takes the
// leader with it; the queue must not stand still for ever.
func TestInTx_leavingTheGoroutineLeavesTheWriterHealthy(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	b := gather(t, db)
	leader := b.add(ctx, count("leader"))
	leader.err = errors.New("left")
	leaving := b.add(ctx, func(tx store.Tx) error {
		_ = count("leaving")(tx)
		runtime.Goexit()
		return nil
	})
	last := b.add(ctx, count("last"))
	b.run()
	if leaving.err == nil || last.err == nil {
		t.Errorf("got errors %v and %v, want both to fail", leaving.err, last.err)
	}
	if err := db.InTx(ctx, count("after")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	wantFailures(t, db, map[string]int{"leader": 0, "leaving": 0, "last": 0, "after": 1})
}

func TestInTx_cancelledWhileQueuedReturnsAtOnce(t *testing.T) {
	db := openNew(t)
	b := gather(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	returned := make(chan error)
	go func() {
		returned <- db.InTx(ctx, func(store.Tx) error {
			t.Error("the function ran")
			return nil
		})
	}()
	for sqlstore.Queued(db) < 1 {
		runtime.Gosched()
	}
	cancel()
	if err := <-returned; err != context.Canceled { // the writer is still held
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	b.queued = 1
	behind := b.add(context.Background(), count("behind"))
	b.run()
	behind.want(t, "member behind", nil)
	wantFailures(t, db, map[string]int{"behind": 1})
}

// Cancelled inside the batch, before its turn: it must not begin.
func TestInTx_cancelledBeforeItsTurnIsNotStarted(t *testing.T) {
	db := openNew(t)
	b := gather(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	first := b.add(context.Background(), func(tx store.Tx) error {
		cancel()
		return count("first")(tx)
	})
	second := b.add(ctx, count("second"))
	b.run()
	first.want(t, "first", nil)
	second.want(t, "second", context.Canceled)
	wantFailures(t, db, map[string]int{"first": 1, "second": 0})
}

// R17: a refusal may rest on what another member wrote and never commits.
func TestInTx_failedCommitFailsEveryMemberRefusalsToo(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	b := gather(t, db)
	u := auth.User{ID: auth.NewUserID(start), Email: "ann@example.com"}
	first := b.add(ctx, func(tx store.Tx) error { return tx.CreateUser(ctx, u) })
	refused := b.add(ctx, func(tx store.Tx) error {
		err := tx.CreateUser(ctx, auth.User{ID: auth.NewUserID(start), Email: "ann@example.com"})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("inside: got %v, want %v", err, store.ErrConflict)
		}
		return err
	})
	b.add(ctx, func(tx store.Tx) error { // breaks a rule that SQLite looks at when it commits
		return errors.Join(sqlstore.Raw(tx, "PRAGMA defer_foreign_keys = ON"),
			sqlstore.Raw(tx, "INSERT INTO passwords VALUES ('nobody', 'h', 0, 0)"))
	})
	b.run()
	for who, r := range map[string]*result{"first": first, "refused": refused} {
		if r.err == nil || errors.Is(r.err, store.ErrConflict) || errors.Is(r.err, store.ErrNotFound) {
			t.Errorf("%s: got %v, want a failure of the store", who, r.err)
		}
	}
	if _, err := db.User(ctx, u.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the first member's user: got %v, want %v", err, store.ErrNotFound)
	}
	if err := db.InTx(ctx, count("after")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

func TestInTx_lostTransactionRunsTheOthersAgainAlone(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	b := gather(t, db)
	var runs [3]int
	first := b.add(ctx, func(tx store.Tx) error { runs[0]++; return count("first")(tx) })
	losing := b.add(ctx, func(tx store.Tx) error {
		runs[1]++
		if err := count("losing")(tx); err != nil || runs[1] > 1 {
			return err
		}
		return sqlstore.Raw(tx, "ROLLBACK")
	})
	last := b.add(ctx, func(tx store.Tx) error { runs[2]++; return count("last")(tx) })
	b.run()
	first.want(t, "first", nil)
	losing.want(t, "losing", nil)
	last.want(t, "last", nil)
	if runs != [3]int{2, 2, 1} {
		t.Errorf("the functions ran %v times, want [2 2 1]", runs)
	}
	wantFailures(t, db, map[string]int{"first": 1, "losing": 1, "last": 1})
}

// fillDisk leaves the database room for a few pages more.
func fillDisk(t *testing.T, db *sqlstore.DB) {
	t.Helper()
	err := db.InTx(context.Background(), func(tx store.Tx) error { return sqlstore.Raw(tx, "PRAGMA max_page_count = 60") })
	if err != nil {
		t.Fatal(err)
	}
}

func huge() auth.Challenge {
	return auth.Challenge{ID: auth.NewChallengeID(start), Kind: "huge", Data: make([]byte, 1<<20)}
}

func TestInTx_fullDiskFailsItsMemberAlone(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	fillDisk(t, db)
	b := gather(t, db)
	first := b.add(ctx, count("first"))
	full := b.add(ctx, func(tx store.Tx) error {
		_ = count("full")(tx)
		_ = tx.CreateChallenge(ctx, huge()) // the failure is overlooked
		_ = count("full")(tx)               // and would now commit alone
		return nil
	})
	last := b.add(ctx, count("last"))
	b.run()
	first.want(t, "first", nil)
	last.want(t, "last", nil)
	if full.err == nil || !strings.Contains(full.err.Error(), "disk is full") {
		t.Errorf("got %v, want a full disk", full.err)
	}
	wantFailures(t, db, map[string]int{"first": 1, "full": 0, "last": 1})
}

// A failure that leaves the transaction standing counts all the same: what a
// function makes of it cannot be trusted.
func TestInTx_overlookedFailureIsNotKept(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	u := auth.User{ID: auth.NewUserID(start), Username: "ann"}
	overlooking := func(tx store.Tx) error {
		if err := errors.Join(tx.CreateUser(ctx, u), sqlstore.Raw(tx, "UPDATE users SET roles = 'damaged'")); err != nil {
			return err
		}
		if _, err := tx.User(ctx, u.ID); err == nil {
			t.Error("a damaged row was read")
		}
		return nil
	}
	if err := db.InTx(ctx, overlooking); err == nil {
		t.Error("alone: the failure was overlooked")
	}
	b := gather(t, db)
	first, second := b.add(ctx, count("first")), b.add(ctx, overlooking)
	b.run()
	first.want(t, "first", nil)
	if second.err == nil {
		t.Error("in a batch: the failure was overlooked")
	}
	if _, err := db.User(ctx, u.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the user: got %v, want %v", err, store.ErrNotFound)
	}
	wantFailures(t, db, map[string]int{"first": 1})
}

func TestWrite_fullDiskSaysSoAndLeavesNothing(t *testing.T) {
	db, ctx, c := openNew(t), context.Background(), huge()
	fillDisk(t, db)
	if err := db.CreateChallenge(ctx, c); err == nil || !strings.Contains(err.Error(), "create challenge: the disk is full") {
		t.Errorf("got %v, want a full disk and what was being done", err)
	}
	if _, err := db.TryChallenge(ctx, c.ID, c.Kind, start); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want %v", err, store.ErrNotFound)
	}
}

func TestWrite_readOnlyDatabaseSaysSo(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	if err := db.InTx(ctx, func(tx store.Tx) error { return sqlstore.Raw(tx, "PRAGMA query_only = ON") }); err != nil {
		t.Fatal(err)
	}
	err := db.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(start)})
	if err == nil || !strings.Contains(err.Error(), "may only be read") {
		t.Errorf("got %v, want a read-only database", err)
	}
	if _, err := db.ListEvents(ctx, "", 1); err != nil {
		t.Errorf("a read beside it: %v", err)
	}
}

func TestInTx_brokenConnectionIsMadeAnew(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	if err := sqlstore.BreakWriter(db); err != nil {
		t.Fatal(err)
	}
	if err := db.InTx(ctx, count("lost")); err == nil {
		t.Error("a transaction on a closed connection succeeded")
	}
	if err := db.InTx(ctx, count("kept")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	wantFailures(t, db, map[string]int{"lost": 0, "kept": 1})
}

func TestClose_finishesWhatIsQueued(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	b := gather(t, db)
	first, second := b.add(ctx, count("first")), b.add(ctx, count("second"))
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	for !sqlstore.Closing(db) {
		runtime.Gosched()
	}
	if err := db.InTx(ctx, count("late")); err == nil {
		t.Error("a transaction after Close succeeded")
	}
	select {
	case <-closed:
		t.Error("Close returned before the queue was done")
	default:
	}
	b.run()
	first.want(t, "first", nil)
	second.want(t, "second", nil)
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestInTx_moreThanOneBatchfulIsServed(t *testing.T) {
	db, ctx := openNew(t), context.Background()
	b := gather(t, db)
	var results []*result
	for range 150 {
		results = append(results, b.add(ctx, count("key")))
	}
	b.run()
	for _, r := range results {
		r.want(t, "member", nil)
	}
	wantFailures(t, db, map[string]int{"key": 150})
}

// TestInTx_storm mixes all ways to end at random and keeps the books: what was
// acknowledged is there once, all else is not.
//
// proves: ASVS 15.4.3
func TestInTx_storm(t *testing.T) {
	db := openNew(t)
	var kept, refused atomic.Int64
	mine := errors.New("mine")
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(g)))
			for i := range 25 {
				key := fmt.Sprintf("%d/%d", g, i)
				want := stormOne(t, db, random.IntN(5), key, mine)
				if got := failures(t, db, key); got != want {
					t.Errorf("counter %s: got %d, want %d", key, got, want)
				}
				if want == 1 {
					kept.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	if kept.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d kept and %d refused: the storm did not try both", kept.Load(), refused.Load())
	}
}

// stormOne runs one transaction of the given way and returns how many failures
// of key must be there afterwards.
func stormOne(t *testing.T, db *sqlstore.DB, way int, key string, mine error) (want int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wanted error
	switch way {
	case 0: // cancelled at any moment
		go cancel()
	case 1:
		wanted = mine
	case 2:
		defer func() {
			if p := recover(); p != key {
				t.Errorf("recovered %v, want %s", p, key)
			}
			want = 0
		}()
	}
	err := db.InTx(ctx, func(tx store.Tx) error {
		if err := count(key)(tx); err != nil {
			return err
		}
		if way == 2 {
			panic(key)
		}
		return wanted
	})
	switch {
	case way == 0 && errors.Is(err, context.Canceled):
		return 0
	case !errors.Is(err, wanted):
		t.Errorf("way %d: got %v, want %v", way, err, wanted)
	}
	if err != nil {
		return 0
	}
	return 1
}
