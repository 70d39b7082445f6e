package revocation_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// follow runs the follower until done says so, asking after each look at the
// feed, and fails the test after ten seconds.
func follow(t *testing.T, f *revocation.Follower, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	looked := make(chan struct{}, 1)
	f.Store = &spied{Store: f.Store, looked: looked}
	f.Logger = slog.New(slog.DiscardHandler)
	end := make(chan error, 1)
	go func() { end <- f.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-end; err != nil {
			t.Errorf("follower ended with %v, want nil", err)
		}
	}()
	for !done() {
		select {
		case <-looked:
		case <-ctx.Done():
			t.Fatal("the follower has not noticed within ten seconds")
		}
	}
}

// spied tells of each look at the feed that is over and was applied: the next
// one has begun.
type spied struct {
	store.Store
	looked chan struct{}
}

func (s *spied) OpenFeed(ctx context.Context) (store.Feed, error) {
	feed, err := s.Store.OpenFeed(ctx)
	return &spiedFeed{feed, s.looked}, err
}

type spiedFeed struct {
	store.Feed
	looked chan struct{}
}

func (f *spiedFeed) Poll(ctx context.Context, beat auth.Node) (store.Round, error) {
	select {
	case f.looked <- struct{}{}:
	default:
	}
	return f.Feed.Poll(ctx, beat)
}

func TestFollower_hearsOfWhatAnotherProcessWrites(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "shared.db")
	server, cli := openStore(t, path), openStore(t, path)
	before, after := auth.NewSessionID(start), auth.NewSessionID(start)
	if _, err := cli.AppendChange(ctx, ended(before, 0, start, start.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	x := revocation.NewIndex()
	loaded := 0
	written := false
	follow(t, &revocation.Follower{Store: server, Index: x, Loaded: func() {
		loaded++
		if !isVoid(t, x, before) {
			t.Error("said to be loaded, and does not know what stood in the feed")
		}
		if x.Staleness(time.Now()) > time.Minute {
			t.Error("said to be loaded, and not fresh")
		}
	}}, func() bool {
		if !written {
			written = true
			if _, err := cli.AppendChange(ctx, ended(after, 0, start, start.Add(time.Hour))); err != nil {
				t.Error(err)
			}
		}
		return isVoid(t, x, after)
	})
	if loaded != 1 {
		t.Errorf("Loaded was called %d times, want once", loaded)
	}
}

// script is a store whose feed does what it is told.
type script struct {
	store.Store
	mu     sync.Mutex
	fail   error // of OpenFeed, Load and Poll
	hang   bool  // of Poll, until its context ends
	slow   time.Duration
	rows   []auth.Change
	opened int
	closed int
	loads  int
	polls  int
	beats  []auth.Node
	// ahead is how far the database's clock is ahead; noClock: it has none.
	ahead   time.Duration
	noClock bool
	secrets int64         // of store.Round
	unaware time.Time     // of store.Round
	wake    chan struct{} // nil: deaf
	// load, if not nil, is what Load does, with its number and what gives one of
	// rows; it is called without the lock.
	load func(ctx context.Context, number int, row func()) error
	// afterLoad is called once at the end of Load, with the lock held.
	afterLoad func()
	// Of InTx: what was written, and whether it fails.
	written []auth.Change
	events  []auth.Event
}

func (s *script) clock() time.Time {
	if s.noClock {
		return time.Time{}
	}
	return time.Now().Add(s.ahead)
}

func (s *script) InTx(_ context.Context, fn func(store.Tx) error) error { return fn(scriptTx{s: s}) }

// scriptTx takes what is written back; no other row is there.
type scriptTx struct {
	store.Tx
	s *script
}

func (t scriptTx) AppendChange(_ context.Context, c auth.Change) (int64, error) {
	t.s.set(func() { t.s.written = append(t.s.written, c) })
	return int64(len(t.s.written)), nil
}

func (t scriptTx) AppendEvent(_ context.Context, e auth.Event) error {
	t.s.set(func() { t.s.events = append(t.s.events, e) })
	return nil
}

func (t scriptTx) EndSession(context.Context, auth.SessionID, auth.EndReason, time.Time) error {
	return store.ErrNotFound
}

func (t scriptTx) EndFamily(context.Context, auth.FamilyID, auth.EndReason, time.Time) error {
	return store.ErrNotFound
}

func (t scriptTx) User(context.Context, auth.UserID) (auth.User, error) {
	return auth.User{}, store.ErrNotFound
}

func (s *script) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *script) OpenFeed(context.Context) (store.Feed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	s.opened++
	return &scriptFeed{s: s}, nil
}

