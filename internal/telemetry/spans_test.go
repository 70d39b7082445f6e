package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// traced is a site whose spans are kept.
type traced struct {
	*webtest.Site
	spans *tracetest.SpanRecorder
}

func tracing(t *testing.T, sampler sdktrace.Sampler) *traced {
	t.Helper()
	s := &traced{spans: tracetest.NewSpanRecorder()}
	s.Site = webtest.New(t, func(c *gatehouse.Config) {
		c.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.spans), sdktrace.WithSampler(sampler))
	})
	return s
}

// during returns the spans that ended while do ran.
func (s *traced) during(do func()) []sdktrace.ReadOnlySpan {
	before := len(s.spans.Ended())
	do()
	return s.spans.Ended()[before:]
}

func attributes(s sdktrace.ReadOnlySpan) map[string]string {
	out := map[string]string{}
	for _, a := range s.Attributes() {
		out[string(a.Key)] = a.Value.String()
	}
	return out
}

// tree is name ─ parent's name for every span, in the order in which they end.
func tree(spans []sdktrace.ReadOnlySpan) (out []string) {
	names := map[trace.SpanID]string{}
	for _, s := range spans {
		names[s.SpanContext().SpanID()] = s.Name()
	}
	for _, s := range spans {
		out = append(out, s.Name()+" < "+names[s.Parent().SpanID()])
	}
	return out
}

func TestSpans_ofASignIn(t *testing.T) {
	s := tracing(t, sdktrace.AlwaysSample())
	v := s.Visitor()
	v.JSON("/api/auth/register", `{"email":"ada@app.example","password":"`+passphrase+`"}`)
	got := s.during(func() { v.JSON("/api/auth/login", `{"identifier":"ada@app.example","password":"`+passphrase+`"}`) })
	if diff := cmp.Diff([]string{
		"store transaction < sign in", "hash password < sign in", "store transaction < sign in",
		"sign in < POST /api/auth/login", "POST /api/auth/login < ",
	}, tree(got)); diff != "" {
		t.Fatalf("spans (-want +got):\n%s", diff)
	}
	request := got[4]
	if request.SpanKind() != trace.SpanKindServer || request.Status().Code != codes.Unset {
		t.Errorf("kind %v, status %v", request.SpanKind(), request.Status())
	}
	want := map[string]string{
		"http.request.method": "POST", "http.route": "/api/auth/login", "url.scheme": "http", "http.response.status_code": "200",
		"gatehouse.request_id": v.Header.Get("X-Request-Id"),
	}
	if diff := cmp.Diff(want, attributes(request)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"gatehouse.proof": "password", "gatehouse.result": "ok"}, attributes(got[3])); diff != "" {
		t.Errorf("attributes of the sign-in (-want +got):\n%s", diff)
	}
	if !got[1].EndTime().After(got[1].StartTime()) || got[1].StartTime().Before(got[3].StartTime()) || got[1].EndTime().After(got[3].EndTime()) {
		t.Error("the hash did not take its time within the sign-in")
	}
}

func TestSpans_tellARefusalFromAFailure(t *testing.T) {
	s := tracing(t, sdktrace.AlwaysSample())
	got := s.during(func() {
		s.Visitor().JSON("/api/auth/login", `{"identifier":"ada@app.example","password":"`+passphrase+`"}`)
	})
	request := got[len(got)-1]
	if a := attributes(request); a["gatehouse.code"] != "invalid_credentials" || a["error.type"] != "" || request.Status().Code != codes.Unset {
		t.Errorf("a wrong password: %v, %v", a, request.Status())
	}
}

