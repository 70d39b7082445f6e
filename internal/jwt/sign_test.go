package jwt_test

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
)

// protocolKeys are the key pairs of the recorded vectors, by kind.
func protocolKeys(t *testing.T) map[string]*jose.JSONWebKey {
	t.Helper()
	var f struct {
		Keys map[string]struct {
			Private jose.JSONWebKey `json:"privateJwk"`
		} `json:"keys"`
	}
	vectors.Load(t, "jwt-verify.json", &f)
	keys := map[string]*jose.JSONWebKey{}
	for name, k := range f.Keys {
		keys[name] = &k.Private
	}
	keys["oct"] = &jose.JSONWebKey{Key: []byte(strings.Repeat("a shared secret ", 4))}
	return keys
}

var kindOf = map[jwt.Algorithm]string{
	jwt.ES256: "P256", jwt.ES384: "P384", jwt.ES512: "P521", jwt.EdDSA: "Ed25519",
	jwt.RS256: "RSA", jwt.RS384: "RSA", jwt.RS512: "RSA", jwt.PS256: "RSA", jwt.PS384: "RSA", jwt.PS512: "RSA",
	jwt.HS256: "oct", jwt.HS384: "oct", jwt.HS512: "oct",
}

// What another implementation signs is opened here, in every algorithm.
func TestOpen_readsAnotherImplementation(t *testing.T) {
	keys := protocolKeys(t)
	for _, a := range everyAlgorithm {
		t.Run(string(a), func(t *testing.T) {
			private := keys[kindOf[a]]
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(a), Key: private.Key}, nil)
			if err != nil {
				t.Fatal(err)
			}
			public := private.Public()
			if kindOf[a] == "oct" {
				public = *private
			}
			raw, err := public.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			k, err := jwt.ParseJWK(raw, a)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 20 { // enough for leading zeros in r or s now and then
				payload := fmt.Sprintf(`{"n":%d}`, n)
				signed, err := signer.Sign([]byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				token, err := signed.CompactSerialize()
				if err != nil {
					t.Fatal(err)
				}
				if got, err := k.Open(token); err != nil || string(got) != payload {
					t.Fatalf("%q, error %v", got, err)
				}
			}
		})
	}
}

// And the other way round, in the algorithms that Gatehouse signs with.
func TestSign_isReadByAnotherImplementation(t *testing.T) {
	secret := []byte(strings.Repeat("s", 32))
	shared, err := jwt.NewSecret("shared", jwt.HS256, secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*jwt.Key{generate(t, jwt.ES256), generate(t, jwt.EdDSA), generate(t, jwt.RS256), shared} {
		t.Run(string(k.Algorithm()), func(t *testing.T) {
			var public any = secret
			if k != shared {
				text, err := k.AppendJWK(nil)
				if err != nil {
					t.Fatal(err)
				}
				var key jose.JSONWebKey
				if err := key.UnmarshalJSON(text); err != nil || key.KeyID != k.ID() || key.Algorithm != string(k.Algorithm()) || key.Use != "sig" {
					t.Fatalf("%s is read as %+v, error %v", text, key, err)
				}
				public = key.Key
			}
			for range 20 {
				token, err := k.Sign("at+jwt", []byte(goodClaims))
				if err != nil {
					t.Fatal(err)
				}
				parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(k.Algorithm())})
				if err != nil {
					t.Fatal(err)
				}
				got, err := parsed.Verify(public)
				if err != nil || string(got) != goodClaims {
					t.Fatalf("%q, error %v", got, err)
				}
				h := parsed.Signatures[0].Protected
				if h.KeyID != k.ID() || h.ExtraHeaders["typ"] != "at+jwt" {
					t.Errorf("header %+v", h)
				}
			}
		})
	}
}

func TestSign_refusesClaimsThatOthersReadDifferently(t *testing.T) {
	k := generate(t, jwt.EdDSA)
	for _, claims := range []string{``, `[]`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":1`, "{\"a\":\"\xff\"}", `{"a":"` + strings.Repeat("x", jwt.MaxToken) + `"}`} {
		if token, err := k.Sign("at+jwt", []byte(claims)); err == nil {
			t.Errorf("%.40q was signed: %.40q", claims, token)
		}
	}
}

func TestSign_needsThePrivatePart(t *testing.T) {
	text, err := generate(t, jwt.ES256).AppendJWK(nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := jwt.ParseJWK(text, jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := k.Sign("at+jwt", []byte(`{}`)); err == nil {
		t.Errorf("signed without a private key: %s", token)
	}
	if _, err := k.MarshalPrivate(); err == nil {
		t.Error("a private part that is not there was written")
	}
}

// Coordinates with leading zeros keep their length.
func TestFixedFromDER_padsToTheLengthOfTheCurve(t *testing.T) {
	for _, c := range []struct{ r, s int64 }{{0, 0}, {1, 1}, {127, 128}, {255, 256}, {1 << 40, 1<<62 + 1}} {
		for _, size := range []int{32, 48, 66} {
			der, err := asn1.Marshal([]*big.Int{big.NewInt(c.r), big.NewInt(c.s)})
			if err != nil {
				t.Fatal(err)
			}
			want := append(big.NewInt(c.r).FillBytes(make([]byte, size)), big.NewInt(c.s).FillBytes(make([]byte, size))...)
			if got, err := jwt.FixedFromDER(der, size); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d, %d: %x, error %v", c.r, c.s, got, err)
			}
			for n := range der {
				if _, err := jwt.FixedFromDER(der[:n], size); err == nil {
					t.Errorf("%d, %d: %d octets of %d were taken", c.r, c.s, n, len(der))
				}
			}
		}
	}
}

func TestKey_printsNothingOfItself(t *testing.T) {
	secret, err := jwt.NewSecret("shared", jwt.HS256, []byte(strings.Repeat("geheim", 6)))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*jwt.Key{generate(t, jwt.ES256), secret} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			if got := fmt.Sprintf(verb, k); got != "key "+k.ID() {
				t.Errorf("%s prints %q", verb, got)
			}
		}
	}
}

func TestPrivate_survivesBeingWritten(t *testing.T) {
	for _, a := range jwt.Own() {
		k := generate(t, a)
		text, err := k.MarshalPrivate()
		if err != nil {
			t.Fatal(err)
		}
		again, err := jwt.ParsePrivate(a, text)
		if err != nil || again.ID() != k.ID() {
			t.Fatalf("%s: %v, error %v", a, again, err)
		}
		token, err := again.Sign("at+jwt", []byte(goodClaims))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jwt.Verify(token, only(k), expected()); err != nil {
			t.Error(err)
		}
		for _, other := range append(jwt.Own(), jwt.ES384, jwt.HS256, "none") {
			if _, err := jwt.ParsePrivate(other, text); (err == nil) != (other == a) {
				t.Errorf("a key for %s read as one for %s: error %v", a, other, err)
			}
		}
	}
}

func TestKey_servesManyAtOnce(t *testing.T) {
	k := generate(t, jwt.ES256)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				token, err := k.Sign("at+jwt", []byte(goodClaims))
				if err == nil {
					_, err = jwt.Verify(token, only(k), expected())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
