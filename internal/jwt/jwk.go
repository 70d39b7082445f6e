package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// AppendJWK appends the public key as a JWK (RFC 7517), with kid, alg and use.
// It fails for a shared secret, which has no public part.
func (k *Key) AppendJWK(dst []byte) ([]byte, error) {
	dst = append(dst, `{"alg":"`...)
	dst = append(dst, k.algorithm...)
	dst = append(dst, `","kid":`...)
	dst = seal.AppendString(dst, k.id)
	dst = append(dst, `,"use":"sig",`...)
	members, err := k.members()
	if err != nil {
		return nil, err
	}
	return append(dst, members[1:]...), nil
}

// Thumbprint is the SHA-256 thumbprint of RFC 7638 in base64url. A shared secret
// has none: whoever saw it could try secrets against it.
func (k *Key) Thumbprint() (string, error) {
	members, err := k.members()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(members)
	return encoding.EncodeToString(sum[:]), nil
}

// members is the JSON that a thumbprint is taken of: the required members alone,
// in the order of their names. RFC 7638 §3.2, RFC 8037 §2.
func (k *Key) members() ([]byte, error) {
	b := make([]byte, 0, 1024)
	switch {
	case k.ec != nil:
		point, err := k.ec.Bytes() // 4, x, y
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		b = append(b, `{"crv":"`+k.spec.curve+`","kty":"EC","x":"`...)
		b = encoding.AppendEncode(b, point[1:1+k.spec.size])
		b = append(b, `","y":"`...)
		b = encoding.AppendEncode(b, point[1+k.spec.size:])
	case k.ed != nil:
		b = append(b, `{"crv":"Ed25519","kty":"OKP","x":"`...)
		b = encoding.AppendEncode(b, k.ed)
	case k.rsa != nil:
		b = append(b, `{"e":"`...)
		b = encoding.AppendEncode(b, big.NewInt(int64(k.rsa.E)).Bytes())
		b = append(b, `","kty":"RSA","n":"`...)
		b = encoding.AppendEncode(b, k.rsa.N.Bytes())
	default:
		return nil, fmt.Errorf("%w: there is no public part", ErrKey)
	}
	return append(b, `"}`...), nil
}

// jwk is what is read of a JWK. Private members are passed over: what is parsed
// here verifies.
type jwk struct {
	kty, use, alg, kid, crv string
	ops                     []string
	hasOps                  bool
	x, y, n, e, k           []byte
}

// ParseJWK reads a key to verify with. It takes one of the allowed algorithms:
// the one the JWK names, which must be among them, or, where it names none, the
// only one allowed. A key that is for something else (use, key_ops), of another
// kind or curve than its algorithm, or too weak for it is [ErrKey]; so is a
// member that comes twice.
func ParseJWK(text []byte, allowed ...Algorithm) (*Key, error) {
	j, err := scanJWK(text)
	if err != nil {
		return nil, err
	}
	a := Algorithm(j.alg)
	switch {
	case a == "" && len(allowed) == 1:
		a = allowed[0]
	case !slices.Contains(allowed, a):
		return nil, fmt.Errorf("%w: algorithm %q is not allowed", ErrKey, j.alg)
	}
	if j.use != "" && j.use != "sig" || j.hasOps && !slices.Contains(j.ops, "verify") {
		return nil, fmt.Errorf("%w: it is not for verifying", ErrKey)
	}
	if want := specOf(a).kty(); want == "" || j.kty != want {
		return nil, fmt.Errorf("%w: a %q key is of another kind than %q wants", ErrKey, j.kty, a)
	}
	k, err := j.key(a)
	if err != nil {
		return nil, err
	}
	k.id = j.kid
	return k, nil
}

// key makes the key out of its parts.
func (j jwk) key(a Algorithm) (*Key, error) {
	s := specOf(a)
	switch s.scheme {
	case ecdsaScheme:
		// RFC 7518 §6.2.1.2: coordinates are as long as the curve's.
		if j.crv != s.curve || len(j.x) != s.size || len(j.y) != s.size {
			return nil, fmt.Errorf("%w: it is of another curve than %q wants", ErrKey, a)
		}
		point := slices.Concat([]byte{4}, j.x, j.y)
		public, err := ecdsa.ParseUncompressedPublicKey(curveOf(s.curve), point)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		return newPublic(a, public)
	case eddsaScheme:
		if j.crv != s.curve || len(j.x) != s.size {
			return nil, fmt.Errorf("%w: it is of another curve than %q wants", ErrKey, a)
		}
		return newPublic(a, ed25519.PublicKey(j.x))
	case hmacScheme:
		return NewSecret(j.kid, a, j.k)
	}
	e := new(big.Int).SetBytes(j.e)
	if e.BitLen() > 31 {
		return nil, fmt.Errorf("%w: the RSA exponent is too large", ErrKey)
	}
	return newPublic(a, &rsa.PublicKey{N: new(big.Int).SetBytes(j.n), E: int(e.Int64())})
}

// curveOf is the curve by its registered name.
func curveOf(name string) elliptic.Curve {
	switch name {
	case "P-384":
		return elliptic.P384()
	case "P-521":
		return elliptic.P521()
	}
	return elliptic.P256()
}

var errMember = errors.New("a member of the wrong kind")

func scanJWK(text []byte) (j jwk, err error) {
	if len(text) > MaxToken {
		return j, fmt.Errorf("%w: it is too long", ErrKey)
	}
	err = seal.ScanUnique(text, func(name, raw []byte) error {
		ok := true
		switch string(name) {
		case "kty":
			j.kty, ok = seal.String(raw)
		case "use":
			j.use, ok = seal.String(raw)
			ok = ok && j.use != ""
		case "alg":
			j.alg, ok = seal.String(raw)
			ok = ok && j.alg != ""
		case "kid":
			j.kid, ok = seal.String(raw)
		case "crv":
			j.crv, ok = seal.String(raw)
		case "key_ops":
			j.hasOps = true
			j.ops, ok = seal.Strings(raw)
		case "x":
			j.x, ok = octets(raw)
		case "y":
			j.y, ok = octets(raw)
		case "n":
			j.n, ok = octets(raw)
		case "e":
			j.e, ok = octets(raw)
		case "k":
			j.k, ok = octets(raw)
		}
		if !ok {
			return errMember
		}
		return nil
	})
	if err != nil {
		return j, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return j, nil
}

// octets reads a member whose text is base64url.
func octets(raw []byte) ([]byte, bool) {
	text, ok := seal.String(raw)
	if !ok {
		return nil, false
	}
	return seal.AppendDecode(nil, text)
}
