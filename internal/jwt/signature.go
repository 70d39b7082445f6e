package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
)

// digest hashes the signed text; Ed25519 takes the text itself.
func (k *Key) digest(text []byte) []byte {
	if k.spec.hash == crypto.SHA256 {
		sum := sha256.Sum256(text)
		return sum[:]
	}
	h := k.spec.hash.New()
	h.Write(text)
	return h.Sum(nil)
}

// mac is the HMAC of text.
func (k *Key) mac(text []byte) []byte {
	h := hmac.New(k.spec.hash.New, k.secret)
	h.Write(text)
	return h.Sum(nil)
}

// signs says whether signature is the key's over text.
func (k *Key) signs(text, signature []byte) bool {
	switch k.spec.scheme {
	case ecdsaScheme:
		var room [160]byte
		der, ok := appendDER(room[:0], signature, k.spec.size)
		return ok && ecdsa.VerifyASN1(k.ec, k.digest(text), der)
	case eddsaScheme:
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(k.ed, text, signature)
	case pkcs1Scheme:
		return len(signature) == k.rsa.Size() && rsa.VerifyPKCS1v15(k.rsa, k.spec.hash, k.digest(text), signature) == nil
	case pssScheme:
		return len(signature) == k.rsa.Size() && rsa.VerifyPSS(k.rsa, k.spec.hash, k.digest(text), signature, k.pss()) == nil
	case hmacScheme:
		return subtle.ConstantTimeCompare(k.mac(text), signature) == 1
	}
	return false
}

// pss are the options of RFC 7518 §3.5: a salt as long as the hash.
func (k *Key) pss() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: k.spec.hash}
}

var errNoPrivate = errors.New("jwt: the key has no private part")

// sign returns the signature over text.
func (k *Key) sign(text []byte) ([]byte, error) {
	if k.spec.scheme == hmacScheme {
		return k.mac(text), nil
	}
	if k.signer == nil {
		return nil, errNoPrivate
	}
	switch k.spec.scheme {
	case ecdsaScheme:
		der, err := k.signer.Sign(rand.Reader, k.digest(text), k.spec.hash)
		if err != nil {
			return nil, err
		}
		return fixed(der, k.spec.size)
	case eddsaScheme:
		return k.signer.Sign(rand.Reader, text, k.spec.hash)
	case pssScheme:
		return k.signer.Sign(rand.Reader, k.digest(text), k.pss())
	default:
		return k.signer.Sign(rand.Reader, k.digest(text), k.spec.hash)
	}
}

// appendDER appends the two halves r and s of a JWS signature, each of size
// octets (RFC 7518 §3.4), as the DER that crypto/ecdsa takes. Any other length
// is refused: one signature, one spelling.
func appendDER(dst, signature []byte, size int) ([]byte, bool) {
	if len(signature) != 2*size {
		return dst, false
	}
	r, s := magnitude(signature[:size]), magnitude(signature[size:])
	inner := derLen(r) + derLen(s)
	dst = append(dst, 0x30)
	if inner >= 0x80 {
		dst = append(dst, 0x81)
	}
	dst = append(dst, byte(inner))
	return appendInteger(appendInteger(dst, r), s), true
}

// magnitude cuts leading zeros, all but one octet.
func magnitude(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// derLen is the length of [appendInteger]; no coordinate has more than 66
// octets.
func derLen(b []byte) int { return 2 + len(b) + int(b[0]>>7) }

// appendInteger appends a non-negative INTEGER. X.690 §8.3.
func appendInteger(dst, b []byte) []byte {
	pad := b[0] >> 7
	dst = append(dst, 0x02, byte(len(b))+pad)
	if pad == 1 {
		dst = append(dst, 0)
	}
	return append(dst, b...)
}

var errDER = errors.New("jwt: the signature is not of the expected form")

// fixed is the inverse of [appendDER], for what crypto/ecdsa returned.
func fixed(der []byte, size int) ([]byte, error) {
	out := make([]byte, 2*size)
	body := der[min(2, len(der)):]
	if len(der) > 2 && der[1] == 0x81 {
		body = der[3:]
	}
	for half := range 2 {
		if len(body) < 2 || body[0] != 0x02 || len(body) < 2+int(body[1]) {
			return nil, errDER
		}
		n := magnitude(body[2 : 2+int(body[1])])
		if len(n) > size {
			return nil, errDER
		}
		end := (half + 1) * size
		copy(out[end-len(n):end], n)
		body = body[2+int(body[1]):]
	}
	if len(body) != 0 {
		return nil, errDER
	}
	return out, nil
}
