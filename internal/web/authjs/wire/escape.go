package wire

import (
	"strings"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// EncodeURIComponent escapes s as JavaScript's function of that name does:
// everything but letters, digits and - _ . ! ~ * ' ( ). It is the escape of
// cookie values and of the few addresses that protocol page §13 names. Bytes that
// are no UTF-8, which JavaScript cannot hold, become U+FFFD.
func EncodeURIComponent(s string) string { return escape(s, inComponent, "%20") }

// EncodeForm escapes s as an HTML form and URLSearchParams do: everything but
// letters, digits and * - . _, with + for a space. It is the escape of query
// parameters. WHATWG URL §5.2; protocol page §13.
func EncodeForm(s string) string { return escape(s, inForm, "+") }

// A Param is one query parameter.
type Param struct{ Name, Value string }

// EncodeQuery writes parameters in the order given, form-encoded, without a
// leading question mark.
func EncodeQuery(params ...Param) string {
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(EncodeForm(p.Name))
		b.WriteByte('=')
		b.WriteString(EncodeForm(p.Value))
	}
	return b.String()
}

// DecodeURIComponent reverses [EncodeURIComponent] as strictly as JavaScript
// does: a + stays a plus, and ok is false for an escape that is cut short or not
// hexadecimal and for a result that is not UTF-8.
func DecodeURIComponent(s string) (decoded string, ok bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	var b strings.Builder
	b.Grow(len(s))
	for more := true; more; {
		var plain string
		plain, s, more = strings.Cut(s, "%")
		b.WriteString(plain)
		if !more {
			break
		}
		if len(s) < 2 {
			return "", false
		}
		high, low := unhex(s[0]), unhex(s[1])
		if high > 15 || low > 15 {
			return "", false
		}
		b.WriteByte(high<<4 | low)
		s = s[2:]
	}
	if !utf8.ValidString(b.String()) {
		return "", false
	}
	return b.String(), true
}

// DecodeCookieValue is how the protocol's readers take a cookie value: decoded,
// or as it is where decoding fails. Protocol page §3.
func DecodeCookieValue(s string) string {
	if decoded, ok := DecodeURIComponent(s); ok {
		return decoded
	}
	return s
}

// bytesOf are the letters, the digits and some punctuation: a table, because a
// session cookie has a thousand bytes to look up.
func bytesOf(punctuation string) *[256]bool {
	var t [256]bool
	for c := range t {
		b := byte(c)
		t[c] = 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte(punctuation, b) >= 0
	}
	return &t
}

var (
	inComponent = bytesOf("-_.!~*'()")
	inForm      = bytesOf("*-._")
	inToken     = bytesOf("!#$%&'*+-.^_`|~")
	inDomain    = bytesOf("-.")
)

func escape(s string, plain *[256]bool, space string) string {
	if isPlain(s, plain) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for _, r := range s { // a byte that is no UTF-8 comes as U+FFFD
		if r < utf8.RuneSelf && plain[byte(r)] {
			b.WriteByte(byte(r))
			continue
		}
		if r == ' ' {
			b.WriteString(space)
			continue
		}
		var buf [utf8.UTFMax]byte
		for _, c := range buf[:utf8.EncodeRune(buf[:], r)] {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

func isPlain(s string, plain *[256]bool) bool {
	for i := range len(s) {
		if !plain[s[i]] {
			return false
		}
	}
	return true
}

// unhex is the value of a hex digit, or more than 15.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xFF
}
