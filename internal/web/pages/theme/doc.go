// Package theme owns the colours of the hosted pages: the palette of each
// scheme, light and dark, what an operator's accent makes of it, and whether
// people can read the result. It is pure: text and numbers in, text and numbers
// out.
//
// It follows WCAG 2.2: success criterion 1.4.3 (text, 4.5:1) and 1.4.11
// (borders of inputs and the focus ring, 3:1), with the contrast ratio and
// relative luminance as defined there. A colour that fails is answered with the
// nearest one that passes, found along its lightness in the OKLCH space, so hue
// and strength stay those of the brand.
//
// Start with theme.go; the mathematics is in contrast.go and oklch.go.
package theme
