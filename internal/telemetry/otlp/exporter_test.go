package otlp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/gatehouse-auth/gatehouse/internal/telemetry/otlp"
)

// collector takes spans as the official messages describe them.
type collector struct {
	t      *testing.T
	answer func(w http.ResponseWriter, n int)

	mu      sync.Mutex
	got     []*collectorpb.ExportTraceServiceRequest
	headers []http.Header
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		c.t.Errorf("not gzip: %v", err)
		return
	}
	body, err := io.ReadAll(z)
	if err != nil {
		c.t.Error(err)
	}
	q := &collectorpb.ExportTraceServiceRequest{}
	if err := (proto.UnmarshalOptions{}).Unmarshal(body, q); err != nil {
		c.t.Errorf("not an ExportTraceServiceRequest: %v", err)
	}
	c.mu.Lock()
	c.got, c.headers = append(c.got, q), append(c.headers, r.Header)
	n := len(c.got)
	c.mu.Unlock()
	if c.answer != nil {
		c.answer(w, n)
	}
}

func collect(t *testing.T, answer func(w http.ResponseWriter, n int)) (*collector, string) {
	c := &collector{t: t, answer: answer}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	return c, srv.URL + "/v1/traces"
}

// one is a span with something in every member.
func one() sdktrace.ReadOnlySpan {
	state, _ := trace.ParseTraceState("a=b")
	sc := func(n byte, remote bool) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, n}, SpanID: trace.SpanID{2, n}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: remote})
	}
	return tracetest.SpanStub{
		Name: "POST /x", SpanContext: sc(1, false), Parent: sc(2, true), SpanKind: trace.SpanKindServer,
		StartTime: time.Unix(1, 2), EndTime: time.Unix(3, 4),
		Attributes: []attribute.KeyValue{
			attribute.String("s", "text"), attribute.String("empty", ""), attribute.Bool("b", true), attribute.Bool("no", false), attribute.Int("i", -7),
			attribute.Int("zero", 0), attribute.Float64("f", 1.5),
		},
		Events:            []sdktrace.Event{{Name: "e", Time: time.Unix(2, 0), Attributes: []attribute.KeyValue{attribute.Int("n", 1)}, DroppedAttributeCount: 1}},
		Links:             []sdktrace.Link{{SpanContext: sc(3, true), Attributes: []attribute.KeyValue{attribute.Int("n", 2)}, DroppedAttributeCount: 2}},
		Status:            sdktrace.Status{Code: codes.Error, Description: "bad"},
		DroppedAttributes: 3, DroppedEvents: 4, DroppedLinks: 5,
		Resource:             resource.NewWithAttributes("https://schema.example/1", attribute.String("service.name", "gatehouse")),
		InstrumentationScope: instrumentation.Scope{Name: "lib", Version: "v1", SchemaURL: "https://schema.example/2"},
	}.Snapshot()
}

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func number(n int64) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: n}}
}

func kv(key string, v *commonpb.AnyValue) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: v}
}

func id(n int, start ...byte) []byte { return append(start, make([]byte, n-len(start))...) }

func truth(b bool) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: b}}
}

func TestExporter_sendsWhatTheOfficialMessagesSay(t *testing.T) {
	c, url := collect(t, nil)
	e := otlp.New(otlp.Options{Endpoint: url, Header: http.Header{"X-Key": {"k"}}, Logger: slog.New(slog.DiscardHandler)})
	bare := tracetest.SpanStub{
		Name: "bare", SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{9}, SpanID: trace.SpanID{9}}),
		Resource: one().Resource(), InstrumentationScope: instrumentation.Scope{Name: "other"},
	}.Snapshot()
	if err := e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{one(), bare}); err != nil {
		t.Fatal(err)
	}
	want := &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{kv("service.name", text("gatehouse"))}}, SchemaUrl: "https://schema.example/1",
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Name: "lib", Version: "v1"}, SchemaUrl: "https://schema.example/2",
			Spans: []*tracepb.Span{{
				TraceId: id(16, 1, 1), SpanId: id(8, 2, 1), ParentSpanId: id(8, 2, 2), TraceState: "a=b", Flags: 0x301,
				Name: "POST /x", Kind: tracepb.Span_SPAN_KIND_SERVER, StartTimeUnixNano: 1_000_000_002, EndTimeUnixNano: 3_000_000_004,
				Attributes: []*commonpb.KeyValue{
					kv("s", text("text")), kv("empty", text("")), kv("b", truth(true)), kv("no", truth(false)), kv("i", number(-7)), kv("zero", number(0)),
					kv("f", &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: 1.5}}),
				},
				DroppedAttributesCount: 3, DroppedEventsCount: 4, DroppedLinksCount: 5,
				Events: []*tracepb.Span_Event{{TimeUnixNano: 2_000_000_000, Name: "e", Attributes: []*commonpb.KeyValue{kv("n", number(1))}, DroppedAttributesCount: 1}},
				Links: []*tracepb.Span_Link{{
					TraceId: id(16, 1, 3), SpanId: id(8, 2, 3), TraceState: "a=b", Attributes: []*commonpb.KeyValue{kv("n", number(2))}, DroppedAttributesCount: 2, Flags: 0x301,
				}},
				Status: &tracepb.Status{Message: "bad", Code: tracepb.Status_STATUS_CODE_ERROR},
			}},
		}, {
			Scope: &commonpb.InstrumentationScope{Name: "other"},
			Spans: []*tracepb.Span{{TraceId: id(16, 9), SpanId: id(8, 9), Name: "bare", Kind: tracepb.Span_SPAN_KIND_INTERNAL, Flags: 0x100}},
		}},
	}}}
	if diff := cmp.Diff(want, c.got[0], protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h := c.headers[0]
	if h.Get("Content-Type") != "application/x-protobuf" || h.Get("X-Key") != "k" {
		t.Errorf("header %v", h)
	}
	if sent, lost := e.Counts(); sent != 2 || lost != 0 {
		t.Errorf("%d sent, %d lost", sent, lost)
	}
}

