package telemetry_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// BenchmarkRouter is what the router costs a request whose handler does
// nothing: plain, counted, traced but not sampled, traced one in twenty.
func BenchmarkRouter(b *testing.B) {
	for _, bm := range []struct {
		name string
		o    telemetry.Options
	}{
		{"plain", telemetry.Options{}},
		{"metrics", telemetry.Options{Metrics: prometheus.NewRegistry()}},
		{"traces/none", telemetry.Options{Tracers: sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))}},
		{"traces/one-in-20", telemetry.Options{Tracers: sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.TraceIDRatioBased(.05)))}},
		{"traces/all", telemetry.Options{Tracers: sdktrace.NewTracerProvider()}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			rt, err := web.NewRouter([]web.Endpoint{{
				Method: http.MethodGet, Pattern: "/api/auth/session", Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore,
				Handle: func(w http.ResponseWriter, r *http.Request) error { w.WriteHeader(http.StatusOK); return nil }, Fail: web.FailProblem,
			}}, web.RouterOptions{Logger: slog.New(slog.DiscardHandler), Observe: telemetry.New(bm.o).Observer()})
			if err != nil {
				b.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "http://app.example/api/auth/session", nil)
			w := &blank{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				rt.ServeHTTP(w, r)
			}
		})
	}
}

// blank is an answer that goes nowhere.
type blank struct{ header http.Header }

func (w *blank) Header() http.Header         { return w.header }
func (w *blank) Write(b []byte) (int, error) { return len(b), nil }
func (w *blank) WriteHeader(int)             {}
