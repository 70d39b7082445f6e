package jwt_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
)

// deviates are the labels that a strict verifier does not follow, with the
// reason. A row listed here must decide against its label, else it is struck
// off the list.
var deviates = map[string]map[int]string{
	"json_web_signature_test.json": {
		347: `the JWK says "ES521", which is no registered algorithm`,
		351: `the JWK says "ES521", which is no registered algorithm`,
		350: "the JWK is for PS256 and the header says PS384: one key, one algorithm",
		367: "the same token, byte for byte, as 357, which is labelled valid: the padding is not in the file",
		370: "the same token, byte for byte, as 357, which is labelled valid: the padding is not in the file",
		372: `a "?" stands inside the header`,
		373: `a "?" stands inside the payload`,
	},
}

// jwsTest is a row of the files with tokens.
type jwsTest struct {
	vectors.WycheproofTest
	JWS json.RawMessage `json:"jws"`
	JWE json.RawMessage `json:"jwe"`
}

// jwsGroup has a key, or a set of keys; secrets stand under private alone.
type jwsGroup struct {
	Comment string          `json:"comment"`
	Public  json.RawMessage `json:"public"`
	Private json.RawMessage `json:"private"`
}

// keyFor is the JWK a verifier of the token would use: the only one there is,
// or the one of that kid in a set.
func (g jwsGroup) keyFor(token string) json.RawMessage {
	text := g.Public
	if len(text) == 0 {
		text = g.Private
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil || set.Keys == nil {
		return text
	}
	kid := headerOf(token)["kid"]
	for _, raw := range set.Keys {
		var k map[string]any
		if json.Unmarshal(raw, &k) == nil && k["kid"] == kid {
			return raw
		}
	}
	return nil
}

func headerOf(token string) map[string]any {
	var h map[string]any
	first, _, _ := strings.Cut(token, ".")
	_ = json.Unmarshal([]byte(decoded(first)), &h)
	return h
}

// algorithmOf is the one algorithm that the key's own kind and the group's
// token agree upon; the JWK's alg comes first.
func algorithmOf(raw json.RawMessage, token string) jwt.Algorithm {
	var k struct {
		Alg string `json:"alg"`
	}
	_ = json.Unmarshal(raw, &k)
	if k.Alg == "" {
		k.Alg, _ = headerOf(token)["alg"].(string)
	}
	return jwt.Algorithm(k.Alg)
}

// openWith says whether the token's signature is good under the JWK, when these
// algorithms are allowed.
func openWith(raw json.RawMessage, token string, allowed ...jwt.Algorithm) error {
	k, err := jwt.ParseJWK(raw, allowed...)
	if err != nil {
		return err
	}
	_, err = k.Open(token)
	return err
}

// compact is the token of a row; a JSON serialisation is given as its text,
// which is how it would arrive.
func compact(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// Each row runs twice: once with the one algorithm of its group allowed, when
// the label must hold, and once with the server's own list, when only what that
// list has may be accepted. A third time it is offered as a token, and none of
// them is one of ours.
//
// proves: BCP-21, BCP-22, BCP-23
func TestOpen_decidesAsWycheproofsTokens(t *testing.T) {
	for _, file := range []string{"json_web_signature_test.json", "json_web_crypto_test.json", "json_web_key_test.json"} {
		t.Run(file, func(t *testing.T) {
			left := maps.Clone(deviates[file])
			vectors.EachWycheproof(t, file, func(t *testing.T, g jwsGroup, row jwsTest) {
				if row.JWS == nil {
					return // an encrypted one: internal/seal runs those
				}
				token := compact(row.JWS)
				raw := g.keyFor(token)
				alg := algorithmOf(raw, token)
				err := openWith(raw, token, alg)
				label := row.Result == "valid"
				if why, listed := left[row.ID]; listed {
					delete(left, row.ID)
					t.Logf("tcId %d (%s) is labelled %s and decided otherwise: %s", row.ID, row.Comment, row.Result, why)
					label = !label
				}
				if (err == nil) != label {
					t.Errorf("tcId %d (%s, %s): error %v, want accepted to be %v", row.ID, row.Comment, g.Comment, err, label)
				}
				own := openWith(raw, token, jwt.Own()...)
				if want := label && alg.IsOwn(); (own == nil) != want {
					t.Errorf("tcId %d (%s) by the server's own list: error %v, want accepted to be %v", row.ID, row.Comment, own, want)
				}
				refusedAsToken(t, fmt.Sprintf("tcId %d", row.ID), raw, token, alg)
			})
			for id, why := range left {
				t.Errorf("tcId %d is listed (%s) and was not met", id, why)
			}
		})
	}
}

// refusedAsToken offers a JWS, however good its signature, where an access token
// is asked for.
func refusedAsToken(t *testing.T, name string, raw json.RawMessage, token string, alg jwt.Algorithm) {
	t.Helper()
	k, err := jwt.ParseJWK(raw, alg)
	if err != nil {
		return // no key, no token
	}
	_, err = jwt.Verify(token, func(string) *jwt.Key { return k }, expected())
	if !errors.Is(err, jwt.ErrToken) {
		t.Errorf("%s: taken for an access token (error %v)", name, err)
	}
}

// Two rows say padding and have none; these are what they mean.
func TestOpen_refusesPadding(t *testing.T) {
	var f vectors.Wycheproof[jwsGroup, jwsTest]
	vectors.LoadJose(t, "wycheproof/json_web_signature_test.json", &f)
	for _, g := range f.Groups {
		for _, row := range g.Tests {
			if row.ID != 357 {
				continue
			}
			token := compact(row.JWS)
			if err := openWith(g.Key.keyFor(token), token, jwt.HS256); err != nil {
				t.Fatalf("the token itself: %v", err)
			}
			p := strings.Split(token, ".")
			for _, padded := range []string{token + "=", p[0] + "." + p[1] + "=." + p[2], p[0] + "=." + p[1] + "." + p[2]} {
				if err := openWith(g.Key.keyFor(token), padded, jwt.HS256); !errors.Is(err, jwt.Malformed) {
					t.Errorf("%q: error %v", padded, err)
				}
			}
			return
		}
	}
	t.Error("row 357 is missing")
}

// cookbook is a file of the JOSE cookbook with a signature.
type cookbook struct {
	Title string `json:"title"`
	Input struct {
		Payload json.RawMessage `json:"payload"`
		Key     json.RawMessage `json:"key"`
		Alg     json.RawMessage `json:"alg"`
	} `json:"input"`
	Output struct {
		Compact string          `json:"compact"`
		JSON    json.RawMessage `json:"json"`
		Flat    json.RawMessage `json:"json_flat"`
	} `json:"output"`
}

// detached are the cookbook's compact forms that are no JWS by themselves.
var detached = map[string]string{
	"jose-cookbook/jws/4_5.signature_with_detached_content.json": "the payload is elsewhere",
	"jose-cookbook/rfc7797/hmac-sha2_b64_false.json":             "b64:false, with crit",
}

func TestOpen_decidesAsTheCookbook(t *testing.T) {
	files := slices.Concat(vectors.JoseFiles(t, "jose-cookbook/jws"), vectors.JoseFiles(t, "jose-cookbook/rfc7797"),
		[]string{"jose-cookbook/curve25519/jws.json"})
	opened := 0
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			var c cookbook
			vectors.LoadJose(t, file, &c)
			for _, form := range []json.RawMessage{c.Output.JSON, c.Output.Flat} {
				if form == nil {
					continue
				}
				if err := openAnyOf(c, string(form)); err == nil {
					t.Error("a JSON serialisation was accepted")
				}
			}
			if c.Output.Compact == "" {
				return
			}
			if why := detached[file]; why != "" {
				if err := openAnyOf(c, c.Output.Compact); err == nil {
					t.Errorf("accepted, although %s", why)
				}
				return
			}
			var payload, alg string
			if err := errors.Join(json.Unmarshal(c.Input.Payload, &payload), json.Unmarshal(c.Input.Alg, &alg)); err != nil {
				t.Fatal(err)
			}
			k, err := jwt.ParseJWK(c.Input.Key, jwt.Algorithm(alg))
			if err != nil {
				t.Fatal(err)
			}
			got, err := k.Open(c.Output.Compact)
			if err != nil || string(got) != payload {
				t.Errorf("payload %q, error %v; want %q", got, err, payload)
			}
			opened++
			refusedAsToken(t, file, c.Input.Key, c.Output.Compact, jwt.Algorithm(alg))
		})
	}
	if opened != 5 {
		t.Errorf("%d of the cookbook's signatures were opened, want 5", opened)
	}
}

