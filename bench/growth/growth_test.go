package growth_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// revocations are live in the feed, whatever the number of sessions.
const revocations = 100_000

// copies is how many rows of stored sessions may be kept in memory.
const copies = 1_000_000

// inUse is how many sessions are asked about in turns, as by so many browsers.
const inUse = 1024

// sizes are the numbers of live sessions.
func sizes(b *testing.B) []int {
	if large := os.Getenv("GATEHOUSE_LARGE"); large != "" {
		n, err := strconv.Atoi(large)
		if err != nil {
			b.Fatalf("GATEHOUSE_LARGE: %v", err)
		}
		return []int{n}
	}
	return []int{10_000, 1_000_000}
}

// database is one that can be filled in bulk.
type database interface {
	// fill adds that many live sessions of as many users as there are tens of
	// them, and live rows to the feed.
	fill(b *testing.B, sessions, revocations int)
	open(b *testing.B) store.Store
}

var databases = []struct {
	name string
	make func(b *testing.B) database
}{{"sqlite", newSQLite}, {"postgres", newPostgres}}

func BenchmarkCheck(b *testing.B) {
	for _, d := range databases {
		for _, n := range sizes(b) {
			b.Run(fmt.Sprintf("%s/%d", d.name, n), func(b *testing.B) {
				db := d.make(b)
				db.fill(b, n, revocations)
				r := load(b, db)
				b.Run("sealed-v4", func(b *testing.B) { r.checks(b, r.mount(b, "/v4", seal.V4)) })
				b.Run("sealed-v5", func(b *testing.B) { r.checks(b, r.mount(b, "/v5", seal.V5)) })
				stored := r.mount(b, "/stored", seal.V4)
				if err := stored.CarryStored(copies); err != nil {
					b.Fatal(err)
				}
				b.Run("stored", func(b *testing.B) { r.checks(b, stored) })
			})
		}
	}
}

// rooms are those of a server, as far as checks go.
type rooms struct {
	store  store.Store
	index  *revocation.Index
	room   *session.Room
	loaded time.Duration
}

// load opens the store as a server does, up to the end of the first reading of
// the feed.
func load(b *testing.B, db database) *rooms {
	b.Helper()
	begun := time.Now()
	r := &rooms{store: db.open(b), index: revocation.NewIndex()}
	ctx, cancel := context.WithCancel(b.Context())
	loaded, ended := make(chan struct{}), make(chan error, 1)
	follower := &revocation.Follower{Store: r.store, Index: r.index, Logger: slog.New(slog.DiscardHandler), Loaded: func() { close(loaded) }}
	go func() { ended <- follower.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
	select {
	case <-loaded:
	case err := <-ended:
		b.Fatalf("the follower ended: %v", err)
	}
	r.loaded = time.Since(begun)
	if n := r.index.Len(); n < revocations {
		b.Fatalf("the index has %d entries, want %d", n, revocations)
	}
	installation, err := r.store.Installation(ctx)
	if err != nil {
		b.Fatal(err)
	}
	const month = 30 * 24 * time.Hour
	r.room, err = session.New(session.Options{
		Store: revocation.Applying(r.store, r.index), Index: r.index, Installation: installation,
		Secrets: []auth.Secret{"a secret of Gatehouse alone, 0123456789"}, Idle: month, Absolute: 3 * month, LocalTrust: month,
		MaxPerUser: 100, MaxStaleness: 30 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (r *rooms) mount(b *testing.B, name string, d seal.Dialect) *session.Mount {
	b.Helper()
	m, err := r.room.Mount(name, d, "__Secure-session-token", []auth.Secret{"the application's secret, 0123456789abc"})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// begin makes sessions as sign-ins do, and returns their cookies.
func (r *rooms) begin(b *testing.B, m *session.Mount) []string {
	b.Helper()
	ctx, now := b.Context(), time.Now()
	tokens := make([]string, inUse)
	for i := range tokens {
		u := auth.User{
			ID: auth.NewUserID(now), Email: fmt.Sprintf("%s@bench.example", auth.NewUserID(now)), Name: "Ada Lovelace", Roles: []string{"user"},
			Epoch: 1, Version: 1, CreatedAt: now, UpdatedAt: now,
		}
		var begun session.Begun
		proof := session.Proof{User: u, Methods: []string{"pwd"}}
		err := r.room.Store.InTx(ctx, func(tx store.Tx) (err error) {
			if err := tx.CreateUser(ctx, u); err != nil {
				return err
			}
			begun, err = m.Begin(ctx, tx, proof)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		_, token, err := m.Seal(ctx, begun, proof, nil)
		if err != nil {
			b.Fatal(err)
		}
		tokens[i] = token.Text
	}
	return tokens
}

// checks is the in-process check of sessions in use, and what the process looks
// like meanwhile.
func (r *rooms) checks(b *testing.B, m *session.Mount) {
	tokens := r.begin(b, m)
	ended := tokens[0]
	first, err := m.Check(b.Context(), ended, auth.Device{})
	if err == nil {
		err = r.room.SignOut(b.Context(), first, auth.Device{})
	}
	if err != nil {
		b.Fatal(err)
	}
	if s, err := m.Check(b.Context(), ended, auth.Device{}); err != nil || s.Verdict.SignedIn() {
		b.Fatalf("a session that has ended is judged %v, %v: the check is not made", s.Verdict, err)
	}
	tokens = tokens[1:]
	ctx := b.Context()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s, err := m.Check(ctx, tokens[i], auth.Device{})
		if err != nil || s.Verdict != session.Live {
			b.Fatal(s.Verdict, err)
		}
		if i++; i == len(tokens) {
			i = 0
		}
	}
	b.ReportMetric(float64(r.loaded.Milliseconds()), "load-ms")
	b.ReportMetric(float64(r.index.Bytes())/float64(r.index.Len()), "B/entry")
	b.ReportMetric(float64(longestCollection().Microseconds())/1e3, "gc-ms")
}

func longestCollection() (longest time.Duration) {
	for range 3 {
		begun := time.Now()
		runtime.GC()
		longest = max(longest, time.Since(begun))
	}
	return longest
}
