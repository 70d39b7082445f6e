package seal

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest in claims, the outermost
// object included.
const MaxDepth = 64

// Scan walks the members of a JSON object in the order of the text and calls fn
// with each name, escapes resolved, and with its value as raw JSON without
// surrounding blanks. Both lie inside claims, or in a copy, and may be kept as
// long as claims is. An error of fn ends the walk and is returned.
//
// The text is held to RFC 8259 and to UTF-8; anything else, and nesting beyond
// [MaxDepth], is [ErrClaims]. fn may have been called before the fault is
// reached. Scan does not mind a name that comes twice: to agree with JSON.parse
// let the last one win. Claims that [Sealer.Open] returned have none.
func Scan(claims []byte, fn func(name, raw []byte) error) error {
	s, err := newScanner(claims)
	if err != nil {
		return err
	}
	for {
		name, raw, err := s.next()
		if err != nil || name == nil {
			return err
		}
		if err := fn(name, raw); err != nil {
			return err
		}
	}
}

// checkObject reports whether text is a JSON object without duplicate members.
func checkObject(text []byte) error { return scanUnique(text, nil) }

// scanUnique is [Scan] that refuses a name that comes twice. Readers differ in
// which of two they believe, and that difference is an attack (RFC 8725 §2.4;
// RFC 7519 §4 lets us refuse). fn may be nil.
func scanUnique(text []byte, fn func(name, raw []byte) error) error {
	s, err := newScanner(text)
	if err != nil {
		return err
	}
	var few [24][]byte // claim sets are small: comparing each with each is fastest
	var many map[string]bool
	for n := 0; ; n++ {
		name, raw, err := s.next()
		if err != nil || name == nil {
			return err
		}
		switch {
		case n < len(few):
			for i := range n {
				if len(few[i]) == len(name) && bytes.Equal(few[i], name) {
					return ErrClaims
				}
			}
			few[n] = name
		case n == len(few):
			many = make(map[string]bool, 2*len(few))
			for _, earlier := range few {
				many[string(earlier)] = true
			}
			fallthrough
		default:
			if many[string(name)] {
				return ErrClaims
			}
			many[string(name)] = true
		}
		if fn != nil {
			if err := fn(name, raw); err != nil {
				return err
			}
		}
	}
}

// A scanner yields the members of one JSON object.
type scanner struct {
	text  []byte
	pos   int
	first bool
}

// newScanner stands behind the opening brace. The whole text is known to be
// UTF-8 from here on, so that strings need no further look at it.
func newScanner(text []byte) (scanner, error) {
	if !utf8.Valid(text) {
		return scanner{}, ErrClaims
	}
	i := blanks(text, 0)
	if i == len(text) || text[i] != '{' {
		return scanner{}, ErrClaims
	}
	return scanner{text: text, pos: i + 1, first: true}, nil
}

// next returns the next member, or a nil name behind the last one.
func (s *scanner) next() (name, raw []byte, err error) {
	text := s.text
	i := blanks(text, s.pos)
	if i < len(text) && text[i] == '}' && s.first {
		return nil, nil, s.end(i)
	}
	if !s.first {
		if i == len(text) {
			return nil, nil, ErrClaims
		}
		if text[i] == '}' {
			return nil, nil, s.end(i)
		}
		if text[i] != ',' {
			return nil, nil, ErrClaims
		}
		i = blanks(text, i+1)
	}
	s.first = false
	if name, i = readName(text, i); i < 0 {
		return nil, nil, ErrClaims
	}
	i = blanks(text, i)
	if i == len(text) || text[i] != ':' {
		return nil, nil, ErrClaims
	}
	i = blanks(text, i+1)
	start := i
	if i = skipValue(text, i, 2); i < 0 {
		return nil, nil, ErrClaims
	}
	s.pos = i
	return name, text[start:i:i], nil
}

