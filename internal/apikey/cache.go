package apikey

import (
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
	"sync"
)

// copied is what is kept of a key that was found good: numbers, and where its
// grants stand. It has no pointers, so that many of them cost the collector
// nothing.
type copied struct {
	// sum is the first half of the SHA-256 of the key's text: to find another text
	// for it takes 2^128 tries.
	sum [16]byte
	// key and user are their UUIDs; user is zero for a service's.
	key, user [16]byte
	// expires is in microseconds since 1970.
	expires int64
	// version is the row's, epoch and userVersion the user's as of the reading.
	version, epoch, userVersion int64
	// noted is the second at which its use was last handed on.
	noted uint32
	// grants is where they stand in which generation of the table.
	generation, grants uint32
	// used: since room was last made in its set.
	used bool
}

const (
	cacheWays   = 16 // of one set
	cacheShards = 64
)

// cacheSet has room for some keys. A tag is a part of the key's sum, and 0 where
// nothing is: one cache line says which places to look at.
type cacheSet struct {
	tags [cacheWays]uint32
	at   [cacheWays]copied
}

func tagOf(sum []byte) uint32 { return max(binary.LittleEndian.Uint32(sum), 1) }

// find returns the place of the sum, and otherwise a free one, negative when
// there is none.
func (s *cacheSet) find(sum []byte) (at int, found bool) {
	tag, free := tagOf(sum), -1
	for i, t := range s.tags {
		switch {
		case t == tag && subtle.ConstantTimeCompare(s.at[i].sum[:], sum) == 1:
			return i, true
		case t == 0 && free < 0:
			free = i
		}
	}
	return free, false
}

// cache is a table of sets; a key belongs to one of them. In a full set the one
// makes room that was not used since room was last made there. It is no
// authority: what it returns is still asked of the index. It is safe for
// concurrent use.
type cache struct {
	perShard int // sets
	shards   [cacheShards]cacheShard
}

type cacheShard struct {
	mu           sync.Mutex
	sets         []cacheSet
	hits, misses uint64
	evicted      uint64
	entries      int
	_            [64]byte // a cache line of its own
}

// newCache returns a cache for about so many keys. It takes its memory as it is
// needed, a shard at a time.
func newCache(keys int) *cache {
	// Half as many again, for keys do not fall evenly.
	sets := (keys + keys/2) / (cacheShards * cacheWays)
	return &cache{perShard: max(sets, 1)}
}

func (c *cache) shard(sum *[32]byte) (s *cacheShard, set int) {
	high, _ := bits.Mul64(binary.LittleEndian.Uint64(sum[24:]), uint64(c.perShard))
	return &c.shards[sum[16]%cacheShards], int(high)
}

// find returns the copy. due: its use was not handed on for so many seconds; then
// it is taken for handed on now.
func (c *cache) find(sum *[32]byte, now, every uint32) (e copied, due, ok bool) {
	s, at := c.shard(sum)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sets == nil {
		s.misses++
		return e, false, false
	}
	set := &s.sets[at]
	place, found := set.find(sum[:16])
	if !found {
		s.misses++
		return e, false, false
	}
	s.hits++
	w := &set.at[place]
	w.used = true
	if due = now-w.noted >= every; due {
		w.noted = now
	}
	return *w, due, true
}

// put keeps the copy, unless there is one of a newer row.
func (c *cache) put(sum *[32]byte, e copied) {
	copy(e.sum[:], sum[:])
	e.used = true
	s, at := c.shard(sum)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sets == nil {
		s.sets = make([]cacheSet, c.perShard)
	}
	set := &s.sets[at]
	place, found := set.find(e.sum[:])
	switch {
	case found && (set.at[place].version > e.version || set.at[place].userVersion > e.userVersion):
		return
	case !found && place >= 0:
		s.entries++
	case !found:
		place = set.makeRoom()
		s.evicted++
	}
	set.tags[place], set.at[place] = tagOf(e.sum[:]), e
}

// makeRoom returns the place of one that was not used since room was last made
// here.
func (s *cacheSet) makeRoom() (place int) {
	for i := range s.at {
		if !s.at[i].used {
			place = i
		}
		s.at[i].used = false
	}
	return place
}

// CacheStats are counts since the start, but for Entries.
type CacheStats struct {
	Entries                 int
	Hits, Misses, Evictions uint64
}

func (c *cache) stats() (all CacheStats) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		all.Entries += s.entries
		all.Hits, all.Misses, all.Evictions = all.Hits+s.hits, all.Misses+s.misses, all.Evictions+s.evicted
		s.mu.Unlock()
	}
	return all
}