// openAnyOf tries every algorithm there is.
func openAnyOf(c cookbook, token string) error {
	keys := []json.RawMessage{c.Input.Key}
	var several []json.RawMessage
	if json.Unmarshal(c.Input.Key, &several) == nil {
		keys = several
	}
	for _, raw := range keys {
		for _, a := range everyAlgorithm {
			if openWith(raw, token, a) == nil {
				return nil
			}
		}
	}
	return jwt.ErrToken
}

// The inner layer of a nested token is verified like any other, once the outer
// one is open.
func TestOpen_verifiesTheInnerLayerOfANestedToken(t *testing.T) {
	var c struct {
		Sign struct {
			Input  struct{ Key json.RawMessage } `json:"input"`
			Output struct {
				Compact string `json:"compact"`
			} `json:"output"`
		} `json:"sign"`
		Encrypt struct {
			Input  struct{ Key json.RawMessage } `json:"input"`
			Output struct {
				Compact string `json:"compact"`
			} `json:"output"`
		} `json:"encrypt"`
	}
	vectors.LoadJose(t, "jose-cookbook/6.nesting_signatures_and_encryption.json", &c)
	outer, err := jose.ParseEncryptedCompact(c.Encrypt.Output.Compact, []jose.KeyAlgorithm{jose.RSA_OAEP}, []jose.ContentEncryption{jose.A128GCM})
	if err != nil {
		t.Fatal(err)
	}
	var private jose.JSONWebKey
	if err := private.UnmarshalJSON(c.Encrypt.Input.Key); err != nil {
		t.Fatal(err)
	}
	inner, err := outer.Decrypt(private.Key)
	if err != nil || string(inner) != c.Sign.Output.Compact {
		t.Fatalf("outer layer: %q, error %v", inner, err)
	}
	k, err := jwt.ParseJWK(c.Sign.Input.Key, jwt.PS256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(string(inner)); err != nil {
		t.Errorf("inner layer: %v", err)
	}
	if _, err := k.Open(string(inner[:len(inner)-4]) + "AAAA"); !errors.Is(err, jwt.BadSignature) {
		t.Errorf("inner layer with another signature: %v", err)
	}
	if _, err := k.Open(c.Encrypt.Output.Compact); !errors.Is(err, jwt.ErrToken) {
		t.Errorf("the outer layer taken for a JWS: %v", err)
	}
}

func TestParseJWK_readsTheCookbooksKeys(t *testing.T) {
	algorithms := map[string]jwt.Algorithm{"EC": jwt.ES512, "RSA": jwt.RS256, "oct": jwt.HS256}
	for _, file := range vectors.JoseFiles(t, "jose-cookbook/jwk") {
		t.Run(file, func(t *testing.T) {
			var raw json.RawMessage
			vectors.LoadJose(t, file, &raw)
			var kind struct{ Kty, Use, D, K string }
			if err := json.Unmarshal(raw, &kind); err != nil {
				t.Fatal(err)
			}
			k, err := jwt.ParseJWK(raw, algorithms[kind.Kty])
			if kind.Use == "enc" {
				if !errors.Is(err, jwt.ErrKey) {
					t.Errorf("a key for encryption: error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if kind.Kty == "oct" {
				if out, err := k.AppendJWK(nil); err == nil {
					t.Errorf("a secret was published: %s", out)
				}
				return
			}
			publishesAsAnother(t, k, raw, kind.D)
		})
	}
}

// publishesAsAnother holds a published key against another implementation's, and
// sees that nothing private is in it.
func publishesAsAnother(t *testing.T, k *jwt.Key, raw []byte, private string) {
	t.Helper()
	out, err := k.AppendJWK(nil)
	if err != nil {
		t.Fatal(err)
	}
	var mine, theirs jose.JSONWebKey
	if err := errors.Join(mine.UnmarshalJSON(out), theirs.UnmarshalJSON(raw)); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if !mine.IsPublic() || private != "" && strings.Contains(string(out), private) {
		t.Errorf("a private member is in %s", out)
	}
	var members map[string]any
	if err := json.Unmarshal(out, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
		if members[name] != nil {
			t.Errorf("the member %s is in %s", name, out)
		}
	}
	want, err := theirs.Thumbprint(hashSHA256)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Thumbprint(); err != nil || got != encoded(want) {
		t.Errorf("thumbprint %s (error %v), want %s", got, err, encoded(want))
	}
}

// protocolVector is a row of the recorded verdicts of four packages.
type protocolVector struct {
	vectors.Vector
	Inputs struct {
		Token string `json:"token"`
		Key   struct {
			Secret string          `json:"secretUtf8"`
			Public json.RawMessage `json:"publicJwk"`
		} `json:"key"`
		JWKS struct {
			Keys []json.RawMessage `json:"keys"`
		} `json:"jwks"`
		Options struct {
			Algorithms []jwt.Algorithm `json:"algorithms"`
			Issuer     string          `json:"issuer"`
			Audience   string          `json:"audience"`
			Tolerance  int             `json:"clockTolerance"`
			Strict     bool            `json:"strictAccessToken"`
		} `json:"options"`
		Now int64 `json:"now"`
	} `json:"inputs"`
}

// stricter are the rows that the packages accept and Gatehouse does not.
var stricter = map[string]jwt.Refusal{
	"time/no-exp":               jwt.NoEnd,
	"jwks/no-kid-one-candidate": jwt.NoKeyID,
	"strict/typ-JWT":            jwt.WrongType,
}

// The keys of most rows have no kid, and Gatehouse asks for one: the signature
// is judged by Open, and where the row passes it its claims are signed anew,
// with a kid, to see that Verify decides as the packages do.
func TestVerify_decidesAsTheRecordedVectors(t *testing.T) {
	own, err := jwt.Generate(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	vectors.Each(t, "jwt-verify.json", func(t *testing.T, v protocolVector) {
		if v.Op == "jwks.verify" {
			decideBySet(t, v)
			return
		}
		k, err := rowKey(v)
		var payload []byte
		if err == nil {
			payload, err = k.Open(v.Inputs.Token)
		}
		if err == nil {
			typ, _ := headerOf(v.Inputs.Token)["typ"].(string)
			var again string
			if again, err = own.Sign(typ, payload); err != nil {
				t.Fatal(err)
			}
			_, err = jwt.Verify(again, only(own), rowExpect(v))
		}
		decideRow(t, v, err)
	})
}

func rowKey(v protocolVector) (*jwt.Key, error) {
	o := v.Inputs.Options
	if v.Inputs.Key.Public != nil {
		return jwt.ParseJWK(v.Inputs.Key.Public, o.Algorithms[0]) // the key is for one of them
	}
	return jwt.NewSecret("", o.Algorithms[0], []byte(v.Inputs.Key.Secret))
}

func rowExpect(v protocolVector) jwt.Expect {
	o := v.Inputs.Options
	e := jwt.Expect{
		Issuer: o.Issuer, Audience: []string{o.Audience}, Types: []string{"jwt", "at+jwt"},
		Now: time.Unix(v.Inputs.Now, 0), Skew: time.Duration(o.Tolerance) * time.Second,
	}
	if o.Strict {
		e.Types = []string{"at+jwt"}
	}
	return e
}

func decideRow(t *testing.T, v protocolVector, err error) {
	t.Helper()
	if why := stricter[v.Name]; why != "" {
		if !errors.Is(err, why) {
			t.Errorf("error %v, want %v", err, why)
		}
		return
	}
	if accept := v.Expect.Result == "accept"; (err == nil) != accept {
		t.Errorf("error %v, want %s: %s", err, v.Expect.Result, v.Expect.Why)
	}
}

// decideBySet finds the key by kid in a published set; keys that are for
// something else are not in ours.
func decideBySet(t *testing.T, v protocolVector) {
	set := map[string]*jwt.Key{}
	for _, raw := range v.Inputs.JWKS.Keys {
		alg := algorithmOf(raw, v.Inputs.Token)
		if k, err := jwt.ParseJWK(raw, alg); err == nil {
			set[k.ID()] = k
		}
	}
	e := rowExpect(v)
	if e.Issuer == "" {
		e.Issuer, e.Audience = "https://issuer.example.test/", []string{"https://api.example.test"}
	}
	if v.Inputs.Now == 0 {
		e.Now = time.Unix(1767225610, 0)
	}
	_, err := jwt.Verify(v.Inputs.Token, func(kid string) *jwt.Key { return set[kid] }, e)
	decideRow(t, v, err)
}
