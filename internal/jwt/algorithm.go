package jwt

import (
	"crypto"
	_ "crypto/sha512" // for crypto.Hash
	"slices"
)

// Algorithm is a JWS algorithm by its registered name. RFC 7518 §3.1, RFC 8037
// §3.1.
type Algorithm string

// The algorithms. "none" is none of them.
const (
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	EdDSA Algorithm = "EdDSA" // over Ed25519 alone
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	HS256 Algorithm = "HS256"
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

// Own are the algorithms that Gatehouse signs with and takes as proof to itself:
// with a key pair each, so that whoever can verify cannot sign. The others are
// for what somebody else signed, and HS256 for applications that share a secret
// with it.
func Own() []Algorithm { return []Algorithm{ES256, RS256, EdDSA} }

// IsOwn says whether a is one of [Own].
func (a Algorithm) IsOwn() bool { return slices.Contains(Own(), a) }

// scheme is how an algorithm computes.
type scheme uint8

const (
	ecdsaScheme scheme = iota + 1
	eddsaScheme
	pkcs1Scheme
	pssScheme
	hmacScheme
)

// spec is what an algorithm demands.
type spec struct {
	scheme scheme
	hash   crypto.Hash
	curve  string // crv of its keys
	size   int    // octets of one coordinate
}

// specOf returns what a demands; no scheme means that there is no such
// algorithm.
func specOf(a Algorithm) spec {
	switch a {
	case ES256:
		return spec{ecdsaScheme, crypto.SHA256, "P-256", 32}
	case ES384:
		return spec{ecdsaScheme, crypto.SHA384, "P-384", 48}
	case ES512:
		return spec{ecdsaScheme, crypto.SHA512, "P-521", 66}
	case EdDSA:
		return spec{eddsaScheme, 0, "Ed25519", 32}
	case RS256:
		return spec{scheme: pkcs1Scheme, hash: crypto.SHA256}
	case RS384:
		return spec{scheme: pkcs1Scheme, hash: crypto.SHA384}
	case RS512:
		return spec{scheme: pkcs1Scheme, hash: crypto.SHA512}
	case PS256:
		return spec{scheme: pssScheme, hash: crypto.SHA256}
	case PS384:
		return spec{scheme: pssScheme, hash: crypto.SHA384}
	case PS512:
		return spec{scheme: pssScheme, hash: crypto.SHA512}
	case HS256:
		return spec{scheme: hmacScheme, hash: crypto.SHA256}
	case HS384:
		return spec{scheme: hmacScheme, hash: crypto.SHA384}
	case HS512:
		return spec{scheme: hmacScheme, hash: crypto.SHA512}
	}
	return spec{}
}

// kty is the key type that the algorithm's keys have. RFC 7518 §6.1.
func (s spec) kty() string {
	switch s.scheme {
	case ecdsaScheme:
		return "EC"
	case eddsaScheme:
		return "OKP"
	case pkcs1Scheme, pssScheme:
		return "RSA"
	case hmacScheme:
		return "oct"
	}
	return ""
}
