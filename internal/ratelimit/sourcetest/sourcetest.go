package sourcetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
)

// Run runs the whole suite. Open returns a Source that remembers nothing, and
// cleans up by t.
func Run(t *testing.T, open func(t *testing.T) ratelimit.Source) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b bench)
	}{
		{"burst, then one unit at a time", testBurstThenRefill},
		{"retry after is exact", testRetryAfter},
		{"a refusal takes nothing", testRefusalTakesNothing},
		{"keys and names are apart", testKeysAndNames},
		{"cost is all or nothing", testCost},
		{"refund gives back", testRefund},
		{"refund fills no further than burst", testRefundBounded},
		{"idle time fills no further than burst", testIdle},
		{"a clock set back locks for one period at most", testClockSetBack},
		{"a limit may change", testChangedLimit},
		{"any text is a key", testAnyKey},
		{"bad limits and costs are refused", testBadArguments},
		{"of many at once exactly burst win", testConcurrent},
		{"when it is whole again", testWhole},
		{"of several all or none", testAllOrNone},
		{"several are apart from each other", testAllKeys},
		{"several of many at once", testAllConcurrent},
		{"too many or none are refused", testAllBadArguments},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, bench{t: t, source: open(t)}) })
	}
}

// start is the time of the first call in every case.
var start = time.Date(2024, 2, 29, 23, 59, 59, 123_456_000, time.UTC)

// ten is ten units a minute: one each six seconds.
var ten = ratelimit.Limit{Name: "ten", Burst: 10, Period: time.Minute}

const unit = 6 * time.Second

type bench struct {
	t      *testing.T
	source ratelimit.Source
}

// take takes under ten from key "a" at the given time after start.
func (b bench) take(cost int, after time.Duration) ratelimit.Decision {
	b.t.Helper()
	return b.takeFrom("a", ten, cost, after)
}

func (b bench) takeFrom(key string, limit ratelimit.Limit, cost int, after time.Duration) ratelimit.Decision {
	b.t.Helper()
	d, err := b.source.Take(b.t.Context(), key, limit, cost, start.Add(after))
	if err != nil {
		b.t.Fatalf("Take(%q, %+v, %d) at %v: %v", key, limit, cost, after, err)
	}
	return d
}

func (b bench) refund(cost int, after time.Duration) {
	b.t.Helper()
	if err := b.source.Refund(b.t.Context(), "a", ten, cost, start.Add(after)); err != nil {
		b.t.Fatalf("Refund(%d) at %v: %v", cost, after, err)
	}
}

