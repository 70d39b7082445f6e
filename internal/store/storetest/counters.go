package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Counters tests store.Counters.
func Counters(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"failures add up by key", counterRaise},
		{"a run ends one microsecond after its window", counterWindow},
		{"a clock set back ends no run", counterClockBack},
		{"fifty failures at once are fifty", counterAtOnce},
		{"a failure counted in a transaction that is refused is not kept", counterRolledBack},
		{"forgetting removes one key alone", counterForget},
		{"purging takes what failed last before, up to the limit", counterPurge},
		{"purging leaves what lasts", counterLasting},
		{"a backlog grows with each failure and melts with time", backlogGrows},
		{"lowering a backlog leaves its last failure", backlogLowered},
		{"a clock set back moves no backlog back", backlogClockBack},
		{"fifty failures at once are a backlog of fifty", backlogAtOnce},
		{"purging takes backlogs of which nothing is left", backlogPurge},
	})
}

const window = 15 * time.Minute

func counterRaise(t *testing.T, s store.Store) {
	ctx := context.Background()
	same(t, "count of none", must[auth.Counter](t)(s.Counter(ctx, "a", window, start)), auth.Counter{})
	same(t, "first", must[auth.Counter](t)(s.RaiseFailure(ctx, "a", window, start)), auth.Counter{Failures: 1, FirstAt: start, LastAt: start})
	later := start.Add(time.Minute)
	want := auth.Counter{Failures: 2, FirstAt: start, LastAt: later}
	same(t, "second", must[auth.Counter](t)(s.RaiseFailure(ctx, "a", window, later)), want)
	same(t, "count", must[auth.Counter](t)(s.Counter(ctx, "a", window, later)), want)
	same(t, "another key", must[auth.Counter](t)(s.Counter(ctx, "A", window, later)), auth.Counter{})
}

func counterWindow(t *testing.T, s store.Store) {
	ctx := context.Background()
	for key, c := range map[string]struct {
		now  time.Time
		seen int
	}{
		"before": {justBefore(start.Add(window)), 1},
		"at":     {start.Add(window), 1},
		"after":  {justAfter(start.Add(window)), 0},
	} {
		must[auth.Counter](t)(s.RaiseFailure(ctx, key, window, start))
		got := must[auth.Counter](t)(s.Counter(ctx, key, window, c.now))
		count(t, "count "+key, got.Failures, c.seen)
		got = must[auth.Counter](t)(s.RaiseFailure(ctx, key, window, c.now))
		want := auth.Counter{Failures: c.seen + 1, FirstAt: start, LastAt: c.now}
		if c.seen == 0 {
			want.FirstAt = c.now
		}
		same(t, "raised "+key, got, want)
	}
}

func counterClockBack(t *testing.T, s store.Store) {
	ctx := context.Background()
	must[auth.Counter](t)(s.RaiseFailure(ctx, "a", window, start))
	got := must[auth.Counter](t)(s.RaiseFailure(ctx, "a", window, start.Add(-time.Hour)))
	same(t, "count", got, auth.Counter{Failures: 2, FirstAt: start, LastAt: start})
}

func counterAtOnce(t *testing.T, s store.Store) {
	ctx := context.Background()
	won := atOnce(t, 50, nil, func(int) error {
		_, err := s.RaiseFailure(ctx, "a", window, start)
		return err
	})
	count(t, "raises", won, 50)
	count(t, "failures", must[auth.Counter](t)(s.Counter(ctx, "a", window, start)).Failures, 50)
}

func counterRolledBack(t *testing.T, s store.Store) {
	ctx := context.Background()
	err := s.InTx(ctx, func(tx store.Tx) error {
		if _, err := tx.RaiseFailure(ctx, "a", window, start); err != nil {
			return err
		}
		return store.ErrConflict
	})
	refused(t, "transaction", err, store.ErrConflict)
	same(t, "count", must[auth.Counter](t)(s.Counter(ctx, "a", window, start)), auth.Counter{})
}

func counterForget(t *testing.T, s store.Store) {
	ctx := context.Background()
	must[auth.Counter](t)(s.RaiseFailure(ctx, "a", window, start))
	must[auth.Counter](t)(s.RaiseFailure(ctx, "b", window, start))
	ok(t, "forget", s.ForgetFailures(ctx, "a"))
	ok(t, "forget none", s.ForgetFailures(ctx, "a"))
	count(t, "failures of a", must[auth.Counter](t)(s.Counter(ctx, "a", window, start)).Failures, 0)
	count(t, "failures of b", must[auth.Counter](t)(s.Counter(ctx, "b", window, start)).Failures, 1)
}

