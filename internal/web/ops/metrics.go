package ops

import (
	"net/http"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// Metrics returns GET /metrics, which h answers. What it tells is for the
// operator's monitoring: how much is signed in and refused, and with what.
func Metrics(h http.Handler) web.Endpoint {
	return web.Endpoint{
		Method: http.MethodGet, Pattern: "/metrics", Guard: web.Operator, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore, Fail: web.FailProblem,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			h.ServeHTTP(w, r)
			return nil
		},
	}
}
