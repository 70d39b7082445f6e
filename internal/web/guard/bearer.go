package guard

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
)

// Bearer says who asks with an access token. Its error has the Code
// invalid_token when the token is not good, and unavailable when nothing can be
// said.
type Bearer func(ctx context.Context, token string) (auth.Principal, error)

// APIKey says who asks with an API key, from the given address, which is invalid
// when it is unknown. The Code of its error is unavailable when nothing can be
// said, and otherwise says that the key is not good.
type APIKey func(ctx context.Context, key string, from netip.Addr) (auth.Principal, error)

var (
	// errSeveral: two credentials, of which two readers might believe different
	// ones.
	errSeveral = errors.New("more than one Authorization or X-Api-Key header, one of them with a credential of ours")
	// errElsewhere: whoever wrote the program believes that the key counts there,
	// and it has been written to logs.
	errElsewhere = errors.New("an API key in the address or in a cookie, or among other text in a header")
)

// credential is what a request shows in a header.
type credential struct {
	text  string
	isKey bool
}

// shownIn takes the access token or the API key of a request: from Authorization
// (RFC 6750 §2.1), or from X-Api-Key. brought is false when there is none: another
// scheme, and a key of another form in X-Api-Key, are the application's affair.
// Nothing is ever taken from the address, which stands in logs, or from a cookie,
// which a browser adds by itself: there an API key of ours is refused.
func (g *Guard) shownIn(r *http.Request) (c credential, brought bool, err error) {
	h := r.Header
	found := 0
	for _, line := range h["Authorization"] {
		scheme, rest, _ := strings.Cut(line, " ")
		if (g.Bearer != nil || g.APIKey != nil) && strings.EqualFold(scheme, "Bearer") {
			c.text = strings.TrimLeft(rest, " ")
			c.isKey = g.APIKey != nil && strings.HasPrefix(c.text, apikey.Prefix)
			found += len(h["Authorization"])
		} else if g.APIKey != nil && apikey.Contains(line) {
			return credential{}, true, errElsewhere
		}
	}
	for _, key := range h["X-Api-Key"] {
		if g.APIKey != nil && strings.HasPrefix(key, apikey.Prefix) {
			c = credential{key, true}
			found += len(h["X-Api-Key"])
		} else if g.APIKey != nil && apikey.Contains(key) {
			return credential{}, true, errElsewhere
		}
	}
	switch {
	case found > 1:
		return credential{}, true, errSeveral
	case g.APIKey != nil && keyElsewhere(r):
		return credential{}, true, errElsewhere
	}
	return c, found == 1, nil
}

// keyElsewhere says whether an API key of ours stands in the address or in a
// cookie, as it is or in percent-encoding.
func keyElsewhere(r *http.Request) bool {
	if q := r.URL.RawQuery; q != "" {
		if decoded, err := url.QueryUnescape(q); err == nil && strings.IndexByte(q, '%') >= 0 && apikey.Contains(decoded) || apikey.Contains(q) {
			return true
		}
	}
	for _, line := range r.Header["Cookie"] {
		if apikey.Contains(line) {
			return true
		}
	}
	return false
}

// identifyShown asks who the token or key of a request belongs to. Cookies beside
// it count for nothing, good or bad: a program that shows one means that one, and
// no browser adds it by itself, so no statement of its origin is needed.
func (c *Caller) identifyShown(r *http.Request, shown credential, malformed error) {
	c.bearer = true
	if malformed != nil {
		message := "Send one credential, in one header."
		if errors.Is(malformed, errElsewhere) {
			message = "Send an API key in the header X-Api-Key or as a bearer token, alone. Replace the one that was sent here: it may stand in logs."
		}
		c.refused = &auth.Error{Code: auth.CodeInvalidRequest, Message: message, Cause: malformed}
		return
	}
	var p auth.Principal
	var err error
	if shown.isKey {
		p, err = c.guard.APIKey(r.Context(), shown.text, c.guard.ClientAddress(r))
	} else {
		p, err = c.guard.Bearer(r.Context(), shown.text)
	}
	if err == nil {
		c.who, c.signedIn, c.proven = p, true, true
		return
	}
	switch e := auth.AsError(err); e.Code.Kind() {
	case auth.KindInternal, auth.KindUnavailable, auth.KindRateLimited:
		c.failed = err // whoever is too fast is not nobody
	default:
		c.refused = e
	}
}

// bearerChallenge is the WWW-Authenticate of RFC 6750 §3: without an error for
// requests that brought no token, and otherwise with no more than its name, so
// that nobody learns why a token is not good.
func (g *Guard) bearerChallenge(refused *auth.Error) string {
	challenge := `Bearer realm="` + g.signIn().Origin() + `"`
	switch {
	case refused == nil:
	case refused.Code.Kind() == auth.KindUnauthenticated:
		challenge += `, error="invalid_token"`
	default:
		challenge += `, error="invalid_request"`
	}
	return challenge
}
