package guard

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Bearer says who asks with an access token. Its error has the Code
// invalid_token when the token is not good, and unavailable when nothing can be
// said.
type Bearer func(ctx context.Context, token string) (auth.Principal, error)

// errSeveral: two headers, of which two readers might believe different ones.
var errSeveral = errors.New("more than one Authorization header, one of them a bearer token")

// bearerOf takes the token of a request (RFC 6750 §2.1). brought is false when
// the request has none: another scheme is the application's affair.
func bearerOf(h http.Header) (token string, brought bool, err error) {
	lines := h["Authorization"]
	for _, line := range lines {
		scheme, rest, _ := strings.Cut(line, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		if len(lines) > 1 {
			return "", true, errSeveral
		}
		return strings.TrimLeft(rest, " "), true, nil
	}
	return "", false, nil
}

// identifyBearer asks who the token of a request belongs to. Cookies beside it
// count for nothing, good or bad: a program that shows a token means that one,
// and no browser adds it by itself, so no statement of its origin is needed.
func (c *Caller) identifyBearer(r *http.Request, token string, malformed error) {
	c.bearer = true
	if malformed != nil {
		c.refused = &auth.Error{Code: auth.CodeInvalidRequest, Message: "Send one Authorization header.", Cause: malformed}
		return
	}
	p, err := c.guard.Bearer(r.Context(), token)
	switch {
	case err == nil:
		c.who, c.signedIn, c.proven = p, true, true
	case errors.Is(err, auth.CodeInvalidToken):
		c.refused = auth.AsError(err)
	default:
		c.failed = err
	}
}

// bearerChallenge is the WWW-Authenticate of RFC 6750 §3: without an error for
// requests that brought no token, and otherwise with no more than its name, so
// that nobody learns why a token is not good.
func (g *Guard) bearerChallenge(refused *auth.Error) string {
	challenge := `Bearer realm="` + g.signIn().Origin() + `"`
	if refused != nil {
		challenge += `, error="` + string(refused.Code) + `"`
	}
	return challenge
}
