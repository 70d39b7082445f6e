package ratelimit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit/sourcetest"
)

// remote is a Source that can go away.
type remote struct {
	ratelimit.Source
	away bool
}

var errAway = errors.New("no route to host")

func (r *remote) Take(ctx context.Context, key string, limit ratelimit.Limit, cost int, now time.Time) (ratelimit.Decision, error) {
	if r.away {
		return ratelimit.Decision{}, errAway
	}
	return r.Source.Take(ctx, key, limit, cost, now)
}

func (r *remote) TakeAll(ctx context.Context, group string, asks []ratelimit.Ask, cost int, now time.Time) (bool, error) {
	if r.away {
		return false, errAway
	}
	return r.Source.TakeAll(ctx, group, asks, cost, now)
}

func (r *remote) Refund(ctx context.Context, key string, limit ratelimit.Limit, cost int, now time.Time) error {
	if r.away {
		return errAway
	}
	return r.Source.Refund(ctx, key, limit, cost, now)
}

func servers(n int) func() int { return func() int { return n } }

func TestShared_isASource(t *testing.T) {
	sourcetest.Run(t, func(*testing.T) ratelimit.Source {
		return ratelimit.NewShared(ratelimit.NewMemory(0), servers(3), slog.New(slog.DiscardHandler), time.Now)
	})
}

// count takes until it is refused, of each of n servers, and returns how much
// they gave together.
func count(t *testing.T, limit ratelimit.Limit, now time.Time, sources ...*ratelimit.Shared) (n int) {
	t.Helper()
	for _, s := range sources {
		for {
			d, err := s.Take(t.Context(), "a", limit, 1, now)
			if err != nil {
				t.Fatal(err)
			}
			if !d.Allowed {
				break
			}
			n++
		}
	}
	return n
}

// Guarantee R16: away, each of n servers has a part of the limit and starts half
// empty.
func TestShared_awayEachServerHasItsPartAndStartsHalfEmpty(t *testing.T) {
	for _, tt := range []struct{ servers, burst, first, whole int }{
		{1, 10, 5, 10}, {2, 10, 4, 10}, {3, 30, 15, 30}, {3, 10, 3, 9}, {5, 3, 0, 5}, {4, 100, 48, 100}, {0, 10, 5, 10},
	} {
		t.Run(fmt.Sprintf("%d of %d servers", tt.burst, tt.servers), func(t *testing.T) {
			limit := ratelimit.Limit{Name: "x", Burst: tt.burst, Period: time.Hour}
			var all []*ratelimit.Shared
			for range max(tt.servers, 1) {
				all = append(all, ratelimit.NewShared(&remote{away: true}, servers(tt.servers), slog.New(slog.DiscardHandler), time.Now))
			}
			if got := count(t, limit, noon, all...); got != tt.first {
				t.Errorf("at first %d passed, want %d", got, tt.first)
			}
			// Nothing but time fills it: in one more period not more than the limit.
			passed := 0
			for at := noon; at.Before(noon.Add(time.Hour)); at = at.Add(time.Minute) {
				passed += count(t, limit, at.Add(time.Minute), all...)
			}
			if most := max(tt.burst, tt.servers); passed > most { // of less than one each, each has one
				t.Errorf("in the hour after that %d passed, want at most %d", passed, most)
			}
			if got := count(t, limit, noon.Add(10*time.Hour), all...); got != tt.whole {
				t.Errorf("whole again %d passed, want %d", got, tt.whole)
			}
		})
	}
}

// Who comes late in an outage finds what time has filled since it began, and
// not half of it again.
func TestShared_halfEmptyIsFromTheBeginningOfTheOutage(t *testing.T) {
	limit := ratelimit.Limit{Name: "x", Burst: 10, Period: time.Hour}
	s := ratelimit.NewShared(&remote{away: true}, servers(1), slog.New(slog.DiscardHandler), time.Now)
	s.Take(t.Context(), "somebody else", limit, 1, noon)
	if got := count(t, limit, noon.Add(time.Hour), s); got != 10 {
		t.Errorf("an hour later %d passed, want 10", got)
	}
}

func TestShared_goesBackByItselfAndIsLoud(t *testing.T) {
	var log bytes.Buffer
	now := noon
	r := &remote{Source: ratelimit.NewMemory(0)}
	s := ratelimit.NewShared(r, servers(2), slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	limit := ratelimit.Limit{Name: "x", Burst: 10, Period: time.Hour}
	if got := count(t, limit, now, s); got != 10 {
		t.Fatalf("%d passed, want 10", got)
	}
	r.away = true
	if got := count(t, limit, now, s); got != 2 {
		t.Errorf("away, %d passed, want half of the half", got)
	}
	if since, away := s.Away(); !away || !since.Equal(noon) {
		t.Errorf("Away = %v, %v", since, away)
	}
	for range 90 {
		now = now.Add(time.Second)
		s.Take(t.Context(), "b", limit, 1, now)
	}
	if n := strings.Count(log.String(), "out of reach"); n != 2 {
		t.Errorf("%d lines in a minute and a half, want 2:\n%s", n, log.String())
	}
	r.away = false
	if got := count(t, limit, noon, s); got != 0 {
		t.Errorf("back, %d passed, and all were taken before", got)
	}
	if _, away := s.Away(); away || strings.Count(log.String(), "answers again") != 1 {
		t.Errorf("away: %v, log:\n%s", away, log.String())
	}
	// The next outage begins half empty again, and forgets nothing of what was
	// taken in the one before.
	r.away = true
	if got := count(t, limit, now, s); got > 2 {
		t.Errorf("away again, %d passed", got)
	}
}

func TestShared_severalAreTakenOfThePartsTogether(t *testing.T) {
	s := ratelimit.NewShared(&remote{away: true}, servers(2), slog.New(slog.DiscardHandler), time.Now)
	narrow, wide := ratelimit.Limit{Name: "n", Burst: 8, Period: time.Hour}, ratelimit.Limit{Name: "w", Burst: 80, Period: time.Hour}
	for i, want := range []bool{true, true, false} {
		asks := []ratelimit.Ask{{Limit: narrow, Key: "a"}, {Limit: wide, Key: "a"}}
		taken, err := s.TakeAll(t.Context(), "a", asks, 1, noon)
		if err != nil || taken != want {
			t.Errorf("take %d: %v, %v", i+1, taken, err)
		}
		if asks[1].Limit.Burst != 40 {
			t.Errorf("applied was %+v", asks[1].Limit)
		}
	}
	if err := s.Refund(t.Context(), "a", narrow, 8, noon); err != nil {
		t.Error(err)
	}
	// What is more than a part has at once takes all of it.
	if d, err := s.Take(t.Context(), "a", narrow, 8, noon.Add(time.Hour)); err != nil || !d.Allowed || d.Remaining != 0 {
		t.Errorf("the whole burst: %+v, %v", d, err)
	}
}
