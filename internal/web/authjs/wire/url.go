package wire

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// authority is whom an http or https URL addresses.
type authority struct {
	scheme string // "http" or "https"
	host   string // as a browser writes it: lower case, xn--, dotted numbers
	port   int    // the default one filled in
}

// parsedURL is what of a URL decides anything here.
type parsedURL struct {
	authority
	userinfo bool
	exact    bool   // RFC 3986 reads the same authority from the same bytes
	rest     string // what follows the authority
}

// parseURL finds the authority of an absolute http or https URL as a browser
// does without a base (WHATWG URL §4.4): blanks around it are dropped, a
// backslash is a slash, and any number of slashes, even none, may stand behind
// the scheme. The text has no control characters; net/url would not do, because
// it follows RFC 3986 where browsers do not.
func parseURL(text string) (u parsedURL, ok bool) {
	text = trimBlanks(text)
	scheme := schemeOf(text)
	if scheme != "http" && scheme != "https" {
		return u, false
	}
	text = text[len(scheme)+1:]
	u, ok = parseAuthority(scheme, text)
	slashes := len(text) - len(strings.TrimLeft(text, `/\`))
	u.exact = u.exact && slashes == 2 && strings.HasPrefix(text, "//")
	return u, ok
}

// parseAuthority reads what stands behind the scheme, slashes included.
func parseAuthority(scheme, text string) (u parsedURL, ok bool) {
	text = strings.TrimLeft(text, `/\`)
	if i := strings.IndexAny(text, `/\?#`); i >= 0 {
		u.rest, text = text[i:], text[:i]
	}
	u.exact = !strings.HasPrefix(u.rest, `\`) && strings.Count(text, "@") <= 1
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		u.userinfo, text = true, text[i+1:]
	}
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(text, ']') {
		host, port = text[:i], text[i+1:]
	}
	u.scheme = scheme
	if u.host, ok = parseHost(host); !ok {
		return u, false
	}
	// What a browser had to rewrite, others may not rewrite, or not the same way.
	u.exact = u.exact && isASCII(host) && strings.ToLower(host) == u.host
	u.port, ok = parsePort(scheme, port)
	return u, ok
}

func defaultPort(scheme string) int {
	if scheme == "https" {
		return 443
	}
	return 80
}

func parsePort(scheme, text string) (int, bool) {
	if text == "" {
		return defaultPort(scheme), true
	}
	n := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		if n = n*10 + int(text[i]-'0'); n > 65535 {
			return 0, false
		}
	}
	return n, true
}

// parseHost is the host parser of WHATWG URL §3.5.
func parseHost(text string) (string, bool) {
	if strings.HasPrefix(text, "[") {
		inner, ok := strings.CutSuffix(text[1:], "]")
		addr, err := netip.ParseAddr(inner)
		if !ok || err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", false
		}
		return "[" + addr.String() + "]", true
	}
	if strings.IndexByte(text, '%') >= 0 {
		text = unescapeHost(text)
	}
	host := strings.ToLower(text)
	if !isASCII(text) || strings.Contains(host, "xn--") {
		// A label of xn-- alone is refused by browsers; package idna drops it.
		labels := strings.FieldsFunc(host, func(r rune) bool { return strings.ContainsRune(".\u3002\uff0e\uff61", r) })
		ascii, err := browserIDNA.ToASCII(text)
		if err != nil || slices.Contains(labels, "xn--") {
			return "", false
		}
		host = ascii
	}
	if host == "" || strings.ContainsFunc(host, isForbiddenInHost) {
		return "", false
	}
	if endsInNumber(host) {
		return parseIPv4(host)
	}
	return host, true
}

// browserIDNA is domain-to-ASCII with beStrict false. WHATWG URL §3.3.
var browserIDNA = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(false),
	idna.CheckHyphens(false),
	idna.CheckJoiners(true),
	idna.BidiRule(),
	idna.VerifyDNSLength(false),
)

// unescapeHost percent-decodes; a malformed escape stays and fails later, since
// no host may have a % in it.
func unescapeHost(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) < 16 && unhex(s[i+2]) < 16 {
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

// isForbiddenInHost knows the forbidden domain code points of WHATWG URL §3.1.
func isForbiddenInHost(r rune) bool {
	return r <= ' ' || r == 0x7F || strings.ContainsRune("#/:<>?@[\\]^|%", r)
}

// endsInNumber is the checker of WHATWG URL §3.5 by which a host is taken for an
// IPv4 address, good or bad.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return false
	}
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	_, ok := parseIPv4Number(last)
	return ok
}

// parseIPv4 is the parser of WHATWG URL §3.5: one to four numbers, decimal, octal
// or hexadecimal, the last one filling the bytes that are left.
func parseIPv4(host string) (string, bool) {
	pieces := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(pieces) > 4 {
		return "", false
	}
	var sum uint64
	for i, piece := range pieces {
		n, ok := parseIPv4Number(piece)
		room := uint64(1) << 8
		if i == len(pieces)-1 {
			room = 1 << (8 * (5 - len(pieces)))
		}
		if !ok || n >= room {
			return "", false
		}
		if i < len(pieces)-1 {
			n <<= 8 * (3 - i)
		}
		sum += n
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}).String(), true
}

func parseIPv4Number(s string) (uint64, bool) {
	base := 10
	switch {
	case s == "":
		return 0, false
	case len(s) > 1 && (s[:2] == "0x" || s[:2] == "0X"):
		base, s = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, s = 8, s[1:]
	}
	if s == "" {
		return 0, true
	}
	for i := range len(s) {
		if int(unhex(s[i])) >= base {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, base, 63)
	if err != nil {
		return 1 << 62, true // a number, though out of all range
	}
	return n, true
}

// schemeOf returns the scheme of an absolute URL in lower case, or nothing.
func schemeOf(text string) string {
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		case i > 0 && (c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9'):
		case i > 0 && c == ':':
			return strings.ToLower(text[:i])
		default:
			return ""
		}
	}
	return ""
}

// trimBlanks drops what a browser drops around a URL.
func trimBlanks(s string) string { return strings.Trim(s, " ") }

func isSlash(c byte) bool { return c == '/' || c == '\\' }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
