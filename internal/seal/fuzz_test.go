package seal_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// FuzzOpen opens arbitrary texts. What opens must open in another
// implementation too, to the same claims, and must be a JSON object.
func FuzzOpen(f *testing.F) {
	v4, v5 := mustNew(f, seal.V4, "", secret), mustNew(f, seal.V5, cookie, other, secret)
	key4, key5 := deriveKey(f, seal.V4, secret, ""), deriveKey(f, seal.V5, secret, cookie)
	f.Add(mustSeal(f, v4, string(claims)))
	f.Add(mustSeal(f, v5, string(claims)))
	f.Add(mustSeal(f, mustNew(f, seal.V5, cookie, secret), `{"sub":"1"}`))
	f.Add(joseSeal(f, jose.A256GCM, key5[:32], nil, `{"sub":"1"}`))
	f.Add(joseSeal(f, jose.A256CBC_HS512, deriveKey(f, seal.V5, other, cookie), nil, `{"sub":"1"}`))
	f.Add(sealUnder(f, seal.V4, key4, `{"alg":"dir","enc":"A256GCM","zip":"DEF"}`, `{}`))
	f.Add("....")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		for _, s := range []*seal.Sealer{v4, v5} {
			got, err := s.Open(token)
			if err != nil {
				if got != nil {
					t.Fatalf("%s: Open(%q) failed and returned %q", s.Dialect(), token, got)
				}
				continue
			}
			if !json.Valid(got) || strings.TrimLeft(string(got), " \t\r\n")[0] != '{' {
				t.Fatalf("%s: opened to %q", s.Dialect(), got)
			}
			if err := seal.CheckTimes(got, time.Unix(1767225600, 0)); err != nil {
				t.Logf("times: %v", err)
			}
			agree(t, token, string(got), key4, key5, key5[:32], deriveKey(t, seal.V5, other, cookie), deriveKey(t, seal.V5, other, cookie)[:32])
		}
	})
}

func agree(t *testing.T, token, want string, keys ...[]byte) {
	jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT},
		[]jose.ContentEncryption{jose.A256GCM, jose.A256CBC_HS512})
	if err != nil {
		t.Fatalf("opened %q, which go-jose refuses: %v", token, err)
	}
	for _, key := range keys {
		if got, err := jwe.Decrypt(key); err == nil {
			if string(got) != want {
				t.Fatalf("opened to %q, go-jose to %q", want, got)
			}
			return
		}
	}
	t.Fatalf("opened %q, which no key opens in go-jose", token)
}

// FuzzOpenPayload seals arbitrary payloads and headers under the right key, so
// that what lies behind the tag is reached.
func FuzzOpenPayload(f *testing.F) {
	f.Add(`{"alg":"dir","enc":"A256GCM"}`, string(claims))
	f.Add(`{"enc":"A256GCM","alg":"dir","kid":"x"}`, `{"a":1,"a":2}`)
	f.Add(`{"alg":"dir","enc":"A256GCM","crit":["x"]}`, `[]`)
	s, key := mustNew(f, seal.V4, "", secret), deriveKey(f, seal.V4, secret, "")
	f.Fuzz(func(t *testing.T, header, payload string) {
		token := sealUnder(t, seal.V4, key, header, payload)
		got, err := s.Open(token)
		if err != nil {
			return
		}
		if string(got) != payload {
			t.Fatalf("opened to %q, want %q", got, payload)
		}
		var h map[string]any
		if err := json.Unmarshal([]byte(header), &h); err != nil || h["alg"] != "dir" || h["enc"] != "A256GCM" || h["zip"] != nil || h["crit"] != nil {
			t.Fatalf("opened under header %q (%s)", header, base64.RawURLEncoding.EncodeToString([]byte(header)))
		}
		var c map[string]any
		if err := json.Unmarshal(got, &c); err != nil {
			t.Fatalf("opened to %q: %v", got, err)
		}
	})
}
