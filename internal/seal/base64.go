package seal

import "encoding/binary"

// encodeChars is the alphabet of base64url. RFC 4648 §5.
const encodeChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// decodeChars maps a byte to its six bits, or to invalid.
var decodeChars = func() (t [256]byte) {
	for i := range t {
		t[i] = invalid
	}
	for i := range len(encodeChars) {
		t[encodeChars[i]] = byte(i)
	}
	return t
}()

const invalid = 0xFF

// decodedLen returns how many bytes n characters of unpadded base64 stand for,
// or -1 if no text has that length.
func decodedLen(n int) int {
	if n%4 == 1 {
		return -1
	}
	return n/4*3 + n%4*6/8
}

// decode64 decodes unpadded base64url into dst, which has [decodedLen] bytes,
// and reports whether the text was canonical. encoding/base64 is not used
// because it skips line breaks even when strict: one token would have many
// spellings.
func decode64(dst []byte, s string) bool {
	var bad byte
	// Eight characters at a time while there is room to store eight bytes, of
	// which the last two are overwritten by the next round.
	for len(s) >= 8 && len(dst) >= 8 {
		a, b, c, d := decodeChars[s[0]], decodeChars[s[1]], decodeChars[s[2]], decodeChars[s[3]]
		e, f, g, h := decodeChars[s[4]], decodeChars[s[5]], decodeChars[s[6]], decodeChars[s[7]]
		bad |= a | b | c | d | e | f | g | h
		binary.BigEndian.PutUint64(dst, uint64(a)<<58|uint64(b)<<52|uint64(c)<<46|uint64(d)<<40|
			uint64(e)<<34|uint64(f)<<28|uint64(g)<<22|uint64(h)<<16)
		s, dst = s[8:], dst[6:]
	}
	for len(s) >= 4 && len(dst) >= 3 {
		a, b, c, d := decodeChars[s[0]], decodeChars[s[1]], decodeChars[s[2]], decodeChars[s[3]]
		bad |= a | b | c | d
		dst[0], dst[1], dst[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		s, dst = s[4:], dst[3:]
	}
	// Valid characters have the top two bits clear, and so must the bits of the
	// last character be that belong to no byte.
	switch len(s) {
	case 0:
	case 2:
		a, b := decodeChars[s[0]], decodeChars[s[1]]
		bad |= a | b | b<<4 | b<<6
		dst[0] = a<<2 | b>>4
	case 3:
		a, b, c := decodeChars[s[0]], decodeChars[s[1]], decodeChars[s[2]]
		bad |= a | b | c | c<<6
		dst[0], dst[1] = a<<2|b>>4, b<<4|c>>2
	default:
		return false
	}
	return bad&0xC0 == 0
}
