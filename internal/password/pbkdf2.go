package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"strings"
)

// mostIterations of PBKDF2 for each hash function: about one second, and above
// what OWASP asks for (1,400,000 of SHA-1, 600,000 of SHA-256, 220,000 of
// SHA-512).
var mostIterations = map[string]int{"sha1": 3_000_000, "sha256": 2_000_000, "sha512": 1_500_000}

var digests = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

// pbkdf2Hash is a PBKDF2 hash with HMAC (RFC 8018 §5.2).
type pbkdf2Hash struct {
	onePlace
	digest     string
	iterations int
	salt, key  []byte
}

func newPBKDF2(digest string, iterations int, salt, key []byte) (stored, error) {
	most, known := mostIterations[digest]
	switch {
	case !known || iterations < 1:
		return nil, ErrMalformed
	case iterations > most:
		return nil, ErrTooCostly
	}
	return pbkdf2Hash{digest: digest, iterations: iterations, salt: salt, key: key}, nil
}

// matches implements stored.
func (h pbkdf2Hash) matches(typed, _ string) bool {
	derived, err := pbkdf2.Key(digests[h.digest], typed, h.salt, h.iterations, len(h.key))
	return err == nil && equal(derived, h.key)
}

// djangoPBKDF2 reads "600000$salt$key", the salt as it is written.
func djangoPBKDF2(digest string) func(string) (stored, error) {
	return func(rest string) (stored, error) {
		parts := strings.Split(rest, "$")
		if len(parts) != 3 || !goodSalt(parts[1]) {
			return nil, ErrMalformed
		}
		iterations, ok1 := parseCount(parts[0])
		key, ok2 := decodePadded(parts[2], leastKey, 64)
		if !ok1 || !ok2 {
			return nil, ErrMalformed
		}
		return newPBKDF2(digest, iterations, []byte(parts[1]), key)
	}
}

// passlibPBKDF2 reads "29000$salt$key", and "i=29000$salt$key" and
// "i=29000,l=32$salt$key" of the PHC form.
func passlibPBKDF2(digest string) func(string) (stored, error) {
	return func(rest string) (stored, error) {
		parts := strings.Split(rest, "$")
		if len(parts) != 3 {
			return nil, ErrMalformed
		}
		costs, length, stated := strings.Cut(strings.TrimPrefix(parts[0], "i="), ",l=")
		iterations, ok1 := parseCount(costs)
		salt, ok2 := decodeAdapted(parts[1], 1, 64)
		key, ok3 := decodeAdapted(parts[2], leastKey, 64)
		if !ok1 || !ok2 || !ok3 || stated && length != itoa(len(key)) {
			return nil, ErrMalformed
		}
		return newPBKDF2(digest, iterations, salt, key)
	}
}

// parseWerkzeugPBKDF2 reads "sha256:600000$salt$key", the key in hex, the salt
// as it is written.
func parseWerkzeugPBKDF2(rest string) (stored, error) {
	costs, rest, ok1 := strings.Cut(rest, "$")
	digest, count, ok2 := strings.Cut(costs, ":")
	salt, keyHex, ok3 := strings.Cut(rest, "$")
	iterations, ok4 := parseCount(count)
	key, ok5 := decodeHex(keyHex, leastKey, 64)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !goodSalt(salt) {
		return nil, ErrMalformed
	}
	return newPBKDF2(digest, iterations, []byte(salt), key)
}

// parseIdentity reads a hash of ASP.NET Identity, whose version is its first
// byte.
func parseIdentity(rest string) (stored, error) {
	b, ok := decodePadded("A"+rest, 1+identity2Salt+identity2Key, 256)
	switch {
	case !ok:
		return nil, ErrUnknownScheme // any text may begin with an A
	case b[0] == 0 && len(b) == 1+identity2Salt+identity2Key:
		return newPBKDF2("sha1", 1000, b[1:1+identity2Salt], b[1+identity2Salt:])
	case b[0] == 1:
		return parseIdentity3(b[1:])
	}
	return nil, ErrMalformed
}

// Version 2 is 16 bytes of salt and 32 of key behind the first byte.
const identity2Salt, identity2Key = 16, 32

// parseIdentity3 reads version 3: the digest (0 to 2), the rounds and the length
// of the salt as big-endian words of four bytes, salt, key.
func parseIdentity3(b []byte) (stored, error) {
	digest, rounds, salted := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	b = b[12:]
	if digest > 2 || rounds > 1<<30 || salted < 8 || int64(salted) > int64(len(b)-leastKey) || len(b)-int(salted) > 64 {
		return nil, ErrMalformed
	}
	return newPBKDF2([]string{"sha1", "sha256", "sha512"}[digest], int(rounds), b[:salted], b[salted:])
}