// W3C Trace Context from outside is a link, so that no caller decides what is
// sampled or writes into somebody's trace.
func TestSpans_aCallersTraceIsALink(t *testing.T) {
	const id, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	ask := func(s *traced, header http.Header) {
		r := httptest.NewRequest("GET", "http://gatehouse.internal/api/auth/session", nil)
		r.Header = header
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	outside := http.Header{"Traceparent": {"00-" + id + "-" + parent + "-01"}, "Tracestate": {"planted=planted"}}

	s := tracing(t, sdktrace.AlwaysSample())
	got := s.during(func() { ask(s, outside) })
	if len(got) != 1 || got[0].Parent().IsValid() || got[0].SpanContext().TraceID().String() == id {
		t.Fatalf("spans %v hang in the caller's trace", tree(got))
	}
	links := got[0].Links()
	if len(links) != 1 || links[0].SpanContext.TraceID().String() != id || links[0].SpanContext.SpanID().String() != parent || links[0].SpanContext.TraceState().Len() != 0 {
		t.Errorf("links %v", links)
	}
	for what, header := range map[string]http.Header{
		"two": {"Traceparent": {outside["Traceparent"][0], outside["Traceparent"][0]}}, "none": {"Traceparent": {"planted"}},
		"zeros": {"Traceparent": {"00-" + strings.Repeat("0", 32) + "-" + parent + "-01"}}, "a long one": {"Traceparent": {strings.Repeat("00-", 10_000)}},
	} {
		if got := s.during(func() { ask(s, header) }); len(got) != 1 || len(got[0].Links()) != 0 || got[0].Parent().IsValid() {
			t.Errorf("%s: %d spans, links %v", what, len(got), got[0].Links())
		}
	}

	never := tracing(t, sdktrace.ParentBased(sdktrace.NeverSample()))
	if got := never.during(func() { ask(never, outside) }); len(got) != 0 {
		t.Errorf("the caller had %d spans sampled", len(got))
	}
}

// An embedding program that traces by itself has its span in the context.
func TestSpans_goOnWithTheSpanInTheContext(t *testing.T) {
	s := tracing(t, sdktrace.AlwaysSample())
	outer := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	got := s.during(func() {
		r := httptest.NewRequest("GET", "http://gatehouse.internal/api/auth/session", nil)
		r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		s.Handler().ServeHTTP(httptest.NewRecorder(), r.WithContext(trace.ContextWithSpanContext(r.Context(), outer)))
	})
	if len(got) != 1 || got[0].Parent().SpanID() != outer.SpanID() || got[0].SpanContext().TraceID() != outer.TraceID() || len(got[0].Links()) != 0 {
		t.Errorf("spans %v", tree(got))
	}
}

// What somebody typed, sent or may be known by is in no span.
//
// proves: ASVS 16.2.5
func TestSpans_holdNothingThatWasSent(t *testing.T) {
	s := tracing(t, sdktrace.AlwaysSample())
	r := httptest.NewRequest("PLANTED", "http://planted.example/api/auth/planted/planted?token=planted", strings.NewReader("password=planted"))
	for _, name := range []string{"Cookie", "User-Agent", "Referer", "X-Forwarded-For", "Origin", "Tracestate", "Baggage"} {
		r.Header.Set(name, "planted=planted")
	}
	got := s.during(func() { s.Handler().ServeHTTP(httptest.NewRecorder(), r) })
	got = append(got, s.during(func() {
		s.Visitor().JSON("/api/auth/register", `{"email":"planted@app.example","name":"planted","password":"planted orchard ladder 41"}`)
	})...)
	if len(got) < 3 {
		t.Fatalf("only %v", tree(got))
	}
	for _, span := range got {
		if text := strings.ToLower(span.Name() + " " + span.Status().Description); strings.Contains(text, "planted") {
			t.Errorf("span %s", text)
		}
		for k, v := range attributes(span) {
			if strings.Contains(strings.ToLower(k+v), "planted") {
				t.Errorf("%s has %s=%s", span.Name(), k, v)
			}
		}
	}
}

// Requests of one endpoint share what was made for it.
func TestObserver_servesManyAtOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	tele := telemetry.New(telemetry.Options{Metrics: registry, Tracers: sdktrace.NewTracerProvider()})
	o := tele.Observer()(web.Endpoint{Pattern: "/x"})
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			r := httptest.NewRequest([]string{"GET", "POST"}[i%2], "/x", nil)
			for n := range 50 {
				f := &web.Facts{}
				ctx := o.Begin(r.Context(), r, f)
				o.End(ctx, r, f, 200+n%2*204, time.Millisecond)
			}
		})
	}
	callers.Wait()
	if err := tele.Register(telemetry.Sources{
		Index: revocation.NewIndex(), Follower: &revocation.Follower{}, Sessions: &session.Room{}, Gate: password.NewGate(1, 1), Now: time.Now,
	}); err != nil {
		t.Fatal(err)
	}
	n, err := testutil.GatherAndCount(registry, "gatehouse_http_requests_total")
	if err != nil || n != 4 {
		t.Errorf("%d series of requests, want two methods of two statuses; %v", n, err)
	}
	all, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, f := range all {
		if f.GetName() == "gatehouse_http_requests_total" {
			for _, m := range f.Metric {
				total += m.GetCounter().GetValue()
			}
		}
	}
	if total != 400 {
		t.Errorf("%v requests counted, want 400", total)
	}
}
