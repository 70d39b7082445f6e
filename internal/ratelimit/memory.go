package ratelimit

import (
	"context"
	"hash/maphash"
	"math/bits"
	"slices"
	"sync"
	"time"
)

const (
	defaultKeys = 100_000
	ways        = 16  // slots of one set: four cache lines
	shards      = 256 // locks
)

// Memory is a [Source] in the memory of this process. It allocates all its
// memory when it is made, 32 bytes for each of the keys it shall remember
// (rounded up to a power of two), never grows, holds no pointers for the
// collector to follow, and runs no goroutine.
//
// It is a table of sets of sixteen slots; a key belongs to one set. When the set
// is full, a key that is whole again makes room, as it says nothing; if there is
// none, the one that will be whole first. A flood of fresh keys therefore pushes
// out its own kind, and not a key that is held back by its limit.
//
// Keys are told apart by a hash of 64 bits under a random seed. That two share
// an allowance is a matter of one in 10^8 for a full table of a million, and
// nobody can bring it about.
type Memory struct {
	seed  maphash.Seed
	sets  []set // a power of two
	locks [shards]struct {
		sync.Mutex
		_ [56]byte // one cache line each
	}
}

type set [ways]slot

type slot struct {
	key   uint64 // 0: never used
	whole int64  // Unix nanoseconds at which the allowance is whole again
}

var _ Source = (*Memory)(nil)

// NewMemory returns a Memory for about the given number of keys that are short
// of their allowance at one time; 0 or less means 100,000 (8 MiB of address
// space, of which the touched part becomes memory).
func NewMemory(keys int) *Memory {
	if keys <= 0 {
		keys = defaultKeys
	}
	// Twice the room, for keys do not fall evenly: at half load one set in 250
	// is over-full.
	need := max((2*keys+ways-1)/ways, 1)
	return &Memory{seed: maphash.MakeSeed(), sets: make([]set, 1<<bits.Len(uint(need-1)))}
}

// Capacity returns how many keys fit at most.
func (m *Memory) Capacity() int { return len(m.sets) * ways }

// Take implements [Source]. It never fails but with ErrLimit, and does not look
// at ctx.
func (m *Memory) Take(_ context.Context, key string, limit Limit, cost int, now time.Time) (Decision, error) {
	ask := [1]Ask{{Limit: limit, Key: key}}
	_, err := m.take(ask[:], cost, now.UnixNano(), 0)
	return ask[0].Decision, err
}

// TakeAll implements [Source], as Take does. It has no use for group.
func (m *Memory) TakeAll(_ context.Context, _ string, asks []Ask, cost int, now time.Time) (bool, error) {
	return m.take(asks, cost, now.UnixNano(), 0)
}

// take takes from all or none. If half is not 0, no allowance is fuller than
// one that was half empty at that time.
func (m *Memory) take(asks []Ask, cost int, now, half int64) (taken bool, err error) {
	if err := ValidAsks(asks, cost); err != nil {
		return false, err
	}
	var room [MostAsks]place
	places := room[:len(asks)]
	for i := range asks {
		hash := m.hash(asks[i].Limit.Name, asks[i].Key)
		places[i] = place{hash: hash, set: hash & uint64(len(m.sets)-1)}
	}
	defer m.lock(places).unlock(m)
	taken = true
	for i := range asks {
		p, g := &places[i], newGCRA(asks[i].Limit)
		if p.slot = m.sets[p.set].find(p.hash); p.slot != nil {
			p.moment = p.slot.whole
		}
		if half != 0 {
			p.moment = max(p.moment, g.halfAt(half))
		}
		p.before = g.since(p.moment, now)
		p.moment, asks[i].Decision = g.take(p.moment, now, cost)
		taken = taken && asks[i].Decision.Allowed
	}
	for i := range places {
		p := &places[i]
		if d := &asks[i].Decision; !taken && d.Allowed {
			*d = newGCRA(asks[i].Limit).untaken(p.before, now)
		}
		switch {
		case taken:
			s := m.sets[p.set].find(p.hash) // again: the one before may have made room in the same set
			if s == nil {
				s = m.sets[p.set].makeRoom(now)
			}
			*s = slot{key: p.hash, whole: p.moment}
		case p.slot != nil:
			p.slot.whole = min(p.slot.whole, p.before) // brought back, should it be too far ahead
		}
	}
	return taken, nil
}

// place is where one of several allowances is kept.
type place struct {
	hash, set      uint64
	slot           *slot // nil: not remembered
	moment, before int64
}

// Refund implements [Source], as Take does.
func (m *Memory) Refund(_ context.Context, key string, limit Limit, cost int, now time.Time) error {
	if err := limit.validCost(cost); err != nil {
		return err
	}
	g, at, hash := newGCRA(limit), now.UnixNano(), m.hash(limit.Name, key)
	place := [1]place{{hash: hash, set: hash & uint64(len(m.sets)-1)}}
	defer m.lock(place[:]).unlock(m)
	if s := m.sets[place[0].set].find(hash); s != nil {
		s.whole = g.refund(s.whole, at, cost)
	}
	return nil
}

// hash is never 0, which marks a slot not used.
func (m *Memory) hash(name, key string) uint64 {
	h := maphash.String(m.seed, key) ^ bits.RotateLeft64(maphash.String(m.seed, name), 32)
	return max(h, 1)
}

// held is the locks that somebody has: each once, in order.
type held struct {
	shards [MostAsks]uint8
	n      int
}

// lock locks the parts of the table that the places are in, in the order in
// which everybody does.
func (m *Memory) lock(places []place) (h held) {
	for i := range places {
		shard := uint8(places[i].set % shards)
		if at, found := slices.BinarySearch(h.shards[:h.n], shard); !found {
			copy(h.shards[at+1:h.n+1], h.shards[at:h.n])
			h.shards[at] = shard
			h.n++
		}
	}
	for _, shard := range h.shards[:h.n] {
		m.locks[shard].Lock()
	}
	return h
}

func (h held) unlock(m *Memory) {
	for _, shard := range h.shards[:h.n] {
		m.locks[shard].Unlock()
	}
}

func (s *set) find(hash uint64) *slot {
	for i := range s {
		if s[i].key == hash {
			return &s[i]
		}
	}
	return nil
}

// makeRoom returns the slot to use for a new key: one not used or whole again,
// or else the one that is whole first.
func (s *set) makeRoom(now int64) *slot {
	first := &s[0]
	for i := range s {
		if s[i].key == 0 || s[i].whole <= now {
			return &s[i]
		}
		if s[i].whole < first.whole {
			first = &s[i]
		}
	}
	return first
}
