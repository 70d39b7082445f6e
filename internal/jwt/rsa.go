package jwt

import (
	"crypto/rsa"
	"fmt"
	"math/big"
)

// Bounds of RSA keys that somebody else made. The upper one bounds the work that
// a verification takes.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// checkRSA refuses moduli and exponents that make forging easy: an exponent of
// one is no signature at all, an even one no key, and a small modulus can be
// factored (RFC 8725 §3.5; NIST SP 800-56B §6.2).
func checkRSA(p *rsa.PublicKey) error {
	bits := p.N.BitLen()
	switch {
	case bits < minRSABits || bits > maxRSABits:
		return fmt.Errorf("%w: RSA moduli have %d to %d bits, this one %d", ErrKey, minRSABits, maxRSABits, bits)
	case p.E < 3 || p.E%2 == 0:
		return fmt.Errorf("%w: the RSA exponent %d", ErrKey, p.E)
	case p.N.Bit(0) == 0:
		return fmt.Errorf("%w: the RSA modulus is even", ErrKey)
	case isROCA(p.N):
		return fmt.Errorf("%w: the RSA modulus was made by a generator that is broken (CVE-2017-15361)", ErrKey)
	}
	return nil
}

// rocaPrimes are the primes whose residues give a broken generator away: its
// primes are powers of 65537 modulo each of them, and so is their product.
var rocaPrimes = [...]int64{
	11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
}

// isROCA says whether n has the structure of Nemec et al., "The Return of
// Coppersmith's Attack" (2017), §5: chance gives it to one modulus in 2^27.
func isROCA(n *big.Int) bool {
	var residue, prime big.Int
	for _, p := range rocaPrimes {
		want := residue.Mod(n, prime.SetInt64(p)).Int64()
		found := false
		for power, i := int64(1), int64(0); i < p && !found; i++ {
			found = power == want
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}
