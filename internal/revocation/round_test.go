package revocation_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

// running is a follower in a synctest bubble, with what it logs.
type running struct {
	*revocation.Follower
	s    *script
	log  said
	stop func()
}

// said is what was logged so far.
type said struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// run starts a follower of a database server: it may be woken, and looks by
// itself every half second. set may change it before.
func run(t *testing.T, s *script, set func(f *revocation.Follower)) *running {
	s.wake = make(chan struct{}, 1)
	r := &running{s: s}
	r.Follower = &revocation.Follower{
		Store: s, Index: revocation.NewIndex(), Interval: revocation.ServerPollInterval,
		Logger: slog.New(slog.NewTextHandler(&r.log, nil)),
	}
	if set != nil {
		set(r.Follower)
	}
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-end; err != nil {
			t.Errorf("Run ended with %v, want nil", err)
		}
	}
	return r
}

// after lets virtual time pass, and everything that is due in it.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *running) polls() (n int) {
	r.s.set(func() { n = r.s.polls })
	return n
}

func TestFollower_isWokenBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, id := run(t, &script{}, nil), auth.NewSessionID(start)
		defer r.stop()
		after(10 * time.Second)
		r.s.set(func() { r.s.rows = append(r.s.rows, ended(id, 0, start, start.Add(time.Hour))) })
		after(20 * time.Millisecond)
		if isVoid(t, r.Index, id) {
			t.Fatal("known without a look: the experiment shows nothing")
		}
		r.s.wake <- struct{}{}
		after(20 * time.Millisecond)
		if !isVoid(t, r.Index, id) {
			t.Error("not known 20 ms after the notification")
		}
	})
}

// The bound never rests on notifications (guarantees R11).
func TestFollower_looksByItselfWhenNotificationsAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &script{}, nil)
		defer r.stop()
		after(10 * time.Second)
		for i := range 20 {
			id := auth.NewSessionID(start)
			r.s.set(func() { r.s.rows = append(r.s.rows, ended(id, 0, start, start.Add(time.Hour))) })
			after(revocation.ServerPollInterval + 20*time.Millisecond)
			if !isVoid(t, r.Index, id) {
				t.Fatalf("revocation %d is not known after one poll", i)
			}
			after(time.Duration(i*17) * time.Millisecond)
		}
	})
}

// What a look brought is told with the next one's beat, so that comes at once:
// whoever revoked waits for it.
func TestFollower_tellsAtOnceThatNewsHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &script{}, nil)
		defer r.stop()
		after(10*time.Second + time.Millisecond)
		before := r.polls()
		r.s.set(func() { r.s.rows = append(r.s.rows, ended(auth.NewSessionID(start), 0, start, start.Add(time.Hour))) })
		r.s.wake <- struct{}{}
		after(50 * time.Millisecond)
		if n := r.polls() - before; n != 2 {
			t.Errorf("%d looks within 50 ms of a notification, want the one that brings the row and the one that tells of it", n)
		}
	})
}

func TestFollower_isNotDrivenByAStormOfNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &script{}, nil)
		defer r.stop()
		after(time.Second)
		before := r.polls()
		for range 10_000 {
			select {
			case r.s.wake <- struct{}{}:
			default:
			}
			time.Sleep(100 * time.Microsecond)
		}
		if n := r.polls() - before; n < 40 || n > 51 {
			t.Errorf("%d looks in a second of notifications, want about fifty", n)
		}
	})
}

// Until its first beat is committed nobody waits for this node, so it must
// accept nothing: fresh is what has looked after the beat.
func TestFollower_isNotFreshBeforeItsFirstBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var loaded atomic.Bool
		s := &script{slow: 300 * time.Millisecond}
		r := run(t, s, func(f *revocation.Follower) { f.Loaded = func() { loaded.Store(true) } })
		defer r.stop()
		after(200 * time.Millisecond)
		if r.Stats().Loads != 1 {
			t.Fatal("the feed is not loaded: the experiment shows nothing")
		}
		if r.Index.Staleness(time.Now()) != revocation.Never || loaded.Load() {
			t.Error("fresh after loading, before anybody can have heard of this node")
		}
		after(200 * time.Millisecond)
		if r.Index.Staleness(time.Now()) > time.Second || !loaded.Load() {
			t.Error("not fresh after the first round")
		}
	})
}

func TestFollower_saysWhoItIsInEachRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := []string{"one"}
		id := auth.NewNodeID(start)
		r := run(t, &script{}, func(f *revocation.Follower) {
			f.Node = func() auth.Node { return auth.Node{ID: id, Keys: keys} }
		})
		defer r.stop()
		after(time.Second)
		r.s.set(func() {
			for i, b := range r.s.beats {
				if b.ID != id || !cmp.Equal(b.Keys, keys) {
					t.Errorf("beat %d is %+v", i, b)
				}
			}
			if len(r.s.beats) == 0 {
				t.Error("no beat at all")
			}
		})
	})
}

