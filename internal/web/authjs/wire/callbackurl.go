package wire

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxCallbackURL is the length in bytes of the longest callback URL considered.
const MaxCallbackURL = 4096

// ErrCallbackURL says that a callback URL is not one: to the library that is a
// configuration error, to Gatehouse a bad request. Protocol page §3.3.
var ErrCallbackURL = errors.New("wire: not a callback URL")

// An Origin is the public origin of a mount, scheme, host and port, without a
// slash behind. It comes from configuration, never from a request.
type Origin struct {
	text string // as the protocol writes it: the default port left out
	url  authority
}

// ParseOrigin reads a configured origin: http or https, a host in ASCII
// (internationalised names in their xn-- form) and perhaps a port. Capitals are
// lowered and a default port is dropped; a single slash behind is forgiven, any
// other part is an error.
func ParseOrigin(s string) (Origin, error) {
	u, ok := parseURL(strings.TrimSuffix(s, "/"))
	if !ok || !u.exact || u.userinfo || u.rest != "" {
		return Origin{}, fmt.Errorf("wire: %q is not an origin such as https://app.example", s)
	}
	text := u.scheme + "://" + u.host
	if u.port != defaultPort(u.scheme) {
		text += fmt.Sprintf(":%d", u.port)
	}
	return Origin{text, u.authority}, nil
}

// String returns the origin without a trailing slash, "https://app.example".
func (o Origin) String() string { return o.text }

// Secure reports whether cookies of this origin are to be secure.
func (o Origin) Secure() bool { return o.url.scheme == "https" }

// CallbackURL chooses where a request leads back to and makes it safe, protocol
// page §3.3 as a whole: the body's callbackUrl, else the query's, else the
// cookie's, else the origin, passed through [Origin.Redirect]. Empty texts count
// as absent. setCookie tells that url differs from what the cookie holds and is
// to be sent as the callback-url cookie.
//
// The query and the cookie must also pass [Origin.CheckCallbackURL], even where
// the body decides. err is [ErrCallbackURL] then, and if the body's text cannot
// be parsed; url is the bare origin in that case.
func (o Origin) CallbackURL(body, query, cookie string) (url string, setCookie bool, err error) {
	if body == "" && query == "" && cookie == o.text { // as nearly always
		return o.text, false, nil
	}
	for _, v := range []string{query, cookie} {
		if v == "" {
			continue
		}
		if err := o.CheckCallbackURL(v); err != nil {
			return o.text, false, err
		}
	}
	url = o.text
	for _, v := range []string{body, query, cookie} {
		if v != "" {
			if url, err = o.Redirect(v); err != nil {
				return o.text, false, err
			}
			break
		}
	}
	return url, url != cookie, nil
}

// CheckCallbackURL is the configuration check that the query's and the cookie's
// callback URL must pass: an http or https URL, on whatever origin, or a text
// that begins with / and resolves to one. Otherwise [ErrCallbackURL].
//
// Stricter than the library, it also refuses control characters, bytes that are
// no UTF-8 and texts beyond [MaxCallbackURL].
func (o Origin) CheckCallbackURL(v string) error {
	if !isClean(v) {
		return ErrCallbackURL
	}
	if v[0] == '/' {
		// A second slash, of either kind, begins a host; else the host is ours.
		if len(v) > 1 && isSlash(v[1]) {
			if _, ok := parseAuthority(o.url.scheme, trimBlanks(v)); !ok {
				return ErrCallbackURL
			}
		}
		return nil
	}
	if _, ok := parseURL(v); !ok {
		return ErrCallbackURL
	}
	return nil
}

// Redirect is the protocol's default redirect rule. A text that begins with / is
// put behind the origin; one that is a URL of the origin is returned unchanged;
// any other URL is replaced by the origin. A text that is no URL at all is
// [ErrCallbackURL].
//
// Whatever is returned leads to the origin, in the eyes of a browser and of
// readers that go by RFC 3986, and has no control characters. Stricter than the
// library it replaces URLs
//
//   - with a backslash where RFC 3986 still reads the host: behind
//     http://app.example\@evil.example/ a browser finds app.example, others
//     evil.example;
//   - whose host a browser has to rewrite, beyond lowering capitals, to arrive at
//     ours (other letters than ASCII, escapes, numbers in another notation): the
//     text goes into a Location header, which has no fixed encoding;
//   - with more than one @ before the host;
//   - that lack the two slashes behind the scheme, which a browser reads as
//     relative where the scheme is its own;
//   - of the scheme blob, which the library takes for the origin within.
func (o Origin) Redirect(v string) (string, error) {
	if !isClean(v) {
		return "", ErrCallbackURL
	}
	if v[0] == '/' {
		return o.text + v, nil
	}
	u, ok := parseURL(v)
	if !ok {
		if scheme := schemeOf(trimBlanks(v)); scheme == "" || scheme == "http" || scheme == "https" {
			return "", ErrCallbackURL
		}
		return o.text, nil // some other scheme: a URL, but not ours
	}
	if u.exact && u.scheme == o.url.scheme && u.host == o.url.host && u.port == o.url.port {
		return v, nil
	}
	return o.text, nil
}

// isClean reports whether a text may be looked at: not empty, not long, UTF-8,
// and free of control characters. A browser removes tabs and line breaks before
// it parses, and a header must not contain any of them.
func isClean(v string) bool {
	return v != "" && len(v) <= MaxCallbackURL && utf8.ValidString(v) && !strings.ContainsFunc(v, unicode.IsControl)
}
