package theme

import "math"

// oklab is a colour by lightness and two opponent axes (CSS Color 4 §8.3), in
// which equal steps look equal and lightness can be changed alone.
type oklab struct{ l, a, b float64 }

func (c Colour) oklab() oklab {
	r, g, b := linear(c.R), linear(c.G), linear(c.B)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	return oklab{
		l: 0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		a: 1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		b: 0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

// rgb is the colour on a screen, and whether a screen can show it.
func (o oklab) rgb() (c Colour, shown bool) {
	l := cube(o.l + 0.3963377774*o.a + 0.2158037573*o.b)
	m := cube(o.l - 0.1055613458*o.a - 0.0638541728*o.b)
	s := cube(o.l - 0.0894841775*o.a - 1.2914855480*o.b)
	shown = true
	channel := func(v float64) uint8 {
		const slack = 1e-4 // rounding, not another colour
		shown = shown && v >= -slack && v <= 1+slack
		if v = min(max(v, 0), 1); v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return uint8(math.Round(v * 255))
	}
	c.R = channel(+4.0767416621*l - 3.3077115913*m + 0.2309699292*s)
	c.G = channel(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s)
	c.B = channel(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s)
	return c, shown
}

func cube(v float64) float64 { return v * v * v }

// at is c at another lightness: the same hue, and as strong as a screen can
// show it there.
func (c Colour) at(lightness float64) Colour {
	o := c.oklab()
	o.l = lightness
	for strength := 1.0; strength > 0; strength -= 0.02 {
		if out, shown := (oklab{o.l, o.a * strength, o.b * strength}).rgb(); shown {
			return out
		}
	}
	out, _ := oklab{l: o.l}.rgb()
	return out
}

// Nearest returns the colour of the same hue and the nearest lightness that has
// the given contrast with every one of the others; c itself when it has it. The
// others must leave room: no colour stands out from both black and white.
func Nearest(c Colour, ratio float64, others ...Colour) Colour {
	if least(c, others...) >= ratio {
		return c
	}
	const steps = 400
	from := c.oklab().l
	for i := 1; i <= steps; i++ {
		by := float64(i) / steps
		for _, l := range []float64{from - by, from + by} {
			if l < 0 || l > 1 {
				continue
			}
			if near := c.at(l); least(near, others...) >= ratio {
				return near
			}
		}
	}
	return c
}
