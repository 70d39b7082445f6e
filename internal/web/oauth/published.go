package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// metadataAge is how long the metadata may be kept. It changes with the
// configuration alone.
const metadataAge = 10 * time.Minute

// metadata describes the issuer. RFC 8414 §2. The one grant of the standard that
// there is, refresh_token, is at /refresh, so that is the token endpoint; how a
// first token is had, at /token, no standard has a word for.
func (h *Handler) metadata() func() ([]byte, time.Duration, error) {
	issuer := h.Tokens.URL
	secret := []string{"client_secret_basic", "client_secret_post"}
	open := append([]string{"none"}, secret...)
	body, err := json.Marshal(struct {
		Issuer            string   `json:"issuer"`
		TokenEndpoint     string   `json:"token_endpoint"`
		JWKS              string   `json:"jwks_uri"`
		Scopes            []string `json:"scopes_supported"`
		ResponseTypes     []string `json:"response_types_supported"`
		Grants            []string `json:"grant_types_supported"`
		TokenAuth         []string `json:"token_endpoint_auth_methods_supported"`
		Revocation        string   `json:"revocation_endpoint"`
		RevocationAuth    []string `json:"revocation_endpoint_auth_methods_supported"`
		Introspection     string   `json:"introspection_endpoint"`
		IntrospectionAuth []string `json:"introspection_endpoint_auth_methods_supported"`
	}{
		Issuer: issuer, TokenEndpoint: issuer + "/refresh", JWKS: issuer + "/.well-known/jwks.json",
		Scopes: h.Tokens.ScopeNames(), ResponseTypes: []string{}, Grants: []string{"refresh_token"}, TokenAuth: open,
		Revocation: issuer + "/revoke", RevocationAuth: open, Introspection: issuer + "/introspect", IntrospectionAuth: secret,
	})
	if err != nil {
		panic("oauth: " + err.Error()) // texts alone
	}
	return func() ([]byte, time.Duration, error) { return body, metadataAge, nil }
}

// publish answers with a document that anybody may read and keep for a while.
func publish(document func() ([]byte, time.Duration, error)) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, age, err := document()
		if err != nil {
			w.Header().Set("Cache-Control", "no-store")
			return err
		}
		tag := etag(body)
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(age/time.Second)))
		if matches(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(body)
		return nil
	}
}

// etag is a strong validator of the body.
func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// matches says whether one of the listed validators is the tag. RFC 9110
// §13.1.2: compared weakly. A "*" is passed over: whoever has a copy knows its
// tag, and nobody else shall make a cache hear that nothing is new.
func matches(lines []string, tag string) bool {
	for _, line := range lines {
		for one := range strings.SplitSeq(line, ",") {
			one = strings.TrimSpace(one)
			if strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
