package jwt_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

// The keys made here have none of the faults by which keys were broken: small or
// close primes, an exponent or a structure that makes forging easy, a point off
// the curve; and no two are the same.
//
// proves: ASVS 11.6.1
func TestGenerate_makesKeysWithoutKnownFaults(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range []jwt.Algorithm{jwt.ES256, jwt.ES256, jwt.EdDSA, jwt.EdDSA, jwt.RS256} {
		k := generate(t, a)
		if k.Algorithm() != a || seen[k.ID()] {
			t.Errorf("%s: %s, seen before: %v", a, k, seen[k.ID()])
		}
		seen[k.ID()] = true
		public, err := k.AppendJWK(nil)
		if err == nil {
			_, err = jwt.ParseJWK(public, a) // which refuses the faults that a public key shows
		}
		if err != nil {
			t.Errorf("%s: %v", a, err)
		}
		text, err := k.MarshalPrivate()
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.ParsePKCS8PrivateKey(text)
		if err != nil {
			t.Fatal(err)
		}
		switch private := private.(type) {
		case *ecdsa.PrivateKey:
			d, err := private.Bytes()
			if err != nil || private.Curve.Params().Name != "P-256" || new(big.Int).SetBytes(d).Sign() == 0 {
				t.Errorf("%s: curve %s, error %v", a, private.Curve.Params().Name, err)
			}
		case ed25519.PrivateKey:
			if !ed25519.NewKeyFromSeed(private.Seed()).Equal(private) {
				t.Errorf("%s: the public part is not that of the seed", a)
			}
		case *rsa.PrivateKey:
			checkPrimes(t, private)
		}
	}
}

// checkPrimes holds an RSA key to FIPS 186-5 appendix A.1.1: 128 bits of
// strength, and primes so far apart that the search from the root of the modulus
// never ends.
func checkPrimes(t *testing.T, k *rsa.PrivateKey) {
	t.Helper()
	if k.N.BitLen() != 3072 || k.E != 65537 || len(k.Primes) != 2 || k.Validate() != nil {
		t.Fatalf("RSA of %d bits, exponent %d, %d primes, %v", k.N.BitLen(), k.E, len(k.Primes), k.Validate())
	}
	p, q := k.Primes[0], k.Primes[1]
	if apart := new(big.Int).Sub(p, q); apart.BitLen() <= 1536-100 {
		t.Errorf("the primes differ in %d bits alone", apart.BitLen())
	}
	for _, prime := range k.Primes {
		if prime.BitLen() != 1536 || !prime.ProbablyPrime(20) {
			t.Errorf("a factor of %d bits, prime: %v", prime.BitLen(), prime.ProbablyPrime(20))
		}
	}
}
