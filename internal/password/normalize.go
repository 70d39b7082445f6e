package password

import (
	"errors"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Input that is refused before any work is done. Neither error quotes the
// input.
var (
	// ErrNotUTF8 is returned for a password that is not valid UTF-8.
	ErrNotUTF8 = errors.New("password is not valid UTF-8")
	// ErrTooLong is returned for a password longer than any policy allows.
	ErrTooLong = errors.New("password is too long")
)

// maxBytesPerCodePoint is the most UTF-8 bytes that can be typed for one code
// point of the stable form (in fact 12: three code points of four bytes that
// compose to one). It turns a limit in code points into a limit in bytes, which
// is checked without reading the input.
const maxBytesPerCodePoint = 3 * utf8.UTFMax

// maxInput is the most bytes that are ever read of a password: the greatest
// MaxLength a [Policy] may have, typed in the longest way.
const maxInput = greatestMaxLength * maxBytesPerCodePoint

// Normalize returns the one stable form of pw, the form that is hashed,
// verified and measured: Unicode normalisation form C. Nothing else is changed:
// case, spaces at the ends and compatibility characters stay as typed.
//
// Form C and not KC: C only joins spellings of a text which nobody can see or
// type apart ("é" as one code point or as two, which depends on the keyboard
// and the operating system). KC would also make "²" equal "2" and "ﬁ" equal
// "fi", so a password would be accepted that differs from the one set (ASVS
// 6.2.8). RFC 8265 §4.2 chose C for passwords as well. Its mapping of other
// spaces to U+0020 is left out, as it changes what was typed, and so is its
// refusal of unassigned code points, which would refuse new emoji.
//
// It returns ErrTooLong, after a look at the length alone, for more than 3,072
// bytes, which no policy allows, and ErrNotUTF8 for invalid UTF-8.
func Normalize(pw string) (string, error) {
	if len(pw) > maxInput {
		return "", ErrTooLong
	}
	if !utf8.ValidString(pw) {
		return "", ErrNotUTF8
	}
	return norm.NFC.String(pw), nil
}
