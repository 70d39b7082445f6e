package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// methods are those that HTTP knows (RFC 9110 §9, RFC 5789); every other is
// "other", because a method is text that the caller chooses.
var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "other"}

const otherMethod = len(methods) - 1

func methodIndex(m string) int {
	for i, known := range methods[:otherMethod] {
		if m == known {
			return i
		}
	}
	return otherMethod
}

// statuses are those that have a series of their own.
var statuses = [...]int{200, 201, 202, 204, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422, 429, 500, 501, 502, 503, 504}

func statusIndex(status int) int {
	for i, known := range statuses {
		if status == known {
			return i
		}
	}
	return len(statuses)
}

// Observer serves web.RouterOptions.Observe; it is nil when nobody measures.
func (t *Telemetry) Observer() func(web.Endpoint) web.Observer {
	if t.metrics == nil && t.tracer == nil {
		return nil
	}
	return func(e web.Endpoint) web.Observer {
		o := &observer{Telemetry: t, endpoint: e.Pattern}
		if e.Pattern == "/" { // whatever no endpoint has
			o.endpoint = "other"
		}
		return o
	}
}

// observer measures the requests of one endpoint. What depends on method and
// status is made when it is first needed and found by number afterwards.
type observer struct {
	*Telemetry
	endpoint string
	methods  [len(methods)]atomic.Pointer[series]
}

// series is what one method of an endpoint needs.
type series struct {
	duration prometheus.Observer
	answered [len(statuses) + 1]atomic.Pointer[prometheus.Counter]

	spanName string
	start    []trace.SpanStartOption
}

// Begin implements web.Observer.
func (o *observer) Begin(ctx context.Context, r *http.Request, f *web.Facts) context.Context {
	if o.metrics != nil {
		o.metrics.inFlight.Inc()
	}
	if o.tracer == nil {
		return ctx
	}
	s := o.series(methodIndex(r.Method))
	start := s.start
	if link, ok := outsideTrace(ctx, r); ok {
		start = append(start[:len(start):len(start)], trace.WithLinks(trace.Link{SpanContext: link}))
	}
	ctx, span := o.tracer.Start(ctx, s.spanName, start...)
	if sc := span.SpanContext(); sc.IsSampled() {
		f.TraceID, f.SpanID = sc.TraceID().String(), sc.SpanID().String()
		span.SetAttributes(attribute.String("gatehouse.request_id", f.RequestID))
	}
	return ctx
}

// End implements web.Observer.
func (o *observer) End(ctx context.Context, r *http.Request, f *web.Facts, status int, took time.Duration) {
	var code auth.Code
	if f.Err != nil {
		code = knownCode(f.Err)
	}
	if m := o.metrics; m != nil {
		m.inFlight.Dec()
		s := o.series(methodIndex(r.Method))
		s.duration.Observe(took.Seconds())
		o.counter(s, methodIndex(r.Method), statusIndex(status)).Inc()
		if code != "" {
			m.refusals[code].Inc()
		}
	}
	if o.tracer != nil {
		endSpan(trace.SpanFromContext(ctx), status, code)
	}
}

// knownCode is the Code of the error; one that is not in the table of Codes is
// internal.
func knownCode(err error) auth.Code {
	code := auth.AsError(err).Code
	if code.Message() == auth.CodeInternal.Message() {
		return auth.CodeInternal
	}
	return code
}

// endSpan tells the outcome, not the error's text: that is for the log. A
// refusal is no error of the server (semantic conventions for HTTP servers).
func endSpan(span trace.Span, status int, code auth.Code) {
	if span.IsRecording() {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if code != "" {
			span.SetAttributes(attribute.String("gatehouse.code", string(code)))
		}
		if status >= 500 {
			kind := string(code)
			if kind == "" {
				kind = strconv.Itoa(status)
			}
			span.SetAttributes(attribute.String("error.type", kind))
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}

// series returns what the method needs. Two that make it at once make the
// same.
func (o *observer) series(method int) *series {
	if s := o.methods[method].Load(); s != nil {
		return s
	}
	s := &series{}
	if o.metrics != nil {
		s.duration = o.metrics.durations.WithLabelValues(o.endpoint, methods[method])
	}
	name, attr := methods[method], methods[method]
	if method == otherMethod {
		name, attr = "HTTP", "_OTHER" // as the semantic conventions have it
	}
	s.spanName = name + " " + o.endpoint
	s.start = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", attr), attribute.String("http.route", o.endpoint), attribute.String("url.scheme", o.scheme),
	)}
	o.methods[method].Store(s)
	return s
}

func (o *observer) counter(s *series, method, status int) prometheus.Counter {
	if c := s.answered[status].Load(); c != nil {
		return *c
	}
	label := "other"
	if status < len(statuses) {
		label = strconv.Itoa(statuses[status])
	}
	c := o.metrics.requests.WithLabelValues(o.endpoint, methods[method], label)
	s.answered[status].Store(&c)
	return c
}

// outsideTrace returns the trace that the caller says the request belongs to,
// when nobody in front has vouched for it by putting it into ctx. It becomes a
// link: a parent would let any caller choose which requests are sampled, and
// hang them into traces of others. Its tracestate is free text and left out.
func outsideTrace(ctx context.Context, r *http.Request) (trace.SpanContext, bool) {
	lines := r.Header["Traceparent"]
	if len(lines) != 1 || trace.SpanContextFromContext(ctx).IsValid() {
		return trace.SpanContext{}, false
	}
	ctx = propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": lines[0]})
	sc := trace.SpanContextFromContext(ctx)
	return sc, sc.IsValid()
}
