package management

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

var (
	//go:embed assets/page.html
	pageHTML []byte
	//go:embed assets/page.css
	pageStyle []byte
	//go:embed assets/page.js
	pageScript []byte
)

// pages are the document and the page that shows it. Both are for anybody who
// reaches the listener: they say what there is, and nothing of who.
func (h *Handler) pages() []web.Endpoint {
	page, policy := page()
	show := func(pattern, contentType, policy string, body []byte) web.Endpoint {
		return web.Endpoint{
			Method: http.MethodGet, Pattern: pattern, Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore, Fail: fail,
			Handle: func(w http.ResponseWriter, r *http.Request) error {
				w.Header().Set("Content-Type", contentType)
				if policy != "" {
					w.Header().Set("Content-Security-Policy", policy)
					w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
				}
				_, _ = w.Write(body)
				return nil
			},
		}
	}
	return []web.Endpoint{
		show(Base+"/{$}", "text/html; charset=utf-8", policy, page),
		other(Base+"/{$}", http.MethodGet, http.MethodHead),
		show(Base+"/openapi.json", "application/vnd.oai.openapi+json;version=3.1", "", h.document),
		other(Base+"/openapi.json", http.MethodGet, http.MethodHead),
	}
}

// page is the page with its style and script in it, and the policy that lets these
// two in by their hashes, and requests to where it came from. Nothing else: no
// other script, nothing from elsewhere, no form that leads away, no markup that a
// text of the document could become.
func page() (html []byte, policy string) {
	html = bytes.Replace(pageHTML, []byte("{{style}}"), pageStyle, 1)
	html = bytes.Replace(html, []byte("{{script}}"), pageScript, 1)
	return html, "default-src 'none'; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript) +
		"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// hash is a source of the policy (CSP Level 3 §2.3.1).
func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
