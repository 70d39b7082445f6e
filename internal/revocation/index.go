package revocation

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// shardCount is one for each value of a key's last byte, which is random in a
// UUIDv7; so entries need not hold it.
const shardCount = 256

// Index holds what is void. Entries are 24 or 26 bytes without pointers, in
// tables that are nine tenths full, so that millions of them cost little memory
// and the collector nothing. It is safe for concurrent use; the zero value is
// not ready, use [NewIndex].
type Index struct {
	shards [shardCount]shard
	// keys counts the rows about signing keys, and keyHooks hear of each.
	keys     atomic.Uint64
	keyHooks atomic.Pointer[[]func(auth.Change)]
	// roles counts the rows about roles.
	roles atomic.Uint64
	// limit is how many entries are kept whole, used how many there are. Of
	// those beyond, a trace is kept; nil when there are none.
	limit    int64
	used     atomic.Int64
	beyond   atomic.Pointer[overflow]
	spilling sync.Mutex
	// freshAsOf is the moment of the last successful look at the feed.
	freshAsOf atomic.Pointer[time.Time]
}

// shard is a part of all tables: it grows alone, and stops nobody who asks for
// the keys of another.
type shard struct {
	mu     sync.RWMutex
	tables [tableCount]flat
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
	case auth.ChangeSessionEnded:
		how := uint32(revoked)
		if c.Value == 1 {
			how = superseded
		}
		x.raise(tableEnded, c.SessionID, record{value: how, at: seconds(c.At), until: until})
	case auth.ChangeSessionChanged:
		x.raise(tableChanged, c.SessionID, record{value: clamp(c.Value), until: until})
	case auth.ChangeUserEpoch:
		x.raise(tableEpochs, c.UserID, record{value: clamp(c.Value), at: seconds(c.At), until: until})
	case auth.ChangeUserVersion:
		x.raise(tableVersions, c.UserID, record{value: clamp(c.Value), until: until})
	case auth.ChangeFamilyEnded:
		x.raise(tableFamilies, c.FamilyID, record{value: revoked, at: seconds(c.At), until: until})
	case auth.ChangeAPIKeyEnded:
		x.raise(tableAPIKeysEnded, auth.APIKeyID(c.KeyID), record{value: revoked, at: seconds(c.At), until: until})
	case auth.ChangeAPIKeyChanged:
		x.raise(tableAPIKeysChanged, auth.APIKeyID(c.KeyID), record{value: clamp(c.Value), until: until})
	case auth.ChangeKeys:
		x.keys.Add(1)
		if hooks := x.keyHooks.Load(); hooks != nil {
			for _, fn := range *hooks {
				fn(c)
			}
		}
	case auth.ChangeRoles:
		x.roles.Add(1)
	}
}

// SessionEnded says whether the session has ended before its time.
func (x *Index) SessionEnded(key [16]byte) (Ending, bool) {
	r, ok := x.find(tableEnded, &key)
	if !ok {
		return Ending{}, false
	}
	return Ending{At: time.Unix(int64(r.at), 0), Superseded: r.value == superseded}, true
}

// SessionVersion is the least Version a copy of a stored session's row must
// have; zero is any.
func (x *Index) SessionVersion(key [16]byte) int64 {
	r, _ := x.find(tableChanged, &key)
	return int64(r.value)
}

// FamilyEnded says whether the family of refresh tokens has ended before its
// time, and with it every access token that names it.
func (x *Index) FamilyEnded(key [16]byte) bool {
	_, ok := x.find(tableFamilies, &key)
	return ok
}

// APIKey says whether the API key was revoked, and otherwise the least Version a
// copy of its row must have; zero is any.
func (x *Index) APIKey(key [16]byte) (version int64, ended bool) {
	s := &x.shards[key[15]]
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, ended = s.tables[tableAPIKeysEnded].find(tableAPIKeysEnded, &key); ended {
		return 0, true
	}
	changed, _ := s.tables[tableAPIKeysChanged].find(tableAPIKeysChanged, &key)
	return int64(changed.value), false
}

// User says what credentials of the user must carry at least.
func (x *Index) User(key [16]byte) (Least, bool) {
	s := &x.shards[key[15]]
	s.mu.RLock()
	defer s.mu.RUnlock()
	epoch, voids := s.tables[tableEpochs].find(tableEpochs, &key)
	version, outdates := s.tables[tableVersions].find(tableVersions, &key)
	if !voids && !outdates {
		return Least{}, false
	}
	return Least{Epoch: int64(epoch.value), Version: int64(version.value), EpochAt: time.Unix(int64(epoch.at), 0)}, true
}

// KeyChanges counts the rows about signing keys that were applied. A copy of
// the keys is good as long as the count is what it was before they were read.
func (x *Index) KeyChanges() uint64 { return x.keys.Load() }

// RoleChanges counts the rows about roles that were applied, and how often the
// feed was read whole, because rows that nobody could hear may have been removed
// by then. What was read of the roles is good as long as the count is what it was
// before they were read.
func (x *Index) RoleChanges() uint64 { return x.roles.Load() }

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
	for i := range x.shards {
		x.shards[i].purge(limit)
	}
	x.used.Store(int64(x.Len()))
	x.dry(limit)
}

func (s *shard) purge(least uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.tables {
		s.tables[t].purge(table(t).size(), least)
	}
}

// Len returns the number of entries: statements about sessions, users, families
// and API keys, of which each may have two.
func (x *Index) Len() int {
	n := 0
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.RLock()
		for t := range s.tables {
			n += int(s.tables[t].used)
		}
		s.mu.RUnlock()
	}
	return n
}

// Bytes returns how much memory the tables take, used and free slots alike.
func (x *Index) Bytes() int {
	n := 0
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.RLock()
		for t := range s.tables {
			n += cap(s.tables[t].slots)
		}
		s.mu.RUnlock()
	}
	return n
}

// raise adds the record, or what is left of it when the Index is full. An
// identifier that is none is passed over.
func (x *Index) raise(t table, id interface{ UUID() ([16]byte, error) }, r record) {
	key, err := id.UUID()
	if err != nil {
		return
	}
	r.key = key
	switch x.shards[key[15]].raise(t, r, x.used.Load() < x.limit) {
	case raisedNew:
		x.used.Add(1)
	case raisedNot:
		x.spill(t, r)
	}
}

func (s *shard) raise(t table, r record, room bool) raised {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[t].raise(t, r, room)
}

func (x *Index) find(t table, key *[16]byte) (record, bool) {
	s := &x.shards[key[15]]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tables[t].find(t, key)
}

// each calls fn with every entry, a shard at a time and outside its lock.
func (x *Index) each(fn func(t table, r record)) {
	for i := range x.shards {
		for t := range tableCount {
			for _, r := range x.shards[i].entries(t, byte(i)) {
				fn(t, r)
			}
		}
	}
}

func (s *shard) entries(t table, last byte) []record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tables[t].entries(t, last)
}

// covers says whether the Index says at least what the record does.
func (x *Index) covers(t table, r record) bool {
	have, ok := x.find(t, &r.key)
	return ok && have.value >= r.value && have.until >= r.until
}
