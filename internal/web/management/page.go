package management

import (
	"net/http"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// pages are the document and the page that shows it. Both are for anybody who
// reaches the listener: they say what there is, and nothing of who.
func (h *Handler) pages() []web.Endpoint {
	document := web.Endpoint{
		Method: http.MethodGet, Pattern: Base + "/openapi.json", Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore, Fail: fail,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
			_, err := w.Write(h.document)
			return err
		},
	}
	return []web.Endpoint{document, other(document.Pattern, http.MethodGet, http.MethodHead)}
}
