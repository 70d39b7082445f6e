package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// scrape reads /metrics of a running server with Prometheus's own parser.
func (s *running) scrape() map[string]*dto.MetricFamily {
	s.t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(strings.NewReader(s.metrics()))
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// value sums what has these labels, given as name, value, name, value.
func value(f *dto.MetricFamily, labels ...string) (sum float64) {
	for _, m := range f.GetMetric() {
		has := map[string]string{}
		for _, l := range m.Label {
			has[l.GetName()] = l.GetValue()
		}
		good := true
		for i := 0; i < len(labels); i += 2 {
			good = good && has[labels[i]] == labels[i+1]
		}
		if good {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

func TestServe_isMeasured(t *testing.T) {
	spans := newCollector(t)
	s := startServe(t, `
registration: {mode: open}
tracing: {endpoint: '`+spans.URL+`', headers: [X-Key=abc]}
`)
	v := s.visitor()
	v.json("/api/auth/register", map[string]string{"email": "ada@app.example", "password": "plum orchard ladder 41"})
	login := v.json("/api/auth/login", map[string]string{"identifier": "ada@app.example", "password": "plum orchard ladder 41"})
	if login.status != http.StatusOK {
		t.Fatalf("signing in: %d %s", login.status, login.body)
	}
	for range 3 {
		v.get("/api/auth/session")
	}
	s.run("", "user", "disable", "ada@app.example")
	for deadline := time.Now().Add(10 * time.Second); ; {
		answer := v.get("/api/auth/session")
		if answer.status == http.StatusOK && !strings.Contains(answer.body, "ada@") {
			break
		}
		if answer.status != http.StatusOK {
			t.Logf("meanwhile: %d %s", answer.status, answer.body)
		}
		if time.Now().After(deadline) {
			t.Fatal("the command was not heard of")
		}
	}
	all := s.scrape()
	for _, tt := range []struct {
		name   string
		labels []string
		least  float64
	}{
		{"gatehouse_http_requests_total", []string{"endpoint", "/api/auth/session", "method", "GET", "status", "200"}, 4},
		{"gatehouse_session_checks_total", []string{"verdict", "live"}, 3},
		{"gatehouse_session_checks_total", []string{"verdict", "just_ended"}, 1},
		{"gatehouse_signin_attempts_total", []string{"proof", "password", "result", "ok"}, 1},
		{"gatehouse_revocation_feed_changes_total", nil, 1},
		{"gatehouse_revocation_index_entries", nil, 1},
		{"gatehouse_build_info", nil, 1},
		{"go_goroutines", nil, 1},
		{"process_start_time_seconds", nil, 1},
	} {
		if got := value(all[tt.name], tt.labels...); got < tt.least {
			t.Errorf("%s%v is %v, want at least %v", tt.name, tt.labels, got, tt.least)
		}
	}
	if all["gatehouse_tls_certificate_expiry_timestamp_seconds"] != nil {
		t.Error("there is no certificate, and it is told when it ends")
	}
	if log := s.out.String(); strings.Contains(log, "/metrics") {
		t.Error("asking for metrics is logged")
	}
	s.end() // which sends what is left
	wantSignInTrace(t, spans, login.header.Get("X-Request-Id"), s.out.String())
}

// wantSignInTrace looks for the spans of the one sign-in, by its request ID.
func wantSignInTrace(t *testing.T, c *collector, requestID, log string) {
	t.Helper()
	var request *tracepb.Span
	for _, s := range c.spans() {
		if attributeOf(s, "gatehouse.request_id") == requestID {
			request = s
		}
	}
	if request == nil {
		t.Fatalf("no span of the request %s among %d", requestID, len(c.spans()))
	}
	if request.Name != "POST /api/auth/login" || request.Kind != tracepb.Span_SPAN_KIND_SERVER || len(request.ParentSpanId) != 0 ||
		attributeOf(request, "http.route") != "/api/auth/login" || attributeOf(request, "http.response.status_code") != "200" {
		t.Errorf("the span of the request: %v", request)
	}
	below := map[string]*tracepb.Span{}
	for _, s := range c.spans() {
		if bytes.Equal(s.TraceId, request.TraceId) {
			below[s.Name] = s
		}
	}
	for child, parent := range map[string]string{"sign in": request.Name, "hash password": "sign in", "store transaction": "sign in"} {
		if below[child] == nil || !bytes.Equal(below[child].ParentSpanId, below[parent].SpanId) {
			t.Errorf("%q is not below %q", child, parent)
		}
	}
	want := fmt.Sprintf(`"request_id":"%s","method":"POST","endpoint":"/api/auth/login","status":200`, requestID)
	for line := range strings.Lines(log) {
		if strings.Contains(line, want) && strings.Contains(line, `"trace_id":"`+hex.EncodeToString(request.TraceId)+`","span_id":"`+hex.EncodeToString(request.SpanId)+`"`) {
			return
		}
	}
	t.Error("the line of the request does not name its span")
}

func attributeOf(s *tracepb.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			if n := a.Value.GetIntValue(); n != 0 {
				return fmt.Sprint(n)
			}
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// A collector that takes connections and never answers, or is not there, costs
// spans alone.
func TestServe_goesOnWithoutItsCollector(t *testing.T) {
	t.Parallel() // it mostly waits
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := startServe(t, "tracing: {endpoint: 'http://"+silent.Addr().String()+"'}\n")
	v := s.visitor()
	begun := time.Now()
	for range 3000 { // more than wait for the collector
		if got := v.get("/api/auth/csrf").status; got != http.StatusOK {
			t.Fatalf("status %d", got)
		}
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("3000 requests took %v", took)
	}
	if took := s.end(); took > flushTimeout+5*time.Second {
		t.Errorf("the end took %v", took)
	}
	if n := strings.Count(s.out.String(), "spans cannot be sent"); n > 1 {
		t.Errorf("the log says %d times that spans are lost", n)
	}
}

// Only a proxy that the settings trust for it may be the parent.
func TestAdopt_takesTheSpanOfTrustedProxiesAlone(t *testing.T) {
	settings := config.Settings{}
	settings.Tracing = config.Tracing{Endpoint: "http://127.0.0.1:1", TrustParent: true, Headers: []auth.Secret{"A=b"}}
	settings.ClientAddress.TrustedProxies = []string{"10.0.0.0/8", "127.0.0.1"}
	tr := newTracing(settings, slog.New(slog.DiscardHandler))
	defer tr.end()
	for _, tt := range []struct {
		peer    string
		trusted bool
	}{{"10.1.2.3:1", true}, {"[::ffff:10.1.2.3]:1", true}, {"127.0.0.1:9", true}, {"127.0.0.2:9", false}, {"192.0.2.1:1", false}, {"", false}} {
		var got trace.SpanContext
		h := tr.adopt(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = trace.SpanContextFromContext(r.Context()) }))
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got.IsValid() != tt.trusted {
			t.Errorf("peer %q: parent %v, want trusted %v", tt.peer, got, tt.trusted)
		}
	}
	settings.Tracing.TrustParent = false
	plain := newTracing(settings, slog.New(slog.DiscardHandler))
	defer plain.end()
	if len(plain.trusted) != 0 {
		t.Errorf("trusts %v without being told to", plain.trusted)
	}
}

// SIGHUP takes a renewed certificate at once, and ends nothing.
func TestServe_takesARenewedCertificateOnSIGHUP(t *testing.T) {
	cert, key := writeCertificate(t, "one.example", nil)
	s := startServeAt(t, "https://app.example", "tls: {cert_file: '"+cert+"', key_file: '"+key+"'}\n")
	first := value(s.scrape()["gatehouse_tls_certificate_expiry_timestamp_seconds"])
	if first == 0 {
		t.Error("it is not told when the certificate ends")
	}
	newCert, newKey := writeCertificate(t, "two.example", nil)
	must(t, os.Rename(newKey, key))
	must(t, os.Rename(newCert, cert))
	must(t, s.process.Process.Signal(syscall.SIGHUP))
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(s.out.String(), usable); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing was read again:\n%s", s.out.String())
		}
	}
	s.end()
}
