package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// BenchmarkSessionCreation compares, in short alternating rounds in one run,
// what durable sessions cost: 64 callers of the store, one caller of it, and
// the same rows written by hand through the same driver, each in a transaction
// of its own or 64 in one. Ratios of the medians are printed; absolute rates
// are the disk's.
func BenchmarkSessionCreation(b *testing.B) {
	subjects := []*subject{
		{name: "raw-each", run: rawEach},
		{name: "raw-batched64", run: rawBatched},
		{name: "store-c1", run: func(b *testing.B, s *benchStore, until time.Time) int { return s.insert(b, until, 1) }},
		{name: "store-c64", run: func(b *testing.B, s *benchStore, until time.Time) int { return s.insert(b, until, 64) }},
		{name: "store-c64-InTx", run: func(b *testing.B, s *benchStore, until time.Time) int { return s.signIn(b, until, 64) }},
	}
	for _, x := range subjects {
		x.store = newBenchStore(b)
	}
	for range b.N {
		for round := range 6 {
			for _, x := range subjects {
				x.measure(b, round > 0) // the first warms the caches
			}
		}
	}
	rate := make(map[string]float64)
	for _, x := range subjects {
		rate[x.name] = x.median()
		b.Logf("%-15s %7.0f/s", x.name, rate[x.name])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate["store-c64"]/rate["raw-each"], "x-one-each")
	b.ReportMetric(rate["store-c64"]/rate["raw-batched64"], "of-batched64")
	b.ReportMetric(rate["raw-each"]/rate["store-c1"], "c1-cost-of-one-raw")
	b.ReportMetric(rate["store-c64-InTx"], "signins/s")
}

type subject struct {
	name  string
	run   func(b *testing.B, s *benchStore, until time.Time) (rows int)
	store *benchStore
	rates []float64
}

func (x *subject) measure(b *testing.B, keep bool) {
	began := time.Now()
	rows := x.run(b, x.store, began.Add(400*time.Millisecond))
	if keep {
		x.rates = append(x.rates, float64(rows)/time.Since(began).Seconds())
	}
}

func (x *subject) median() float64 {
	slices.Sort(x.rates)
	return x.rates[len(x.rates)/2]
}

type benchStore struct {
	db   *sqlstore.DB
	path string
	user auth.User
}

func newBenchStore(b *testing.B) *benchStore {
	path := filepath.Join(b.TempDir(), "gatehouse.db")
	s := &benchStore{db: openAt(b, path), path: path, user: auth.User{ID: auth.NewUserID(start), Username: "ann", Epoch: 1}}
	if err := s.db.CreateUser(context.Background(), s.user); err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *benchStore) session() auth.Session {
	now := time.Now()
	return auth.Session{
		ID: auth.NewSessionID(now), UserID: s.user.ID, Mount: "/api/auth", Epoch: 1, CreatedAt: now, LastSeenAt: now,
		AbsoluteEnd: now.Add(30 * 24 * time.Hour), Methods: []string{"pwd"}, UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101",
	}
}

