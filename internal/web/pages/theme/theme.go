package theme

import (
	"fmt"
	"strings"
)

// Scheme is the palette of one colour scheme. Every pair that a page lays over
// each other is checked by a test.
type Scheme struct {
	// Ground is behind the card, Card behind text and inputs.
	Ground, Card Colour
	// Text is what is read first, Quiet what is read second.
	Text, Quiet Colour
	// Line parts what belongs together, Edge shows where an input is.
	Line, Edge Colour
	// Accent is the colour of buttons, links and the focus ring; OnAccent is
	// text on it, AccentHover what it becomes under the pointer.
	Accent, OnAccent, AccentHover Colour
	// Bad and Good are for problems and successes, each with a ground of its own.
	Bad, OnBad, BadHover, BadGround Colour
	Good, GoodGround                Colour
}

// Theme is the look of the pages in both schemes.
type Theme struct {
	Light, Dark Scheme
	// Radius is that of the corners, in CSS pixels.
	Radius int
}

// DefaultRadius and MaxRadius are in CSS pixels.
const (
	DefaultRadius = 10
	MaxRadius     = 24
)

var (
	white = Colour{0xff, 0xff, 0xff}
	black = Colour{}
	ink   = Colour{0x0d, 0x10, 0x17} // dark text that is not as hard as black
)

// Default is the theme of an operator who says nothing.
func Default() Theme {
	t := Theme{
		Light: Scheme{
			Ground: Colour{0xf4, 0xf5, 0xf8}, Card: white,
			Text: Colour{0x15, 0x18, 0x20}, Quiet: Colour{0x56, 0x5d, 0x6d},
			Line: Colour{0xe2, 0xe5, 0xeb}, Edge: Colour{0x85, 0x8c, 0x9c},
			Bad: Colour{0xb4, 0x23, 0x18}, OnBad: white, BadHover: Colour{0x91, 0x1c, 0x13}, BadGround: Colour{0xfe, 0xf1, 0xef},
			Good: Colour{0x14, 0x69, 0x3a}, GoodGround: Colour{0xec, 0xf8, 0xf0},
		},
		Dark: Scheme{
			Ground: Colour{0x0d, 0x0f, 0x14}, Card: Colour{0x17, 0x1a, 0x21},
			Text: Colour{0xee, 0xf0, 0xf4}, Quiet: Colour{0xa6, 0xad, 0xbb},
			Line: Colour{0x2b, 0x30, 0x3a}, Edge: Colour{0x6b, 0x73, 0x83},
			Bad: Colour{0xff, 0xb1, 0xa8}, OnBad: Colour{0x3a, 0x0b, 0x07}, BadHover: Colour{0xff, 0xc7, 0xc0}, BadGround: Colour{0x35, 0x17, 0x15},
			Good: Colour{0x8e, 0xdc, 0xac}, GoodGround: Colour{0x10, 0x2c, 0x1c},
		},
		Radius: DefaultRadius,
	}
	t.Light.SetAccent(Colour{0x2b, 0x4f, 0xd0})
	t.Dark.SetAccent(Colour{0x8f, 0xac, 0xff})
	return t
}

// SetAccent takes the accent and what follows from it: text on it in black or
// white, whichever is the easier to read, and the shade under the pointer, on
// which that text is easier still.
func (s *Scheme) SetAccent(c Colour) {
	s.Accent, s.OnAccent = c, white
	away := black
	if Contrast(c, white) < TextContrast {
		away, s.OnAccent = white, ink
		if Contrast(c, ink) < TextContrast {
			s.OnAccent = black // whatever is too light for white has 4.6:1 with black
		}
	}
	s.AccentHover = c.mix(away, 0.14)
}

// Accents is what an accent must stand out from in this scheme: links and the
// focus ring lie on the card and on the ground.
func (s Scheme) Accents() []Colour { return []Colour{s.Card, s.Ground} }

// Readable says what contrast the accent has with what is behind it, and which
// colour would do: the nearest that has [TextContrast].
func (s Scheme) Readable(accent Colour) (ratio float64, nearest Colour) {
	return least(accent, s.Accents()...), Nearest(accent, TextContrast, s.Accents()...)
}

// CSS is the theme as custom properties, for both schemes.
func (t Theme) CSS() string {
	var b strings.Builder
	fmt.Fprintf(&b, ":root {\n  color-scheme: light dark;\n  --radius: %dpx;\n%s}\n", t.Radius, t.Light.properties("  "))
	fmt.Fprintf(&b, "@media (prefers-color-scheme: dark) {\n  :root {\n%s  }\n}\n", t.Dark.properties("    "))
	return b.String()
}

func (s Scheme) properties(indent string) string {
	var b strings.Builder
	for _, p := range []struct {
		name   string
		colour Colour
	}{
		{"ground", s.Ground}, {"card", s.Card}, {"text", s.Text}, {"quiet", s.Quiet}, {"line", s.Line}, {"edge", s.Edge},
		{"accent", s.Accent}, {"on-accent", s.OnAccent}, {"accent-hover", s.AccentHover},
		{"bad", s.Bad}, {"on-bad", s.OnBad}, {"bad-hover", s.BadHover}, {"bad-ground", s.BadGround},
		{"good", s.Good}, {"good-ground", s.GoodGround},
	} {
		fmt.Fprintf(&b, "%s--%s: %s;\n", indent, p.name, p.colour)
	}
	return b.String()
}
