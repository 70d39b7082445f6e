package session

import "sync/atomic"

// Checks is how many checks came to each verdict since the start. Unavailable
// are those that could say nothing. A request without a session cookie is not
// checked.
type Checks struct {
	Live, Superseded, JustEnded, Void, Unavailable uint64
}

// Checks returns the counts of all mounts together.
func (r *Room) Checks() Checks {
	c := &r.checks
	return Checks{
		Live: c.verdicts[Live].Load(), Superseded: c.verdicts[Superseded].Load(), JustEnded: c.verdicts[JustEnded].Load(),
		Void: c.verdicts[Void].Load(), Unavailable: c.unavailable.Load(),
	}
}

// checkCounters cost a check one addition.
type checkCounters struct {
	verdicts    [Live + 1]atomic.Uint64
	unavailable atomic.Uint64
}

func (c *checkCounters) count(v Verdict, err error) {
	if err != nil {
		c.unavailable.Add(1)
		return
	}
	c.verdicts[v].Add(1)
}

// Copies counts what is kept of stored sessions, since the start where it is a
// count. A hit is a check that needed no row, a miss one that read it or found
// that there is none; an eviction is a copy that made room for others.
type Copies struct {
	Hits, Misses, Evictions uint64
	Entries, Bytes          int
}

// Copies returns the counts of all mounts together.
func (r *Room) Copies() (c Copies) {
	r.carrying.Lock()
	defer r.carrying.Unlock()
	for _, kept := range r.carried {
		kept.count(&c)
	}
	return c
}