func TestFollower_comparesItsClockWithTheDatabases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &script{slow: 100 * time.Millisecond}, nil)
		for _, c := range []struct {
			ahead           time.Duration
			warnings, fines int
			fit             bool
		}{
			{900 * time.Millisecond, 0, 0, true},
			{2 * time.Second, 1, 0, true},
			{-2 * time.Second, 1, 0, true},
			{-6 * time.Second, 1, 0, false},
			{6 * time.Second, 1, 0, false},
			{0, 1, 1, true},
			{-3 * time.Second, 2, 1, true},
		} {
			r.s.set(func() { r.s.ahead = c.ahead })
			after(3 * time.Second)
			if got := r.ClockDifference(); (got - c.ahead).Abs() > 60*time.Millisecond {
				t.Errorf("the database is %v ahead, found %v", c.ahead, got)
			}
			if err := r.Fit(); (err == nil) != c.fit {
				t.Errorf("the database is %v ahead: fit says %v", c.ahead, err)
			}
			text := r.log.String()
			if w, f := strings.Count(text, "differs from the database's"), strings.Count(text, "agrees with"); w != c.warnings || f != c.fines {
				t.Errorf("the database is %v ahead: %d warnings and %d all-clears so far, want %d and %d", c.ahead, w, f, c.warnings, c.fines)
			}
		}
		r.stop()
	})
}

// What this node holds and the database lacks is written back (guarantees R2);
// what its own commits add meanwhile, or what is about to end, is not.
func TestFollower_writesBackWhatARestoredDatabaseLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &script{}, nil)
		now := time.Now().UTC()
		until := now.Add(time.Hour)
		session, other, kept, family, user := auth.NewSessionID(now), auth.NewSessionID(now), auth.NewSessionID(now), auth.NewFamilyID(now), auth.NewUserID(now)
		old := ended(kept, 0, now, until)
		r.s.set(func() {
			r.s.rows = []auth.Change{
				old, ended(session, 1, now, until), ended(other, 0, now, until), version(user, 9, now, until), epoch(user, 3, now, until),
				{Kind: auth.ChangeFamilyEnded, FamilyID: family, At: now, Until: until},
				ended(auth.NewSessionID(now), 0, now, now.Add(20*time.Second)),
			}
		})
		after(time.Second)
		r.s.set(func() { r.s.fail = errors.New("gone") })
		after(time.Second)
		// The database comes back without most of it. While it is read, this node
		// commits something, which only the next look brings.
		mine := ended(auth.NewSessionID(now), 0, now, until)
		r.s.set(func() {
			r.s.rows, r.s.fail = []auth.Change{old}, nil
			r.s.afterLoad = func() { r.Index.Apply(mine); r.s.rows = append(r.s.rows, mine) }
		})
		after(2 * time.Second)
		r.stop()
		later := until.Add(time.Second)
		want := map[auth.Change]bool{
			ended(session, 1, now, later): true, ended(other, 0, now, later): true,
			{Kind: auth.ChangeFamilyEnded, FamilyID: family, At: now, Until: later}: true,
			epoch(user, 3, now, later):   true,
			version(user, 9, now, later): true,
		}
		got := map[auth.Change]bool{}
		for _, c := range r.s.written {
			got[c] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("written back (-want +got):\n%s", diff)
		}
		if n := len(r.s.events); n != 4 || r.s.events[0].Type != auth.EventRevocationRestored {
			t.Errorf("audited: %+v, want one event for each of four entries", r.s.events)
		}
		if n := r.Stats().Restored; n != 4 {
			t.Errorf("%d counted as restored", n)
		}
		if !strings.Contains(r.log.String(), "lacks revocations") {
			t.Error("the operator was not told")
		}
	})
}

func TestFollower_writesNothingBackAfterAnOrdinaryOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		s := &script{rows: []auth.Change{ended(auth.NewSessionID(now), 0, now, now.Add(time.Hour)), epoch(auth.NewUserID(now), 3, now, now.Add(time.Hour))}}
		r := run(t, s, nil)
		after(time.Second)
		s.set(func() { s.fail = errors.New("gone") })
		after(10 * time.Second)
		s.set(func() { s.fail = nil })
		after(2 * time.Second)
		r.stop()
		if r.Stats().Loads < 2 || len(s.written) != 0 || len(s.events) != 0 {
			t.Errorf("%d loads, written %v, audited %v", r.Stats().Loads, s.written, s.events)
		}
	})
}

func TestIndex_tellsWhoeverKeepsCopiesOfKeys(t *testing.T) {
	x := revocation.NewIndex()
	x.Apply(auth.Change{Kind: auth.ChangeKeys, KeyID: "early"})
	var one, two []string
	x.OnKeyChange(func(c auth.Change) { one = append(one, c.KeyID) })
	x.OnKeyChange(func(c auth.Change) { two = append(two, c.KeyID) })
	x.Apply(auth.Change{Kind: auth.ChangeKeys, KeyID: "a"})
	x.Apply(ended(auth.NewSessionID(start), 0, start, start.Add(time.Hour)))
	x.Apply(auth.Change{Kind: auth.ChangeKeys, KeyID: "b"})
	want := []string{"a", "b"}
	if !cmp.Equal(one, want) || !cmp.Equal(two, want) || x.KeyChanges() != 3 {
		t.Errorf("told of %v and %v, counted %d", one, two, x.KeyChanges())
	}
}
