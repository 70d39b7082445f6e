package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

// Each algorithm beside its bare primitive over a text of the same length: what
// lies between them is the token (performance goals 8 to 10).

func BenchmarkSign(b *testing.B) {
	for _, k := range benchKeys(b) {
		b.Run(string(k.Algorithm()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Sign("at+jwt", []byte(goodClaims)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, k := range benchKeys(b) {
		b.Run(string(k.Algorithm()), func(b *testing.B) {
			token, err := k.Sign("at+jwt", []byte(goodClaims))
			if err != nil {
				b.Fatal(err)
			}
			find, e := only(k), expected()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jwt.Verify(token, find, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchKeys(b *testing.B) []*jwt.Key {
	shared, err := jwt.NewSecret("shared", jwt.HS256, []byte(strings.Repeat("s", 32)))
	if err != nil {
		b.Fatal(err)
	}
	return []*jwt.Key{generate(b, jwt.ES256), generate(b, jwt.EdDSA), generate(b, jwt.RS256), shared}
}

func BenchmarkRaw(b *testing.B) {
	text := []byte(strings.Repeat("x", 420)) // about what is signed of a token
	sum := sha256.Sum256(text)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		b.Fatal(err)
	}
	der, _ := ecdsa.SignASN1(rand.Reader, ec, sum[:])
	edSig := ed25519.Sign(ed, text)
	rsaSig, _ := rsa.SignPKCS1v15(rand.Reader, big, crypto.SHA256, sum[:])
	key := []byte(strings.Repeat("s", 32))
	for name, do := range map[string]func(){
		"Sign/ES256":   func() { s := sha256.Sum256(text); _, _ = ecdsa.SignASN1(rand.Reader, ec, s[:]) },
		"Sign/EdDSA":   func() { ed25519.Sign(ed, text) },
		"Sign/RS256":   func() { s := sha256.Sum256(text); _, _ = rsa.SignPKCS1v15(rand.Reader, big, crypto.SHA256, s[:]) },
		"Sign/HS256":   func() { m := hmac.New(sha256.New, key); m.Write(text); m.Sum(nil) },
		"Verify/ES256": func() { s := sha256.Sum256(text); ecdsa.VerifyASN1(&ec.PublicKey, s[:], der) },
		"Verify/EdDSA": func() { ed25519.Verify(ed.Public().(ed25519.PublicKey), text, edSig) },
		"Verify/RS256": func() { s := sha256.Sum256(text); _ = rsa.VerifyPKCS1v15(&big.PublicKey, crypto.SHA256, s[:], rsaSig) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				do()
			}
		})
	}
}
