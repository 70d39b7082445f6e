package telemetry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// Options say who wants to know. Each may be nil: then nobody does, and what
// would have to be done for it is not done.
type Options struct {
	// Metrics gets the metrics of the table, except the program's.
	Metrics prometheus.Registerer
	// Tracers gets the spans.
	Tracers trace.TracerProvider
	// HTTPS is the scheme of the public origin.
	HTTPS bool
}

// Telemetry measures one Gatehouse. Its methods hand out the hooks that
// package gatehouse sets in the rooms; those for which nobody asks are nil. It
// is safe for concurrent use once [Telemetry.Register] has returned.
type Telemetry struct {
	registerer prometheus.Registerer
	metrics    *metrics     // nil: no metrics
	tracer     trace.Tracer // nil: no spans
	scheme     string
	// registered: the metrics are in the registry, and are ours to take back.
	registered bool
}

// tracerName is the name of the instrumentation, as OpenTelemetry calls it.
const tracerName = "github.com/gatehouse-auth/gatehouse"

// New registers nothing yet.
func New(o Options) *Telemetry {
	t := &Telemetry{registerer: o.Metrics, scheme: "http"}
	if o.HTTPS {
		t.scheme = "https"
	}
	if o.Metrics != nil {
		t.metrics = newMetrics()
	}
	if o.Tracers != nil {
		t.tracer = o.Tracers.Tracer(tracerName)
	}
	return t
}

// Sources are what is read when the metrics are asked for. All are needed.
type Sources struct {
	Index    *revocation.Index
	Follower *revocation.Follower
	Sessions *session.Room
	Tokens   *token.Room
	Keys     *keyring.Ring
	Audit    *audit.Room
	Gate     *password.Gate
	// LimitsAway says whether limits that servers share are this server's own for
	// the time being; nil means never.
	LimitsAway func() bool
	Now        func() time.Time
}

// Register makes the metrics visible, all or none. It fails when the registry
// has metrics of these names already.
func (t *Telemetry) Register(s Sources) error {
	if t.metrics == nil {
		return nil
	}
	t.metrics.sources = s
	err := t.registerer.Register(t.metrics)
	var twice prometheus.AlreadyRegisteredError
	if errors.As(err, &twice) {
		return errors.New("register metrics: another Gatehouse is registered there; give each its own labels with prometheus.WrapRegistererWith")
	}
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	t.registered = true
	return nil
}

// Unregister takes the metrics back, so that a Gatehouse opened again finds
// their names free.
func (t *Telemetry) Unregister() {
	if t.registered {
		t.registerer.Unregister(t.metrics)
		t.registered = false
	}
}

// Purged counts old rows of a kind that were removed, and whether removing
// failed. The kind is a fixed word of the program.
func (t *Telemetry) Purged(kind string, n int, err error) {
	if t.metrics == nil {
		return
	}
	t.metrics.purged.WithLabelValues(kind).Add(float64(n))
	failed := t.metrics.purgeErrors.WithLabelValues(kind)
	if err != nil && !errors.Is(err, context.Canceled) {
		failed.Inc()
	}
}

// span begins a span below the one of ctx, if that one is recorded; work that
// belongs to no recorded request has none. The returned span does nothing when
// there is none.
func (t *Telemetry) span(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	if parent := trace.SpanFromContext(ctx); t.tracer == nil || !parent.IsRecording() {
		return ctx, silent
	}
	return t.tracer.Start(ctx, name, o...)
}

// silent is the span of a context without one: every method does nothing.
var silent = trace.SpanFromContext(context.Background())
