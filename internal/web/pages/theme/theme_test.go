package theme_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web/pages/theme"
)

func parse(t *testing.T, s string) theme.Colour {
	t.Helper()
	c, err := theme.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The examples of WCAG 2.2: black on white is 21:1; #767676 is the lightest
// grey that white text may have behind it (4.54:1) and #777777 is just too
// light (4.48:1), by "Understanding 1.4.3"; #949494 is the lightest edge on
// white (3.03:1); blue, red and green are the corners of the formula.
func TestContrast_agreesWithPublishedExamples(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#767676", "#ffffff", 4.54}, {"#777777", "#ffffff", 4.48},
		{"#949494", "#ffffff", 3.03}, {"#0000ff", "#ffffff", 8.59}, {"#ff0000", "#ffffff", 4.00}, {"#00ff00", "#ffffff", 1.37},
		{"#ff0000", "#000000", 5.25}, {"#0000ff", "#ff0000", 2.15},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			got := theme.Contrast(parse(t, pair[0]), parse(t, pair[1]))
			if math.Abs(got-c.want) > 0.005 {
				t.Errorf("contrast of %s and %s is %.3f, want %.2f", pair[0], pair[1], got, c.want)
			}
		}
	}
}

func TestParse_takesOneFormAlone(t *testing.T) {
	for _, bad := range []string{"", "#", "#fff", "ffffff", "#ffffffff", "#fffff", "#gggggg", "red", "#12345 ", " #123456", "#12345é", "rgb(0,0,0)", "#+12345", "#\x10\x10\x10\x10\x10\x10"} {
		if c, err := theme.Parse(bad); err == nil {
			t.Errorf("%q was taken for %s", bad, c)
		}
	}
	if got := parse(t, "#A0b1C2").String(); got != "#a0b1c2" {
		t.Errorf("#A0b1C2 became %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"#000000", "#FFFFFF", "#12ab9", "#12ab9z", "#\x00\x00\x00\x00\x00\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := theme.Parse(s)
		if err == nil && !strings.EqualFold(c.String(), s) {
			t.Errorf("%q was read as %s", s, c)
		}
	})
}

// pairs are what the stylesheet lays over each other, with the contrast that
// WCAG 2.2 asks for.
func pairs(s theme.Scheme) map[string]struct {
	over, under theme.Colour
	ratio       float64
} {
	type pair = struct {
		over, under theme.Colour
		ratio       float64
	}
	return map[string]pair{
		"text on card": {s.Text, s.Card, 7}, "text on ground": {s.Text, s.Ground, 7},
		"quiet on card": {s.Quiet, s.Card, 4.5}, "quiet on ground": {s.Quiet, s.Ground, 4.5},
		"link on card": {s.Accent, s.Card, 4.5}, "link on ground": {s.Accent, s.Ground, 4.5},
		"text on accent": {s.OnAccent, s.Accent, 4.5}, "text on accent under the pointer": {s.OnAccent, s.AccentHover, 4.5},
		"edge on card": {s.Edge, s.Card, 3}, "ring on card": {s.Accent, s.Card, 3}, "ring on ground": {s.Accent, s.Ground, 3},
		"problem": {s.Bad, s.BadGround, 4.5}, "problem's edge on card": {s.Bad, s.Card, 4.5},
		"text on danger": {s.OnBad, s.Bad, 4.5}, "text on danger under the pointer": {s.OnBad, s.BadHover, 4.5},
		"text on the ground of a problem": {s.Text, s.BadGround, 7}, "text on the ground of a success": {s.Text, s.GoodGround, 7},
		"success": {s.Good, s.GoodGround, 4.5}, "success on card": {s.Good, s.Card, 4.5},
	}
}

func judge(t *testing.T, what string, s theme.Scheme) {
	t.Helper()
	for name, p := range pairs(s) {
		if got := theme.Contrast(p.over, p.under); got < p.ratio {
			t.Errorf("%s, %s: %s over %s has %.2f:1, want %.1f:1", what, name, p.over, p.under, got, p.ratio)
		}
	}
}

func TestDefault_canBeReadInBothSchemes(t *testing.T) {
	d := theme.Default()
	judge(t, "light", d.Light)
	judge(t, "dark", d.Dark)
}

// Whatever accent an operator wants, the nearest one that is offered instead
// can be read everywhere, and a good one is left alone.
func TestReadable_offersAnAccentThatPassesEverywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		want := theme.Colour{R: uint8(random.IntN(256)), G: uint8(random.IntN(256)), B: uint8(random.IntN(256))}
		d := theme.Default()
		for name, s := range map[string]theme.Scheme{"light": d.Light, "dark": d.Dark} {
			ratio, nearest := s.Readable(want)
			if ratio >= theme.TextContrast && nearest != want {
				t.Errorf("%s: %s has %.2f:1 and is replaced by %s", name, want, ratio, nearest)
			}
			s.SetAccent(nearest)
			judge(t, name+" with "+nearest.String()+" for "+want.String(), s)
		}
	}
}

func TestNearest_keepsTheHue(t *testing.T) {
	d := theme.Default()
	for in, want := range map[string]func(c theme.Colour) bool{
		"#ff6b6b": func(c theme.Colour) bool { return c.R > c.G && c.R > c.B }, // red stays red
		"#ffd000": func(c theme.Colour) bool { return c.R > c.B && c.G > c.B }, // yellow stays yellow
		"#7dd3fc": func(c theme.Colour) bool { return c.B > c.R && c.G > c.R }, // sky stays blue
	} {
		if _, got := d.Light.Readable(parse(t, in)); !want(got) {
			t.Errorf("%s became %s", in, got)
		}
	}
}

func TestCSS_hasEveryPropertyInBothSchemes(t *testing.T) {
	css := theme.Default().CSS()
	for _, name := range []string{"ground", "card", "text", "quiet", "line", "edge", "accent", "on-accent", "accent-hover", "bad", "on-bad", "bad-hover", "bad-ground", "good", "good-ground"} {
		if n := strings.Count(css, "--"+name+": #"); n != 2 {
			t.Errorf("--%s stands %d times, want once for each scheme", name, n)
		}
	}
	if !strings.Contains(css, "--radius: 10px") {
		t.Error("no radius")
	}
}
