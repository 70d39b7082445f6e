package password

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

// Hashes that other programs made are verified as they are, and replaced by one
// of our own the first time the password is right ([Match.NeedsRehash]): their
// users move over without choosing a new password (ASVS 11.4.2).
//
// Whoever writes an import decides on the cost of these hashes, so each scheme
// has an upper bound; what is beyond it is refused before anything is allocated
// or computed. The bounds are about one second of one core, and the memory that
// one argon2id hash may take at most. Above the usual settings of each library,
// below what would starve the gate.

// foreignSchemes lists them by prefix, longer ones before those they begin with.
// A parser gets the string without the prefix.
var foreignSchemes = []struct {
	prefix string
	parse  func(rest string) (stored, error)
}{
	// Of many: PHP, Ruby, Java, Node.
	{"$2a$", parseBcrypt}, {"$2b$", parseBcrypt}, {"$2y$", parseBcrypt},
	// Django.
	{"bcrypt_sha256$$", prehashedBcrypt(hexSHA256)}, {"bcrypt$$", prehashedBcrypt(plain)},
	// passlib, version 2 and 1.
	{"$bcrypt-sha256$v=2,", parsePasslibBcrypt2}, {"$bcrypt-sha256$", parsePasslibBcrypt1},
	// WordPress since 6.8.
	{"$wp$", prehashedBcrypt(wordpress)},
	// argon2i in the PHC form; Django puts its own name in front of either kind.
	{"$argon2i$", parseArgon2i},
	{"argon2$argon2id$", func(rest string) (stored, error) { return parseArgon2id(argon2idPrefix + rest) }},
	{"argon2$argon2i$", parseArgon2i},
	// passlib and others, in the PHC form; Werkzeug; Django; Firebase.
	{"$scrypt$", parsePHCScrypt}, {"scrypt:", parseWerkzeugScrypt}, {"scrypt$", parseDjangoScrypt}, {"$fbscrypt$", parseFirebase},
	// Django; passlib; Werkzeug.
	{"pbkdf2_sha256$", djangoPBKDF2("sha256")}, {"pbkdf2_sha1$", djangoPBKDF2("sha1")},
	{"$pbkdf2$", passlibPBKDF2("sha1")}, {"$pbkdf2-sha256$", passlibPBKDF2("sha256")}, {"$pbkdf2-sha512$", passlibPBKDF2("sha512")},
	{"pbkdf2:", parseWerkzeugPBKDF2},
	// ASP.NET Identity has no prefix but its first byte, which is 0 or 1: an A in
	// base64.
	{"A", parseIdentity},
}

// parseForeign reads a hash that another program made.
func parseForeign(encoded string) (stored, error) {
	for _, scheme := range foreignSchemes {
		if rest, ok := strings.CutPrefix(encoded, scheme.prefix); ok {
			return scheme.parse(rest)
		}
	}
	if isBetterAuth(encoded) {
		return parseBetterAuth(encoded)
	}
	return nil, ErrUnknownScheme
}

// foreign is what the schemes of other programs share: they are never current.
type foreign struct{}

func (foreign) current(Params) bool { return false }

// onePlace is for schemes that need a core and hardly any memory.
type onePlace struct{ foreign }

func (onePlace) places(Params) int { return 1 }

// The ways in which a password is changed before it is hashed.
func plain(pw string) []byte { return []byte(pw) }

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// parseCount reads a positive decimal number without sign or leading zero.
func parseCount(digits string) (int, bool) {
	n, ok := parseCost(digits, "")
	return int(n), ok && n <= 1<<30
}

// The texts in which keys and salts are written. Each refuses what is not
// written in its one way, and bounds what it stands for in bytes.
func decodeHex(s string, least, most int) ([]byte, bool) {
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) >= least && len(b) <= most
}

func decodePadded(s string, least, most int) ([]byte, bool) {
	unpadded := strings.TrimRight(s, "=")
	if (len(s)-len(unpadded)) > 2 || len(s)%4 != 0 {
		return nil, false
	}
	return decodeB64(unpadded, least, most)
}

// decodeAdapted reads base64 without padding, also as passlib writes it, with a
// dot for the plus sign.
func decodeAdapted(s string, least, most int) ([]byte, bool) {
	return decodeB64(strings.ReplaceAll(s, ".", "+"), least, most)
}

// goodSalt bounds a salt that is used as the text it is written in.
func goodSalt(s string) bool { return len(s) >= 1 && len(s) <= 128 }

// leastKey is the least length of a key in bytes: a shorter one would be matched
// by chance.
const leastKey = 16

var (
	b64Padded = base64.StdEncoding
	itoa      = strconv.Itoa
)
