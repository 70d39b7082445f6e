package gatehouse_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages/theme"
)

func withAppearance(a gatehouse.Appearance) gatehouse.Config {
	c := validConfig()
	c.Appearance = a
	return c
}

func TestValidate_acceptsAWholeAppearance(t *testing.T) {
	c := withAppearance(gatehouse.Appearance{
		Logo: "not/read/here.svg", Accent: "#8A1C5B", AccentDark: "#ff9fd0", Radius: "0px", TermsURL: "/terms", PrivacyURL: "https://law.example/privacy?x=1#y",
		SupportURL: "mailto:help@app.example", Language: "de",
	})
	if got := problems(t, c); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestValidate_namesWhatIsWrongWithTheAppearance(t *testing.T) {
	for name, c := range map[string]struct {
		a    gatehouse.Appearance
		want string // the field
	}{
		"a colour by name":           {gatehouse.Appearance{Accent: "rebeccapurple"}, "appearance.accent"},
		"a short colour":             {gatehouse.Appearance{Accent: "#fff"}, "appearance.accent"},
		"a colour nobody can read":   {gatehouse.Appearance{Accent: "#ffd400"}, "appearance.accent"},
		"a dark one that is too":     {gatehouse.Appearance{AccentDark: "#1a2f80"}, "appearance.accent_dark"},
		"a radius without unit":      {gatehouse.Appearance{Radius: "8"}, "appearance.radius"},
		"a large radius":             {gatehouse.Appearance{Radius: "25px"}, "appearance.radius"},
		"a negative radius":          {gatehouse.Appearance{Radius: "-1px"}, "appearance.radius"},
		"a radius with a zero":       {gatehouse.Appearance{Radius: "08px"}, "appearance.radius"},
		"script as terms":            {gatehouse.Appearance{TermsURL: "javascript:alert(1)"}, "appearance.terms_url"},
		"data as terms":              {gatehouse.Appearance{TermsURL: "data:text/html,x"}, "appearance.terms_url"},
		"plain http":                 {gatehouse.Appearance{PrivacyURL: "http://law.example/"}, "appearance.privacy_url"},
		"a host without scheme":      {gatehouse.Appearance{PrivacyURL: "//law.example/"}, "appearance.privacy_url"},
		"a backslash":                {gatehouse.Appearance{PrivacyURL: `/\law.example/`}, "appearance.privacy_url"},
		"https without host":         {gatehouse.Appearance{PrivacyURL: "https:///x"}, "appearance.privacy_url"},
		"a user part":                {gatehouse.Appearance{PrivacyURL: "https://app.example@law.example/"}, "appearance.privacy_url"},
		"mail where a page must be":  {gatehouse.Appearance{TermsURL: "mailto:law@app.example"}, "appearance.terms_url"},
		"mail to nobody":             {gatehouse.Appearance{SupportURL: "mailto:"}, "appearance.support_url"},
		"mail with headers":          {gatehouse.Appearance{SupportURL: "mailto:a@b.example\r\nBcc:x"}, "appearance.support_url"},
		"a language nobody has made": {gatehouse.Appearance{Language: "tlh"}, "appearance.language"},
	} {
		got := problems(t, withAppearance(c.a))
		if diff := cmp.Diff([]string{c.want}, fields(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
			continue
		}
		if got[0].Problem == "" || got[0].Cure == "" {
			t.Errorf("%s: %v", name, got[0])
		}
	}
}

// The cure of a colour that cannot be read is one that can, and the ratio is
// the measured one.
func TestValidate_curesAColourWithTheNearestThatPasses(t *testing.T) {
	for accent, ratio := range map[string]string{"#ffd400": "1.31", "#777777": "4.10", "#ffffff": "1.00", "#ff0000": "3.66"} {
		got := problems(t, withAppearance(gatehouse.Appearance{Accent: accent}))
		if len(got) != 1 || !strings.Contains(got[0].Problem, ratio+":1") {
			t.Errorf("%s: %v, want the ratio %s", accent, got, ratio)
			continue
		}
		cure := regexp.MustCompile(`#[0-9a-f]{6}`).FindString(got[0].Cure)
		if again := problems(t, withAppearance(gatehouse.Appearance{Accent: cure})); len(again) > 0 {
			t.Errorf("%s: the cure %q is refused too: %v", accent, cure, again)
		}
	}
}

// served is a whole server with that appearance.
func served(t *testing.T, a gatehouse.Appearance) (http.Handler, error) {
	t.Helper()
	c := withAppearance(a)
	c.Database.Path = filepath.Join(t.TempDir(), "g.db")
	c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	g, err := gatehouse.New(context.Background(), c)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = g.Close() })
	return g.Handler(), nil
}