func TestExporter_triesAgainWhenAskedTo(t *testing.T) {
	for _, tt := range []struct {
		status, requests int
		lost             uint64
	}{{429, 2, 0}, {502, 2, 0}, {503, 2, 0}, {504, 2, 0}, {400, 1, 1}, {500, 1, 1}, {307, 1, 1}} {
		synctest.Test(t, func(t *testing.T) {
			c := &collector{t: t, answer: func(w http.ResponseWriter, n int) {
				if n == 1 {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(tt.status)
				}
			}}
			e := piped(t, c, io.Discard)
			_ = e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{one()})
			if _, lost := e.Counts(); len(c.got) != tt.requests || lost != tt.lost {
				t.Errorf("%d: %d requests, %d lost; want %d, %d", tt.status, len(c.got), lost, tt.requests, tt.lost)
			}
		})
	}
}

func TestExporter_givesUpAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &collector{t: t, answer: func(w http.ResponseWriter, n int) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusServiceUnavailable)
		}}
		e := piped(t, c, io.Discard)
		begun := time.Now()
		_ = e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{one()})
		if took := time.Since(begun); len(c.got) != 3 || took != 20*time.Second {
			t.Errorf("%d requests in %v, want 3 with 10 s between them", len(c.got), took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun = time.Now()
		_ = e.ExportSpans(ctx, []sdktrace.ReadOnlySpan{one()})
		if took := time.Since(begun); took != time.Second {
			t.Errorf("took %v with a context of one second", took)
		}
	})
}

// piped is an exporter whose connections stay in the process, so that time may
// be the test's.
func piped(t *testing.T, h http.Handler, log io.Writer) *otlp.Exporter {
	e := otlp.New(otlp.Options{Endpoint: "http://collector.example/v1/traces", Logger: slog.New(slog.NewTextHandler(log, nil))})
	e.Dial(func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		srv := &http.Server{Handler: h}
		go func() { _ = srv.Serve(&single{conn: theirs}) }()
		t.Cleanup(func() { _ = srv.Close() })
		return ours, nil
	})
	return e
}

// single is a listener with one connection.
type single struct {
	once sync.Once
	conn net.Conn
}

func (l *single) Accept() (c net.Conn, err error) {
	err = errors.New("no more")
	l.once.Do(func() { c, err = l.conn, nil })
	return c, err
}
func (l *single) Close() error   { return nil }
func (l *single) Addr() net.Addr { return &net.TCPAddr{} }

func TestExporter_tellsOnceAMinuteWithoutTheAddress(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var log bytes.Buffer
	e := otlp.New(otlp.Options{
		Endpoint: "http://127.0.0.1:1/planted-key", Header: http.Header{"X-Key": {"planted"}}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Now: func() time.Time { return now },
	})
	for range 120 {
		if err := e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{one()}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	if n := strings.Count(log.String(), "spans cannot be sent"); n != 2 {
		t.Errorf("%d lines in two minutes, want 2:\n%s", n, log.String())
	}
	if strings.Contains(log.String(), "planted") {
		t.Errorf("the log holds a key:\n%s", log.String())
	}
	if _, lost := e.Counts(); lost != 120 {
		t.Errorf("%d lost, want 120", lost)
	}
}

func TestExporter_tellsThatTheCollectorIsBack(t *testing.T) {
	var log bytes.Buffer
	c, url := collect(t, func(w http.ResponseWriter, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "planted")
		}
	})
	e := otlp.New(otlp.Options{Endpoint: url, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		_ = e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{one()})
	}
	if len(c.got) != 3 || strings.Count(log.String(), "answered 400") != 1 || strings.Count(log.String(), "reach the collector again") != 1 || strings.Contains(log.String(), "planted") {
		t.Errorf("%d requests, the log says\n%s", len(c.got), log.String())
	}
}
