package theme

import "math"

// The ratios that WCAG 2.2 asks for.
const (
	// TextContrast is the least for text of ordinary size (1.4.3).
	TextContrast = 4.5
	// EdgeContrast is the least for what shows where a control is and whether it
	// has the focus (1.4.11).
	EdgeContrast = 3.0
)

// linear is one channel as an amount of light, 0 to 1 (WCAG 2.2, relative
// luminance).
func linear(channel uint8) float64 {
	v := float64(channel) / 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// Luminance is the relative luminance of WCAG 2.2: 0 for black, 1 for white.
func (c Colour) Luminance() float64 {
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// Contrast is the contrast ratio of WCAG 2.2, from 1 to 21, whichever of the
// two is the lighter.
func Contrast(a, b Colour) float64 {
	light, dark := a.Luminance(), b.Luminance()
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

// least is the smallest contrast of c with any of the others.
func least(c Colour, others ...Colour) float64 {
	ratio := math.Inf(1)
	for _, o := range others {
		ratio = min(ratio, Contrast(c, o))
	}
	return ratio
}
