package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
)

// rsaBits is the size of RSA keys made here: 128 bits of strength (NIST SP
// 800-57 part 1, table 2). Those of others may be smaller, see [ParseJWK].
const rsaBits = 3072

// ErrKey is why a key was not taken; what is wrong with it stands beside it.
var ErrKey = errors.New("jwt: not an acceptable key")

// A Key verifies, and if it has a private part signs, in one algorithm. It is
// immutable and safe for concurrent use, and prints as its ID.
type Key struct {
	id        string
	algorithm Algorithm
	spec      spec

	// One of them, by the algorithm.
	ec     *ecdsa.PublicKey
	ed     ed25519.PublicKey
	rsa    *rsa.PublicKey
	secret []byte

	// signer is nil for keys that only verify, and for secrets.
	signer crypto.Signer
}

// ID is the "kid" of the key: its thumbprint, or what it was given.
func (k *Key) ID() string { return k.id }

// Algorithm is the one algorithm the key is for.
func (k *Key) Algorithm() Algorithm { return k.algorithm }

// Format implements fmt.Formatter, so that no key is printed by accident.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("key " + k.id)) }

// Generate makes a new key for one of the algorithms of [Own]. Its ID is its
// thumbprint (RFC 7638).
func Generate(a Algorithm) (*Key, error) {
	switch a {
	case ES256:
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("jwt: make an %s key: %w", a, err)
		}
		return newSigner(a, private)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("jwt: make an %s key: %w", a, err)
		}
		return newSigner(a, private)
	case RS256:
		private, err := rsa.GenerateKey(rand.Reader, rsaBits)
		if err != nil {
			return nil, fmt.Errorf("jwt: make an %s key: %w", a, err)
		}
		return newSigner(a, private)
	}
	return nil, fmt.Errorf("%w: no keys are made for %q", ErrKey, a)
}

// NewSecret returns the key of an HMAC that is shared with whoever verifies.
// Its ID is what it is given: a thumbprint would tell about the secret. A secret
// shorter than the hash is refused (RFC 7518 §3.2).
func NewSecret(id string, a Algorithm, secret []byte) (*Key, error) {
	s := specOf(a)
	if s.scheme != hmacScheme {
		return nil, fmt.Errorf("%w: %q takes no shared secret", ErrKey, a)
	}
	if len(secret) < s.hash.Size() {
		return nil, fmt.Errorf("%w: a secret for %s has at least %d bytes", ErrKey, a, s.hash.Size())
	}
	return &Key{id: id, algorithm: a, spec: s, secret: append([]byte(nil), secret...)}, nil
}

// ParsePrivate reads what [Key.MarshalPrivate] wrote. The algorithm must fit.
func ParsePrivate(a Algorithm, pkcs8 []byte) (*Key, error) {
	private, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: it cannot sign", ErrKey)
	}
	return newSigner(a, signer)
}

// MarshalPrivate returns the private part as PKCS #8 (RFC 5958), in the clear:
// it must be sealed before it is kept.
func (k *Key) MarshalPrivate() ([]byte, error) {
	if k.signer == nil {
		return nil, fmt.Errorf("%w: there is no private part", ErrKey)
	}
	return x509.MarshalPKCS8PrivateKey(k.signer)
}

// newSigner joins a private key with the algorithm it is for.
func newSigner(a Algorithm, private crypto.Signer) (*Key, error) {
	k, err := newPublic(a, private.Public())
	if err != nil {
		return nil, err
	}
	k.signer = private
	if k.id, err = k.Thumbprint(); err != nil {
		return nil, err
	}
	return k, nil
}

// newPublic holds a public key against the algorithm. It has no ID yet.
func newPublic(a Algorithm, public crypto.PublicKey) (*Key, error) {
	k := &Key{algorithm: a, spec: specOf(a)}
	fits := false
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		fits = k.spec.scheme == ecdsaScheme && p.Curve.Params().Name == k.spec.curve
		k.ec = p
	case ed25519.PublicKey:
		fits = k.spec.scheme == eddsaScheme && len(p) == ed25519.PublicKeySize
		k.ed = p
	case *rsa.PublicKey:
		fits = k.spec.scheme == pkcs1Scheme || k.spec.scheme == pssScheme
		k.rsa = p
		if err := checkRSA(p); err != nil {
			return nil, err
		}
	}
	if !fits {
		return nil, fmt.Errorf("%w: it is of another kind than %q wants", ErrKey, a)
	}
	return k, nil
}
