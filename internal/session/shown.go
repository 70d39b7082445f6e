package session

import (
	"crypto/sha256"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// shownSize is the length of a ShownDigest in bytes: finding other claims with
// the same one takes 2^96 tries.
const shownSize = 12

// ShownDigest is a digest of what Auth.js shows of a user: name, address,
// picture, and the ID by which the application knows them. It
// travels among the facts, so that Gatehouse can tell that the readable copies
// are still those it sealed: whoever holds the application's secret can write
// them, and an application may well decide by the address (guarantees R6).
type ShownDigest [shownSize]byte

// shownOf digests what the claims show. Texts count by what they say and not by
// how they are escaped, because the application's JSON is not ours.
func shownOf(name, email, picture, subject []byte) ShownDigest {
	var room [512]byte
	b := room[:0]
	for _, raw := range [...][]byte{name, email, picture, subject} {
		if raw == nil {
			b = append(b, 0) // absent
		} else if with, ok := seal.AppendText(append(b, 1), raw); ok {
			b = with
		} else {
			b = append(append(b, 2), raw...) // null, for instance
		}
		b = append(b, 0xff) // stands in no UTF-8, so it ends a text for certain
	}
	sum := sha256.Sum256(b)
	return ShownDigest(sum[:shownSize])
}

func (c *Claims) shown() ShownDigest {
	name, _ := c.Get(ClaimName)
	email, _ := c.Get(ClaimEmail)
	picture, _ := c.Get(ClaimPicture)
	subject, _ := c.Get(subClaim)
	return shownOf(name, email, picture, subject)
}
