package session

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Facts are what Gatehouse itself says of a session, apart from all that the
// application may write into the cookie. They travel as the claim gh.
type Facts struct {
	User    [16]byte
	Session [16]byte
	// Epoch and Version are the user's, as of the proof and as of the sealing.
	Epoch, Version int64
	// Start and AbsoluteEnd are fixed at sign-in; IdleEnd moves with each
	// renewal. Whole Unix seconds.
	Start, AbsoluteEnd, IdleEnd int64
	Roles                       []string
	// Shown is the digest of the readable copies as they were sealed.
	Shown ShownDigest
}

// Principal names who is asking.
func (f Facts) Principal() auth.Principal {
	return auth.Principal{
		UserID: f.UserID(), SessionID: f.SessionID(), Roles: f.Roles, SignedInAt: time.Unix(f.Start, 0).UTC(),
	}
}

// UserID is the user's identifier in text form.
func (f Facts) UserID() auth.UserID { return auth.UserIDFromUUID(f.User) }

// SessionID is the session's identifier in text form.
func (f Facts) SessionID() auth.SessionID { return auth.SessionIDFromUUID(f.Session) }

// End is the moment after which the cookie is worth nothing, used or not.
func (f Facts) End() time.Time { return time.Unix(min(f.IdleEnd, f.AbsoluteEnd), 0).UTC() }

// factsVersion is the first byte of the claim. A change of the layout takes
// the next number, and readers keep the old one for an absolute lifetime.
const factsVersion = 1

// macSize is 128 bits of HMAC-SHA-256 (guarantees R6).
const macSize = 16

const (
	maxFacts     = 4096 // bytes of the claim before base64url
	maxFactRoles = 32
)

var errFacts = errors.New("the claim gh is not ours")

// factsKeys authenticates Facts. The first key signs, all verify, so secrets
// rotate in two deploys (guarantees R20).
type factsKeys struct{ macs []*sync.Pool } // of *mac

// mac is one keyed HMAC-SHA-256 with room for what goes in and comes out.
type mac struct {
	hash hash.Hash
	in   []byte
	sum  [sha256.Size]byte
}

func newFactsKeys(installation string, secrets []auth.Secret) (*factsKeys, error) {
	return newKeys("gatehouse session facts v1", installation, secrets)
}

// newKeys derives one key of each secret for the purpose that label names.
func newKeys(label, installation string, secrets []auth.Secret) (*factsKeys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("session: no secret")
	}
	keys := &factsKeys{}
	for _, s := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(s.Reveal()), []byte(installation), label, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive session key: %w", err)
		}
		keys.macs = append(keys.macs, &sync.Pool{New: func() any { return &mac{hash: hmac.New(sha256.New, key)} }})
	}
	return keys, nil
}

func sum(p *sync.Pool, mount string, body []byte) (tag [macSize]byte) {
	m := p.Get().(*mac)
	m.in = append(append(m.in[:0], mount...), 0)
	m.in = append(m.in, body...)
	m.hash.Reset()
	m.hash.Write(m.in)
	copy(tag[:], m.hash.Sum(m.sum[:0]))
	p.Put(m)
	return tag
}

// seal appends the claim text of f for the mount: base64url of version, mount,
// facts and MAC.
func (k *factsKeys) seal(dst []byte, mount string, f Facts) []byte {
	var room [192]byte
	b := append(room[:0], factsVersion)
	b = binary.AppendUvarint(b, uint64(len(mount)))
	b = append(b, mount...)
	b = append(b, f.User[:]...)
	b = append(b, f.Session[:]...)
	for _, n := range [...]int64{f.Epoch, f.Version, f.Start, f.AbsoluteEnd, f.IdleEnd} {
		b = binary.AppendVarint(b, n)
	}
	b = binary.AppendUvarint(b, uint64(len(f.Roles)))
	for _, r := range f.Roles {
		b = binary.AppendUvarint(b, uint64(len(r)))
		b = append(b, r...)
	}
	b = append(b, f.Shown[:]...)
	tag := sum(k.macs[0], mount, b)
	b = append(b, tag[:]...)
	return base64.RawURLEncoding.AppendEncode(dst, b)
}

var strictURL = base64.RawURLEncoding.Strict()

// open verifies and reads the claim text. Any fault gives the same error: a
// cookie with a bad gh is no session, whatever the reason.
func (k *factsKeys) open(text []byte, mount string) (Facts, error) {
	if len(text) > maxFacts*4/3 {
		return Facts{}, errFacts
	}
	var room [192]byte
	b, err := strictURL.AppendDecode(room[:0], text)
	if err != nil || len(b) < macSize+1 {
		return Facts{}, errFacts
	}
	body, got := b[:len(b)-macSize], b[len(b)-macSize:]
	if !k.verify(body, got, mount) {
		return Facts{}, errFacts
	}
	return parseFacts(body, mount)
}

func (k *factsKeys) verify(body, got []byte, mount string) bool {
	for _, p := range k.macs {
		if tag := sum(p, mount, body); hmac.Equal(tag[:], got) {
			return true
		}
	}
	return false
}

func parseFacts(b []byte, mount string) (f Facts, err error) {
	r := reader{b: b}
	if r.byte() != factsVersion || string(r.text()) != mount {
		return f, errFacts
	}
	copy(f.User[:], r.bytes(16))
	copy(f.Session[:], r.bytes(16))
	for _, n := range [...]*int64{&f.Epoch, &f.Version, &f.Start, &f.AbsoluteEnd, &f.IdleEnd} {
		*n = r.varint()
	}
	n := r.uvarint()
	if n > maxFactRoles {
		return f, errFacts
	}
	if n > 0 {
		f.Roles = make([]string, 0, n)
		for range n {
			f.Roles = append(f.Roles, string(r.text()))
		}
	}
	copy(f.Shown[:], r.bytes(shownSize))
	if r.bad || len(r.b) != 0 {
		return f, errFacts
	}
	return f, nil
}

// reader takes the claim apart; after the first fault it yields zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) bytes(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if r.bad || size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.b)
	if r.bad || size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) text() []byte {
	n := r.uvarint()
	if n > maxFacts {
		r.bad = true
		return nil
	}
	return r.bytes(int(n))
}

// lesserRoles are the roles in both lists: what a superseded session may still
// use (guarantees R14).
func lesserRoles(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(r string) bool { return !slices.Contains(b, r) })
}