func getFrom(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

const (
	drawing = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>`
	// one pixel
	png  = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	webp = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
)

func pictureFile(t *testing.T, name string, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func fromBase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNew_servesTheAppearance(t *testing.T) {
	light, dark := pictureFile(t, "logo.bin", []byte(drawing)), pictureFile(t, "dark.txt", fromBase64(t, png))
	h, err := served(t, gatehouse.Appearance{
		Logo: light, LogoDark: dark, Accent: "#8a1c5b", Radius: "3px", TermsURL: "/terms", PrivacyURL: "https://law.example/privacy",
		SupportURL: "mailto:help@app.example", Language: "de",
	})
	if err != nil {
		t.Fatal(err)
	}
	page := getFrom(t, h, "/api/auth/signin").Body.String()
	for _, want := range []string{
		`alt="app.example"`, `href="https://app.example/terms"`, `href="https://law.example/privacy"`, `href="mailto:help@app.example"`, "<h1>Anmelden</h1>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for pattern, want := range map[string]struct {
		kind string
		body []byte
	}{
		`/api/auth/assets/logo\.\w+\.svg`:      {"image/svg+xml", []byte(drawing)},
		`/api/auth/assets/logo-dark\.\w+\.png`: {"image/png", fromBase64(t, png)},
	} {
		w := getFrom(t, h, regexp.MustCompile(pattern).FindString(page))
		if w.Code != 200 || w.Header().Get("Content-Type") != want.kind || !bytes.Equal(w.Body.Bytes(), want.body) || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", pattern, w.Code, w.Header())
		}
	}
	css := getFrom(t, h, regexp.MustCompile(`/api/auth/assets/style\.\w+\.css`).FindString(page)).Body.String()
	for _, want := range []string{"--accent: #8a1c5b;", "--on-accent: #ffffff;", "--radius: 3px;"} {
		if !strings.Contains(css, want) {
			t.Errorf("the stylesheet lacks %s", want)
		}
	}
	accents := regexp.MustCompile(`--accent: (#\w+);`).FindAllStringSubmatch(css, -1)
	lightened, err := theme.Parse(accents[1][1])
	if err != nil {
		t.Fatal(err)
	}
	if ratio, _ := theme.Default().Dark.Readable(lightened); len(accents) != 2 || ratio < theme.TextContrast {
		t.Errorf("accents %q: the dark one has %.2f:1", accents, ratio)
	}
}

func TestNew_takesEveryKindOfPicture(t *testing.T) {
	for kind, body := range map[string][]byte{
		"image/svg+xml": []byte("\n<!-- made by hand -->" + strings.TrimPrefix(drawing, `<?xml version="1.0"?>`)),
		"image/png":     fromBase64(t, png), "image/webp": fromBase64(t, webp), "image/jpeg": []byte("\xff\xd8\xff\xe0rest"),
	} {
		h, err := served(t, gatehouse.Appearance{Logo: pictureFile(t, "logo", body)})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		page := getFrom(t, h, "/api/auth/signin").Body.String()
		if got := getFrom(t, h, regexp.MustCompile(`/api/auth/assets/logo\.[\w.]+`).FindString(page)).Header().Get("Content-Type"); got != kind {
			t.Errorf("%s is served as %s", kind, got)
		}
	}
}

func TestNew_refusesALogoThatIsNone(t *testing.T) {
	for name, logo := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "none.svg"), "a folder": t.TempDir(),
		"too large":               pictureFile(t, "large.svg", []byte(strings.Replace(drawing, "<path", strings.Repeat(" ", 256<<10)+"<path", 1))),
		"a page":                  pictureFile(t, "page.svg", []byte("<!DOCTYPE html><html><body>x</body></html>")),
		"a page beside a drawing": pictureFile(t, "two.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/><html/>`)),
		"half a drawing":          pictureFile(t, "half.svg", []byte(drawing[:len(drawing)-6])),
		"a drawing of no kind":    pictureFile(t, "kind.svg", []byte(`<svg><path d=""/></svg>`)),
		"text":                    pictureFile(t, "logo.png", []byte("just text")), "nothing": pictureFile(t, "empty.png", nil), "a GIF": pictureFile(t, "logo.gif", []byte("GIF89a\x01\x00\x01\x00")),
	} {
		_, err := served(t, gatehouse.Appearance{LogoDark: logo})
		var p *gatehouse.Problems
		if !errors.As(err, &p) || len(p.List) != 1 || p.List[0].Field != "appearance.logo_dark" || !strings.Contains(p.List[0].Cure, "256 KiB") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The largest logo that is allowed is.
func TestNew_takesALogoOfExactlyTheLimit(t *testing.T) {
	body := []byte(strings.Replace(drawing, "<path", strings.Repeat(" ", 256<<10-len(drawing))+"<path", 1))
	if _, err := served(t, gatehouse.Appearance{Logo: pictureFile(t, "logo.svg", body)}); err != nil {
		t.Errorf("%d bytes: %v", len(body), err)
	}
}

// The table of endpoints can be had where the logo is not.
func TestEndpoints_readNoLogo(t *testing.T) {
	c := withAppearance(gatehouse.Appearance{Logo: "/nowhere/logo.svg"})
	if _, err := gatehouse.Endpoints(c); err != nil {
		t.Error(err)
	}
}

func FuzzValidate_appearance(f *testing.F) {
	f.Add("#123456", "10px", "/terms", "mailto:a@b.example", "en")
	f.Add("#\x00", "px", "https://[::1", "mailto:<>", "")
	f.Fuzz(func(t *testing.T, accent, radius, terms, support, language string) {
		c := withAppearance(gatehouse.Appearance{Accent: accent, Radius: radius, TermsURL: terms, SupportURL: support, Language: language})
		if c.Validate() != nil {
			return
		}
		for _, link := range []string{terms, support} {
			if lower := strings.ToLower(link); strings.HasPrefix(lower, "javascript:") || strings.HasPrefix(lower, "data:") || strings.HasPrefix(lower, "//") {
				t.Errorf("%q is accepted", link)
			}
		}
	})
}
