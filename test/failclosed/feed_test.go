package failclosed_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/seam/faults"
)

// maxStaleness is the default that a site here has.
const maxStaleness = 30 * time.Second

// longestLook is by when a look that hangs has been given up and made good: a
// reading of the whole feed may stand still for five seconds, for ten the next
// time, and for twenty after that.
const longestLook = 25 * time.Second

// fails returns a seam on which the named calls fail in the way of mode, and a
// count of how many did.
func fails(mode faults.Mode, names ...string) (faults.Seam, *atomic.Int64) {
	var hit atomic.Int64
	return func(ctx context.Context, name string, do func() error) error {
		if !slices.Contains(names, name) {
			return do()
		}
		hit.Add(1)
		switch mode {
		case faults.Hang:
			<-ctx.Done()
			return ctx.Err()
		case faults.Lost:
			_ = do()
		}
		return faults.ErrInjected
	}, &hit
}

// inBubble runs the test for each way to fail, in virtual time.
func inBubble(t *testing.T, fn func(t *testing.T, mode faults.Mode, data string)) {
	for _, mode := range faults.Modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			synctest.Test(t, func(t *testing.T) { fn(t, mode, data) })
		})
	}
}

// elsewhere is another process on the same database: a command.
func (s *site) elsewhere() *gatehouse.Gatehouse {
	s.t.Helper()
	g, err := gatehouse.OpenExisting(context.Background(), config(s.data))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { g.Close() })
	return g
}

// opens says whether the guarded address opens.
func (p *person) opens() (yes, known bool) {
	p.site.t.Helper()
	yes, known, err := opens(p.copy().ask(context.Background(), request{path: "/guarded"}))
	if err != nil {
		p.site.t.Error(err)
	}
	return yes, known
}

// opens reads the answer of the guarded address. What is not yes or no must be
// 503 and touch no cookie.
func opens(a answer) (yes, known bool, err error) {
	switch {
	case a.status == http.StatusOK && strings.Contains(a.body, "guarded, for usr_"):
		return true, true, nil
	case a.status == http.StatusUnauthorized:
		return false, true, nil
	case a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || a.began || a.dropped:
		err = fmt.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	return false, false, err
}

// A server that cannot read the feed goes on for max_staleness and not a moment
// longer, so a session that was ended elsewhere is never accepted later than
// that; who was signed in is so again when the feed is read, without a sign-in.
//
// proves: ASVS 16.5.3
func TestFeed_thatFailsClosesWhatIsGuardedAfterMaxStaleness(t *testing.T) {
	inBubble(t, func(t *testing.T, mode faults.Mode, data string) {
		s := newSite(t, data, nil)
		stays, goes := s.person(nil).logIn(v4), s.person(nil).logIn(v5)
		other := s.elsewhere()
		s.settle()

		broken, hit := fails(mode, "feed.Poll", "feed.Load", "OpenFeed")
		s.line.set(broken)
		since := time.Now()
		if _, err := other.Users().Disable(context.Background(), "test", goes.ID); err != nil {
			t.Fatal(err)
		}
		refusedAt := time.Duration(0)
		for time.Since(since) < 2*maxStaleness {
			open, known := goes.opens()
			after := time.Since(since)
			if open && after > maxStaleness {
				t.Fatalf("accepted %s after it was ended", after)
			}
			if open, known := stays.opens(); !open && known {
				t.Fatalf("%s: signed out by an outage", after)
			}
			if !known && refusedAt == 0 {
				refusedAt = after
			}
			time.Sleep(500 * time.Millisecond)
		}
		if hit.Load() == 0 || refusedAt < maxStaleness-2*time.Second || refusedAt > maxStaleness+time.Second {
			t.Errorf("%d looks failed, the first refusal after %s", hit.Load(), refusedAt)
		}
		if s.Ready(context.Background()) == nil {
			t.Error("ready, and refuses everything")
		}
		if log := s.log.take(); !strings.Contains(log, "kilroy") && !strings.Contains(log, "deadline") {
			t.Errorf("the log does not have the cause: %s", log)
		}
		s.line.set(nil)
		time.Sleep(3 * time.Second)
		if open, _ := stays.opens(); !open || s.Ready(context.Background()) != nil {
			t.Error("the outage is over, and a session that nobody ended is not accepted")
		}
		if open, known := goes.opens(); open || !known {
			t.Error("what was ended during the outage is accepted after it")
		}
	})
}

// A single look that fails, at whichever call, delays what another process ended
// by some looks at most.
func TestFeed_oneFailureIsMadeGood(t *testing.T) {
	for _, name := range []string{"feed.Poll", "feed.Load", "OpenFeed"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, mode faults.Mode, data string) {
				s := newSite(t, data, nil)
				p := s.person(nil).logIn(v4)
				other := s.elsewhere()
				s.settle()
				broken, hit := fails(mode, name)
				s.line.set(func(ctx context.Context, called string, do func() error) error {
					if called == "feed.Poll" && name != called && hit.Load() == 0 {
						return faults.ErrInjected // a failed look is what leads to the others
					}
					if hit.Load() > 0 {
						return do()
					}
					return broken(ctx, called, do)
				})
				if _, err := other.Users().Disable(context.Background(), "test", p.ID); err != nil {
					t.Fatal(err)
				}
				time.Sleep(longestLook)
				if open, known := p.opens(); open || !known || hit.Load() != 1 {
					t.Errorf("open %t, known %t after %d failures", open, known, hit.Load())
				}
			})
		})
	}
}

