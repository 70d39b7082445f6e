package oauth

import (
	"errors"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

var errUnsupportedGrant = errors.New("unsupported_grant_type")

// errGrantType: the endpoint knows one grant.
var errGrantType = &auth.Error{Code: auth.CodeInvalidRequest, Message: "The grant type here is refresh_token.", Cause: errUnsupportedGrant}

// refusal is the body of an error. RFC 6749 §5.2.
type refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	// Reference finds the request in the log.
	Reference string `json:"reference,omitempty"`
}

// fail answers an error as RFC 6749 §5.2 has it.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	refused := auth.AsError(err)
	web.SetRetryAfter(w.Header(), refused)
	if refused.Code == auth.CodeInvalidClient {
		h.challengeClient(w)
	}
	_ = web.WriteJSON(w, web.Status(err), refusal{
		Error: errorName(refused), Description: description(refused.Text()), Reference: web.FactsFrom(r.Context()).RequestID,
	})
}

// failToken answers an error of the endpoint where tokens begin, which has the
// manners of /login: no standard knows it.
func (h *Handler) failToken(w http.ResponseWriter, r *http.Request, err error) {
	if auth.AsError(err).Code == auth.CodeInvalidClient {
		h.challengeClient(w)
		web.FailProblem(w, r, err)
		return
	}
	h.Mount.FailProblem(w, r, err)
}

// challengeClient says how a client authenticates. RFC 6749 §5.2.
func (h *Handler) challengeClient(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="`+h.Tokens.URL+`", charset="UTF-8"`)
}

// errorName is the standard's word for a Code. RFC 6749 §4.1.2.1 and §5.2, RFC
// 7009 §2.2.1, RFC 8707 §2.
func errorName(e *auth.Error) string {
	switch e.Code {
	case auth.CodeInvalidGrant, auth.CodeInvalidClient, auth.CodeInvalidScope, auth.CodeInvalidTarget, auth.CodeInvalidToken, auth.CodeUnsupportedTokenType:
		return string(e.Code)
	}
	switch e.Code.Kind() {
	case auth.KindUnavailable, auth.KindRateLimited:
		return "temporarily_unavailable"
	case auth.KindInternal:
		return "server_error"
	case auth.KindForbidden:
		return "access_denied"
	}
	if errors.Is(e, errUnsupportedGrant) {
		return "unsupported_grant_type"
	}
	return "invalid_request"
}

// description leaves out what RFC 6749 §5.2 does not allow: double quotes,
// backslashes and whatever is not ASCII.
func description(text string) string {
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		if c := text[i]; c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			b = append(b, c)
		}
	}
	return string(b)
}
