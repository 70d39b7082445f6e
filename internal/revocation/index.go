package revocation

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// shardCount is a power of two; a key's shard and slot come from the random
// part of its UUIDv7.
const shardCount = 64

// Index holds what is void. Entries are records of 32 bytes without pointers,
// so that millions of them cost the collector nothing. It is safe for
// concurrent use; the zero value is not ready, use [NewIndex].
type Index struct {
	sessions, users, families [shardCount]shard
	// keys counts the rows about signing keys, and keyHooks hear of each.
	keys     atomic.Uint64
	keyHooks atomic.Pointer[[]func(auth.Change)]
	// limit is how many entries are kept whole, used how many there are. Of
	// those beyond, a trace is kept; nil when there are none.
	limit    int64
	used     atomic.Int64
	beyond   atomic.Pointer[overflow]
	spilling sync.Mutex
	// freshAsOf is the moment of the last successful look at the feed.
	freshAsOf atomic.Pointer[time.Time]
}

// Never is the age of an Index that has not looked at the feed yet: the
// greatest duration, so that every limit is below it.
const Never time.Duration = math.MaxInt64

// NewIndex returns an empty Index that has never looked at the feed.
func NewIndex() *Index { return NewIndexOf(DefaultLimit) }

// NewIndexOf is NewIndex that keeps up to limit entries whole.
func NewIndexOf(limit int) *Index { return &Index{limit: int64(limit)} }

// Ending says how and when a session ended.
type Ending struct {
	At time.Time
	// Superseded: by a later sign-in of the same user in the same browser.
	Superseded bool
}

// Least says what a credential of a user must carry at least.
type Least struct {
	Epoch, Version int64
	// EpochAt is when the epoch was raised, exact to the second. It decides no
	// validity, only whether an answer may still carry a Set-Cookie (R14).
	EpochAt time.Time
}

// Apply takes one row of the feed. Applying a row twice, or rows in any order,
// leads to the same Index: nothing here is ever lowered.
func (x *Index) Apply(c auth.Change) {
	until := seconds(c.Until)
	if until == 0 {
		until = 1
	}
	switch c.Kind {
	case auth.ChangeSessionEnded, auth.ChangeSessionChanged:
		key, err := c.SessionID.UUID()
		if err != nil {
			return
		}
		r := record{key: key, until: until}
		switch {
		case c.Kind == auth.ChangeSessionChanged:
			r.b = clamp(c.Value)
		case c.Value == 1:
			r.a, r.at = superseded, seconds(c.At)
		default:
			r.a, r.at = revoked, seconds(c.At)
		}
		x.raise(tableSessions, r)
	case auth.ChangeUserEpoch, auth.ChangeUserVersion:
		key, err := c.UserID.UUID()
		if err != nil {
			return
		}
		r := record{key: key, until: until}
		if c.Kind == auth.ChangeUserEpoch {
			r.a, r.at = clamp(c.Value), seconds(c.At)
		} else {
			r.b = clamp(c.Value)
		}
		x.raise(tableUsers, r)
	case auth.ChangeFamilyEnded:
		key, err := c.FamilyID.UUID()
		if err != nil {
			return
		}
		x.raise(tableFamilies, record{key: key, a: revoked, at: seconds(c.At), until: until})
	case auth.ChangeKeys:
		x.keys.Add(1)
		if hooks := x.keyHooks.Load(); hooks != nil {
			for _, fn := range *hooks {
				fn(c)
			}
		}
	}
}

// SessionEnded says whether the session has ended before its time.
func (x *Index) SessionEnded(key [16]byte) (Ending, bool) {
	r, ok := x.sessions[shardOf(key)].find(key)
	if !ok || r.a == 0 {
		return Ending{}, false
	}
	return Ending{At: time.Unix(int64(r.at), 0), Superseded: r.a == superseded}, true
}

// SessionVersion is the least Version a copy of a stored session's row must
// have; zero is any.
func (x *Index) SessionVersion(key [16]byte) int64 {
	r, _ := x.sessions[shardOf(key)].find(key)
	return int64(r.b)
}

// FamilyEnded says whether the family of refresh tokens has ended before its
// time, and with it every access token that names it.
func (x *Index) FamilyEnded(key [16]byte) bool {
	_, ok := x.families[shardOf(key)].find(key)
	return ok
}

// User says what credentials of the user must carry at least.
func (x *Index) User(key [16]byte) (Least, bool) {
	r, ok := x.users[shardOf(key)].find(key)
	if !ok {
		return Least{}, false
	}
	return Least{Epoch: int64(r.a), Version: int64(r.b), EpochAt: time.Unix(int64(r.at), 0)}, true
}

// KeyChanges counts the rows about signing keys that were applied. A copy of
// the keys is good as long as the count is what it was before they were read.
func (x *Index) KeyChanges() uint64 { return x.keys.Load() }

// OnKeyChange has fn called with every row about signing keys, as it is
// applied: by whoever applies it, so fn returns at once. A row may come more
// than once.
func (x *Index) OnKeyChange(fn func(auth.Change)) {
	for {
		old := x.keyHooks.Load()
		var hooks []func(auth.Change)
		if old != nil {
			hooks = slices.Clone(*old)
		}
		hooks = append(hooks, fn)
		if x.keyHooks.CompareAndSwap(old, &hooks) {
			return
		}
	}
}

// MarkFresh records that everything committed before the moment asOf has been
// applied.
func (x *Index) MarkFresh(asOf time.Time) { x.freshAsOf.Store(&asOf) }

// Staleness returns how old the Index may be at now: the greater of what the
// monotonic and the wall clock say, because the monotonic clock stands still
// while a machine is suspended (R7). Before the first look it is [Never].
func (x *Index) Staleness(now time.Time) time.Duration {
	asOf := x.freshAsOf.Load()
	if asOf == nil {
		return Never
	}
	return max(now.Sub(*asOf), now.Round(0).Sub(asOf.Round(0)))
}

