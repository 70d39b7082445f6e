package jwt_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

// ecJWK is a good key for ES256 (RFC 7515 appendix A.3).
const ecJWK = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`

// proves: ASVS 11.2.3, BCP-24
func TestParseJWK_refuses(t *testing.T) {
	if _, err := jwt.ParseJWK([]byte(ecJWK), jwt.ES256); err != nil {
		t.Fatalf("the key itself: %v", err)
	}
	modulus := func(bits int) string {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return encoded(n.Add(n, big.NewInt(12345)).Bytes())
	}
	rsa := func(n, e string) string { return `{"kty":"RSA","n":"` + n + `","e":"` + e + `"}` }
	if _, err := jwt.ParseJWK([]byte(rsa(modulus(2048), "AQAB")), jwt.RS256); err != nil {
		t.Fatalf("RSA of 2048 bits: %v", err)
	}
	for name, c := range map[string]struct {
		text    string
		allowed []jwt.Algorithm
	}{
		"no JSON":                      {`EC`, []jwt.Algorithm{jwt.ES256}},
		"a member twice":               {strings.Replace(ecJWK, `"kty"`, `"kty":"EC","kty"`, 1), []jwt.Algorithm{jwt.ES256}},
		"no algorithm allowed":         {ecJWK, nil},
		"several, and it names none":   {ecJWK, []jwt.Algorithm{jwt.ES256, jwt.ES384}},
		"another curve":                {ecJWK, []jwt.Algorithm{jwt.ES384}},
		"another kind":                 {ecJWK, []jwt.Algorithm{jwt.RS256}},
		"as a shared secret":           {strings.Replace(ecJWK, `"EC"`, `"oct"`, 1), []jwt.Algorithm{jwt.HS256}},
		"an algorithm that is none":    {strings.Replace(ecJWK, `{`, `{"alg":"none",`, 1), []jwt.Algorithm{jwt.ES256, "none"}},
		"another algorithm":            {strings.Replace(ecJWK, `{`, `{"alg":"ES384",`, 1), []jwt.Algorithm{jwt.ES256}},
		"for encryption":               {strings.Replace(ecJWK, `{`, `{"use":"enc",`, 1), []jwt.Algorithm{jwt.ES256}},
		"use is empty":                 {strings.Replace(ecJWK, `{`, `{"use":"",`, 1), []jwt.Algorithm{jwt.ES256}},
		"for signing alone":            {strings.Replace(ecJWK, `{`, `{"key_ops":["sign"],`, 1), []jwt.Algorithm{jwt.ES256}},
		"for nothing":                  {strings.Replace(ecJWK, `{`, `{"key_ops":[],`, 1), []jwt.Algorithm{jwt.ES256}},
		"not on the curve":             {strings.Replace(ecJWK, `"x_F`, `"x_G`, 1), []jwt.Algorithm{jwt.ES256}},
		"short coordinate":             {strings.Replace(ecJWK, `RVEU"`, `RVE"`, 1), []jwt.Algorithm{jwt.ES256}},
		"coordinate is not canonical":  {strings.Replace(ecJWK, `RVEU"`, `RVEV"`, 1), []jwt.Algorithm{jwt.ES256}},
		"too long":                     {strings.Replace(ecJWK, `{`, `{"x5c":"`+strings.Repeat("x", jwt.MaxToken)+`",`, 1), []jwt.Algorithm{jwt.ES256}},
		"Ed25519 of the wrong length":  {`{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`, []jwt.Algorithm{jwt.EdDSA}},
		"Ed448":                        {`{"kty":"OKP","crv":"Ed448","x":"` + encoded(make([]byte, 57)) + `"}`, []jwt.Algorithm{jwt.EdDSA}},
		"X25519":                       {`{"kty":"OKP","crv":"X25519","x":"` + encoded(make([]byte, 32)) + `"}`, []jwt.Algorithm{jwt.EdDSA}},
		"RSA of 2047 bits":             {rsa(modulus(2047), "AQAB"), []jwt.Algorithm{jwt.RS256}},
		"RSA of 8193 bits":             {rsa(modulus(8193), "AQAB"), []jwt.Algorithm{jwt.RS256}},
		"RSA with exponent 1":          {rsa(modulus(2048), "AQ"), []jwt.Algorithm{jwt.RS256}},
		"RSA with exponent 2":          {rsa(modulus(2048), "Ag"), []jwt.Algorithm{jwt.RS256}},
		"RSA with exponent 0":          {rsa(modulus(2048), ""), []jwt.Algorithm{jwt.RS256}},
		"RSA with exponent 2^31 and 1": {rsa(modulus(2048), "gAAAAQ"), []jwt.Algorithm{jwt.RS256}},
		"RSA that is even":             {rsa(encoded(new(big.Int).Lsh(big.NewInt(1), 2047).Bytes()), "AQAB"), []jwt.Algorithm{jwt.RS256}},
		"no RSA modulus":               {rsa("", "AQAB"), []jwt.Algorithm{jwt.RS256}},
		"a secret of 31 octets":        {`{"kty":"oct","k":"` + encoded(make([]byte, 31)) + `"}`, []jwt.Algorithm{jwt.HS256}},
	} {
		if k, err := jwt.ParseJWK([]byte(c.text), c.allowed...); !errors.Is(err, jwt.ErrKey) {
			t.Errorf("%s: %v, error %v", name, k, err)
		}
	}
}

func TestNewSecret_isForHMACAlone(t *testing.T) {
	secret := []byte(strings.Repeat("s", 64))
	for _, a := range everyAlgorithm {
		_, err := jwt.NewSecret("k", a, secret)
		if want := strings.HasPrefix(string(a), "HS"); (err == nil) != want {
			t.Errorf("%s: error %v", a, err)
		}
	}
	if _, err := jwt.Generate(jwt.HS256); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("a shared secret was generated: %v", err)
	}
}
