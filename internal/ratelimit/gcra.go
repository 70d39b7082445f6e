package ratelimit

import "time"

// gcra is a Limit in the algorithm's terms, in nanoseconds.
type gcra struct {
	unit  int64 // T: the time in which one unit comes back
	whole int64 // the time in which Burst units come back
}

func newGCRA(l Limit) gcra {
	unit := int64(l.Period) / int64(l.Burst)
	return gcra{unit: unit, whole: unit * int64(l.Burst)}
}

// since returns the moment from which to count, given the stored one: now if
// the allowance is whole. A moment that only a clock set back, or a limit made
// smaller, can have left is brought back to an empty allowance.
func (g gcra) since(stored, now int64) int64 {
	return min(max(stored, now), now+g.whole)
}

// halfAt is the moment of an allowance that was half empty at the given time.
func (g gcra) halfAt(at int64) int64 { return at + g.whole/2 }

// take returns the moment to store and the answer. If the answer is no, the
// moment is the one before.
func (g gcra) take(stored, now int64, cost int) (int64, Decision) {
	before := g.since(stored, now)
	after := before + int64(cost)*g.unit
	if late := after - (now + g.whole); late > 0 {
		return before, Decision{RetryAfter: time.Duration(late), Remaining: g.remaining(before, now), Whole: time.Duration(before - now)}
	}
	return after, Decision{Allowed: true, Remaining: g.remaining(after, now), Whole: time.Duration(after - now)}
}

// untaken is the answer where the units are there and yet are not taken.
func (g gcra) untaken(before, now int64) Decision {
	return Decision{Allowed: true, Remaining: g.remaining(before, now), Whole: time.Duration(before - now)}
}

// refund returns the moment to store.
func (g gcra) refund(stored, now int64, cost int) int64 {
	return max(g.since(stored, now)-int64(cost)*g.unit, now)
}

func (g gcra) remaining(moment, now int64) int {
	return int((now + g.whole - moment) / g.unit)
}