// readName reads the string at i as a member's name, which hardly ever has an
// escape in it, and returns the index behind it, or -1.
func readName(text []byte, i int) ([]byte, int) {
	if i == len(text) || text[i] != '"' {
		return nil, -1
	}
	start := i + 1
	if i = plain(text, start); i < len(text) && text[i] == '"' {
		return text[start:i:i], i + 1
	}
	if i = skipString(text, start-1); i < 0 {
		return nil, -1
	}
	return unescape(make([]byte, 0, i-start), text[start:i-1]), i
}

// end checks that nothing follows the closing brace at i.
func (s *scanner) end(i int) error {
	if blanks(s.text, i+1) != len(s.text) {
		return ErrClaims
	}
	s.pos = i
	s.first = true // a further call to next ends here again
	return nil
}

// The functions below take an index into text and return the index behind what
// they name, or -1.

func blanks(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// skipValue passes over one value that lies at the given depth.
func skipValue(text []byte, i, depth int) int {
	if i >= len(text) {
		return -1
	}
	switch c := text[i]; {
	case c == '"':
		return skipString(text, i)
	case c == '-' || '0' <= c && c <= '9':
		return skipNumber(text, i)
	case c == '{':
		return skipItems(text, i, depth, '}')
	case c == '[':
		return skipItems(text, i, depth, ']')
	case c == 't':
		return skipWord(text, i, "true")
	case c == 'f':
		return skipWord(text, i, "false")
	case c == 'n':
		return skipWord(text, i, "null")
	}
	return -1
}

// skipItems passes over an object or an array, by its closing character.
func skipItems(text []byte, i, depth int, closing byte) int {
	if depth > MaxDepth {
		return -1
	}
	i = blanks(text, i+1)
	if i < len(text) && text[i] == closing {
		return i + 1
	}
	for {
		if closing == '}' {
			if i = skipString(text, i); i < 0 {
				return -1
			}
			if i = blanks(text, i); i == len(text) || text[i] != ':' {
				return -1
			}
			i = blanks(text, i+1)
		}
		if i = skipValue(text, i, depth+1); i < 0 {
			return -1
		}
		if i = blanks(text, i); i == len(text) {
			return -1
		}
		switch text[i] {
		case closing:
			return i + 1
		case ',':
			i = blanks(text, i+1)
		default:
			return -1
		}
	}
}

func skipString(text []byte, i int) int {
	if i >= len(text) || text[i] != '"' {
		return -1
	}
	for i = plain(text, i+1); i < len(text); i = plain(text, i+1) {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
			if i == len(text) {
				return -1
			}
			switch text[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if i+4 >= len(text) || hex4(text[i+1:i+5]) < 0 {
					return -1
				}
				i += 4
			default:
				return -1
			}
		default: // a control character
			return -1
		}
	}
	return -1
}

// plain passes over the characters of a string that stand for themselves, eight
// at a time: nearly all of a claim set is such text.
func plain(text []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		// In each word below the lowest top bit that is set marks the first byte
		// that is what was looked for; bits above it may be wrong.
		w := binary.LittleEndian.Uint64(text[i:])
		control := w - ones*0x20
		quote := w ^ ones*'"'
		escape := w ^ ones*'\\'
		hits := (control&^w | (quote-ones)&^quote | (escape-ones)&^escape) & tops
		if hits != 0 {
			return i + bits.TrailingZeros64(hits)/8
		}
	}
	for i < len(text) && text[i] >= 0x20 && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

func skipNumber(text []byte, i int) int {
	if text[i] == '-' {
		i++
	}
	start := i
	if i = digits(text, i); i == start || text[start] == '0' && i > start+1 {
		return -1
	}
	if i < len(text) && text[i] == '.' {
		start = i + 1
		if i = digits(text, start); i == start {
			return -1
		}
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		start = i
		if i = digits(text, start); i == start {
			return -1
		}
	}
	return i
}

func digits(text []byte, i int) int {
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	return i
}

func skipWord(text []byte, i int, word string) int {
	if end := i + len(word); end <= len(text) && string(text[i:end]) == word {
		return end
	}
	return -1
}