// many runs fn from so many goroutines as long as more says so, and returns
// how often.
func many(b *testing.B, callers int, more func() bool, fn func() error) int {
	var all sync.WaitGroup
	var done atomic.Int64
	for range callers {
		all.Go(func() {
			for more() {
				if err := fn(); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return int(done.Load())
}

func before(end time.Time) func() bool { return func() bool { return time.Now().Before(end) } }

func (s *benchStore) insert(b *testing.B, until time.Time, callers int) int {
	ctx := context.Background()
	return many(b, callers, before(until), func() error { return s.db.InsertSession(ctx, s.session()) })
}

// signIn is what a sign-in writes: counter, session and event.
func (s *benchStore) signIn(b *testing.B, until time.Time, callers int) int {
	ctx := context.Background()
	return many(b, callers, before(until), func() error {
		x := s.session()
		return s.db.InTx(ctx, func(tx store.Tx) error {
			if err := tx.ForgetFailures(ctx, string(x.UserID)); err != nil {
				return err
			}
			if err := tx.InsertSession(ctx, x); err != nil {
				return err
			}
			return tx.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(x.CreatedAt), At: x.CreatedAt, Type: auth.EventSignInSucceeded, UserID: x.UserID, SessionID: x.ID})
		})
	})
}

// rawConn is a connection with the store's settings and nothing of the store.
func rawConn(b *testing.B, path string) *sql.Conn {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(ON)&_pragma=synchronous(FULL)&_pragma=cache_size(-16384)")
	if err != nil {
		b.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return conn
}

func rawEach(b *testing.B, s *benchStore, until time.Time) int    { return s.raw(b, until, 1) }
func rawBatched(b *testing.B, s *benchStore, until time.Time) int { return s.raw(b, until, 64) }

func (s *benchStore) raw(b *testing.B, until time.Time, size int) (rows int) {
	ctx, conn := context.Background(), rawConn(b, s.path)
	defer conn.Close()
	var statements [3]*sql.Stmt
	for i, text := range []string{"BEGIN IMMEDIATE", "COMMIT", sqlstore.InsertSessionText} {
		var err error
		if statements[i], err = conn.PrepareContext(ctx, text); err != nil {
			b.Fatal(err)
		}
		defer statements[i].Close()
	}
	exec := func(i int, args ...any) {
		if _, err := statements[i].ExecContext(ctx, args...); err != nil {
			b.Fatal(err)
		}
	}
	for ; time.Now().Before(until); rows += size {
		exec(0)
		for range size {
			x := s.session()
			exec(2, string(x.ID), string(x.UserID), x.Mount, x.Epoch, x.CreatedAt.UnixMicro(), x.AbsoluteEnd.UnixMicro(), x.LastSeenAt.UnixMicro(),
				`["pwd"]`, "", x.UserAgent, nil, "", "", "", "", 1, 0)
		}
		exec(1)
	}
	return rows
}

// BenchmarkRead is a row by its key, from one goroutine and from several.
func BenchmarkRead(b *testing.B) {
	s := newBenchStore(b)
	s.insert(b, time.Now().Add(100*time.Millisecond), 64)
	x := s.session()
	ctx := context.Background()
	if err := s.db.InsertSession(ctx, x); err != nil {
		b.Fatal(err)
	}
	for _, callers := range []int{1, 8} {
		b.Run(fmt.Sprintf("session-c%d", callers), func(b *testing.B) {
			many(b, callers, times(b.N), func() error { _, err := s.db.Session(ctx, x.ID); return err })
		})
		b.Run(fmt.Sprintf("user-c%d", callers), func(b *testing.B) {
			many(b, callers, times(b.N), func() error { _, err := s.db.UserByIdentifier(ctx, "ann"); return err })
		})
	}
}

func times(n int) func() bool {
	var begun atomic.Int64
	return func() bool { return begun.Add(1) <= int64(n) }
}

// BenchmarkPoll is the follower's round when nothing happened.
func BenchmarkPoll(b *testing.B) {
	db, ctx := openNew(b), context.Background()
	f, err := db.OpenFeed(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for b.Loop() {
		if _, err := f.Poll(ctx, auth.Node{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad is the reading of a feed of 100,000 changes, as a server does
// when it starts.
func BenchmarkLoad(b *testing.B) {
	const rows = 100_000
	db, ctx, now := openNew(b), context.Background(), time.Now()
	err := db.InTx(ctx, func(tx store.Tx) error {
		for range rows {
			if _, err := tx.AppendChange(ctx, auth.Change{
				Kind: auth.ChangeSessionEnded, SessionID: auth.NewSessionID(now), At: now, Until: now.Add(time.Hour),
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		index := revocation.NewIndex()
		f, err := db.OpenFeed(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.Load(ctx, index.Apply); err != nil {
			b.Fatal(err)
		}
		f.Close()
		if index.Len() != rows {
			b.Fatalf("%d entries", index.Len())
		}
	}
}
