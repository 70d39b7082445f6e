package revocation

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// flat is a table of statements of one kind, in the order of their keys' random
// bits: open addressing with linear probing, where every search ends as soon as
// a greater key is met. So it may be more than nine tenths full; and it grows by
// a sixteenth, in one sweep, because the order stays the same.
//
// An entry is some bytes without pointers: the key but for its last byte, which
// is the number of the shard; what is said of it; and until, which is never 0.
// Behind the homes lies a short tail, for what is pushed beyond the last one.
type flat struct {
	slots []byte
	homes uint32
	used  uint32
}

// The share of the homes in use at which a table grows: a search looks at some
// six entries then, which is two cache lines.
const (
	fullParts  = 23
	fullWhole  = 25
	longestEnd = 16 // entries of a tail
)

// homeOf is where the search for a key begins.
func (f *flat) homeOf(bitsOf uint64) int {
	home, _ := bits.Mul64(bitsOf, uint64(f.homes))
	return int(home)
}

// randomBits are the eight bytes of a key that decide the order: those of a
// UUIDv7's end, the last but one first. The fixed bits of its variant come
// behind 48 random ones.
func randomBits(key []byte) uint64 { return binary.LittleEndian.Uint64(key[7:]) }

func untilOf(entry []byte) uint32 { return binary.LittleEndian.Uint32(entry[len(entry)-4:]) }

// seek returns where the key's entry is, or else where it would be put.
func (f *flat) seek(key *[16]byte, size int) (at int, found bool) {
	wanted, front := randomBits(key[:]), binary.LittleEndian.Uint64(key[:])
	at = f.homeOf(wanted) * size
	for e := f.slots[at:]; len(e) >= entryBytes; e, at = e[size:], at+size {
		here := binary.LittleEndian.Uint64(e[7:])
		switch {
		case here < wanted && here != 0:
		case here > wanted, untilOf(e[:size]) == 0:
			return at, false
		case here == wanted && binary.LittleEndian.Uint64(e) == front:
			return at, true
		}
	}
	return at, false
}

func (f *flat) find(t table, key *[16]byte) (record, bool) {
	if f.used == 0 {
		return record{}, false
	}
	at, found := f.seek(key, t.size())
	if !found {
		return record{}, false
	}
	return t.decode(f.slots[at:at+t.size()], key[15]), true
}

// What raise did.
type raised uint8

const (
	raisedOld raised = iota // the key was there
	raisedNew
	raisedNot // the key is new, and there is no room
)

// raise adds the record to what is there, or adds it when there is room.
func (f *flat) raise(t table, n record, room bool) raised {
	size := t.size()
	at, found := f.seek(&n.key, size)
	switch {
	case found:
		e := f.slots[at : at+size]
		have := t.decode(e, n.key[15])
		have.merge(n)
		t.encode(e, have)
		return raisedOld
	case !room:
		return raisedNot
	}
	if fullWhole*(f.used+1) > fullParts*f.homes {
		f.resize(size, f.homes+max(f.homes/16, 4), 0)
		at, _ = f.seek(&n.key, size)
	}
	if !f.open(at, size) {
		// Beyond the end: a longer tail.
		f.extend(at, size)
	}
	t.encode(f.slots[at:at+size], n)
	f.used++
	return raisedNew
}

// open moves what lies from at to the next free slot by one. It fails when
// there is none any more.
func (f *flat) open(at, size int) bool {
	for end := at; end+size <= len(f.slots); end += size {
		if untilOf(f.slots[end:end+size]) == 0 {
			copy(f.slots[at+size:end+size], f.slots[at:end])
			return true
		}
	}
	return false
}

// extend is open for a table whose tail is full.
func (f *flat) extend(at, size int) {
	slots := makeSlots(size, len(f.slots)/size+longestEnd)
	copy(slots, f.slots[:at])
	copy(slots[at+size:], f.slots[at:])
	f.slots = slots
}

// fitting is a number of homes for so many entries, with some room.
func fitting(entries uint32) uint32 { return entries + entries/8 + 4 }

// resize moves every entry with until >= least into that many homes or somewhat
// more.
func (f *flat) resize(size int, homes, least uint32) {
	tail := min(longestEnd, 2+homes/8)
	g := flat{slots: makeSlots(size, int(homes+tail))}
	g.homes = uint32(len(g.slots)/size) - tail
	free := 0
	for e := range slices.Chunk(f.slots, size) {
		until := untilOf(e)
		if until == 0 || until < least {
			continue
		}
		at := max(free, g.homeOf(randomBits(e))*size)
		if at == len(g.slots) {
			g.extend(at, size)
		}
		free = at + copy(g.slots[at:], e)
		g.used++
	}
	*f = g
}

// makeSlots takes all of the memory that the allocator would give for as many
// entries.
func makeSlots(size, entries int) []byte {
	slots := slices.Grow([]byte(nil), entries*size)
	slots = slots[:cap(slots)/size*size]
	clear(slots)
	return slots
}

// purge drops the entries with until < least, and their room.
func (f *flat) purge(size int, least uint32) {
	keep := uint32(0)
	for e := range slices.Chunk(f.slots, size) {
		if until := untilOf(e); until != 0 && until >= least {
			keep++
		}
	}
	switch keep {
	case f.used:
	case 0:
		*f = flat{}
	default:
		f.resize(size, fitting(keep), least)
	}
}

func (f *flat) entries(t table, shard byte) []record {
	list := make([]record, 0, f.used)
	for e := range slices.Chunk(f.slots, t.size()) {
		if untilOf(e) != 0 {
			list = append(list, t.decode(e, shard))
		}
	}
	return list
}
