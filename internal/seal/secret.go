package seal

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
)

// NewSecret returns a fresh secret: 32 random bytes as 43 characters of
// base64url, fit for cookies, links and headers.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// HashSecret returns what is stored in place of a secret: its SHA-256 as 64
// lower-case hex digits. It is for secrets of [NewSecret]'s strength. Passwords
// and short codes can be guessed from such a hash and need a slow one.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// EqualHash reports whether hash, as it was stored, is [HashSecret] of secret.
// The time it takes tells nothing of where the two differ. Mind the order: hash
// first, then the secret as it was presented.
func EqualHash(hash, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(hash), []byte(HashSecret(secret))) == 1
}
