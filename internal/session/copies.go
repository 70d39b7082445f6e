package session

import (
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
	"sync"
)

// CopyBytes is what one copy of a stored session may take of memory, on the
// average: the limit of all of them is as many times this, however long their
// texts are.
const CopyBytes = 160

const (
	// copyChunk is what memory is taken and given up in.
	copyChunk = 32 << 10
	// copyHead is the fixed part of a copy.
	copyHead = 84
	// maxCopyShards is a power of two.
	maxCopyShards = 64
	// hashKept is how much of a secret's hash a copy keeps: to find another
	// secret for it takes 2^128 tries.
	hashKept = 16
)

// copies holds copies of rows. They lie in chunks without pointers, so that
// millions of them cost the collector nothing, and the oldest chunk makes room
// for new ones, except for what was used since it was written. It is safe for
// concurrent use.
type copies struct {
	shards []copyShard
	roles  roleLists
}

// rowCopy is one session as the copies have it. Times are Unix seconds.
type rowCopy struct {
	session, user [16]byte
	hash          [hashKept]byte
	// epoch is the session's, userVersion the version of the user's row and
	// version that of the session's.
	epoch, userVersion, version int64
	start, absoluteEnd          int64
	// seen is when it was used last, noted when that was last handed on.
	seen, noted int64
	roles       []string
	// claims is the JSON object of what a token would carry on.
	claims []byte
	gained bool
	// absent: there is no such session. It is believed until absoluteEnd.
	absent bool
}

// lookup is what a look for a copy has led to.
type lookup uint8

const (
	// missing: there is no copy.
	missing lookup = iota
	// foreign: the secret is not that of the session.
	foreign
	// gone: there is no such session.
	gone
	// lapsed: it has not been used for the idle time, as far as is known here.
	lapsed
	// held: here it is, and it counts as used now.
	held
	// heldDue: held, and a tenth of the idle time has passed since this was
	// last said.
	heldDue
)

func newCopies(most int) *copies {
	shards := 1
	for shards < maxCopyShards && most/shards > 8192 {
		shards *= 2
	}
	c := &copies{shards: make([]copyShard, shards)}
	each := (most + shards - 1) / shards
	// A table of slots is at most three quarters full, and has a power of two.
	slots := 1 << bits.Len(uint(each+each/3))
	for i := range c.shards {
		c.shards[i].most = max((each*CopyBytes-4*slots+copyChunk/2)/copyChunk, 2)
	}
	return c
}

func (c *copies) shard(key *[16]byte) *copyShard { return &c.shards[int(key[15])&(len(c.shards)-1)] }

// get looks for the copy and marks it used. idle and tenth are in seconds.
func (c *copies) get(key [16]byte, hash *[32]byte, now, idle, tenth int64) (e rowCopy, found lookup) {
	s := c.shard(&key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, found = c.look(s, key, hash, now, idle, tenth)
	if found == missing || found == lapsed {
		s.misses++
	} else {
		s.hits++
	}
	return e, found
}

func (c *copies) look(s *copyShard, key [16]byte, hash *[32]byte, now, idle, tenth int64) (e rowCopy, found lookup) {
	at, ok := s.find(&key)
	if !ok {
		return e, missing
	}
	b := s.at(at)
	e = decodeCopy(b)
	if subtle.ConstantTimeCompare(e.hash[:], hash[:hashKept]) != 1 {
		return rowCopy{}, foreign
	}
	if e.absent {
		if now < e.absoluteEnd {
			return e, gone
		}
		return e, missing
	}
	roles, claims := textsOf(b)
	e.roles, e.claims = c.roles.list(roles), append([]byte(nil), claims...)
	if now >= e.seen+idle {
		return e, lapsed
	}
	b[copyFlags] |= flagUsed
	found = held
	if now > e.seen {
		binary.LittleEndian.PutUint32(b[copySeen:], uint32(now))
	}
	if now-e.noted >= tenth {
		binary.LittleEndian.PutUint32(b[copyNoted:], uint32(now))
		found = heldDue
	}
	return e, found
}

// peek is get for a look that counts as no use.
func (c *copies) peek(key [16]byte, hash *[32]byte, now, idle int64) (e rowCopy, found lookup) {
	s := c.shard(&key)
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.find(&key)
	if !ok {
		return e, missing
	}
	b := s.at(at)
	e = decodeCopy(b)
	switch {
	case subtle.ConstantTimeCompare(e.hash[:], hash[:hashKept]) != 1:
		return rowCopy{}, foreign
	case e.absent && now < e.absoluteEnd:
		return e, gone
	case e.absent:
		return e, missing
	case now >= e.seen+idle:
		return e, lapsed
	}
	roles, _ := textsOf(b)
	e.roles = c.roles.list(roles)
	return e, held
}

// put keeps a copy, unless there is one of a newer row. One that is longer than
// half a chunk is not kept.
func (c *copies) put(e rowCopy) {
	b := encodeCopy(make([]byte, 0, 256), e)
	if len(b) > copyChunk/2 {
		return
	}
	s := c.shard(&e.session)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.find(&e.session); ok {
		if old := decodeCopy(s.at(at)); !old.absent && (old.version > e.version || old.userVersion > e.userVersion) {
			return
		}
	}
	s.put(&e.session, b)
}

// count adds what the shards have counted.
func (c *copies) count(all *Copies) {
	all.Entries += c.len()
	all.Bytes += c.bytes()
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		all.Hits, all.Misses, all.Evictions = all.Hits+s.hits, all.Misses+s.misses, all.Evictions+s.evicted
		s.mu.Unlock()
	}
}