func counterPurge(t *testing.T, s store.Store) {
	ctx, before := context.Background(), start.Add(time.Minute)
	for key, at := range map[string]time.Time{"a": start, "b": justBefore(before), "c": before, "d": justAfter(before)} {
		must[auth.Counter](t)(s.RaiseFailure(ctx, key, window, at))
	}
	count(t, "purged, limit one", must[int](t)(s.PurgeCounters(ctx, before, 1)), 1)
	count(t, "purged, the rest", must[int](t)(s.PurgeCounters(ctx, before, 9)), 1)
	for key, want := range map[string]int{"a": 0, "b": 0, "c": 1, "d": 1} {
		count(t, "failures of "+key, must[auth.Counter](t)(s.Counter(ctx, key, window, start)).Failures, want)
	}
}

func backlogGrows(t *testing.T, s store.Store) {
	ctx := context.Background()
	same(t, "of none", must[auth.Backlog](t)(s.Backlog(ctx, "a", start)), auth.Backlog{})
	ok(t, "RaiseBacklog", s.RaiseBacklog(ctx, "a", time.Minute, start))
	same(t, "first", must[auth.Backlog](t)(s.Backlog(ctx, "a", start)), auth.Backlog{LastAt: start, Until: start.Add(time.Minute)})
	later := start.Add(10 * time.Second)
	ok(t, "RaiseBacklog", s.RaiseBacklog(ctx, "a", time.Minute, later))
	want := auth.Backlog{LastAt: later, Until: start.Add(2 * time.Minute)}
	same(t, "second", must[auth.Backlog](t)(s.Backlog(ctx, "a", later)), want)
	same(t, "another key", must[auth.Backlog](t)(s.Backlog(ctx, "A", later)), auth.Backlog{})
	same(t, "just before its end", must[auth.Backlog](t)(s.Backlog(ctx, "a", justBefore(want.Until))), want)
	same(t, "at its end", must[auth.Backlog](t)(s.Backlog(ctx, "a", want.Until)), auth.Backlog{})
	again := want.Until.Add(time.Hour)
	ok(t, "RaiseBacklog", s.RaiseBacklog(ctx, "a", time.Minute, again))
	same(t, "anew", must[auth.Backlog](t)(s.Backlog(ctx, "a", again)), auth.Backlog{LastAt: again, Until: again.Add(time.Minute)})
}

func backlogLowered(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "LowerBacklog", s.LowerBacklog(ctx, "a", time.Minute)) // none
	for range 3 {
		ok(t, "RaiseBacklog", s.RaiseBacklog(ctx, "a", time.Minute, start))
	}
	ok(t, "LowerBacklog", s.LowerBacklog(ctx, "a", time.Minute))
	same(t, "lowered", must[auth.Backlog](t)(s.Backlog(ctx, "a", start)), auth.Backlog{LastAt: start, Until: start.Add(2 * time.Minute)})
}

func backlogClockBack(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "RaiseBacklog", s.RaiseBacklog(ctx, "a", time.Minute, start))
	ok(t, "RaiseBacklog", s.RaiseBacklog(ctx, "a", time.Minute, start.Add(-time.Hour)))
	same(t, "after", must[auth.Backlog](t)(s.Backlog(ctx, "a", start)), auth.Backlog{LastAt: start, Until: start.Add(2 * time.Minute)})
}

func backlogAtOnce(t *testing.T, s store.Store) {
	ctx := context.Background()
	count(t, "raises", atOnce(t, 50, nil, func(int) error { return s.RaiseBacklog(ctx, "a", time.Second, start) }), 50)
	same(t, "all", must[auth.Backlog](t)(s.Backlog(ctx, "a", start)), auth.Backlog{LastAt: start, Until: start.Add(50 * time.Second)})
}

func backlogPurge(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "RaiseBacklog", s.RaiseBacklog(ctx, "short", time.Second, start))
	ok(t, "RaiseBacklog", s.RaiseBacklog(ctx, "long", time.Hour, start))
	count(t, "purged", must[int](t)(s.PurgeCounters(ctx, start.Add(time.Minute), 10)), 1)
	if b := must[auth.Backlog](t)(s.Backlog(ctx, "long", start)); b.Until.IsZero() {
		t.Error("a backlog that is still there was purged")
	}
}

func counterLasting(t *testing.T, s store.Store) {
	ctx := context.Background()
	for _, key := range []string{store.Lasting + "a", "last", "a"} {
		must[auth.Counter](t)(s.RaiseFailure(ctx, key, window, start))
	}
	count(t, "purged", must[int](t)(s.PurgeCounters(ctx, start.Add(1000*time.Hour), 10)), 2)
	count(t, "lasting", must[auth.Counter](t)(s.Counter(ctx, store.Lasting+"a", 2000*time.Hour, start.Add(1000*time.Hour))).Failures, 1)
	ok(t, "ForgetFailures", s.ForgetFailures(ctx, store.Lasting+"a"))
	count(t, "forgotten", must[auth.Counter](t)(s.Counter(ctx, store.Lasting+"a", 2000*time.Hour, start)).Failures, 0)
}
