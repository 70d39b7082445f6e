package revocation

import (
	"encoding/binary"
	"math"
	"time"
)

// table names one of the seven; each holds one kind of statement about a key.
type table uint8

const (
	// tableEnded: how and when a session ended.
	tableEnded table = iota
	// tableChanged: the least version of a stored session's row.
	tableChanged
	// tableEpochs: a user's least epoch, and when it was raised.
	tableEpochs
	// tableVersions: a user's least version.
	tableVersions
	// tableFamilies: when a family of refresh tokens ended.
	tableFamilies
	// tableAPIKeysEnded: when an API key was revoked.
	tableAPIKeysEnded
	// tableAPIKeysChanged: the least version of an API key's row.
	tableAPIKeysChanged
	tableCount
)

// noun is what the keys of a table name.
type noun uint8

const (
	nounSession noun = iota
	nounUser
	nounFamily
	nounAPIKey
)

func (t table) noun() noun {
	return [tableCount]noun{nounSession, nounSession, nounUser, nounUser, nounFamily, nounAPIKey, nounAPIKey}[t]
}

// How a session, a family or an API key ended, the stronger the greater.
const (
	superseded = 1
	revoked    = 2
)

// record is one statement: value is how it ended, or the least epoch or version;
// at is when it ended or the epoch was raised, and 0 for versions.
type record struct {
	key              [16]byte
	value, at, until uint32
}

// merge keeps the stronger of two statements of one table about the same key.
func (r *record) merge(n record) {
	switch {
	case n.value > r.value:
		r.value, r.at = n.value, n.at
	case n.value == r.value && n.at != 0 && (r.at == 0 || n.at < r.at):
		r.at = n.at
	}
	r.until = max(r.until, n.until)
}

// The bytes of an entry: 15 of the key; value, at, or both; until. An epoch has
// three bytes: beyond sixteen million changes of one password no session of that
// user is good any more.
const (
	keyBytes   = 15
	entryBytes = 24
	epochBytes = 26
	mostEpochs = 1<<24 - 1
)

// size is how many bytes an entry of the table takes.
func (t table) size() int {
	if t == tableEpochs {
		return epochBytes
	}
	return entryBytes
}

// encode writes the record to the bytes of an entry.
func (t table) encode(e []byte, r record) {
	copy(e[:keyBytes], r.key[:])
	switch t {
	case tableEnded, tableFamilies, tableAPIKeysEnded:
		e[keyBytes] = byte(r.value)
		binary.LittleEndian.PutUint32(e[16:], r.at)
	case tableEpochs:
		value := min(r.value, mostEpochs)
		e[keyBytes], e[16], e[17] = byte(value), byte(value>>8), byte(value>>16)
		binary.LittleEndian.PutUint32(e[18:], r.at)
	default:
		e[keyBytes] = 0
		binary.LittleEndian.PutUint32(e[16:], r.value)
	}
	binary.LittleEndian.PutUint32(e[len(e)-4:], r.until)
}

// decode is the inverse; last is the key's last byte, which the shard knows.
func (t table) decode(e []byte, last byte) (r record) {
	copy(r.key[:], e[:keyBytes])
	r.key[keyBytes] = last
	switch t {
	case tableEnded, tableFamilies, tableAPIKeysEnded:
		r.value, r.at = uint32(e[keyBytes]), binary.LittleEndian.Uint32(e[16:])
	case tableEpochs:
		r.value, r.at = uint32(e[keyBytes])|uint32(e[16])<<8|uint32(e[17])<<16, binary.LittleEndian.Uint32(e[18:])
		if r.value == mostEpochs {
			r.value = math.MaxUint32
		}
	default:
		r.value = binary.LittleEndian.Uint32(e[16:])
	}
	r.until = untilOf(e)
	return r
}

// seconds turns a time into Unix seconds that fit the record: until 2106.
func seconds(t time.Time) uint32 { return clamp(t.Unix()) }

func clamp(n int64) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) }
