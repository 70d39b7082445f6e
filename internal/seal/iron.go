package seal

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
	"unicode/utf16"
)

// MinIronPassword is how long a password of an iron seal is at least, counted
// as JavaScript counts: in UTF-16 code units. One round of PBKDF2 is all that
// stretches it, so it must carry the entropy itself.
const MinIronPassword = 32

// IronPassword is one entry of the map of passwords that an application gives to
// iron-session. There a text alone is the entry 1.
type IronPassword struct {
	// ID travels in the seal and says which password opens it: letters, digits
	// and underscores.
	ID     string
	Secret string
}

// Iron seals and opens the cookies of iron-session: the format Fe26.2 with
// iron-session's mark behind it. It is immutable and safe for concurrent use.
type Iron struct {
	passwords []*ironPassword // the first one seals
}

type ironPassword struct {
	id   string
	macs sync.Pool // of *ironMAC: HMAC-SHA-1 keyed with the password
}

// ironMAC is one keyed HMAC-SHA-1 with room for what goes in and comes out.
type ironMAC struct {
	hash hash.Hash
	in   [ironSalt + 4]byte
	out  [2 * sha1.Size]byte
}

// NewIron returns the Iron of the given passwords. The first one seals, each
// opens what names its ID. The packages themselves seal with the highest ID they
// are given; that the order decides here lets a new password be known everywhere
// before anybody seals with it (guarantees R20).
//
// It fails without passwords, for more than [MaxSecrets], for an ID that is none
// or comes twice, and for a password shorter than [MinIronPassword].
func NewIron(passwords ...IronPassword) (*Iron, error) {
	if len(passwords) == 0 || len(passwords) > MaxSecrets {
		return nil, fmt.Errorf("seal: %d iron passwords given, want 1 to %d", len(passwords), MaxSecrets)
	}
	s := &Iron{}
	for _, p := range passwords {
		switch {
		case p.ID == "" || len(p.ID) > maxIronID || !isIronID(p.ID):
			return nil, errors.New("seal: the ID of an iron password is letters, digits and underscores")
		case s.find(p.ID) != nil:
			return nil, fmt.Errorf("seal: the iron password %s is given twice", p.ID)
		case len(utf16.Encode([]rune(p.Secret))) < MinIronPassword:
			return nil, fmt.Errorf("seal: the iron password %s is shorter than %d characters", p.ID, MinIronPassword)
		}
		key := []byte(p.Secret)
		one := &ironPassword{id: p.ID}
		one.macs.New = func() any { return &ironMAC{hash: hmac.New(sha1.New, key)} }
		s.passwords = append(s.passwords, one)
	}
	return s, nil
}

func (s *Iron) find(id string) *ironPassword {
	for _, p := range s.passwords {
		if p.id == id {
			return p
		}
	}
	return nil
}

// maxIronID bounds the ID of a password in bytes.
const maxIronID = 64

func isIronID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// derive is PBKDF2-HMAC-SHA-1 (RFC 8018 §5.2) of one round and 32 bytes. The
// salt is the text of [ironSalt] hexadecimal digits itself and not what they
// stand for: so the format has it.
func (p *ironPassword) derive(salt string) (key [32]byte) {
	m := p.macs.Get().(*ironMAC)
	copy(m.in[:], salt)
	out := m.out[:0]
	for block := range uint32(2) {
		binary.BigEndian.PutUint32(m.in[ironSalt:], block+1)
		m.hash.Reset()
		m.hash.Write(m.in[:])
		out = m.hash.Sum(out)
	}
	copy(key[:], out)
	p.macs.Put(m)
	return key
}
