package jwt_test

import (
	"crypto"
	"encoding/base64"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

const hashSHA256 = crypto.SHA256

const (
	issuer   = "https://app.example/api/auth"
	resource = "https://api.example"
)

// now is in the middle of a second, as moments are.
var now = time.Date(2026, 3, 9, 13, 37, 59, 123457000, time.UTC)

var everyAlgorithm = []jwt.Algorithm{
	jwt.ES256, jwt.ES384, jwt.ES512, jwt.EdDSA, jwt.RS256, jwt.RS384, jwt.RS512, jwt.PS256, jwt.PS384, jwt.PS512, jwt.HS256, jwt.HS384, jwt.HS512,
}

func expected() jwt.Expect {
	return jwt.Expect{Issuer: issuer, Audience: []string{resource}, Types: []string{"at+jwt"}, Now: now, Skew: 5 * time.Second}
}

// only is a set of one key.
func only(k *jwt.Key) jwt.Keys {
	return func(kid string) *jwt.Key {
		if kid == k.ID() {
			return k
		}
		return nil
	}
}

func generate(t testing.TB, a jwt.Algorithm) *jwt.Key {
	t.Helper()
	k, err := jwt.Generate(a)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func encoded[T ~string | ~[]byte](b T) string { return base64.RawURLEncoding.EncodeToString([]byte(b)) }

func decoded(text string) string {
	b, _ := base64.RawURLEncoding.DecodeString(text)
	return string(b)
}
