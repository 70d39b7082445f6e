package jwt

import (
	"encoding/base64"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// encoding writes base64url without padding. RFC 7515 §2.
var encoding = base64.RawURLEncoding

// Sign returns the compact JWS of claims, which is the JSON of an object, with
// the header members alg, typ ("at+jwt") and, if the key has an ID, kid. Claims
// that are no object, or name a member twice, are an error: others would read
// them differently.
func (k *Key) Sign(typ string, claims []byte) (string, error) {
	if err := seal.ScanUnique(claims, nil); err != nil {
		return "", fmt.Errorf("jwt: sign: %w", err)
	}
	header := make([]byte, 0, 128)
	header = append(header, `{"alg":"`...)
	header = append(header, k.algorithm...)
	header = append(header, `","typ":`...)
	header = seal.AppendString(header, typ)
	if k.id != "" {
		header = append(header, `,"kid":`...)
		header = seal.AppendString(header, k.id)
	}
	header = append(header, '}')
	size := encoding.EncodedLen(len(header)) + encoding.EncodedLen(len(claims)) + 2
	token := make([]byte, 0, size+encoding.EncodedLen(k.signatureLen()))
	token = encoding.AppendEncode(token, header)
	token = append(token, '.')
	token = encoding.AppendEncode(token, claims)
	signature, err := k.sign(token)
	if err != nil {
		return "", fmt.Errorf("jwt: sign: %w", err)
	}
	token = append(token, '.')
	token = encoding.AppendEncode(token, signature)
	if len(token) > MaxToken {
		return "", fmt.Errorf("jwt: sign: the token would have %d bytes, more than %d", len(token), MaxToken)
	}
	return string(token), nil
}

// signatureLen is how many octets a signature has.
func (k *Key) signatureLen() int {
	switch {
	case k.rsa != nil:
		return k.rsa.Size()
	case k.secret != nil:
		return k.spec.hash.Size()
	}
	return 2 * k.spec.size
}
