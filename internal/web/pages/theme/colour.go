package theme

import "fmt"

// Colour is a colour of the sRGB space, eight bits a channel. The zero value is
// black.
type Colour struct{ R, G, B uint8 }

// Parse reads "#rrggbb", in either case, and nothing else: no names, no short
// form, no alpha.
func Parse(s string) (Colour, error) {
	var c Colour
	if len(s) != 7 || s[0] != '#' {
		return c, fmt.Errorf("%q is not of the form #rrggbb", s)
	}
	for i, channel := range []*uint8{&c.R, &c.G, &c.B} {
		high, low := digit(s[1+2*i]), digit(s[2+2*i])
		if high > 15 || low > 15 {
			return Colour{}, fmt.Errorf("%q is not of the form #rrggbb", s)
		}
		*channel = high<<4 | low
	}
	return c, nil
}

// digit is the value of a hexadecimal digit, or more than 15.
func digit(b byte) uint8 {
	switch {
	case '0' <= b && b <= '9':
		return b - '0'
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		return b | 0x20 - 'a' + 10
	}
	return 255
}

// String writes the colour as Parse reads it.
func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// mix is c with a part of other in it, channel by channel; part is 0 to 1.
func (c Colour) mix(other Colour, part float64) Colour {
	at := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*part + .5) }
	return Colour{at(c.R, other.R), at(c.G, other.G), at(c.B, other.B)}
}
