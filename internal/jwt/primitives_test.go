package jwt_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
)

// signatureTest is a row of the files with bare signatures.
type signatureTest struct {
	vectors.WycheproofTest
	Message   vectors.Hex `json:"msg"`
	Signature vectors.Hex `json:"sig"`
}

type signatureGroup struct {
	JWK  json.RawMessage `json:"publicKeyJwk"`
	Key  json.RawMessage `json:"keyJwk"`
	ECDH struct {
		Uncompressed vectors.Hex `json:"uncompressed"`
	} `json:"publicKey"`
}

// key is the group's, out of its JWK, or where it has none out of the point.
func (g signatureGroup) key(t *testing.T, a jwt.Algorithm, curve string) *jwt.Key {
	t.Helper()
	raw := g.JWK
	if raw == nil {
		raw = g.Key
	}
	if raw == nil && curve != "" {
		point := g.ECDH.Uncompressed[1:]
		half := len(point) / 2
		raw = fmt.Appendf(nil, `{"kty":"EC","crv":%q,"x":%q,"y":%q}`, curve, encoded(point[:half]), encoded(point[half:]))
	}
	k, err := jwt.ParseJWK(raw, a)
	if err != nil {
		return nil
	}
	return k
}

// The primitives below the tokens decide as the published vectors say. Where
// either answer is allowed none is asked for.
func TestSigns_decidesAsWycheproofsPrimitives(t *testing.T) {
	for _, c := range []struct {
		file, curve string
		algorithm   jwt.Algorithm
		keyless     int // groups whose key is refused before any signature is looked at
	}{
		{"ecdsa_secp256r1_sha256_p1363_test.json", "P-256", jwt.ES256, 0},
		{"ecdsa_secp384r1_sha384_p1363_test.json", "P-384", jwt.ES384, 0},
		{"ecdsa_secp521r1_sha512_p1363_test.json", "P-521", jwt.ES512, 0},
		{"ed25519_test.json", "", jwt.EdDSA, 0},
		{"rsa_signature_2048_sha256_test.json", "", jwt.RS256, 0},
		{"rsa_pss_2048_sha256_mgf1_32_test.json", "", jwt.PS256, 0},
	} {
		t.Run(c.file, func(t *testing.T) {
			without := 0
			vectors.EachWycheproof(t, c.file, func(t *testing.T, g signatureGroup, row signatureTest) {
				k := g.key(t, c.algorithm, c.curve)
				if k == nil {
					without++
					return
				}
				if got := k.Signs(row.Message, row.Signature); row.Result != "acceptable" && got != (row.Result == "valid") {
					t.Errorf("tcId %d (%s, %v): accepted is %v, labelled %s", row.ID, row.Comment, row.Flags, got, row.Result)
				}
			})
			if without != c.keyless {
				t.Errorf("the keys of %d rows were refused, want %d", without, c.keyless)
			}
		})
	}
}

// macTest is a row of the HMAC files.
type macTest struct {
	vectors.WycheproofTest
	Key     vectors.Hex `json:"key"`
	Message vectors.Hex `json:"msg"`
	Tag     vectors.Hex `json:"tag"`
}

type macGroup struct {
	KeySize int `json:"keySize"`
	TagSize int `json:"tagSize"`
}

// A JWS never has a tag that is cut: the groups with shorter ones are refused
// throughout, whatever their label (RFC 7518 §3.2).
func TestSigns_decidesAsWycheproofsMACs(t *testing.T) {
	for file, c := range map[string]struct {
		algorithm jwt.Algorithm
		bits      int
	}{
		"hmac_sha256_test.json": {jwt.HS256, 256}, "hmac_sha384_test.json": {jwt.HS384, 384}, "hmac_sha512_test.json": {jwt.HS512, 512},
	} {
		t.Run(file, func(t *testing.T) {
			whole := 0
			vectors.EachWycheproof(t, file, func(t *testing.T, g macGroup, row macTest) {
				k, err := jwt.NewSecret("", c.algorithm, row.Key)
				if g.KeySize < c.bits {
					if err == nil {
						t.Errorf("tcId %d: a key of %d bits was taken", row.ID, g.KeySize)
					}
					return
				}
				if err != nil {
					t.Fatalf("tcId %d: %v", row.ID, err)
				}
				want := row.Result == "valid" && g.TagSize == c.bits
				if want {
					whole++
				}
				if got := k.Signs(row.Message, row.Tag); got != want {
					t.Errorf("tcId %d (%s): accepted is %v, labelled %s with a tag of %d bits", row.ID, row.Comment, got, row.Result, g.TagSize)
				}
			})
			if whole == 0 {
				t.Error("not one whole tag was right")
			}
		})
	}
}
