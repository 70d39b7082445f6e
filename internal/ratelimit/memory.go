package ratelimit

import (
	"context"
	"hash/maphash"
	"math/bits"
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
	if err := limit.validCost(cost); err != nil {
		return Decision{}, err
	}
	g, at, hash := newGCRA(limit), now.UnixNano(), m.hash(limit.Name, key)
	index, unlock := m.lock(hash)
	defer unlock.Unlock()
	s := m.sets[index].find(hash)
	if s == nil {
		s = m.sets[index].makeRoom(at)
		*s = slot{key: hash, whole: at}
	}
	var d Decision
	s.whole, d = g.take(s.whole, at, cost)
	return d, nil
}

// Refund implements [Source], as Take does.
func (m *Memory) Refund(_ context.Context, key string, limit Limit, cost int, now time.Time) error {
	if err := limit.validCost(cost); err != nil {
		return err
	}
	g, at, hash := newGCRA(limit), now.UnixNano(), m.hash(limit.Name, key)
	index, unlock := m.lock(hash)
	defer unlock.Unlock()
	if s := m.sets[index].find(hash); s != nil {
		s.whole = g.refund(s.whole, at, cost)
	}
	return nil
}

// hash is never 0, which marks a slot not used.
func (m *Memory) hash(name, key string) uint64 {
	h := maphash.String(m.seed, key) ^ bits.RotateLeft64(maphash.String(m.seed, name), 32)
	return max(h, 1)
}

// lock locks the part of the table that hash belongs to and returns the index
// of its set.
func (m *Memory) lock(hash uint64) (index uint64, unlock *sync.Mutex) {
	index = hash & uint64(len(m.sets)-1)
	mu := &m.locks[index%shards].Mutex
	mu.Lock()
	return index, mu
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
