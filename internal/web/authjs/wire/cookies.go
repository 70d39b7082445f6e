package wire

import (
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// Limits on the cookies of a request that are considered. What is beyond them is
// not read; a browser sends far less.
const (
	MaxCookies     = 256       // pairs
	MaxCookieBytes = 192 << 10 // bytes of Cookie header lines together
)

// Names are the full cookie names of one dialect on plain http or on https.
type Names struct {
	Session     string // chunks are Session + ".0", ".1", …
	CSRF        string
	CallbackURL string
	PKCE        string
	State       string
	Nonce       string
	Challenge   string // WebAuthn; v5 only, empty in v4
}

// CookieNames returns the cookie names of a dialect. Secure cookies carry the
// prefixes that browsers guard (RFC 6265bis §4.1.3): __Host- on the CSRF cookie,
// __Secure- on all others. Protocol page §3.
func CookieNames(d seal.Dialect, secure bool) Names {
	stem := "next-auth."
	if d == seal.V5 {
		stem = "authjs."
	}
	prefix, host := "", ""
	if secure {
		prefix, host = "__Secure-", "__Host-"
	}
	n := Names{
		Session:     prefix + stem + "session-token",
		CSRF:        host + stem + "csrf-token",
		CallbackURL: prefix + stem + "callback-url",
		PKCE:        prefix + stem + "pkce.code_verifier",
		State:       prefix + stem + "state",
		Nonce:       prefix + stem + "nonce",
	}
	if d == seal.V5 {
		n.Challenge = prefix + stem + "challenge"
	}
	return n
}

// A Cookie is one cookie of a request, its value decoded.
type Cookie struct{ Name, Value string }

// Cookies are the cookies of one request in the order they came, each once. A name
// that came with two values stands there twice: a browser has one of them from us
// and the other from a sibling domain, or for a longer path, and which is which
// nothing tells.
type Cookies []Cookie

// ParseCookies reads the Cookie header lines of a request, r.Header["Cookie"].
// Values are percent-decoded where that is possible; pairs without = are passed
// over. Protocol page §3 and §13.
//
// net/http is not used: it drops values with characters that the protocol's
// other readers keep, and strips quotes they do not.
func ParseCookies(lines []string) Cookies {
	var all Cookies
	room := MaxCookieBytes
	for _, line := range lines {
		if len(line) > room {
			return all
		}
		room -= len(line)
		if all == nil {
			all = make(Cookies, 0, min(strings.Count(line, ";")+1, MaxCookies))
		}
		for more := true; more && len(all) < MaxCookies; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			name, value, ok := strings.Cut(pair, "=")
			name = strings.Trim(name, " \t")
			if !ok || name == "" {
				continue
			}
			c := Cookie{name, DecodeCookieValue(strings.Trim(value, " \t"))}
			if !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	return all
}

// Get returns the value of the cookie of that name, of two the first, and
// whether there is one.
func (c Cookies) Get(name string) (value string, ok bool) {
	for i := range c {
		if c[i].Name == name {
			return c[i].Value, true
		}
	}
	return "", false
}

// BearerToken returns the token of an Authorization header as getToken reads it:
// the scheme in exactly the spelling Bearer, one space, the token
// percent-encoded. ok is false if there is none or it does not decode. Protocol
// page §6.3.
func BearerToken(authorization string) (token string, ok bool) {
	rest, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return "", false
	}
	rest, _, _ = strings.Cut(rest, " ")
	token, ok = DecodeURIComponent(rest)
	return token, ok && token != ""
}
