//go:build unix

package e2e_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// issuer is one whose private keys the test has, so that it can sign what
// Gatehouse never would: it publishes what verifiers ask for and nothing else.
type issuer struct {
	name      string // the claim iss
	signs     *ecdsa.PrivateKey
	published []object
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{signs: newKey(t)}
	i.published = []object{jwk(t, "current", i.signs), jwk(t, "next", newKey(t))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/auth/.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(object{"keys": i.published})
	})
	mux.HandleFunc("GET /api/auth/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(object{"issuer": i.name, "jwks_uri": i.name + "/.well-known/jwks.json",
			"id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.name = server.URL + "/api/auth"
	return i
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func jwk(t *testing.T, kid string, key *ecdsa.PrivateKey) object {
	t.Helper()
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	return object{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:])}
}

// header and claims are those of a token that every route takes.
func (i *issuer) header() object {
	return object{"alg": "ES256", "typ": "at+jwt", "kid": "current"}
}

func (i *issuer) claims() object {
	now := time.Now().Unix()
	return object{"iss": i.name, "aud": apiAudience, "sub": "usr_1", "client_id": "cli", "jti": rand.Text(),
		"iat": now, "exp": now + 300, "scope": "", "roles": []string{"user"}}
}

// with is claims or a header with some members changed; nil takes one away.
func with(from, change object) object {
	out := maps.Clone(from)
	for name, value := range change {
		if out[name] = value; value == nil {
			delete(out, name)
		}
	}
	return out
}

// sign makes a token of whatever it is given.
func sign(t *testing.T, header, claims object, how func(input []byte) []byte) string {
	t.Helper()
	var parts []string
	for _, part := range []object{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	input := strings.Join(parts, ".")
	return input + "." + base64.RawURLEncoding.EncodeToString(how([]byte(input)))
}

func es256(t *testing.T, key *ecdsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		digest := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
}

func hs256(secret []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		mac := hmac.New(crypto.SHA256.New, secret)
		mac.Write(input)
		return mac.Sum(nil)
	}
}

func unsigned([]byte) []byte { return nil }

