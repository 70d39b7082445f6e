package session

import (
	"bytes"
	"encoding/binary"
	"sync"
)

// copyShard is a log of copies in chunks that are written in turn, and a table
// with linear probing that says where each lies.
type copyShard struct {
	mu     sync.Mutex
	chunks [][]byte
	// most is how many chunks there may be; writing is the one that is written,
	// up to end.
	most, writing, end int
	// slots hold one more than the place of a copy; 0 is free. used is how many
	// are not.
	slots []uint32
	used  int
	// What was found and not, and given up, since the start.
	hits, misses, evicted uint64
}

// at is the copy that begins at a place.
func (s *copyShard) at(place uint32) []byte {
	b := s.chunks[place/copyChunk][place%copyChunk:]
	return b[:binary.LittleEndian.Uint16(b[copyLength:])]
}

func (s *copyShard) keyAt(place uint32) []byte {
	b := s.chunks[place/copyChunk][place%copyChunk:]
	return b[copySession : copySession+16]
}

func copySlot(key []byte) uint32 { return uint32(binary.LittleEndian.Uint64(key[8:]) >> 8) }

// slot is where the key's slot is, or would be.
func (s *copyShard) slot(key []byte) (i uint32, found bool) {
	mask := uint32(len(s.slots) - 1)
	for i = copySlot(key) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if bytes.Equal(s.keyAt(s.slots[i]-1), key) {
			return i, true
		}
	}
	return i, false
}

func (s *copyShard) find(key *[16]byte) (place uint32, ok bool) {
	if s.used == 0 {
		return 0, false
	}
	i, ok := s.slot(key[:])
	return s.slots[i] - 1, ok
}

// put writes a copy to the end of the log. What it takes the place of is passed
// over when its chunk is given up.
func (s *copyShard) put(key *[16]byte, b []byte) {
	if len(s.chunks) == 0 || s.end+len(b) > copyChunk {
		s.next()
	}
	place := uint32(s.writing*copyChunk + s.end)
	copy(s.chunks[s.writing][s.end:], b)
	s.end += len(b)
	if 4*(s.used+1) > 3*len(s.slots) {
		s.grow()
	}
	i, found := s.slot(key[:])
	if !found {
		s.used++
	}
	s.slots[i] = place + 1
}

// grow doubles the table.
func (s *copyShard) grow() {
	old := s.slots
	s.slots = make([]uint32, max(64, 2*len(old)))
	for _, place := range old {
		if place != 0 {
			i, _ := s.slot(s.keyAt(place - 1))
			s.slots[i] = place
		}
	}
}

// next begins another chunk: a new one as long as there may be more, else the
// oldest. Of that, what was used since it was written is written again, up to half
// of it, and has to be used again to stay a second time.
func (s *copyShard) next() {
	if len(s.chunks) < s.most {
		s.chunks = append(s.chunks, make([]byte, copyChunk))
		s.writing, s.end = len(s.chunks)-1, 0
		return
	}
	s.writing = (s.writing + 1) % len(s.chunks)
	old := bytes.Clone(s.chunks[s.writing])
	s.end = 0
	for from := 0; from+copyHead <= copyChunk; {
		n := int(binary.LittleEndian.Uint16(old[from:]))
		if n == 0 {
			break
		}
		b := old[from : from+n]
		i, found := s.slot(b[copySession : copySession+16])
		switch current := found && s.slots[i] == uint32(s.writing*copyChunk+from)+1; {
		case !current:
		case b[copyFlags]&flagUsed != 0 && s.end+n <= copyChunk/2:
			b[copyFlags] &^= flagUsed
			copy(s.chunks[s.writing][s.end:], b)
			s.slots[i] = uint32(s.writing*copyChunk+s.end) + 1
			s.end += n
		default:
			s.free(i)
			s.evicted++
		}
		from += n
	}
	clear(s.chunks[s.writing][s.end:])
}

// free empties a slot and closes the gap, so that every search goes on to find
// what lies behind it.
func (s *copyShard) free(i uint32) {
	mask := uint32(len(s.slots) - 1)
	s.slots[i] = 0
	s.used--
	for j := (i + 1) & mask; s.slots[j] != 0; j = (j + 1) & mask {
		home := copySlot(s.keyAt(s.slots[j]-1)) & mask
		if (j-home)&mask >= (j-i)&mask {
			s.slots[i], s.slots[j] = s.slots[j], 0
			i = j
		}
	}
}
