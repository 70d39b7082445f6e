package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// A Dialect is one of the two versions of the Auth.js protocol. No request
// tells reliably which one is spoken, so it is always a setting.
type Dialect string

// The dialects.
const (
	V4 Dialect = "v4" // next-auth 4: dir with A256GCM
	V5 Dialect = "v5" // Auth.js 5: dir with A256CBC-HS512, A256GCM is read too
)

// Limits of what is opened and sealed.
const (
	// MaxToken is the length in bytes beyond which a token is refused unread.
	// Browsers hold far less; the number only bounds the work.
	MaxToken = 128 << 10

	// MaxSecrets is the number of secrets one Sealer takes.
	MaxSecrets = 16
)

// Errors of this package. They carry no detail on purpose: whoever sent the
// token learns nothing from the way it failed.
var (
	ErrToken       = errors.New("seal: not a valid token")
	ErrPassword    = fmt.Errorf("%w: it names a password that is not known", ErrToken)
	ErrClaims      = errors.New("seal: claims are not acceptable JSON")
	ErrTooLong     = errors.New("seal: claims are too long for a token")
	ErrExpired     = errors.New("seal: token has expired")
	ErrNotYetValid = errors.New("seal: token is not valid yet")
)

// A Sealer seals and opens the tokens of one dialect under one salt. It is
// immutable and safe for concurrent use. Keys are derived once, in [New].
type Sealer struct {
	dialect Dialect
	keys    []*key // in the order of the secrets; the first one seals
}

// A key is what one secret yields. RFC 7518 §5.2.5: the first half of the
// 64-byte key authenticates, the second half encrypts. HKDF output of 32 bytes
// is the beginning of the 64-byte output, so the A256GCM key of v5 is the half
// that authenticates in A256CBC-HS512; the protocol has it so.
type key struct {
	gcm    cipher.AEAD
	header string // encoded protected header that this key seals with
	aad    []byte // the same text as bytes: the additional authenticated data

	// v5 only
	cbc    cipher.Block
	cbcKid string    // SHA-512 thumbprint of the 64-byte key
	gcmKid string    // SHA-256 thumbprint of the 32-byte key
	macs   sync.Pool // of *mac, so that opening does not key HMAC anew
}

// mac is one keyed HMAC-SHA-512 with room for its result.
type mac struct {
	hash hash.Hash
	sum  [sha512.Size]byte
	bits [8]byte
}

// New derives the keys of the given secrets and returns their Sealer. The first
// secret seals; which of them open, and in what order, is said at [Sealer.Open].
//
// Secrets and salt are used byte for byte. The salt of a v4 session token is
// empty; in v5 it is the full name of the cookie that holds the token, prefix
// included and chunk suffix not. Sources: protocol page §6.1 and §6.2.
//
// It fails for an unknown dialect, without secrets, with an empty one, and with
// more than [MaxSecrets]. How good a secret must be is for configuration to say.
func New(d Dialect, salt string, secrets ...string) (*Sealer, error) {
	if len(secrets) == 0 || len(secrets) > MaxSecrets {
		return nil, fmt.Errorf("seal: %d secrets given, want 1 to %d", len(secrets), MaxSecrets)
	}
	derive := deriveV4
	switch d {
	case V4:
	case V5:
		derive = deriveV5
	default:
		return nil, fmt.Errorf("seal: unknown dialect %q", string(d))
	}
	s := &Sealer{dialect: d}
	for i, secret := range secrets {
		if secret == "" {
			return nil, fmt.Errorf("seal: secret %d is empty", i+1)
		}
		k, err := derive(secret, salt)
		if err != nil {
			return nil, fmt.Errorf("seal: derive key %d: %w", i+1, err)
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// Dialect returns the dialect the Sealer was made for.
func (s *Sealer) Dialect() Dialect { return s.dialect }

// Format prints a Sealer without its keys, whatever the verb.
func (*Sealer) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("[redacted sealer]"))
}

func deriveV4(secret, salt string) (*key, error) {
	info := "NextAuth.js Generated Encryption Key"
	if salt != "" {
		info += " (" + salt + ")"
	}
	raw, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), info, 32)
	if err != nil {
		return nil, err
	}
	k := &key{}
	k.setHeader(`{"alg":"dir","enc":"A256GCM"}`)
	k.gcm, err = newGCM(raw)
	return k, err
}

func deriveV5(secret, salt string) (*key, error) {
	info := "Auth.js Generated Encryption Key (" + salt + ")"
	raw, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), info, 64)
	if err != nil {
		return nil, err
	}
	k := &key{}
	if k.gcm, err = newGCM(raw[:32]); err != nil {
		return nil, err
	}
	if k.cbc, err = aes.NewCipher(raw[32:]); err != nil {
		return nil, err
	}
	k.macs.New = func() any { return &mac{hash: hmac.New(sha512.New, raw[:32])} }

	long := sha512.Sum512(jwk(raw))
	short := sha256.Sum256(jwk(raw[:32]))
	k.cbcKid = base64.RawURLEncoding.EncodeToString(long[:])
	k.gcmKid = base64.RawURLEncoding.EncodeToString(short[:])
	k.setHeader(`{"alg":"dir","enc":"A256CBC-HS512","kid":"` + k.cbcKid + `"}`)
	return k, nil
}

// jwk is the text a thumbprint is taken of. RFC 7638 §3.2.
func jwk(raw []byte) []byte {
	return []byte(`{"k":"` + base64.RawURLEncoding.EncodeToString(raw) + `","kty":"oct"}`)
}

func newGCM(raw []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (k *key) setHeader(text string) {
	k.header = base64.RawURLEncoding.EncodeToString([]byte(text))
	k.aad = []byte(k.header)
}