// publicPEM is what an attacker knows of the key.
func publicPEM(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Each way in which examples/express verifies a token by itself is shown every
// kind of token that it must not take, and one that it must.
func TestExpress_everyVerifierRefusesWhatItMust(t *testing.T) {
	i := newIssuer(t)
	a := newAPI(t, freePort(), i.name)
	thief := newKey(t)
	now := time.Now().Unix()
	header, claims, key := i.header(), i.claims(), es256(t, i.signs)
	good := sign(t, header, claims, key)
	parts := strings.Split(good, ".")
	admin := strings.Split(sign(t, header, with(claims, object{"roles": []string{"admin"}}), key), ".")
	second := newIssuer(t)

	// What each library calls it, in the order of localRoutes.
	for _, c := range []struct {
		name, token string
		reasons     [4]string
	}{
		{"no token", "", [4]string{"no bearer token", "no bearer token", "credentials_required", "UnauthorizedError"}},
		{"no token at all", "abc", [4]string{"ERR_JWS_INVALID", "JsonWebTokenError", "invalid_token", "invalid_token"}},
		{"expired", sign(t, header, with(claims, object{"iat": now - 600, "exp": now - 60}), key),
			[4]string{"ERR_JWT_EXPIRED", "jwt expired", "jwt expired", "exp"}},
		{"not valid yet", sign(t, header, with(claims, object{"nbf": now + 120}), key), [4]string{"nbf", "jwt not active", "jwt not active", "nbf"}},
		{"claims altered", parts[0] + "." + admin[1] + "." + parts[2],
			[4]string{"ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "invalid signature", "invalid signature", "signature"}},
		{"signature altered", flip(good), [4]string{"ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "invalid signature", "invalid signature", "signature"}},
		{"signature cut off", parts[0] + "." + parts[1] + ".", [4]string{"ERR_JWS", "JsonWebTokenError", "invalid_token", "invalid_token"}},
		{"another audience", sign(t, header, with(claims, object{"aud": "https://other.example.test"}), key),
			[4]string{"aud", "jwt audience invalid", "jwt audience invalid", "aud"}},
		{"no audience", sign(t, header, with(claims, object{"aud": nil}), key), [4]string{"aud", "jwt audience invalid", "jwt audience invalid", "aud"}},
		{"another issuer by name", sign(t, header, with(claims, object{"iss": second.name}), key),
			[4]string{"iss", "jwt issuer invalid", "jwt issuer invalid", "iss"}},
		{"issuer with a slash more", sign(t, header, with(claims, object{"iss": i.name + "/"}), key),
			[4]string{"iss", "jwt issuer invalid", "jwt issuer invalid", "iss"}},
		{"another issuer's key under the same name", sign(t, second.header(), claims, es256(t, second.signs)),
			[4]string{"ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "invalid signature", "invalid signature", "signature"}},
		{"alg none", sign(t, with(header, object{"alg": "none"}), claims, unsigned), [4]string{"alg", "jwt signature is required", "invalid_token", "alg"}},
		{"alg none in capitals, with the signature of another", sign(t, with(header, object{"alg": "NONE"}), claims, func([]byte) []byte { return []byte("x") }),
			[4]string{"alg", "JsonWebTokenError", "invalid_token", "alg"}},
		{"HS256 with the public key as the secret", sign(t, with(header, object{"alg": "HS256"}), claims, hs256(publicPEM(t, i.signs))),
			[4]string{"ERR_JOSE_ALG_NOT_ALLOWED", "invalid algorithm", "invalid_token", "Unsupported algorithm"}},
		{"HS256 with the legacy secret", sign(t, with(header, object{"alg": "HS256"}), claims, hs256([]byte(legacySecret))),
			[4]string{"ERR_JOSE_ALG_NOT_ALLOWED", "invalid algorithm", "invalid_token", "Unsupported algorithm"}},
		{"not of the type at+jwt", sign(t, with(header, object{"typ": "JWT"}), claims, key),
			[4]string{"typ", "not an access token", "not an access token", "typ"}},
		{"of no type", sign(t, with(header, object{"typ": nil}), claims, key), [4]string{"typ", "not an access token", "not an access token", "typ"}},
		{"a key that is not published any more", sign(t, with(header, object{"kid": "retired"}), claims, key),
			[4]string{"ERR_JWKS_NO_MATCHING_KEY", "SigningKeyNotFoundError", "invalid_token", "no applicable key"}},
		{"another published key's name", sign(t, with(header, object{"kid": "next"}), claims, key),
			[4]string{"ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "invalid signature", "invalid signature", "signature"}},
		{"a key that the token brings itself", sign(t, with(header, object{"jwk": jwk(t, "current", thief)}), claims, es256(t, thief)),
			[4]string{"ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "invalid signature", "invalid signature", "signature"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := a.within(t)
			for n, route := range localRoutes {
				a.refuses(route, c.token, http.StatusUnauthorized, c.reasons[n])
			}
		})
	}

	for _, route := range localRoutes {
		if got := a.lets(route, good); got["id"] != "usr_1" {
			t.Errorf("%s: %v", route, got)
		}
	}
}

func TestExpress_theSharedSecretIsNoMoreThanThat(t *testing.T) {
	i := newIssuer(t)
	a := newAPI(t, freePort(), i.name)
	now := time.Now().Unix()
	header, claims := object{"alg": "HS256", "typ": "at+jwt"}, with(i.claims(), object{"aud": legacyAudience})
	key := hs256([]byte(legacySecret))
	for _, c := range []struct{ name, token, reason string }{
		{"no token", "", "no bearer token"},
		{"expired", sign(t, header, with(claims, object{"exp": now - 1}), key), "jwt expired"},
		{"altered", flip(sign(t, header, claims, key)), "invalid signature"},
		{"another secret", sign(t, header, claims, hs256([]byte(apiSecret))), "invalid signature"},
		{"alg none", sign(t, with(header, object{"alg": "none"}), claims, unsigned), "jwt signature is required"},
		{"signed with the issuer's key", sign(t, i.header(), i.claims(), es256(t, i.signs)), "JsonWebTokenError"},
	} {
		t.Run(c.name, func(t *testing.T) { a.within(t).refuses("/shared-secret", c.token, http.StatusUnauthorized, c.reason) })
	}
	if got := a.lets("/shared-secret", sign(t, header, claims, key)); got["id"] != "usr_1" {
		t.Errorf("%v", got)
	}
}

func TestExpress_aRoleIsAnotherQuestionThanWhoCalls(t *testing.T) {
	i := newIssuer(t)
	a := newAPI(t, freePort(), i.name)
	token := func(roles any) string {
		return sign(t, i.header(), with(i.claims(), object{"roles": roles}), es256(t, i.signs))
	}
	a.refuses("/admin", "", http.StatusUnauthorized, "no bearer token")
	for name, roles := range map[string]any{"another role": []string{"user"}, "none": nil, "a text that holds the word": "not-admin", "a list in a list": [][]string{{"admin"}}} {
		t.Run(name, func(t *testing.T) {
			a.within(t).refuses("/admin", token(roles), http.StatusForbidden, "For the role admin only")
		})
	}
	if got := a.lets("/admin", token([]string{"user", "admin"})); got["id"] != "usr_1" {
		t.Errorf("%v", got)
	}
}

// That Gatehouse cannot be reached is no reason to tell anybody to sign in
// again, and none to let anybody in.
func TestExpress_whenNobodyCanTellItAnswers503(t *testing.T) {
	i := newIssuer(t)
	a := newAPI(t, freePort(), i.name, fmt.Sprintf("GATEHOUSE_INTERNAL=http://127.0.0.1:%d/api/auth", freePort()))
	token := sign(t, i.header(), i.claims(), es256(t, i.signs))
	for _, route := range []string{"/jose", "/jsonwebtoken", "/express-jwt", "/introspection"} {
		a.refuses(route, token, http.StatusServiceUnavailable, "503")
	}
	// This one knows the issuer's own address alone, and is the control.
	a.lets("/express-oauth2-jwt-bearer", token)
}

// within is the same API in a subtest.
func (a *api) within(t *testing.T) *api { return &api{process: a.process, t: t, base: a.base} }