func (b bench) want(what string, got, want ratelimit.Decision) {
	b.t.Helper()
	got.Whole = 0 // a case of its own
	if got != want {
		b.t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func yes(remaining int) ratelimit.Decision {
	return ratelimit.Decision{Allowed: true, Remaining: remaining}
}

func no(after time.Duration, remaining int) ratelimit.Decision {
	return ratelimit.Decision{RetryAfter: after, Remaining: remaining}
}

func testBurstThenRefill(_ *testing.T, b bench) {
	for i := range 10 {
		b.want(fmt.Sprintf("take %d of the burst", i+1), b.take(1, 0), yes(9-i))
	}
	b.want("one too many", b.take(1, 0), no(unit, 0))
	b.want("a microsecond early", b.take(1, unit-time.Microsecond), no(time.Microsecond, 0))
	b.want("in time", b.take(1, unit), yes(0))
	b.want("again at once", b.take(1, unit), no(unit, 0))
	b.want("three units later", b.take(1, 4*unit), yes(2))
}

func testRetryAfter(_ *testing.T, b bench) {
	b.take(10, 0)
	const moment = 1234567 * time.Microsecond
	d := b.take(4, moment)
	b.want("four of none", d, no(4*unit-moment, 0))
	b.want("a microsecond early", b.take(4, moment+d.RetryAfter-time.Microsecond), no(time.Microsecond, 3))
	b.want("after the time named", b.take(4, moment+d.RetryAfter), yes(0))
}

func testRefusalTakesNothing(_ *testing.T, b bench) {
	b.take(10, 0)
	for range 100 {
		b.want("refused", b.take(1, 0), no(unit, 0))
	}
	b.want("in time all the same", b.take(1, unit), yes(0))
}

func testKeysAndNames(_ *testing.T, b bench) {
	b.take(10, 0)
	other := ten
	other.Name = "other"
	b.want("another key", b.takeFrom("b", ten, 1, 0), yes(9))
	b.want("another name", b.takeFrom("a", other, 1, 0), yes(9))
	b.want("the first", b.take(1, 0), no(unit, 0))
	// Where one ends and the other begins must matter.
	x, y := ten, ten
	x.Name, y.Name = "xy", "x"
	b.takeFrom("z", x, 10, 0)
	b.want("name and key joined alike", b.takeFrom("yz", y, 1, 0), yes(9))
	b.want("upper case", b.takeFrom("A", ten, 1, 0), yes(9))
}

func testCost(_ *testing.T, b bench) {
	b.want("seven", b.take(7, 0), yes(3))
	b.want("four of three", b.take(4, 0), no(unit, 3))
	b.want("three of three", b.take(3, 0), yes(0))
}

func testRefund(_ *testing.T, b bench) {
	b.take(10, 0)
	b.refund(2, 0)
	b.want("after a refund", b.take(1, 0), yes(1))
	b.want("the other", b.take(1, 0), yes(0))
	b.want("and no more", b.take(1, 0), no(unit, 0))
}

func testRefundBounded(_ *testing.T, b bench) {
	b.refund(10, 0) // a key nobody knows
	b.want("whole", b.take(10, 0), yes(0))
	b.refund(10, 0)
	b.refund(10, 0)
	b.want("whole again", b.take(10, 0), yes(0))
	b.want("and no more", b.take(1, 0), no(unit, 0))
	b.refund(10, 9*unit)
	b.want("whole later", b.take(10, 9*unit), yes(0))
	b.want("and no more later", b.take(1, 9*unit), no(unit, 0))
}

func testIdle(_ *testing.T, b bench) {
	b.take(10, 0)
	b.want("after a week", b.take(10, 7*24*time.Hour), yes(0))
	b.want("and no more", b.take(1, 7*24*time.Hour), no(unit, 0))
}

func testClockSetBack(_ *testing.T, b bench) {
	b.take(10, 0)
	const back = -time.Hour
	if d := b.take(1, back); d.Allowed || d.RetryAfter > ten.Period {
		b.t.Errorf("an hour back: %+v, want a refusal for at most %v", d, ten.Period)
	}
	b.want("a period later", b.take(10, back+ten.Period), yes(0))
}

func testChangedLimit(_ *testing.T, b bench) {
	b.take(10, 0)
	smaller := ratelimit.Limit{Name: ten.Name, Burst: 2, Period: 2 * time.Second}
	b.want("made smaller", b.takeFrom("a", smaller, 1, 0), no(time.Second, 0))
	b.want("in its time", b.takeFrom("a", smaller, 1, time.Second), yes(0))
	larger := ratelimit.Limit{Name: ten.Name, Burst: 100, Period: 100 * time.Second}
	if d := b.takeFrom("a", larger, 50, time.Second); !d.Allowed {
		b.t.Errorf("made larger: %+v, want it allowed", d)
	}
}

func testAnyKey(_ *testing.T, b bench) {
	for _, key := range []string{"", " ", "\x00", "a\x00b", "2001:db8::/64", "\xff\xfe", "ключ", "*?[]{}", "a b", "a:b", "a\r\nFLUSHALL\r\n", string(make([]byte, 4096)), strings.Repeat("x", 1<<20)} {
		b.want(fmt.Sprintf("key %.20q", key), b.takeFrom(key, ten, 10, 0), yes(0))
		b.want(fmt.Sprintf("key %.20q again", key), b.takeFrom(key, ten, 1, 0), no(unit, 0))
	}
}

func testBadArguments(t *testing.T, b bench) {
	for _, c := range []struct {
		limit ratelimit.Limit
		cost  int
	}{
		{ratelimit.Limit{Burst: 1, Period: time.Second}, 1},
		{ratelimit.Limit{Name: "x", Period: time.Second}, 1},
		{ratelimit.Limit{Name: "x", Burst: -1, Period: time.Second}, 1},
		{ratelimit.Limit{Name: "x", Burst: 1}, 1},
		{ratelimit.Limit{Name: "x", Burst: 1, Period: -time.Second}, 1},
		{ratelimit.Limit{Name: "x", Burst: 1_000_001, Period: time.Second}, 1},
		{ratelimit.Limit{Name: "x", Burst: 1, Period: 10 * 366 * 24 * time.Hour}, 1},
		{ten, 0}, {ten, -1}, {ten, 11},
	} {
		if d, err := b.source.Take(t.Context(), "a", c.limit, c.cost, start); !errors.Is(err, ratelimit.ErrLimit) || d.Allowed {
			t.Errorf("Take(%+v, %d) = %+v, %v; want ErrLimit", c.limit, c.cost, d, err)
		}
		if err := b.source.Refund(t.Context(), "a", c.limit, c.cost, start); !errors.Is(err, ratelimit.ErrLimit) {
			t.Errorf("Refund(%+v, %d) = %v; want ErrLimit", c.limit, c.cost, err)
		}
	}
	b.want("nothing was taken", b.take(10, 0), yes(0))
}

func testConcurrent(t *testing.T, b bench) {
	var won atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			d, err := b.source.Take(t.Context(), "a", ten, 1, start)
			if err != nil {
				t.Errorf("Take: %v", err)
			}
			if d.Allowed {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 10 {
		t.Errorf("%d of 50 were allowed, want 10", won.Load())
	}
}

func testWhole(t *testing.T, b bench) {
	for i, want := range []time.Duration{unit, 2 * unit, 3 * unit} {
		if d := b.take(1, 0); d.Whole != want {
			t.Errorf("after %d units: whole after %v, want %v", i+1, d.Whole, want)
		}
	}
	if d := b.take(1, unit); d.Whole != 3*unit {
		t.Errorf("a unit later: whole after %v, want %v", d.Whole, 3*unit)
	}
	if d := b.take(9, unit); d.Allowed || d.Whole != 3*unit {
		t.Errorf("refused: %+v, want whole after %v as before", d, 3*unit)
	}
}

// hour is a hundred units an hour.
var hour = ratelimit.Limit{Name: "hour", Burst: 100, Period: time.Hour}

func (b bench) takeAll(cost int, after time.Duration, asks ...ratelimit.Ask) (bool, []ratelimit.Ask) {
	b.t.Helper()
	taken, err := b.source.TakeAll(b.t.Context(), "group", asks, cost, start.Add(after))
	if err != nil {
		b.t.Fatalf("TakeAll at %v: %v", after, err)
	}
	return taken, asks
}

func testAllOrNone(t *testing.T, b bench) {
	ask := func() []ratelimit.Ask { return []ratelimit.Ask{{Limit: ten, Key: "a"}, {Limit: hour, Key: "a"}} }
	for i := range 10 {
		taken, asks := b.takeAll(1, 0, ask()...)
		if !taken {
			t.Fatalf("take %d was refused", i+1)
		}
		b.want("the narrow one", asks[0].Decision, yes(9-i))
		b.want("the wide one", asks[1].Decision, yes(99-i))
	}
	for range 100 {
		taken, asks := b.takeAll(1, 0, ask()...)
		if taken {
			t.Fatal("one too many was taken")
		}
		b.want("what is short", asks[0].Decision, no(unit, 0))
		if !asks[1].Decision.Allowed {
			t.Errorf("what is not short: %+v", asks[1].Decision)
		}
	}
	taken, asks := b.takeAll(1, unit, ask()...)
	if !taken {
		t.Fatalf("a unit later: %+v", asks)
	}
	b.want("a refusal took nothing", asks[1].Decision, yes(89)) // one unit of the hour has not come back yet
	if taken, _ := b.takeAll(89, time.Minute+unit, ratelimit.Ask{Limit: hour, Key: "a"}); !taken {
		t.Error("one of a group cannot be asked of alone")
	}
	if taken, asks := b.takeAll(5, time.Minute+unit, ask()...); taken || !asks[0].Decision.Allowed {
		t.Errorf("the wide one is short: taken %v, %+v", taken, asks)
	}
}

func testAllKeys(t *testing.T, b bench) {
	asks := []ratelimit.Ask{{Limit: ten, Key: "a"}, {Limit: ten, Key: "b"}, {Limit: hour, Key: "a"}, {Limit: hour, Key: "b"}}
	if taken, _ := b.takeAll(10, 0, asks...); !taken {
		t.Fatalf("refused: %+v", asks)
	}
	taken, asks := b.takeAll(1, 0, ratelimit.Ask{Limit: ten, Key: "c"}, ratelimit.Ask{Limit: ten, Key: "b"})
	if taken {
		t.Error("taken from one that is empty")
	}
	b.want("what is not empty", asks[0].Decision, yes(10))
	b.want("what is empty", asks[1].Decision, no(unit, 0))
	taken, asks = b.takeAll(1, 0, ratelimit.Ask{Limit: ten, Key: "c"})
	if !taken {
		t.Error("a new key was refused")
	}
	b.want("nothing was taken from it", asks[0].Decision, yes(9))
}

func testAllConcurrent(t *testing.T, b bench) {
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			asks := []ratelimit.Ask{{Limit: ten, Key: fmt.Sprint("own ", i%3)}, {Limit: hour, Key: "shared"}}
			if i%2 == 0 {
				asks[0], asks[1] = asks[1], asks[0]
			}
			taken, err := b.source.TakeAll(t.Context(), "group", asks, 5, start)
			if err != nil {
				t.Errorf("TakeAll: %v", err)
			}
			if taken {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 6 { // two of each of the three keys
		t.Errorf("%d of 60 were allowed, want 6", won.Load())
	}
}

func testAllBadArguments(t *testing.T, b bench) {
	for _, n := range []int{0, ratelimit.MostAsks + 1} {
		asks := make([]ratelimit.Ask, n)
		for i := range asks {
			asks[i] = ratelimit.Ask{Limit: ten, Key: fmt.Sprint(i)}
		}
		if taken, err := b.source.TakeAll(t.Context(), "group", asks, 1, start); taken || !errors.Is(err, ratelimit.ErrLimit) {
			t.Errorf("TakeAll of %d: %v, %v; want ErrLimit", n, taken, err)
		}
	}
	asks := []ratelimit.Ask{{Limit: hour, Key: "a"}, {Limit: ten, Key: "a"}}
	if taken, err := b.source.TakeAll(t.Context(), "group", asks, 11, start); taken || !errors.Is(err, ratelimit.ErrLimit) {
		t.Errorf("TakeAll of more than one holds: %v, %v; want ErrLimit", taken, err)
	}
	if taken, _ := b.takeAll(10, 0, asks...); !taken {
		t.Error("something was taken")
	}
}
