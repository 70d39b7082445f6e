//go:build unix

package e2e_test

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// largest is what a picture for the documentation may weigh, in bytes.
const largest = 60 << 10

// The pictures of docs/screens.md, when GATEHOUSE_SCREENSHOTS names a folder
// for them. "make screenshots" does.
func TestScreens_forTheDocumentation(t *testing.T) {
	folder := os.Getenv("GATEHOUSE_SCREENSHOTS")
	if folder == "" {
		t.Skip("GATEHOUSE_SCREENSHOTS names no folder")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	h := alone(t, "open")
	h.person("ada@example.test", "Ada Lovelace")
	nobody, ada := h.guest(t, true), h.guest(t, true)
	ada.enter("en", "ada@example.test", userPassword)
	h.guest(t, true).enter("en", "ada@example.test", userPassword)

	for _, s := range []struct {
		name, language, path string
		who                  *tab
		typed                []string // names and texts; nothing is sent
	}{
		{"sign-in", "en", "/signin", nobody, nil},
		{"sign-in", "de", "/signin", nobody, nil},
		{"register", "en", "/signup", nobody, []string{"identifier", "ada@example.test", "name", "Ada Lovelace", "password", "seven blue lanterns"}},
		{"setup", "en", "/setup", nobody, []string{"setupToken", "chl_0199c3a1-6c00-7b3e-9d55-0a4c2f1e8b7d.q0…", "identifier", "ada@example.test", "name", "Ada Lovelace", "password", "seven blue lanterns"}},
		{"account", "en", "/account", ada, nil},
		{"sessions", "en", "/account/sessions", ada, nil},
		{"change-password", "en", "/account/password", ada, nil},
		{"error", "en", "/new-password", nobody, nil},
	} {
		b := s.who.within(t)
		b.hostedIn(s.language, s.path)
		for i := 0; i+1 < len(s.typed); i += 2 {
			b.fill(input(s.typed[i]), s.typed[i+1])
		}
		b.still()
		for _, window := range []struct {
			name          string
			width, height int64
		}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
			for _, scheme := range []string{"light", "dark"} {
				if s.language != "en" && (window.name != "phone" || scheme != "light") {
					continue
				}
				b.size(window.width, window.height)
				b.scheme(scheme)
				file := fmt.Sprintf("%s-%s-%s.png", s.name, window.name, scheme)
				if s.language != "en" {
					file = fmt.Sprintf("%s-%s-%s-%s.png", s.name, s.language, window.name, scheme)
				}
				b.pictured(filepath.Join(folder, file), chromedp.FullScreenshot(100))
			}
		}
	}
}

// still: a caret blinks, and no two pictures would be the same.
func (b *tab) still() {
	b.t.Helper()
	b.do("stop the caret", chromedp.Evaluate[chromedp.Void](`{
		const s = new CSSStyleSheet(); s.replaceSync("* { caret-color: transparent !important; transition: none !important }"); document.adoptedStyleSheets = [s] }`))
}

// pictured keeps a picture for the documentation, and fails when it is heavy.
func (b *tab) pictured(file string, take chromedp.Action[[]byte]) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, take)
	if err != nil {
		b.t.Fatal(err)
	}
	if picture, err = fewColours(picture); err != nil {
		b.t.Fatal(err)
	}
	if len(picture) > largest {
		b.t.Errorf("%s has %d bytes, want %d at most", filepath.Base(file), len(picture), largest)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// fewColours draws a picture again with the 256 colours that most of it has,
// each other one as the nearest of them; of colours that the eye cannot tell
// apart, one stands for all. A browser dithers a gradient, and noise weighs.
func fewColours(picture []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	box := from.Bounds()
	count := map[color.Color]int{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			count[from.At(x, y)]++
		}
	}
	often := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	var few color.Palette
	for _, c := range often {
		if len(few) < 256 && !slices.ContainsFunc(few, func(have color.Color) bool { return alike(have, c) }) {
			few = append(few, c)
		}
	}
	nearest := map[color.Color]uint8{}
	for _, c := range often {
		nearest[c] = uint8(few.Index(c))
	}
	to := image.NewPaletted(box, few)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			to.SetColorIndex(x, y, nearest[from.At(x, y)])
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to)
	return out.Bytes(), err
}

// alike: no channel differs by more than one step of 256.
func alike(a, b color.Color) bool {
	r, g, u, _ := a.RGBA()
	s, h, v, _ := b.RGBA()
	for _, pair := range [][2]uint32{{r, s}, {g, h}, {u, v}} {
		if max(pair[0], pair[1])-min(pair[0], pair[1]) > 1<<8|0xff {
			return false
		}
	}
	return true
}