// len is how many copies there are, and bytes what memory they take with what is
// free for more.
func (c *copies) len() (n int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += s.used
		s.mu.Unlock()
	}
	return n
}

func (c *copies) bytes() (n int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += len(s.chunks)*copyChunk + 4*len(s.slots)
		s.mu.Unlock()
	}
	return n
}

// Where the members of a copy lie. The first two bytes are its whole length.
const (
	copyLength  = 0
	copyFlags   = 2
	copyRoles   = 4 // length of the roles
	copySession = 8
	copyUser    = copySession + 16
	copyHash    = copyUser + 16
	copyNumbers = copyHash + hashKept
	copySeen    = copyNumbers + 20
	copyNoted   = copyNumbers + 24
)

const (
	flagUsed byte = 1 << iota
	flagGained
	flagAbsent
)

func encodeCopy(b []byte, e rowCopy) []byte {
	b = append(b, make([]byte, copyHead)...)
	if e.gained {
		b[copyFlags] |= flagGained
	}
	if e.absent {
		b[copyFlags] |= flagAbsent
	}
	copy(b[copySession:], e.session[:])
	copy(b[copyUser:], e.user[:])
	copy(b[copyHash:], e.hash[:])
	for i, n := range [...]int64{e.epoch, e.userVersion, e.version, e.start, e.absoluteEnd, e.seen, e.noted} {
		binary.LittleEndian.PutUint32(b[copyNumbers+4*i:], uint32(n))
	}
	for i, role := range e.roles {
		if i > 0 {
			b = append(b, 0)
		}
		b = append(b, role...)
	}
	roles := len(b) - copyHead
	b = append(b, e.claims...)
	if len(b) <= copyChunk {
		binary.LittleEndian.PutUint16(b[copyLength:], uint16(len(b)))
		binary.LittleEndian.PutUint16(b[copyRoles:], uint16(roles))
	}
	return b
}

// decodeCopy reads all but the texts.
func decodeCopy(b []byte) (e rowCopy) {
	e.gained, e.absent = b[copyFlags]&flagGained != 0, b[copyFlags]&flagAbsent != 0
	copy(e.session[:], b[copySession:])
	copy(e.user[:], b[copyUser:])
	copy(e.hash[:], b[copyHash:])
	for i, n := range [...]*int64{&e.epoch, &e.userVersion, &e.version, &e.start, &e.absoluteEnd, &e.seen, &e.noted} {
		*n = int64(binary.LittleEndian.Uint32(b[copyNumbers+4*i:]))
	}
	return e
}

func textsOf(b []byte) (roles, claims []byte) {
	n := copyHead + int(binary.LittleEndian.Uint16(b[copyRoles:]))
	return b[copyHead:n], b[n:]
}

// roleLists keeps each list of roles once: there are few, and every check needs
// one.
type roleLists struct {
	mu    sync.RWMutex
	lists map[string][]string
}

// maxRoleLists bounds them; a list beyond is made anew each time.
const maxRoleLists = 4096

// list is shared: nobody changes it.
func (r *roleLists) list(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	r.mu.RLock()
	list := r.lists[string(text)]
	r.mu.RUnlock()
	if list != nil {
		return list
	}
	start := 0
	for i := 0; i <= len(text); i++ {
		if i == len(text) || text[i] == 0 {
			list = append(list, string(text[start:i]))
			start = i + 1
		}
	}
	list = list[:len(list):len(list)]
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lists == nil {
		r.lists = make(map[string][]string)
	}
	if len(r.lists) < maxRoleLists {
		r.lists[string(text)] = list
	}
	return list
}
