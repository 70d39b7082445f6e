package apikey

import (
	"crypto/rand"
	"encoding/hex"
	"hash/crc32"
	"math/big"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// Prefix begins the text of every key.
const Prefix = "gh_"

// Pattern is the regular expression (RE2) of the text of a key, for scanners of
// source code. What matches and has the right checksum is a key.
const Pattern = `gh_[a-z0-9]{1,16}_[0-9a-f]{32}_[0-9A-Za-z]{49}`

// The parts of a text, in characters.
const (
	// MaxEnvironment is how long the name of an environment may be.
	MaxEnvironment = 16
	idDigits       = 32
	secretDigits   = 43 // 32 bytes in base62
	secretBytes    = 32
	checkDigits    = 6 // 32 bits in base62
	tailLength     = 1 + idDigits + 1 + secretDigits + checkDigits
	minText        = len(Prefix) + 1 + tailLength
	// MaxText is the length of the longest key.
	MaxText = len(Prefix) + MaxEnvironment + tailLength
)

// Text is what stands in the text of a key.
type Text struct {
	Environment string
	ID          [16]byte
	secret      string
}

// KeyID is the identifier that it names.
func (t Text) KeyID() auth.APIKeyID { return auth.APIKeyIDFromUUID(t.ID) }

// is says whether hash is that of the secret, in a time that does not tell how
// near it is.
func (t Text) is(hash string) bool { return seal.EqualHash(hash, t.secret) }

// Parse takes the text of a key apart. It is false for every text that is not
// one, to the letter: also for one with a typing error, by its checksum. It does
// not say that there is such a key.
func Parse(text string) (t Text, ok bool) {
	if len(text) < minText || len(text) > MaxText || text[:len(Prefix)] != Prefix {
		return t, false
	}
	rest := len(text) - tailLength
	t.Environment = text[len(Prefix):rest]
	tail := text[rest:]
	id, secret := tail[1:1+idDigits], tail[2+idDigits:2+idDigits+secretDigits]
	if tail[0] != '_' || tail[1+idDigits] != '_' || !ValidEnvironment(t.Environment) || !decodeID(&t.ID, id) || !isSecret(secret) {
		return t, false
	}
	body, check := text[:len(text)-checkDigits], text[len(text)-checkDigits:]
	var want [checkDigits]byte
	if string(checksum(&want, body)) != check {
		return t, false
	}
	t.secret = secret
	return t, true
}

// Contains says whether the text of a key stands anywhere in s: in an address, or
// among cookies, where none belongs.
func Contains(s string) bool {
	for {
		at := strings.Index(s, Prefix)
		if at < 0 {
			return false
		}
		s = s[at:]
		if end := strings.IndexFunc(s, notKeyRune); end < 0 {
			if _, ok := Parse(s); ok {
				return true
			}
		} else if _, ok := Parse(s[:end]); ok {
			return true
		}
		s = s[len(Prefix):]
	}
}

func notKeyRune(r rune) bool {
	return !(r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
}

// ValidEnvironment says whether keys can carry the name: 1 to [MaxEnvironment]
// lower-case letters and digits.
func ValidEnvironment(name string) bool {
	for i := range len(name) {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return name != "" && len(name) <= MaxEnvironment
}

// Shown is what lists and logs show of a key: its text as far as it is no
// secret.
func Shown(k auth.APIKey) string {
	return Prefix + k.Environment + "_" + strings.ReplaceAll(strings.TrimPrefix(string(k.ID), "key_"), "-", "")
}

// newText makes the text of a new key.
func newText(environment string, now time.Time) (id auth.APIKeyID, text auth.Secret, hash string) {
	id = auth.NewAPIKeyID(now)
	var random [secretBytes]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	secret := encodeSecret(random)
	body := Shown(auth.APIKey{ID: id, Environment: environment}) + "_" + secret
	var check [checkDigits]byte
	return id, auth.Secret(body + string(checksum(&check, body))), seal.HashSecret(secret)
}

// alphabet is that of base62, in the order of ASCII.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// checksum is the CRC-32 (IEEE 802.3) of what stands before it, in base62, the
// highest digit first.
func checksum(into *[checkDigits]byte, body string) []byte {
	sum := crc32.ChecksumIEEE([]byte(body))
	for i := checkDigits - 1; i >= 0; i-- {
		into[i] = alphabet[sum%62]
		sum /= 62
	}
	return into[:]
}

// encodeSecret writes the bytes as a number in base62 with all its digits, the
// highest first.
func encodeSecret(random [secretBytes]byte) string {
	n, base, digit := new(big.Int).SetBytes(random[:]), big.NewInt(62), new(big.Int)
	var digits [secretDigits]byte
	for i := secretDigits - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		digits[i] = alphabet[digit.Int64()]
	}
	return string(digits[:])
}

// greatest is the greatest secret, 32 bytes of 255: one beyond it has no 32 bytes,
// and is none.
const greatest = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"

func isSecret(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '_' || notKeyRune(rune(c)) {
			return false
		}
	}
	return s <= greatest // the alphabet is in the order of ASCII
}

// decodeID reads lower-case digits: an ID has one spelling.
func decodeID(id *[16]byte, digits string) bool {
	for i := range len(digits) {
		if c := digits[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return err == nil
}
