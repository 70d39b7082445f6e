package ops_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestHandler_answersForLifeAndReadiness(t *testing.T) {
	var why error
	h := ops.Handler(func(context.Context) error { return why })
	for _, tt := range []struct {
		path string
		why  error
		code int
		body string
	}{
		{"/livez", nil, 200, `{"status":"live"}`},
		{"/readyz", nil, 200, `{"status":"ready"}`},
		{"/readyz", errors.New("the change feed is 31s old"), 503, `{"status":"not ready","reason":"the change feed is 31s old"}`},
		{"/livez", errors.New("the change feed is 31s old"), 200, `{"status":"live"}`},
	} {
		why = tt.why
		w := ask(h, "GET", tt.path)
		if w.Code != tt.code || w.Body.String() != tt.body {
			t.Errorf("%s: got %d %s, want %d %s", tt.path, w.Code, w.Body, tt.code, tt.body)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", tt.path, got)
		}
		if tt.code == 503 && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", tt.path)
		}
	}
}

func TestHandler_hasNothingElse(t *testing.T) {
	h := ops.Handler(func(context.Context) error { return nil })
	for _, q := range []struct{ method, path string }{{"GET", "/"}, {"GET", "/debug/pprof/"}, {"GET", "/metrics"}, {"POST", "/readyz"}, {"GET", "/readyz/"}, {"TRACE", "/livez"}} {
		if w := ask(h, q.method, q.path); w.Code != 404 {
			t.Errorf("%s %s: got %d, want 404", q.method, q.path, w.Code)
		}
	}
}

func TestHandler_aHangingDatabaseIsAnAnswer(t *testing.T) {
	h := ops.Handler(func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the question has no end")
		}
		return nil
	})
	ask(h, "GET", "/readyz")
}
