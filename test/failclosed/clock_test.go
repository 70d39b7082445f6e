package failclosed_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/seam/faults"
)

// wallClock is the clock of a machine whose wall clock somebody sets, while its
// monotonic one goes on as it did.
type wallClock struct {
	// base is when the test began, with both readings, and since the same moment
	// in the bubble, whose times have only one.
	base, since time.Time
	seconds     atomic.Int64
}

func (c *wallClock) set(by time.Duration) { c.seconds.Add(int64(by / time.Second)) }

// Now is how far the bubble has come, with another wall clock: a time keeps both
// readings, and its first word has the wall seconds above 30 bits of nanoseconds
// (package time).
func (c *wallClock) Now() time.Time {
	now := c.base.Add(time.Since(c.since))
	moved := now
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(c.seconds.Load()) << 30
	if want := time.Duration(c.seconds.Load()) * time.Second; moved.Round(0).Sub(now.Round(0)) != want || moved.Sub(now) != 0 {
		panic("failclosed: package time keeps its readings otherwise now")
	}
	return moved
}

// clocked runs a test on a site with such a clock.
func clocked(t *testing.T, fn func(t *testing.T, s *site, c *wallClock)) {
	t.Parallel()
	data, c := t.TempDir(), &wallClock{base: time.Now()}
	synctest.Test(t, func(t *testing.T) {
		c.since = time.Now()
		fn(t, newSite(t, data, func(cfg *gatehouse.Config) { cfg.Now = c.Now }), c)
	})
}

// A machine that was suspended wakes with a later wall clock, and its monotonic
// one has stood still: until the feed has been read, nothing is accepted.
func TestClock_afterASuspensionNothingIsAcceptedBeforeTheFeedIsRead(t *testing.T) {
	clocked(t, func(t *testing.T, s *site, c *wallClock) {
		p, goes := s.person(nil).logIn(v4), s.person(nil).logIn(v4)
		other := s.elsewhere()
		s.settle()
		broken, _ := fails(faults.Fail, "feed.Poll", "OpenFeed")
		s.line.set(broken) // the suspended process looks at nothing
		if _, err := other.Users().Disable(context.Background(), "test", goes.ID); err != nil {
			t.Fatal(err)
		}
		if open, _ := goes.opens(); !open {
			t.Fatal("the index heard of it, so nothing is tried here")
		}
		c.set(maxStaleness + time.Second)
		for _, who := range []*person{p, goes} {
			if open, known := who.opens(); open || known {
				t.Errorf("open %t, known %t", open, known)
			}
		}
		s.line.set(nil)
		time.Sleep(3 * time.Second)
		if open, _ := p.opens(); !open {
			t.Error("a session that nobody ended is not accepted")
		}
		if open, known := goes.opens(); open || !known {
			t.Error("what was ended meanwhile is accepted")
		}
	})
}

// A wall clock that is set back makes nothing younger: the age of the index is
// the greater of what the two clocks say.
func TestClock_setBackDoesNotMakeTheIndexFresh(t *testing.T) {
	clocked(t, func(t *testing.T, s *site, c *wallClock) {
		p := s.person(nil).logIn(v4)
		s.settle()
		broken, _ := fails(faults.Fail, "feed.Poll", "OpenFeed")
		s.line.set(broken)
		c.set(-time.Hour)
		if open, _ := p.opens(); !open {
			t.Fatal("refused before the feed was too old")
		}
		time.Sleep(maxStaleness + time.Second)
		if open, known := p.opens(); open || known {
			t.Error("an hour back on the wall has made the index an hour younger")
		}
		s.line.set(nil)
		time.Sleep(3 * time.Second)
		if open, _ := p.opens(); !open {
			t.Error("not accepted once the feed is read")
		}
	})
}

// Whatever use is made of a session, it is nothing behind its absolute end; a
// clock that jumps there ends it at once, and one that goes back again does not
// bring it back further than the end it was born with.
func TestClock_nothingIsAcceptedPastItsAbsoluteEnd(t *testing.T) {
	const absolute = 90 * 24 * time.Hour
	clocked(t, func(t *testing.T, s *site, c *wallClock) {
		p := s.person(nil).logIn(v4)
		begun := c.Now()
		for c.Now().Round(0).Sub(begun.Round(0)) < absolute-24*time.Hour {
			if a := p.ask(context.Background(), request{path: v4 + "/session"}); a.status != http.StatusOK || !a.began {
				t.Fatalf("after %s: %d %s", c.Now().Sub(begun), a.status, a.body)
			}
			c.set(24 * time.Hour)
			s.settle()
		}
		if open, _ := p.opens(); !open {
			t.Fatal("refused before its end")
		}
		c.set(24*time.Hour - time.Second)
		s.settle()
		if open, known := p.opens(); open || !known {
			t.Errorf("accepted %s after its beginning", c.Now().Sub(begun))
		}
		a := p.copy().ask(context.Background(), request{path: v4 + "/session"})
		if a.began || a.status != http.StatusOK {
			t.Errorf("renewed past its end: %d %s", a.status, a.body)
		}
	})
}

// Somebody signed in while the clock ran ahead is not signed in for longer than
// a session's life once it is right, and signs out as everybody does.
func TestClock_thatRanAheadKeepsNothingFromEnding(t *testing.T) {
	clocked(t, func(t *testing.T, s *site, c *wallClock) {
		c.set(10 * 24 * time.Hour)
		s.settle()
		p := s.person(nil).logIn(v4)
		thief := p.copy()
		c.set(-10 * 24 * time.Hour)
		s.settle()
		if open, _ := p.opens(); !open {
			t.Error("a session from the future is refused though nothing ended it")
		}
		if a := p.ask(context.Background(), request{method: http.MethodPost, path: v4 + "/logout", json: "{}"}); a.status != http.StatusOK {
			t.Fatalf("sign-out: %d %s", a.status, a.body)
		}
		if open, known := thief.opens(); open || !known {
			t.Error("signed out, and a copy is accepted")
		}
	})
}
