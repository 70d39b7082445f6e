package guard

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

var errForged = errors.New("a request that may change something did not state that it comes from our own pages")

// Unforged refuses a request that a foreign page may have caused, whoever asks:
// for handlers that find out by themselves who that is. It says csrf_failed for
// a request that may change something, unless it states that it comes from our
// own pages, or brings a token or a key in a header that no foreign page can
// send, or brings nothing that a browser adds by itself and states no foreign
// origin either.
func (g *Guard) Unforged(r *http.Request) Decision {
	origin := g.signIn().Origin()
	if provenOwn(r, origin) || shown(r.Header) || !rides(r) && !web.ForeignRequest(r, origin) {
		return Decision{}
	}
	return Decision{auth.NewError(auth.CodeCSRF, errForged)}
}

// shown says whether a request shows a bearer token or an API key. Pages of
// another origin can send neither header, unless the program itself allows them
// to (Fetch §4.8).
func shown(h http.Header) bool {
	if lines := h["Authorization"]; len(lines) == 1 {
		scheme, token, _ := strings.Cut(lines[0], " ")
		return strings.EqualFold(scheme, "Bearer") && strings.TrimLeft(token, " ") != ""
	}
	return len(h["Authorization"]) == 0 && h.Get("X-Api-Key") != ""
}

// rides says whether a request brings what browsers add by themselves: cookies,
// the credentials of a scheme like Basic, or a certificate.
func rides(r *http.Request) bool {
	return len(r.Header["Cookie"]) > 0 || len(r.Header["Authorization"]) > 0 || r.TLS != nil && len(r.TLS.PeerCertificates) > 0
}

// Stranger is a Caller of whom nothing is known, for refusals that rest on no
// identity.
func (g *Guard) Stranger() *Caller { return &Caller{guard: g} }
