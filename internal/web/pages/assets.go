package pages

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"path"
	"strings"
	"unicode"

	"github.com/gatehouse-auth/gatehouse/auth"
)

//go:embed style.css
var style []byte

//go:embed script.js
var script []byte

// Image is a picture that the pages show, such as the operator's logo.
type Image struct {
	// Type is its media type: "image/svg+xml".
	Type string
	Body []byte
}

// asset is one file below {base}/assets/. Its name changes with its content,
// so it may be kept for ever.
type asset struct {
	contentType string
	body        []byte
}

// add makes an asset and returns its address.
func (s *Set) add(name, contentType string, body []byte) string {
	sum := sha256.Sum256(body)
	extension := path.Ext(name)
	hashed := strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:6]) + extension
	s.assets[hashed] = asset{contentType, body}
	return s.Base + "/assets/" + hashed
}

// imageExtensions are the media types of images that are served.
var imageExtensions = map[string]string{"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}

func (s *Set) addImage(name string, i *Image) (string, error) {
	if i == nil {
		return "", nil
	}
	extension, ok := imageExtensions[i.Type]
	if !ok {
		return "", fmt.Errorf("%s: %q is no type of image that is served", name, i.Type)
	}
	return s.add(name+extension, i.Type, i.Body), nil
}

// ServeAsset answers with the asset that the path value "file" names, for an
// endpoint whose answers may be kept for ever. What is not there may not.
func (s *Set) ServeAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.assets[r.PathValue("file")]
	if !ok {
		w.Header().Set("Cache-Control", "no-store")
		return auth.NewError(auth.CodeNotFound, nil)
	}
	if a.contentType == "image/svg+xml" {
		// A drawing may bring style along; the sandbox keeps script from running
		// where somebody opens it by its address.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	w.Header().Set("Content-Type", a.contentType)
	_, _ = w.Write(a.body)
	return nil
}

// initial is the first letter or digit of the service's name, for the mark that
// stands where there is no logo.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToTitle(r))
		}
	}
	return "•"
}

// icon is the page's icon: the same mark in the colours of the light scheme,
// which browsers show on light and dark tabs.
func (s *Set) icon() []byte {
	l := s.Theme.Light
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="%d" fill="%s"/>`+
		`<text x="16" y="22.5" text-anchor="middle" font-family="system-ui, sans-serif" font-size="19" font-weight="600" fill="%s">%s</text></svg>`,
		min(s.Theme.Radius, 16), l.Accent, l.OnAccent, html.EscapeString(initial(s.Name)))
}
