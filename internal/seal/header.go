package seal

import "errors"

// maxHeader is the length in bytes of an encoded protected header. The library
// writes 187 at most.
const maxHeader = 2048

// header is what of a protected header decides anything here.
type header struct {
	enc    string
	kid    string
	hasKid bool
}

var errHeader = errors.New("header not acceptable")

// parseHeader reads a protected header that is not one of our own texts. It
// refuses any crit, because no extension is understood (RFC 7516 §4.1.13), and
// zip, because compression before encryption leaks (RFC 8725 §3.6). A member
// named twice is refused for all names (RFC 7515 §4). typ, cty and unknown
// members are ignored.
func parseHeader(encoded string) (h header, ok bool) {
	n := decodedLen(len(encoded))
	if n < 0 || len(encoded) > maxHeader {
		return h, false
	}
	text := make([]byte, n)
	if !decode64(text, encoded) {
		return h, false
	}
	var alg string
	err := scanUnique(text, func(name, raw []byte) error {
		isText := true
		switch string(name) {
		case "alg":
			alg, isText = String(raw)
		case "enc":
			h.enc, isText = String(raw)
		case "kid":
			// A kid that is no text is a kid all the same: it matches no key.
			h.hasKid = true
			h.kid, _ = String(raw)
		case "zip", "crit":
			return errHeader
		}
		if !isText {
			return errHeader
		}
		return nil
	})
	return h, err == nil && alg == "dir" && h.enc != ""
}
