package wire

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxSetCookie is the length in bytes beyond which browsers drop a cookie, name,
// value and attributes together. RFC 6265 §6.1.
const MaxSetCookie = 4096

// A SetCookie is one cookie to set. Path "/" and HttpOnly are always written:
// the protocol has no cookie without them.
type SetCookie struct {
	Name     string
	Value    string        // as readers shall see it; percent-encoded when written
	MaxAge   int           // seconds; 0 writes none, negative writes Max-Age=0
	Domain   string        // empty writes none, which is the protocol's default
	Expires  time.Time     // zero writes none
	Secure   bool          // also decides the prefix of the name, see [CookieNames]
	SameSite http.SameSite // zero is Lax
}

// NewCookie is a cookie that lives until expires, or as long as the browser
// session if expires is zero.
func NewCookie(name, value string, expires time.Time, secure bool) SetCookie {
	return SetCookie{Name: name, Value: value, Expires: expires, Secure: secure}
}

// DeleteCookie is the deletion of a cookie: empty value and Max-Age=0 with the
// usual attributes, without Expires. Protocol page §3.
func DeleteCookie(name string, secure bool) SetCookie {
	return SetCookie{Name: name, MaxAge: -1, Secure: secure}
}

// String returns the Set-Cookie line, attributes in the protocol's order:
// Max-Age, Domain, Path, Expires, HttpOnly, Secure, SameSite. It is empty, and
// must then not be sent, if Name or Domain has characters that could end them:
// names to delete come from the request.
func (c SetCookie) String() string {
	if !isToken(c.Name) || strings.ContainsFunc(c.Domain, notInDomain) {
		return ""
	}
	var room [1024]byte // for most
	b := append(room[:0], c.Name...)
	b = append(b, '=')
	b = append(b, EncodeURIComponent(c.Value)...)
	if c.MaxAge != 0 {
		b = append(b, "; Max-Age="...)
		b = strconv.AppendInt(b, int64(max(c.MaxAge, 0)), 10)
	}
	if c.Domain != "" {
		b = append(b, "; Domain="...)
		b = append(b, c.Domain...)
	}
	b = append(b, "; Path=/"...)
	if !c.Expires.IsZero() {
		b = append(b, "; Expires="...)
		b = c.Expires.UTC().AppendFormat(b, http.TimeFormat)
	}
	b = append(b, "; HttpOnly"...)
	if c.Secure {
		b = append(b, "; Secure"...)
	}
	switch c.SameSite {
	case http.SameSiteStrictMode:
		b = append(b, "; SameSite=Strict"...)
	case http.SameSiteNoneMode:
		b = append(b, "; SameSite=None"...)
	default:
		b = append(b, "; SameSite=Lax"...)
	}
	return string(b)
}

// isToken reports whether s is a token of RFC 9110 §5.6.2, as a cookie's name
// must be.
func isToken(s string) bool { return s != "" && isPlain(s, inToken) }

func notInDomain(r rune) bool {
	return r > 127 || !inDomain[byte(r)]
}