type scriptFeed struct {
	s    *script
	seen int
}

func (f *scriptFeed) Load(ctx context.Context, fn func(auth.Change)) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.loads++
	f.seen = len(f.s.rows)
	if load := f.s.load; load != nil {
		number, rows := f.s.loads, f.s.rows
		f.s.mu.Unlock()
		defer f.s.mu.Lock()
		row := auth.Change{Kind: auth.ChangeSessionEnded, SessionID: auth.NewSessionID(start), At: start, Until: start.Add(time.Hour)}
		if len(rows) > 0 {
			row = rows[0]
		}
		return load(ctx, number, func() { fn(row) })
	}
	for _, c := range f.s.rows {
		fn(c)
	}
	if fn := f.s.afterLoad; fn != nil && f.s.fail == nil {
		f.s.afterLoad = nil
		fn()
	}
	return f.s.fail
}

func (f *scriptFeed) Poll(ctx context.Context, beat auth.Node) (store.Round, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.polls++
	f.s.beats = append(f.s.beats, beat)
	if f.s.hang {
		f.s.mu.Unlock()
		<-ctx.Done()
		f.s.mu.Lock()
		return store.Round{}, ctx.Err()
	}
	if slow := f.s.slow; slow > 0 {
		f.s.mu.Unlock()
		time.Sleep(slow)
		f.s.mu.Lock()
	}
	if f.s.fail != nil {
		return store.Round{}, f.s.fail
	}
	round := store.Round{Changes: f.s.rows[f.seen:], DatabaseTime: f.s.clock(), Secrets: f.s.secrets, Unaware: f.s.unaware}
	f.seen = len(f.s.rows)
	return round, nil
}

// Wait hears what wake sends.
func (f *scriptFeed) Wait(ctx context.Context) error {
	select {
	case <-f.s.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *scriptFeed) Close() error {
	f.s.set(func() { f.s.closed++ })
	return nil
}

// inBubble runs a follower on a script in a synctest bubble.
func inBubble(t *testing.T, do func(t *testing.T, s *script, x *revocation.Index)) {
	synctest.Test(t, func(t *testing.T) {
		s, x := &script{}, revocation.NewIndex()
		ctx, cancel := context.WithCancel(context.Background())
		end := make(chan error, 1)
		f := &revocation.Follower{Store: s, Index: x, Logger: slog.New(slog.DiscardHandler)}
		go func() { end <- f.Run(ctx) }()
		do(t, s, x)
		cancel()
		if err := <-end; err != nil {
			t.Errorf("Run ended with %v, want nil", err)
		}
		s.set(func() {
			if s.opened != s.closed {
				t.Errorf("%d feeds opened, %d closed", s.opened, s.closed)
			}
		})
	})
}

func TestFollower_isFreshWithinAPoll(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, x *revocation.Index) {
		id := auth.NewSessionID(start)
		for range 50 {
			time.Sleep(73 * time.Millisecond) // virtual
			synctest.Wait()
			if age := x.Staleness(time.Now()); age > revocation.PollInterval {
				t.Fatalf("the index is %v old while the feed can be read", age)
			}
		}
		s.set(func() { s.rows = append(s.rows, ended(id, 0, start, start.Add(time.Hour))) })
		time.Sleep(revocation.PollInterval)
		synctest.Wait()
		if !isVoid(t, x, id) {
			t.Error("not void one poll after the row was written")
		}
		s.set(func() {
			if s.loads != 1 {
				t.Errorf("the whole feed was read %d times, want once", s.loads)
			}
		})
	})
}