// Purge drops the entries whose until lies before now.
func (x *Index) Purge(now time.Time) {
	limit := seconds(now)
	for i := range shardCount {
		x.sessions[i].purge(limit)
		x.users[i].purge(limit)
		x.families[i].purge(limit)
	}
	x.used.Store(int64(x.Len()))
	x.dry(limit)
}

// Len returns the number of entries.
func (x *Index) Len() int {
	n := 0
	for i := range shardCount {
		n += x.sessions[i].len() + x.users[i].len() + x.families[i].len()
	}
	return n
}

// Bytes returns how much memory the tables take, used and free slots alike.
func (x *Index) Bytes() int {
	n := 0
	for i := range shardCount {
		n += x.sessions[i].capacity() + x.users[i].capacity() + x.families[i].capacity()
	}
	return n * int(unsafe.Sizeof(record{}))
}

// How a session or a family ended, the stronger the greater; 0 is not at all.
const (
	superseded = 1
	revoked    = 2
)

// table names one of the three.
type table uint8

const (
	tableSessions table = iota
	tableUsers
	tableFamilies
)

func (x *Index) table(t table) *[shardCount]shard {
	return [...]*[shardCount]shard{&x.sessions, &x.users, &x.families}[t]
}

// raise adds the record, or what is left of it when the Index is full.
func (x *Index) raise(t table, r record) {
	switch x.table(t)[shardOf(r.key)].raise(r, x.used.Load() < x.limit) {
	case raisedNew:
		x.used.Add(1)
	case raisedNot:
		x.spill(t, r)
	}
}

// each calls fn with every entry, a shard at a time and outside its lock.
func (x *Index) each(fn func(t table, r record)) {
	for t := tableSessions; t <= tableFamilies; t++ {
		for i := range shardCount {
			for _, r := range x.table(t)[i].entries() {
				fn(t, r)
			}
		}
	}
}

// covers says whether the Index says at least what the record does.
func (x *Index) covers(t table, r record) bool {
	have, ok := x.table(t)[shardOf(r.key)].find(r.key)
	return ok && have.a >= r.a && have.b >= r.b && have.until >= r.until
}

// record is one entry: for a session a says how it ended and b is the least
// version of its row; for a user a is the least epoch and b the least version;
// for a family a is how it ended. until is never 0 in a used slot.
type record struct {
	key       [16]byte
	a, b      uint32
	at, until uint32
}

// merge keeps the stronger of two statements about the same key.
func (r *record) merge(n record) {
	switch {
	case n.a > r.a:
		r.a, r.at = n.a, n.at
	case n.a == r.a && n.at != 0 && (r.at == 0 || n.at < r.at):
		r.at = n.at
	}
	r.b = max(r.b, n.b)
	r.until = max(r.until, n.until)
}

// shard is an open-addressing table with linear probing, at most half full.
type shard struct {
	mu    sync.RWMutex
	slots []record
	used  int
}

func (s *shard) find(key [16]byte) (record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.used == 0 {
		return record{}, false
	}
	mask := uint64(len(s.slots) - 1)
	for i := slotOf(key) & mask; ; i = (i + 1) & mask {
		switch r := &s.slots[i]; {
		case r.until == 0:
			return record{}, false
		case r.key == key:
			return *r, true
		}
	}
}

// What raise did.
type raised uint8

const (
	raisedOld raised = iota // the key was there
	raisedNew
	raisedNot // the key is new, and there is no room
)

func (s *shard) raise(n record, room bool) raised {
	s.mu.Lock()
	defer s.mu.Unlock()
	if room && 2*(s.used+1) > len(s.slots) {
		s.rebuild(max(16, 2*len(s.slots)), 0)
	}
	return s.put(n, room)
}

func (s *shard) put(n record, room bool) raised {
	if len(s.slots) == 0 {
		return raisedNot
	}
	mask := uint64(len(s.slots) - 1)
	for i := slotOf(n.key) & mask; ; i = (i + 1) & mask {
		switch r := &s.slots[i]; {
		case r.until == 0 && !room:
			return raisedNot
		case r.until == 0:
			*r = n
			s.used++
			return raisedNew
		case r.key == n.key:
			r.merge(n)
			return raisedOld
		}
	}
}

// rebuild moves every entry with until >= least into a table of the given size.
func (s *shard) rebuild(size int, least uint32) {
	old := s.slots
	s.slots, s.used = make([]record, size), 0
	for _, r := range old {
		if r.until != 0 && r.until >= least {
			s.put(r, true)
		}
	}
}

func (s *shard) purge(least uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := 0
	for i := range s.slots {
		if s.slots[i].until != 0 && s.slots[i].until >= least {
			keep++
		}
	}
	if keep == s.used {
		return
	}
	size := 16
	for size < 2*(keep+1) {
		size *= 2
	}
	s.rebuild(size, least)
}

func (s *shard) entries() []record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]record, 0, s.used)
	for _, r := range s.slots {
		if r.until != 0 {
			list = append(list, r)
		}
	}
	return list
}

func (s *shard) len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.used
}

func (s *shard) capacity() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.slots)
}

func shardOf(key [16]byte) int { return int(key[15] % shardCount) }

// slotOf leaves out the octet that holds the variant of a UUID: its fixed bits
// would keep three quarters of a table empty and crowd the rest.
func slotOf(key [16]byte) uint64 { return binary.LittleEndian.Uint64(key[8:]) >> 8 }

// seconds turns a time into Unix seconds that fit the record: until 2106.
func seconds(t time.Time) uint32 { return clamp(t.Unix()) }

func clamp(n int64) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) }
