package ops

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// readyTimeout bounds the question, so that a hanging database is an answer.
const readyTimeout = 2 * time.Second

// Endpoints returns GET /livez and GET /readyz. ready returns nil when the
// server may be sent requests, else why not; it is called for each request,
// perhaps at once, with two seconds of time.
func Endpoints(ready func(context.Context) error) []web.Endpoint {
	posture := web.Endpoint{
		Method: http.MethodGet, Guard: web.Operator, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore, Fail: web.FailProblem,
	}
	live, readiness := posture, posture
	live.Pattern, live.Handle = "/livez", func(w http.ResponseWriter, r *http.Request) error {
		return web.WriteJSON(w, http.StatusOK, status{Status: "live"})
	}
	readiness.Pattern, readiness.Handle = "/readyz", func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := ready(ctx); err != nil {
			w.Header().Set("Retry-After", "1")
			return web.WriteJSON(w, http.StatusServiceUnavailable, status{Status: "not ready", Reason: err.Error()})
		}
		return web.WriteJSON(w, http.StatusOK, status{Status: "ready"})
	}
	return []web.Endpoint{live, readiness}
}

// status is the body of every answer.
type status struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// Handler serves [Endpoints] and more; every other address is 404. It logs
// nothing: probes come every second.
func Handler(ready func(context.Context) error, more ...web.Endpoint) http.Handler {
	rt, err := web.NewRouter(append(Endpoints(ready), more...), web.RouterOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err) // a mistake in the table above, which every test would meet
	}
	return rt
}
