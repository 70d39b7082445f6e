package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"slices"
)

// Seal encrypts claims, the text of a JSON object that already carries iat, exp
// and jti, under the first secret. It returns [ErrClaims] if claims is not such
// a text, [ErrTooLong] if the token would pass [MaxToken].
//
// The nonce of A256GCM is random, as the protocol has it: by NIST SP 800-38D
// §8.3 one v4 secret may seal 2^32 tokens.
func (s *Sealer) Seal(claims []byte) (string, error) {
	var room [1536]byte // for most
	token, err := s.AppendSeal(room[:0], claims)
	return string(token), err
}

// AppendSeal is [Sealer.Seal] into a buffer: the token is appended to dst. On
// failure dst is returned as it was.
func (s *Sealer) AppendSeal(dst, claims []byte) ([]byte, error) {
	if len(claims) > MaxToken {
		return dst, ErrTooLong
	}
	if checkObject(claims) != nil {
		return dst, ErrClaims
	}
	k := s.keys[0]
	var iv, text, tag []byte
	if s.dialect == V4 {
		iv, text, tag = k.sealGCM(claims)
	} else {
		iv, text, tag = k.sealCBC(claims)
	}
	e := base64.RawURLEncoding
	n := len(k.header) + 4 + e.EncodedLen(len(iv)) + e.EncodedLen(len(text)) + e.EncodedLen(len(tag))
	if n > MaxToken {
		return dst, ErrTooLong
	}
	dst = append(slices.Grow(dst, n), k.header...)
	dst = e.AppendEncode(append(dst, ".."...), iv)
	dst = e.AppendEncode(append(dst, '.'), text)
	return e.AppendEncode(append(dst, '.'), tag), nil
}

func (k *key) sealGCM(claims []byte) (iv, text, tag []byte) {
	buf := make([]byte, gcmIV, gcmIV+len(claims)+gcmTag)
	iv = buf[:gcmIV]
	_, _ = rand.Read(iv) // never fails, see crypto/rand
	sealed := k.gcm.Seal(buf[gcmIV:], iv, claims, k.aad)
	return iv, sealed[:len(claims)], sealed[len(claims):]
}

// sealCBC is RFC 7518 §5.2.2.1.
func (k *key) sealCBC(claims []byte) (iv, text, tag []byte) {
	pad := cbcIV - len(claims)%cbcIV
	buf := make([]byte, cbcIV+len(claims)+pad+cbcTag)
	iv, text, tag = buf[:cbcIV], buf[cbcIV:len(buf)-cbcTag], buf[len(buf)-cbcTag:]
	_, _ = rand.Read(iv)
	copy(text, claims)
	for i := len(claims); i < len(text); i++ {
		text[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(k.cbc, iv).CryptBlocks(text, text)
	m := k.macs.Get().(*mac)
	copy(tag, m.tag(k.aad, iv, text))
	k.macs.Put(m)
	return iv, text, tag
}
