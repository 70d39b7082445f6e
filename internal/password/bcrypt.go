package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// maxBcryptCost is 2^14 rounds, about one second.
const maxBcryptCost = 14

// bcryptHash is a bcrypt hash, of the password or of a digest of it.
type bcryptHash struct {
	onePlace
	// encoded is in the form that package bcrypt reads.
	encoded string
	// prepare makes of the password what was hashed.
	prepare func(pw string) []byte
}

// matches implements stored. bcrypt looks at 72 bytes and no more, as those
// that made the hash did.
func (h bcryptHash) matches(typed, _ string) bool {
	return bcrypt.CompareHashAndPassword([]byte(h.encoded), h.prepare(typed)) == nil
}

// parseBcrypt reads what follows "$2b$": the three spellings differ in faults of
// programs that are long gone, and compute alike.
func parseBcrypt(rest string) (stored, error) { return newBcrypt("$2b$"+rest, plain) }

func newBcrypt(encoded string, prepare func(string) []byte) (stored, error) {
	// "$2b$10$", 22 characters of salt, 31 of the key.
	if len(encoded) != 60 || !isBcryptText(encoded[7:]) || encoded[6] != '$' {
		return nil, ErrMalformed
	}
	cost, err := bcrypt.Cost([]byte(encoded))
	if err != nil || cost < bcrypt.MinCost {
		return nil, ErrMalformed
	}
	if cost > maxBcryptCost {
		return nil, ErrTooCostly
	}
	return bcryptHash{encoded: encoded, prepare: prepare}, nil
}

func isBcryptText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '/')
	})
}

// prehashedBcrypt reads an ordinary bcrypt hash of something else than the
// password, with or without the first "$" that the prefix may have taken.
func prehashedBcrypt(prepare func(string) []byte) func(string) (stored, error) {
	return func(rest string) (stored, error) {
		rest = strings.TrimPrefix(rest, "$")
		for _, spelling := range []string{"2a$", "2b$", "2y$"} {
			if rest, ok := strings.CutPrefix(rest, spelling); ok {
				return newBcrypt("$2b$"+rest, prepare)
			}
		}
		return nil, ErrMalformed
	}
}

// hexSHA256 is Django's BCryptSHA256PasswordHasher.
func hexSHA256(pw string) []byte {
	sum := sha256.Sum256([]byte(pw))
	return []byte(hex.EncodeToString(sum[:]))
}

// wordpress trims as wp_hash_password does, and separates by a name.
func wordpress(pw string) []byte {
	mac := hmac.New(sha512.New384, []byte("wp-sha384"))
	mac.Write([]byte(strings.Trim(pw, " \t\n\r\x00\x0b")))
	return []byte(b64Padded.EncodeToString(mac.Sum(nil)))
}

// parsePasslibBcrypt2 reads "t=2b,r=12$salt$key": the password is hashed with
// the salt's text as key before.
func parsePasslibBcrypt2(rest string) (stored, error) {
	kind, rest, ok1 := strings.Cut(rest, ",")
	rounds, rest, ok2 := strings.Cut(strings.TrimPrefix(rest, "r="), "$")
	salt, key, ok3 := strings.Cut(rest, "$")
	if !ok1 || !ok2 || !ok3 || kind != "t=2b" {
		return nil, ErrMalformed
	}
	return passlibBcrypt(rounds, salt, key, func(pw string) []byte {
		mac := hmac.New(sha256.New, []byte(salt))
		mac.Write([]byte(pw))
		return []byte(b64Padded.EncodeToString(mac.Sum(nil)))
	})
}

// parsePasslibBcrypt1 reads the older "2b,12$salt$key".
func parsePasslibBcrypt1(rest string) (stored, error) {
	kind, rest, ok1 := strings.Cut(rest, ",")
	rounds, rest, ok2 := strings.Cut(rest, "$")
	salt, key, ok3 := strings.Cut(rest, "$")
	if !ok1 || !ok2 || !ok3 || kind != "2b" && kind != "2a" {
		return nil, ErrMalformed
	}
	return passlibBcrypt(rounds, salt, key, func(pw string) []byte {
		sum := sha256.Sum256([]byte(pw))
		return []byte(b64Padded.EncodeToString(sum[:]))
	})
}

func passlibBcrypt(rounds, salt, key string, prepare func(string) []byte) (stored, error) {
	if len(rounds) == 1 {
		rounds = "0" + rounds
	}
	return newBcrypt("$2b$"+rounds+"$"+salt+key, prepare)
}