// The start is as every other time: each call that fails is an error that names
// the cause, or a server that is not ready; the next start succeeds.
func TestStart_everyCallThatFailsKeepsTheDoorShut(t *testing.T) {
	inBubble(t, func(t *testing.T, mode faults.Mode, data string) {
		first := newSite(t, data, nil)
		p := first.person(nil).logIn(v4)
		first.halt()

		var script faults.Script
		s := unopened(t, data)
		if err := s.open(script.Context(t.Context()), nil); err != nil {
			t.Fatal(err)
		}
		calls := script.Calls()
		s.Close()
		for n, name := range calls {
			script := faults.Script{At: n + 1, Mode: mode}
			s := unopened(t, data)
			err := s.open(script.Context(t.Context()), nil)
			if err == nil || !script.Hit() || script.Stuck() {
				t.Errorf("call %d, %s: %v, hit %t, stuck %t", n+1, name, err, script.Hit(), script.Stuck())
			}
		}
		if len(calls) == 0 {
			t.Error("opening makes no call")
		}
		for _, name := range []string{"OpenFeed", "feed.Load", "feed.Poll"} {
			s := unopened(t, data)
			if err := s.open(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			mine := p.copy()
			mine.site = s
			broken, hit := fails(mode, name)
			s.line.set(broken)
			s.run()
			for range 20 {
				time.Sleep(time.Second)
				if open, known := mine.opens(); open || known {
					t.Fatalf("%s fails, and a check is answered", name)
				}
			}
			if hit.Load() == 0 || s.Ready(context.Background()) == nil {
				t.Errorf("%s failed %d times, and the server is ready: %v", name, hit.Load(), s.Ready(context.Background()))
			}
			s.line.set(nil)
			time.Sleep(longestLook)
			if open, _ := mine.opens(); !open {
				t.Errorf("%s: once it is over, the session is not accepted", name)
			}
			s.halt()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// What runs behind is no condition of anything: its failure is a line in the
// log, and the next time it succeeds.
func TestHousekeeping_failsWithoutHarm(t *testing.T) {
	inBubble(t, func(t *testing.T, mode faults.Mode, data string) {
		s := newSite(t, data, nil)
		p := s.person(nil).logIn(v4)
		var seen atomic.Int64
		s.line.set(func(ctx context.Context, name string, do func() error) error {
			if name != "TouchSessions" && !strings.HasPrefix(name, "Purge") {
				return do()
			}
			seen.Add(1)
			broken, _ := fails(mode, name)
			return broken(ctx, name, do)
		})
		for range 15 {
			p.ask(context.Background(), request{path: v4 + "/session"})
			time.Sleep(time.Minute)
			s.awaitReady()
			if open, _ := p.opens(); !open {
				t.Fatal("signed out by housekeeping")
			}
		}
		log := s.log.take()
		if seen.Load() < 10 || !strings.Contains(log, "last-seen times of sessions were lost") || !strings.Contains(log, "old rows could not be purged") {
			t.Errorf("%d calls failed; %s", seen.Load(), log)
		}
		before, err := s.kept.ListSessions(t.Context(), p.ID, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		s.line.set(nil)
		p.ask(context.Background(), request{path: v4 + "/session"})
		time.Sleep(2 * time.Minute)
		after, err := s.kept.ListSessions(t.Context(), p.ID, time.Now())
		if err != nil || !after[0].LastSeenAt.After(before[0].LastSeenAt) {
			t.Errorf("not written once it is over: %v, %s", err, fmt.Sprint(after))
		}
	})
}
