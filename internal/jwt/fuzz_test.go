package jwt_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
)

// FuzzVerify offers any text as a token signed with a secret the fuzzer can
// reach by mutation of good ones. Whatever is accepted, another implementation
// accepts too, with the same claims, and none of the rules was broken.
func FuzzVerify(f *testing.F) {
	secret := []byte(strings.Repeat("s", 32))
	k, err := jwt.NewSecret("shared", jwt.HS256, secret)
	if err != nil {
		f.Fatal(err)
	}
	good, err := k.Sign("at+jwt", []byte(goodClaims))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, header := range []string{
		`{"alg":"none"}`, `{"alg":"HS256","typ":"JWT","kid":"shared"}`, `{"alg":"HS256","typ":"at+jwt","kid":"shared","crit":["b64"],"b64":false}`,
		`{"alg":"HS256","typ":"application/AT+JWT","kid":"shared","alg":"none"}`, `{"alg":"HS256","typ":"at+jwt","kid":"shared","jwk":{}}`,
	} {
		f.Add(sign(f, k, header, goodClaims))
	}
	for _, claims := range []string{`{}`, `{"exp":1e400}`, `{"aud":[]}`, `{"exp":1773064380,"exp":1}`, strings.Replace(goodClaims, `"jti"`, `"\ud800"`, 1)} {
		f.Add(sign(f, k, headerFor(k), claims))
	}
	var rows vectors.Wycheproof[jwsGroup, jwsTest]
	vectors.LoadJose(f, "wycheproof/json_web_signature_test.json", &rows)
	for _, g := range rows.Groups {
		f.Add(compact(g.Tests[0].JWS))
	}
	f.Fuzz(func(t *testing.T, token string) {
		c, err := jwt.Verify(token, only(k), expected())
		if err != nil {
			if !errors.Is(err, jwt.ErrToken) || c.JSON != nil {
				t.Errorf("error %v with claims %s", err, c.JSON)
			}
			return
		}
		parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
		if err != nil {
			t.Fatalf("accepted, and refused by another implementation: %v", err)
		}
		text, err := parsed.Verify(secret)
		if err != nil || !bytes.Equal(text, c.JSON) {
			t.Fatalf("accepted, and another implementation says %q, %v", text, err)
		}
		var theirs struct {
			Iss string `json:"iss"`
			Exp float64
		}
		if err := json.Unmarshal(text, &theirs); err != nil || theirs.Iss != issuer || theirs.Exp < float64(now.Unix()-5) {
			t.Errorf("accepted with %s (%v)", text, err)
		}
	})
}

// FuzzOpenSigned signs whatever the fuzzer finds, so that it comes past the
// signature.
func FuzzOpenSigned(f *testing.F) {
	k, err := jwt.NewSecret("shared", jwt.HS256, []byte(strings.Repeat("s", 32)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(headerFor(k), goodClaims)
	f.Add(`{"alg":"HS256","typ":"AT+jwt","kid":"shared","x":[[[{}]]]}`, `{"aud":["a","`+resource+`"],"iss":"`+issuer+`","exp":1.77306438e9}`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		c, err := jwt.Verify(sign(t, k, header, claims), only(k), expected())
		if err != nil {
			return
		}
		var theirs map[string]any
		if err := json.Unmarshal([]byte(claims), &theirs); err != nil || theirs["iss"] != issuer {
			t.Errorf("accepted %q: %v", claims, err)
		}
		var h map[string]any
		if err := json.Unmarshal([]byte(header), &h); err != nil || h["crit"] != nil || h["alg"] != "HS256" || h["kid"] != "shared" {
			t.Errorf("accepted under %q: %v", header, err)
		}
		if c.ExpiresAt.Before(now.Add(-jwt.MaxSkew)) {
			t.Errorf("accepted, ended at %v", c.ExpiresAt)
		}
	})
}

// FuzzParseJWK reads any text as a key: what is taken is published again as the
// same key.
func FuzzParseJWK(f *testing.F) {
	f.Add(ecJWK, "ES256")
	f.Add(`{"kty":"oct","k":"`+encoded(make([]byte, 32))+`"}`, "HS256")
	f.Add(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "EdDSA")
	f.Fuzz(func(t *testing.T, text, algorithm string) {
		k, err := jwt.ParseJWK([]byte(text), jwt.Algorithm(algorithm))
		if err != nil {
			if !errors.Is(err, jwt.ErrKey) {
				t.Errorf("error %v", err)
			}
			return
		}
		out, err := k.AppendJWK(nil)
		if err != nil {
			return // a shared secret
		}
		again, err := jwt.ParseJWK(out, jwt.Algorithm(algorithm))
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		before, _ := k.Thumbprint()
		if after, err := again.Thumbprint(); err != nil || before != after {
			t.Errorf("%s became %s: thumbprint %s, then %s (%v)", text, out, before, after, err)
		}
	})
}
