package seal

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
)

// OpenUnder opens the pieces of a token under a key that was not derived from a
// secret, as published vectors have them: A256GCM with 32 octets, A256CBC-HS512
// with 64.
func OpenUnder(raw, aad, iv, text, tag []byte) ([]byte, bool) {
	k := &key{}
	var err error
	e := base64.RawURLEncoding.EncodeToString
	p := parts{iv: e(iv), text: e(text), tag: e(tag)}
	if len(raw) == 32 {
		if k.gcm, err = newGCM(raw); err != nil {
			return nil, false
		}
		return k.openGCM(nil, aad, p)
	}
	if k.cbc, err = aes.NewCipher(raw[32:]); err != nil {
		return nil, false
	}
	k.macs.New = func() any { return &mac{hash: hmac.New(sha512.New, raw[:32])} }
	return k.openCBC(nil, aad, p)
}
