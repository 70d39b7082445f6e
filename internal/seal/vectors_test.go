package seal_test

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
)

type tokenVector struct {
	vectors.Vector
	Inputs struct {
		Token  string        `json:"token"`
		Secret vectors.Texts `json:"secret"`
		Salt   string        `json:"salt"`
		Now    *int64        `json:"now"`
	} `json:"inputs"`
	Derived struct {
		HKDF struct {
			IKM string `json:"ikmUtf8"`
		} `json:"hkdf"`
		KeyHex string `json:"keyHex"`
		Kid    string `json:"kid"`
	} `json:"derived"`
}

func (v tokenVector) dialect(t *testing.T) seal.Dialect {
	switch v.Op {
	case "v4.decode":
		return seal.V4
	case "v5.decode":
		return seal.V5
	}
	t.Fatalf("unknown op %q", v.Op)
	return ""
}

// decode is what a reader of the protocol does with a token.
func decode(s *seal.Sealer, token string, now time.Time) ([]byte, error) {
	claims, err := s.Open(token)
	if err != nil {
		return nil, err
	}
	return claims, seal.CheckTimes(claims, now)
}

// proves: BCP-21, BCP-26, CS-41
func TestOpen_decidesAsTheRecordedVectors(t *testing.T) {
	for _, file := range []string{"v4-session-tokens.json", "v5-session-tokens.json", "check-cookies.json"} {
		vectors.Each(t, file, func(t *testing.T, v tokenVector) {
			s, err := seal.New(v.dialect(t), v.Inputs.Salt, v.Inputs.Secret...)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			if v.Inputs.Now != nil {
				now = time.Unix(*v.Inputs.Now, 0)
			}
			claims, err := decode(s, v.Inputs.Token, now)
			accept := v.Expect.Result == "accept"
			if v.Optional {
				// The library reads algorithms it never writes; Gatehouse is
				// stricter in all of these cases (RFC 8725 §3.1, one key one
				// algorithm, and §3.6, no compression).
				accept = false
			}
			if !accept {
				if err == nil {
					t.Fatalf("accepted, want refused: %s", v.Expect.Why)
				}
				return
			}
			if err != nil {
				t.Fatalf("refused (%v), want accepted: %s", err, v.Expect.Why)
			}
			var got, want any
			if err := json.Unmarshal(claims, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(v.Expect.Claims, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			checkDerived(t, v, claims)
		})
	}
}

// checkDerived seals the claims again and opens the result with the key and the
// kid that the vector recorded, through another implementation.
func checkDerived(t *testing.T, v tokenVector, claims []byte) {
	if v.Derived.KeyHex == "" {
		return
	}
	s, err := seal.New(v.dialect(t), v.Inputs.Salt, v.Derived.HKDF.IKM)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Seal(claims)
	if err != nil {
		t.Fatal(err)
	}
	key, err := hex.DecodeString(v.Derived.KeyHex)
	if err != nil {
		t.Fatal(err)
	}
	got, header := joseOpen(t, token, key)
	if diff := cmp.Diff(string(claims), got); diff != "" {
		t.Errorf("sealed again (-want +got):\n%s", diff)
	}
	if header.KeyID != v.Derived.Kid {
		t.Errorf("kid = %q, want %q", header.KeyID, v.Derived.Kid)
	}
}

func joseOpen(t *testing.T, token string, key []byte) (claims string, header jose.Header) {
	t.Helper()
	jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT},
		[]jose.ContentEncryption{jose.A256GCM, jose.A256CBC_HS512})
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwe.Decrypt(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), jwe.Header
}
