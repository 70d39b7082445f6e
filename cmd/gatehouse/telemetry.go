package main

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry/otlp"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// measure gives the server its metrics, and its tracing if the settings ask for
// it, and puts both into the configuration of the Gatehouse.
func (s *server) measure(settings *config.Settings, about telemetry.Program) {
	if s.tracing = newTracing(*settings, s.logger); s.tracing != nil {
		settings.TracerProvider = s.tracing.provider
		about.Spans = s.tracing.exporter.Counts
	}
	registry, scrape := newMetrics(about, s.logger)
	settings.Metrics = registry
	s.operator = append(s.operator, ops.Metrics(scrape))
}

// scrapesAtOnce bounds what the ops listener spends on metrics.
const scrapesAtOnce = 4

// newMetrics is the program's registry and what answers /metrics from it.
func newMetrics(p telemetry.Program, logger *slog.Logger) (*prometheus.Registry, http.Handler) {
	p.Version, p.Revision, p.GoVersion = builtWith()
	all := prometheus.NewRegistry()
	all.MustRegister(p, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return all, promhttp.HandlerFor(all, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelError), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapesAtOnce, EnableOpenMetrics: true,
	})
}

// builtWith is what gatehouse version tells.
func builtWith() (version, revision, goVersion string) {
	version, revision = builtAs, builtFrom
	if info, ok := debug.ReadBuildInfo(); ok {
		version = cmp.Or(version, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = cmp.Or(revision, s.Value)
			}
		}
	}
	return cmp.Or(version, "(devel)"), revision, runtime.Version()
}

// tracing sends spans to a collector; nil when there is none.
type tracing struct {
	provider *sdktrace.TracerProvider
	exporter *otlp.Exporter
	// trusted are the proxies whose traceparent is gone on with.
	trusted []netip.Prefix
}

// flushTimeout is how long the last spans may take at the end.
const flushTimeout = 3 * time.Second

// newTracing starts the SDK's sender, which waits for spans.
func newTracing(s config.Settings, logger *slog.Logger) *tracing {
	if s.Tracing.Endpoint == "" {
		return nil
	}
	// Attributes of the SDK's own failures are not ours to know; they are few,
	// and the exporter tells what matters by itself.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Debug("tracing", "err", err) }))
	version, _, _ := builtWith()
	about, err := resource.New(context.Background(), // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
		resource.WithAttributes(attribute.String("service.name", "gatehouse"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		logger.Warn("OTEL_RESOURCE_ATTRIBUTES cannot be used", "err", err)
	}
	t := &tracing{exporter: otlp.New(otlp.Options{Endpoint: s.Tracing.URL(), Header: s.Tracing.Header(), Logger: logger})}
	sampler := sdktrace.AlwaysSample()
	if n := s.Tracing.SampleOneIn; n > 1 {
		sampler = sdktrace.TraceIDRatioBased(1 / float64(n))
	}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(t.exporter), sdktrace.WithSampler(sdktrace.ParentBased(sampler)), sdktrace.WithResource(about))
	if s.Tracing.TrustParent {
		for _, p := range s.ClientAddress.TrustedProxies {
			if prefix, err := netip.ParsePrefix(p); err == nil {
				t.trusted = append(t.trusted, prefix)
			} else if a, err := netip.ParseAddr(p); err == nil {
				t.trusted = append(t.trusted, netip.PrefixFrom(a, a.BitLen()))
			}
		}
	}
	return t
}

// end sends what is left, for as long as flushTimeout.
func (t *tracing) end() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the exporter has told what went wrong
}

// adopt makes the span that a trusted proxy names in traceparent the parent of
// the request's (W3C Trace Context). Nobody else can: a parent decides whether
// a request is sampled.
func (t *tracing) adopt(next http.Handler) http.Handler {
	if t == nil || len(t.trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			from := peer.Addr().Unmap().WithZone("")
			if slices.ContainsFunc(t.trusted, func(p netip.Prefix) bool { return p.Contains(from) }) {
				r = r.WithContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
			}
		}
		next.ServeHTTP(w, r)
	})
}
