package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// maxCSRF bounds the CSRF cookie that is hashed. Ours has 129 characters.
const maxCSRF = 1024

// CSRF makes and reads the protocol's double-submit token: a random token, and a
// cookie that proves by a hash over the secret that this server made it. It is
// immutable and safe for concurrent use. Protocol page §3.2.
//
// The token is not bound to a session, because the protocol hands it out before
// there is one; SameSite and the Origin check of the web layer stand beside it.
type CSRF struct {
	secrets []string // what goes into the hash; the first one makes new cookies
}

// NewCSRF prepares the secrets of a dialect; it fails if there is none or one is
// empty. In v5 several secrets go into one hash, joined by commas, as JavaScript
// turns an array to text. v4 knows one secret; given several, the first makes
// cookies and any is read.
func NewCSRF(d seal.Dialect, secrets ...string) (*CSRF, error) {
	if len(secrets) == 0 || slices.Contains(secrets, "") {
		return nil, errors.New("wire: CSRF tokens need a secret, and none that is empty")
	}
	if d == seal.V5 {
		return &CSRF{[]string{strings.Join(secrets, ",")}}, nil
	}
	return &CSRF{slices.Clone(secrets)}, nil
}

// Issue makes a fresh pair: the token that forms carry, 64 lower-case hex digits,
// and the value of the cookie, token|hash.
func (c *CSRF) Issue() (token, cookie string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	token = hex.EncodeToString(b[:])
	hash := hashCSRF(token, c.secrets[0])
	return token, token + "|" + string(hash[:])
}

// Token returns the token of a cookie value if this server made that value. ok is
// false for any other: then a fresh pair is due. Parts behind a second | are
// ignored, as everywhere in the protocol, and so is the token's own form.
func (c *CSRF) Token(cookie string) (token string, ok bool) {
	if len(cookie) > maxCSRF {
		return "", false
	}
	token, rest, _ := strings.Cut(cookie, "|")
	hash, _, _ := strings.Cut(rest, "|")
	if token == "" {
		return "", false
	}
	same := 0
	for _, secret := range c.secrets {
		right := hashCSRF(token, secret)
		same |= subtle.ConstantTimeCompare([]byte(hash), right[:])
	}
	if same != 1 {
		return "", false
	}
	return token, true
}

// Verify reports whether a POST proves that it comes from our own pages: the
// cookie is good and the body carries its token.
func (c *CSRF) Verify(cookie, bodyToken string) bool {
	token, ok := c.Token(cookie)
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(bodyToken)) == 1
}

// Format prints a CSRF without its secrets, whatever the verb.
func (*CSRF) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted csrf]")) }

// hashCSRF returns lower-case hexadecimal digits.
func hashCSRF(token, secret string) (digits [2 * sha256.Size]byte) {
	var room [256]byte
	sum := sha256.Sum256(append(append(room[:0], token...), secret...))
	hex.Encode(digits[:], sum[:])
	return digits
}
