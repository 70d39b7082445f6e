package revocation

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

// DefaultLimit is how many entries an Index keeps whole unless it is told
// otherwise: some 150 MB.
const DefaultLimit = 5_000_000

// alarmShare of the limit is where the operator is warned.
const alarmShare = 0.8

// overflow is what becomes of entries beyond the limit: of each only some bits
// in a filter are kept. A key that was put in is always found, one that was not
// is found once in eighty times while no more than the limit overflow, and more
// often then. So a hit is a doubt, and the store is asked; nothing is ever
// dropped (guarantees R19).
type overflow struct {
	words   []atomic.Uint64
	entries atomic.Int64
	until   atomic.Uint32 // of the entry that lasts longest
}

const (
	overflowBits   = 10 // for each entry of the limit
	overflowHashes = 4
)

func newOverflow(limit int64) *overflow {
	size := uint64(max(limit, 64)) * overflowBits
	return &overflow{words: make([]atomic.Uint64, (size+63)/64)}
}

// positions calls fn with the bits of a key: its random part is hash enough.
func (o *overflow) positions(n noun, key [16]byte, fn func(word int, bit uint64) bool) bool {
	a := binary.LittleEndian.Uint64(key[8:]) ^ uint64(n+1)*0x9e3779b97f4a7c15
	b := bits.RotateLeft64(a*0xff51afd7ed558ccd, 31) | 1
	size := uint64(len(o.words)) * 64
	for range overflowHashes {
		at, _ := bits.Mul64(a*0x9e3779b97f4a7c15, size)
		if !fn(int(at/64), 1<<(at%64)) {
			return false
		}
		a += b
	}
	return true
}

func (o *overflow) add(t table, r record) {
	o.positions(t.noun(), r.key, func(word int, bit uint64) bool {
		o.words[word].Or(bit)
		return true
	})
	o.entries.Add(1)
	for old := o.until.Load(); old < r.until && !o.until.CompareAndSwap(old, r.until); old = o.until.Load() {
	}
}

func (o *overflow) has(n noun, key [16]byte) bool {
	return o.positions(n, key, func(word int, bit uint64) bool { return o.words[word].Load()&bit != 0 })
}

// spill keeps of the record that there is something.
func (x *Index) spill(t table, r record) {
	x.spilling.Lock()
	defer x.spilling.Unlock()
	o := x.beyond.Load()
	if o == nil {
		o = newOverflow(x.limit)
		x.beyond.Store(o)
	}
	o.add(t, r)
}

// dry forgets the filter when nothing in it counts any more.
func (x *Index) dry(limit uint32) {
	x.spilling.Lock()
	defer x.spilling.Unlock()
	if o := x.beyond.Load(); o != nil && o.until.Load() < limit {
		x.beyond.Store(nil)
	}
}

// Fill says how many entries the Index keeps whole, how many it may, and of how
// many more it keeps but a trace.
func (x *Index) Fill() (entries, limit, beyond int64) {
	if o := x.beyond.Load(); o != nil {
		beyond = o.entries.Load()
	}
	return x.used.Load(), x.limit, beyond
}

// Doubts says that the Index, being full, may have kept no more than a trace of
// a change to the session or the user: then [Index.SessionEnded],
// [Index.SessionVersion] and [Index.User] do not know everything, and the rows
// must be read; a row that is gone is over. An Index that is not full has no
// doubts, at the price of one load.
func (x *Index) Doubts(session, user [16]byte) bool {
	o := x.beyond.Load()
	return o != nil && (o.has(nounSession, session) || o.has(nounUser, user))
}

// DoubtsFamily is Doubts for a family of refresh tokens: [Index.FamilyEnded]
// does not know everything then, and its row must be read.
func (x *Index) DoubtsFamily(family [16]byte) bool {
	o := x.beyond.Load()
	return o != nil && o.has(nounFamily, family)
}

// DoubtsAPIKey is Doubts for an API key and its user, who is zero for the key of
// a service: [Index.APIKey] and [Index.User] do not know everything then, and the
// rows must be read.
func (x *Index) DoubtsAPIKey(key, user [16]byte) bool {
	o := x.beyond.Load()
	return o != nil && (o.has(nounAPIKey, key) || user != ([16]byte{}) && o.has(nounUser, user))
}

// fullness tells the operator once that the index fills, and once that it is
// full.
type fullness struct{ filling, full bool }

func (f *Follower) watchFill() {
	entries, limit, beyond := f.Index.Fill()
	filling, full := float64(entries) >= alarmShare*float64(limit), beyond > 0
	switch {
	case full && !f.fullness.full:
		f.Logger.Error("the index of what is void is full: checks of what it keeps but a trace of ask the database. Raise session.index_limit", "entries", entries, "beyond", beyond)
	case filling && !f.fullness.filling:
		f.Logger.Warn("the index of what is void is four fifths full; beyond its limit some checks ask the database", "entries", entries, "limit", limit)
	}
	f.fullness = fullness{filling, full}
}
