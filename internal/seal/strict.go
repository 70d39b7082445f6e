package seal

// AppendDecode appends what canonical, unpadded base64url text stands for to
// dst. Any other spelling is refused, and dst returned as it was: padding,
// blanks, and bits behind the last byte (RFC 7515 §2, RFC 4648 §3.5).
func AppendDecode(dst []byte, text string) ([]byte, bool) {
	n := decodedLen(len(text))
	if n < 0 {
		return dst, false
	}
	start := len(dst)
	if cap(dst)-start >= n {
		dst = dst[:start+n]
	} else {
		dst = append(dst, make([]byte, n)...)
	}
	if !decode64(dst[start:], text) {
		return dst[:start], false
	}
	return dst, true
}

// ScanUnique is [Scan] that refuses a name that comes twice, as [Sealer.Open]
// does. fn may be nil: then the text alone is judged. Objects inside of values
// are not looked into; whoever reads one scans it the same way.
func ScanUnique(text []byte, fn func(name, raw []byte) error) error { return scanUnique(text, fn) }

// Strings decodes a raw JSON array of strings and reports whether it is one.
func Strings(raw []byte) ([]string, bool) {
	if len(raw) == 0 || raw[0] != '[' || skipValue(raw, 0, 1) != len(raw) {
		return nil, false
	}
	list := []string{}
	for i := blanks(raw, 1); raw[i] != ']'; i = blanks(raw, i) {
		if raw[i] == ',' {
			i = blanks(raw, i+1)
		}
		end := skipString(raw, i)
		if end < 0 {
			return nil, false
		}
		text, ok := String(raw[i:end])
		if !ok {
			return nil, false
		}
		list, i = append(list, text), end
	}
	return list, true
}
