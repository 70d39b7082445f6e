package password

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// A pepper is a secret that is kept outside the database and goes into every
// new hash: HMAC-SHA-256 under it comes before argon2id (NIST SP 800-63B-4
// §3.1.1.2). Whoever has the database alone cannot test a single password.
//
// The stored form says by an ID which pepper it takes, and nothing else about
// it, so that hashes of several peppers, and of none, stand beside each other:
//
//	$hmac-sha256$keyid=<12 hexadecimal digits>$argon2id$v=19$…

// ErrPepperMissing is returned for a stored hash that was made with a pepper
// which this Hasher does not have. Nothing can be said of any password then.
var ErrPepperMissing = errors.New("password hash was made with a pepper that is not among the settings")

const (
	pepperedPrefix = "$hmac-sha256$keyid="
	pepperIDBytes  = 6
	leastPepper    = 32 // characters
)

// pepper is a secret as far as it is used: neither half tells the other.
type pepper struct {
	id  string
	key []byte
}

// newPepper derives both from the secret.
func newPepper(s auth.Secret) (pepper, error) {
	if len(s) < leastPepper {
		return pepper{}, fmt.Errorf("a pepper has %d bytes, and %d are needed", len(s), leastPepper)
	}
	key, err := hkdf.Key(sha256.New, []byte(s.Reveal()), nil, "gatehouse password pepper v1", sha256.Size)
	if err != nil {
		return pepper{}, fmt.Errorf("derive pepper: %w", err)
	}
	id, err := hkdf.Key(sha256.New, []byte(s.Reveal()), nil, "gatehouse password pepper id v1", pepperIDBytes)
	if err != nil {
		return pepper{}, fmt.Errorf("derive the ID of a pepper: %w", err)
	}
	return pepper{id: hex.EncodeToString(id), key: key}, nil
}

// PepperID is how stored hashes name the pepper, 12 hexadecimal digits that
// tell nothing of it; empty for a secret that is too short to be one.
func PepperID(s auth.Secret) string {
	p, err := newPepper(s)
	if err != nil {
		return ""
	}
	return p.id
}

// mix is what argon2id gets in place of the text: all of it counts, however
// long it is and whatever bytes are in it, and the result is plain ASCII.
func (p pepper) mix(text string) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(text))
	return base64.RawStdEncoding.EncodeToString(mac.Sum(nil))
}

// pepperedHash is a stored Argon2id hash of what a pepper made of the password.
type pepperedHash struct {
	argon2idHash
	pepper pepper
}

// matches implements stored. Like a hash without a pepper it tries both
// spellings, so that the two take the same time.
func (h pepperedHash) matches(typed, stable string) bool {
	return h.argon2idHash.matches(h.pepper.mix(typed), h.pepper.mix(stable))
}

// encode returns the string to store.
func (h pepperedHash) encode() string { return pepperedPrefix + h.pepper.id + h.argon2idHash.encode() }

// parsePeppered reads what follows pepperedPrefix. The hash has the pepper's ID
// and not yet its key.
func parsePeppered(rest string) (stored, error) {
	const digits = 2 * pepperIDBytes
	if len(rest) < digits || !strings.HasPrefix(rest[digits:], argon2idPrefix) {
		return nil, ErrMalformed
	}
	id := rest[:digits]
	if _, err := hex.DecodeString(id); err != nil || strings.ToLower(id) != id {
		return nil, ErrMalformed
	}
	inner, err := parseArgon2id(rest[digits:])
	if err != nil {
		return nil, err
	}
	return pepperedHash{argon2idHash: inner, pepper: pepper{id: id}}, nil
}

// open reads a stored hash, with the key of its pepper.
func (h *Hasher) open(encoded string) (stored, error) {
	s, err := parseStored(encoded)
	if err != nil {
		return nil, err
	}
	hash, peppered := s.(pepperedHash)
	if !peppered {
		return s, nil
	}
	for _, p := range h.peppers {
		if p.id == hash.pepper.id {
			hash.pepper = p
			return hash, nil
		}
	}
	return nil, fmt.Errorf("%w: its ID is %s", ErrPepperMissing, hash.pepper.id)
}

// make returns the string to store for a password in its stable form; it must
// run inside the gate.
func (h *Hasher) make(salt []byte, stable string) string {
	if h.current == nil {
		return newArgon2id(h.params, salt, stable).encode()
	}
	return pepperedHash{newArgon2id(h.params, salt, h.current.mix(stable)), *h.current}.encode()
}

// isCurrent reports whether a new hash would be of the same kind.
func (h *Hasher) isCurrent(s stored) bool {
	id := ""
	if hash, peppered := s.(pepperedHash); peppered {
		id = hash.pepper.id
	}
	want := ""
	if h.current != nil {
		want = h.current.id
	}
	return id == want && s.current(h.params)
}

// Missing returns [ErrPepperMissing], with the pepper's ID, when the stored hash
// needs a pepper that this Hasher does not have, and nil otherwise, also for
// strings that cannot be read. Nothing is computed: whoever counts tries asks
// first, because a try that cannot be judged must not count.
func (h *Hasher) Missing(encoded string) error {
	if !strings.HasPrefix(encoded, pepperedPrefix) {
		return nil
	}
	if _, err := h.open(encoded); errors.Is(err, ErrPepperMissing) {
		return err
	}
	return nil
}