// proves: ASVS 16.5.3
func TestFollower_growsStaleWhileTheFeedFails(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, x *revocation.Index) {
		time.Sleep(time.Second)
		synctest.Wait()
		s.set(func() { s.fail = errors.New("disk I/O error") })
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if age := x.Staleness(time.Now()); age < 39*time.Second {
			t.Errorf("40 s without a look, and the index counts as %v old", age)
		}
		// Written while nobody could hear, and read by the whole feed's reload.
		id := auth.NewSessionID(start)
		s.set(func() {
			s.rows = append(s.rows, ended(id, 0, start, start.Add(time.Hour)))
			s.fail = nil
		})
		time.Sleep(2 * revocation.PollInterval)
		synctest.Wait()
		if !isVoid(t, x, id) {
			t.Error("what was written during the outage is not known after it")
		}
		if age := x.Staleness(time.Now()); age > 2*revocation.PollInterval {
			t.Errorf("the feed is read again, and the index counts as %v old", age)
		}
		s.set(func() {
			if s.loads < 2 {
				t.Error("the feed was not read whole again after the outage (R2)")
			}
		})
	})
}

func TestFollower_keepsWhatItKnowsOverAReload(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, x *revocation.Index) {
		id := auth.NewSessionID(start)
		s.set(func() { s.rows = append(s.rows, ended(id, 0, start, start.Add(time.Hour))) })
		time.Sleep(time.Second)
		s.set(func() { s.fail = errors.New("gone") })
		time.Sleep(time.Second)
		s.set(func() { s.rows, s.fail = nil, nil }) // a store set back to a backup
		time.Sleep(time.Second)
		synctest.Wait()
		if !isVoid(t, x, id) {
			t.Error("a reload removed what was void")
		}
	})
}

// A slow look must not look fresh: its own duration counts as age (R7).
func TestFollower_countsTheTimeOfTheLookItself(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, x *revocation.Index) {
		const slow = 400 * time.Millisecond
		time.Sleep(time.Second)
		s.set(func() { s.slow = slow })
		time.Sleep(10 * time.Second)
		for range 20 {
			time.Sleep(37 * time.Millisecond)
			synctest.Wait()
			if age := x.Staleness(time.Now()); age < slow {
				t.Fatalf("looks take %v, and the index counts as %v old", slow, age)
			}
		}
	})
}

func TestFollower_doesNotHangWithTheStore(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, x *revocation.Index) {
		time.Sleep(time.Second)
		s.set(func() { s.hang = true })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		s.set(func() {
			if s.opened < 2 {
				t.Error("a look that hangs is never given up")
			}
			s.hang = false
		})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if age := x.Staleness(time.Now()); age > revocation.PollInterval {
			t.Errorf("the index is %v old after the store came back", age)
		}
	})
}

func TestFollower_saysNothingIsLoadedBeforeItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, x := &script{fail: errors.New("not yet")}, revocation.NewIndex()
		ctx, cancel := context.WithCancel(context.Background())
		loaded := 0
		f := &revocation.Follower{Store: s, Index: x, Logger: slog.New(slog.DiscardHandler), Loaded: func() { loaded++ }}
		end := make(chan error, 1)
		go func() { end <- f.Run(ctx) }()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if loaded != 0 || x.Staleness(time.Now()) != math.MaxInt64 {
			t.Errorf("loaded %d times, %v old, before the first look", loaded, x.Staleness(time.Now()))
		}
		s.set(func() { s.fail = nil })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if loaded != 1 {
			t.Errorf("loaded %d times, want once", loaded)
		}
		cancel()
		<-end
	})
}
