package gatehouse

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages/theme"
)

// Appearance makes the hosted pages look like the service they belong to. The
// zero value is a calm theme in blue.
type Appearance struct {
	// Logo is the file of a picture that stands in place of the service's name:
	// SVG, PNG, WebP or JPEG, at most 256 KiB. It is read once, at the start, and
	// shown 40 pixels high. Default: the name beside its first letter.
	Logo string `conf:"logo"`
	// LogoDark is the picture for people who prefer dark pages. Default: Logo.
	LogoDark string `conf:"logo_dark"`
	// Accent is the colour of buttons, links and the focus ring, "#rrggbb". It
	// must have a contrast of 4.5:1 with the white of the card and the grey of
	// the ground (WCAG 2.2, 1.4.3); text on it is black or white, whichever can
	// be read. Default: "#2b4fd0".
	Accent string `conf:"accent"`
	// AccentDark is the same on dark pages. Default: Accent, lightened as far as
	// it must be.
	AccentDark string `conf:"accent_dark"`
	// Radius is that of corners, in CSS pixels: "0px" to "24px". Default: "10px".
	Radius string `conf:"radius"`
	// TermsURL leads to the terms of use: an https address, or a path on the
	// public origin. Default: no link.
	TermsURL string `conf:"terms_url"`
	// PrivacyURL leads to the privacy notice, likewise. Default: no link.
	PrivacyURL string `conf:"privacy_url"`
	// SupportURL leads to whoever helps, likewise, or is a mailto: address. It
	// stands at the foot of every page and beside the reference of an error.
	// Default: no link.
	SupportURL string `conf:"support_url"`
	// Language is that of the pages for browsers that accept none of ours: "en"
	// or "de". Default: "en".
	Language string `conf:"language"`
}

// maxLogo is the most bytes that a logo may have.
const maxLogo = 256 << 10

// theme is the palette with the accents. Accents that are no colours are left
// out; Validate has named them.
func (a Appearance) theme() theme.Theme {
	t := theme.Default()
	if n, ok := pixels(a.Radius); ok {
		t.Radius = n
	}
	if c, err := theme.Parse(a.Accent); err == nil {
		t.Light.SetAccent(c)
		_, lightened := t.Dark.Readable(c)
		t.Dark.SetAccent(lightened)
	}
	if c, err := theme.Parse(a.AccentDark); err == nil {
		t.Dark.SetAccent(c)
	}
	return t
}

// pixels reads a whole number of CSS pixels: "10px".
func pixels(s string) (n int, ok bool) {
	digits, ok := strings.CutSuffix(s, "px")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0 && strconv.Itoa(n) == digits
}

// hostedPages are the pages of one mount. Logos are read only for a server that
// serves: the table of endpoints needs no file.
func (c Config) hostedPages(on *mount.Mount, serves bool) (*pages.Set, error) {
	a := c.Appearance
	look := a.theme()
	o := pages.Options{
		Name: c.Name, Base: on.Base(), Cookie: on.OwnCookie("language"), Language: a.Language, Theme: &look,
		Terms: c.absolute(a.TermsURL), Privacy: c.absolute(a.PrivacyURL), Support: c.absolute(a.SupportURL),
		Report: c.absolute(c.CSPReportURL),
	}
	if serves {
		p := &Problems{}
		o.Logo = p.logo("appearance.logo", a.Logo)
		o.LogoDark = p.logo("appearance.logo_dark", a.LogoDark)
		if err := p.err(); err != nil {
			return nil, err
		}
	}
	return pages.New(o)
}

// absolute puts the public origin in front of a path.
func (c Config) absolute(address string) string {
	if address != "" && address[0] == '/' {
		return c.PublicOrigin + address
	}
	return address
}

// logo reads a picture, or notes why it cannot be had. No file is no logo.
func (p *Problems) logo(field, file string) *pages.Image {
	if file == "" {
		return nil
	}
	const cure = "name a readable SVG, PNG, WebP or JPEG file of at most 256 KiB, or leave it out"
	f, err := os.Open(file)
	if err != nil {
		p.add(field, cure, "cannot be read: %v", err)
		return nil
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxLogo+1))
	switch {
	case err != nil:
		p.add(field, cure, "cannot be read: %v", err)
		return nil
	case len(body) > maxLogo:
		p.add(field, cure, "%s is larger than 256 KiB", file)
		return nil
	}
	kind := imageType(body)
	if kind == "" {
		p.add(field, cure, "%s is no picture of a kind that is served", file)
		return nil
	}
	return &pages.Image{Type: kind, Body: body}
}

// imageType tells what a picture is by its content; empty for anything else.
// The name of a file says nothing.
func imageType(body []byte) string {
	switch {
	case bytes.HasPrefix(body, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(body, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case len(body) > 12 && string(body[:4]) == "RIFF" && string(body[8:12]) == "WEBP":
		return "image/webp"
	case checkSVG(body) == nil:
		return "image/svg+xml"
	}
	return ""
}

// checkSVG accepts a well-formed drawing. What it would do where it may run
// script is not judged: it is shown as an image alone, and sandboxed by its own
// policy where somebody opens it.
func checkSVG(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	for depth, root := 0, ""; ; {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && root == "svg" && depth == 0:
			return nil
		case err != nil:
			return fmt.Errorf("no drawing: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 && (root != "" || t.Name.Local != "svg" || t.Name.Space != "http://www.w3.org/2000/svg") {
				return fmt.Errorf("the root is %s, not svg", t.Name.Local)
			}
			root = "svg"
			depth++
		case xml.EndElement:
			depth--
		}
	}
}
