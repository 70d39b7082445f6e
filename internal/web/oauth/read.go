package oauth

import (
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/token"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// parameters are what the endpoints of the standards read. token_type_hint is
// not among them: a token says of itself what it is.
type parameters struct {
	GrantType string `json:"grant_type"`
	Refresh   string `json:"refresh_token"`
	Token     string `json:"token"`
	ClientID  string `json:"client_id"`
	Secret    string `json:"client_secret"`
}

// read takes a form, as the standards have it, or a JSON object with members of
// the same names.
func read(w http.ResponseWriter, r *http.Request) (p parameters, err error) {
	if web.IsJSON(r) {
		return p, web.DecodeJSON(w, r, &p)
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return p, &auth.Error{Code: auth.CodeInvalidRequest, Message: "Send a form (application/x-www-form-urlencoded) or JSON."}
	}
	body, err := web.ReadBody(w, r)
	if err != nil {
		return p, err
	}
	return parseForm(body)
}

// parseForm refuses a parameter that comes twice (RFC 6749 §3.2), because what
// stands in front may have judged the other one.
func parseForm(body []byte) (p parameters, err error) {
	malformed := &auth.Error{Code: auth.CodeInvalidRequest, Message: "The form is malformed, or names a parameter twice."}
	if !utf8.Valid(body) {
		return p, malformed
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return p, malformed
	}
	twice := false
	only := func(name string) string {
		values := form[name]
		twice = twice || len(values) > 1
		return form.Get(name)
	}
	p = parameters{
		GrantType: only("grant_type"), Refresh: only("refresh_token"), Token: only("token"),
		ClientID: only("client_id"), Secret: only("client_secret"),
	}
	if twice {
		return parameters{}, malformed
	}
	return p, nil
}

func missing(name string) error {
	return &auth.Error{Code: auth.CodeInvalidRequest, Field: name, Message: "The parameter " + name + " is missing."}
}

// client authenticates who asks. RFC 6749 §2.3.1: by HTTP Basic, or in the body,
// and not in both ways.
func (h *Handler) client(r *http.Request, id, secret string) (token.Client, error) {
	lines := r.Header.Values("Authorization")
	if len(lines) == 0 {
		return h.Tokens.Authenticate(id, auth.Secret(secret))
	}
	user, password, ok := basic(lines[0])
	if len(lines) > 1 || !ok || user == "" {
		return token.Client{}, auth.NewError(auth.CodeInvalidClient, errBasic)
	}
	if secret != "" || id != "" && id != user {
		return token.Client{}, &auth.Error{Code: auth.CodeInvalidRequest, Message: "Authenticate the client in one way alone."}
	}
	return h.Tokens.Authenticate(user, auth.Secret(password))
}

var errBasic = errors.New("the Authorization header is not one of HTTP Basic")

// maxBasic bounds what of the header is decoded, in bytes.
const maxBasic = 4096

// basic reads the value of an Authorization header: base64 of client_id and
// secret, each encoded as in a form, with a colon between. RFC 6749 §2.3.1, RFC
// 7617 §2.
func basic(value string) (id, secret string, ok bool) {
	scheme, encoded, found := strings.Cut(value, " ")
	if !found || !strings.EqualFold(scheme, "Basic") || len(encoded) > maxBasic {
		return "", "", false
	}
	text, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(encoded, " "))
	if err != nil || !utf8.Valid(text) {
		return "", "", false
	}
	id, secret, found = strings.Cut(string(text), ":")
	if !found {
		return "", "", false
	}
	if id, err = url.QueryUnescape(id); err != nil {
		return "", "", false
	}
	if secret, err = url.QueryUnescape(secret); err != nil {
		return "", "", false
	}
	return id, secret, true
}
