package password

import (
	"crypto/aes"
	"crypto/cipher"
	"math/bits"
	"strings"

	"golang.org/x/crypto/scrypt"
	"golang.org/x/text/unicode/norm"
)

// Bounds of scrypt: memory is 128·N·r bytes, and work goes with N·r·p.
const (
	mostScryptMemory = mostMemory * 1024 // bytes
	mostScryptWork   = 1 << 21           // twice 2^17·8·1
	mostScryptP      = 16
)

// scryptHash is an scrypt hash (RFC 7914).
type scryptHash struct {
	foreign
	n, r, p   int
	salt, key []byte
	// prepare makes of the password what was hashed; finish, if not nil, makes
	// of the derived key what was stored.
	prepare func(pw string) []byte
	finish  func(derived []byte) []byte
	// length is what is derived, in bytes.
	length int
}

// newScrypt checks the cost. n is a power of two.
func newScrypt(n, r, p int, salt, key []byte) (scryptHash, error) {
	h := scryptHash{n: n, r: r, p: p, salt: salt, key: key, prepare: plain, length: len(key)}
	if n < 2 || bits.OnesCount(uint(n)) != 1 || r < 1 || p < 1 {
		return h, ErrMalformed
	}
	if r > 1<<10 || n > 1<<24 || p > mostScryptP || 128*n*r > mostScryptMemory || n*r*p > mostScryptWork {
		return h, ErrTooCostly
	}
	return h, nil
}

// matches implements stored.
func (h scryptHash) matches(typed, _ string) bool {
	derived, err := scrypt.Key(h.prepare(typed), h.salt, h.n, h.r, h.p, h.length)
	if err != nil {
		return false // the parameters were checked
	}
	if h.finish != nil {
		derived = h.finish(derived)
	}
	return equal(derived, h.key)
}

// places implements stored, as argon2id does: by memory.
func (h scryptHash) places(p Params) int {
	memory := (128*h.n*h.r + 1023) / 1024
	return (memory + int(p.Memory) - 1) / int(p.Memory)
}

// parsePHCScrypt reads "ln=16,r=8,p=1$salt$key".
func parsePHCScrypt(rest string) (stored, error) {
	costs, rest, ok1 := strings.Cut(rest, "$")
	salt64, key64, ok2 := strings.Cut(rest, "$")
	parts := strings.Split(costs, ",")
	if !ok1 || !ok2 || len(parts) != 3 {
		return nil, ErrMalformed
	}
	ln, ok3 := parseCost(parts[0], "ln=")
	r, ok4 := parseCost(parts[1], "r=")
	p, ok5 := parseCost(parts[2], "p=")
	salt, ok6 := decodeB64(salt64, 1, 64)
	key, ok7 := decodeB64(key64, leastKey, 64)
	if !ok3 || !ok4 || !ok5 || !ok6 || !ok7 {
		return nil, ErrMalformed
	}
	if ln > 24 || r > 1<<10 || p > mostScryptP {
		return nil, ErrTooCostly
	}
	return asStored(newScrypt(1<<ln, int(r), int(p), salt, key))
}

// parseWerkzeugScrypt reads "32768:8:1$salt$key", the key in hex, the salt as it
// is written.
func parseWerkzeugScrypt(rest string) (stored, error) {
	costs, rest, ok1 := strings.Cut(rest, "$")
	salt, keyHex, ok2 := strings.Cut(rest, "$")
	parts := strings.Split(costs, ":")
	if !ok1 || !ok2 || len(parts) != 3 || !goodSalt(salt) {
		return nil, ErrMalformed
	}
	return textScrypt(parts[0], parts[1], parts[2], salt, func() ([]byte, bool) { return decodeHex(keyHex, leastKey, 64) })
}

// parseDjangoScrypt reads "16384$salt$8$1$key", the salt as it is written.
func parseDjangoScrypt(rest string) (stored, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 || !goodSalt(parts[1]) {
		return nil, ErrMalformed
	}
	return textScrypt(parts[0], parts[2], parts[3], parts[1], func() ([]byte, bool) { return decodePadded(parts[4], leastKey, 64) })
}

func textScrypt(nText, rText, pText, salt string, key func() ([]byte, bool)) (stored, error) {
	n, ok1 := parseCount(nText)
	r, ok2 := parseCount(rText)
	p, ok3 := parseCount(pText)
	k, ok4 := key()
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return nil, ErrMalformed
	}
	return asStored(newScrypt(n, r, p, []byte(salt), k))
}

// isBetterAuth knows better-auth's form: a salt of 16 bytes and a key of 64, in
// hex, with nothing that says so.
func isBetterAuth(s string) bool {
	return len(s) == 32+1+128 && s[32] == ':'
}

// parseBetterAuth reads it. The salt is the hex text itself, and the password
// is in the form NFKC.
func parseBetterAuth(s string) (stored, error) {
	_, ok1 := decodeHex(s[:32], 16, 16)
	key, ok2 := decodeHex(s[33:], 64, 64)
	if !ok1 || !ok2 {
		return nil, ErrUnknownScheme
	}
	h, err := newScrypt(16384, 16, 1, []byte(s[:32]), key)
	h.prepare = func(pw string) []byte { return norm.NFKC.Bytes([]byte(pw)) }
	return asStored(h, err)
}

// parseFirebase reads "v=1,n=14,r=8,p=1,ss=…,sk=…$salt$key": Firebase's scrypt,
// in the form in which other servers write down its exports. ss is the salt
// separator and sk the signer key of the project; what is stored is the signer
// key encrypted under the derived one.
func parseFirebase(rest string) (stored, error) {
	costs, rest, ok1 := strings.Cut(rest, "$")
	salt64, key64, ok2 := strings.Cut(rest, "$")
	parts := strings.Split(costs, ",")
	if !ok1 || !ok2 || len(parts) != 6 || parts[0] != "v=1" {
		return nil, ErrMalformed
	}
	ln, ok3 := parseCost(parts[1], "n=")
	r, ok4 := parseCost(parts[2], "r=")
	p, ok5 := parseCost(parts[3], "p=")
	separator, ok6 := cutPadded(parts[4], "ss=", 0, 16)
	signer, ok7 := cutPadded(parts[5], "sk=", 32, 128)
	salt, ok8 := decodePadded(salt64, 1, 64)
	key, ok9 := decodePadded(key64, leastKey, 128)
	if !ok3 || !ok4 || !ok5 || !ok6 || !ok7 || !ok8 || !ok9 || len(key) != len(signer) {
		return nil, ErrMalformed
	}
	if ln > 24 || r > 1<<10 || p > mostScryptP {
		return nil, ErrTooCostly
	}
	h, err := newScrypt(1<<ln, int(r), int(p), append(salt, separator...), key)
	h.length = 32
	h.finish = func(derived []byte) []byte { return encryptCTR(derived, signer) }
	return asStored(h, err)
}

func cutPadded(s, name string, least, most int) ([]byte, bool) {
	s, ok := strings.CutPrefix(s, name)
	if !ok {
		return nil, false
	}
	return decodePadded(s, least, most)
}

// encryptCTR is AES-256 in counter mode from zero.
func encryptCTR(key, text []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil // the key has 32 bytes
	}
	out := make([]byte, len(text))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(out, text)
	return out
}

// asStored keeps a nil error from hiding a half-made hash.
func asStored[T stored](h T, err error) (stored, error) {
	if err != nil {
		return nil, err
	}
	return h, nil
}
