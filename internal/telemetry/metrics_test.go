package telemetry_test

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// metered is a site whose metrics are asked for over HTTP, as Prometheus does.
type metered struct {
	*webtest.Site
	t        *testing.T
	registry *prometheus.Registry
	url      string
}

func measure(t *testing.T, change func(*gatehouse.Config)) *metered {
	t.Helper()
	m := &metered{t: t, registry: prometheus.NewRegistry()}
	m.Site = webtest.New(t, func(c *gatehouse.Config) {
		c.Metrics = m.registry
		if change != nil {
			change(c)
		}
	})
	srv := httptest.NewServer(promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	t.Cleanup(srv.Close)
	m.url = srv.URL
	return m
}

// scrape reads what the exposition format says.
func (m *metered) scrape() map[string]*dto.MetricFamily {
	m.t.Helper()
	r, err := http.Get(m.url)
	if err != nil {
		m.t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		m.t.Fatalf("scraping: %s", r.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(r.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return all
}

// values are counters, gauges and counts of histograms by their full name, as
// name{label="value"}.
func (m *metered) values() map[string]float64 {
	m.t.Helper()
	out := map[string]float64{}
	for name, f := range m.scrape() {
		for _, s := range f.Metric {
			var labels []string
			for _, l := range s.Label {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			key := name
			if labels != nil {
				key += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case s.Counter != nil:
				out[key] = s.Counter.GetValue()
			case s.Gauge != nil:
				out[key] = s.Gauge.GetValue()
			case s.Histogram != nil:
				out[key] = float64(s.Histogram.GetSampleCount())
			}
		}
	}
	return out
}

// moved is what changed while do ran. Times and what the background does are
// left out.
func (m *metered) moved(do func()) map[string]float64 {
	m.t.Helper()
	before := m.values()
	do()
	out := map[string]float64{}
	for name, v := range m.values() {
		if v != before[name] && !strings.HasPrefix(name, "gatehouse_revocation_") && !strings.HasPrefix(name, "gatehouse_signing_key") && !strings.HasPrefix(name, "gatehouse_store_") && !strings.HasPrefix(name, "gatehouse_audit_") {
			out[name] = v - before[name]
		}
	}
	return out
}

func (m *metered) wantMoved(what string, do func(), want map[string]float64) {
	m.t.Helper()
	got := m.moved(do)
	for name := range got {
		if _, ok := want[name]; !ok && strings.HasPrefix(name, "gatehouse_http_request") {
			delete(got, name) // pages on the way; what matters of them is in want
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const passphrase = "plum orchard ladder 41"

// journeys go through the JSON endpoints: one request each.
func TestMetrics_moveAsTheJourneysGo(t *testing.T) {
	m := measure(t, func(c *gatehouse.Config) {
		c.ClientAddress.PeerIsClient = true
		c.Limits.AddressFailures = 4
	})
	v := m.Visitor()
	m.wantMoved("registering", func() {
		v.JSON("/api/auth/register", `{"email":"ada@app.example","password":"`+passphrase+`"}`)
	}, map[string]float64{
		`gatehouse_registrations_total{result="ok"}`: 1, "gatehouse_password_hash_duration_seconds": 1, "gatehouse_password_hash_wait_seconds": 1,
		`gatehouse_http_requests_total{endpoint="/api/auth/register",method="POST",status="201"}`: 1,
	})
	m.wantMoved("registering twice", func() {
		m.Visitor().JSON("/api/auth/register", `{"email":"ada@app.example","password":"`+passphrase+`"}`)
	}, map[string]float64{
		`gatehouse_registrations_total{result="taken"}`: 1, `gatehouse_http_refusals_total{code="identifier_taken"}`: 1,
		"gatehouse_password_hash_duration_seconds": 1, "gatehouse_password_hash_wait_seconds": 1,
	})
	login := func(v *webtest.Visitor, pw string) func() {
		return func() { v.JSON("/api/auth/login", `{"identifier":"ada@app.example","password":"`+pw+`"}`) }
	}
	m.wantMoved("a wrong password", login(m.Visitor(), "not that one at all"), map[string]float64{
		`gatehouse_signin_attempts_total{proof="password",result="invalid"}`: 1, `gatehouse_http_refusals_total{code="invalid_credentials"}`: 1,
		"gatehouse_password_hash_duration_seconds": 1, "gatehouse_password_hash_wait_seconds": 1,
		`gatehouse_http_requests_total{endpoint="/api/auth/login",method="POST",status="401"}`: 1,
		`gatehouse_http_request_duration_seconds{endpoint="/api/auth/login",method="POST"}`:    1,
	})
	m.wantMoved("signing in", login(v, passphrase), map[string]float64{
		`gatehouse_signin_attempts_total{proof="password",result="ok"}`: 1, "gatehouse_sessions_started_total": 1,
		"gatehouse_password_hash_duration_seconds": 1, "gatehouse_password_hash_wait_seconds": 1,
	})
	m.wantMoved("signing in again", login(v, passphrase), map[string]float64{
		`gatehouse_signin_attempts_total{proof="password",result="ok"}`: 1, "gatehouse_sessions_started_total": 1,
		`gatehouse_sessions_ended_total{reason="superseded"}`: 1, `gatehouse_session_checks_total{verdict="live"}`: 1,
		"gatehouse_password_hash_duration_seconds": 1, "gatehouse_password_hash_wait_seconds": 1,
	})
	thief := v.Copy()
	m.wantMoved("a check", func() { v.Get("/api/auth/session") }, map[string]float64{`gatehouse_session_checks_total{verdict="live"}`: 1})
	m.wantMoved("nobody", func() { m.Visitor().Get("/api/auth/session") }, map[string]float64{})
	m.wantMoved("signing out", func() { v.JSON("/api/auth/logout", `{}`) }, map[string]float64{
		`gatehouse_sessions_ended_total{reason="sign_out"}`: 1, `gatehouse_session_checks_total{verdict="live"}`: 1,
	})
	m.wantMoved("a stolen cookie", func() { thief.Get("/api/auth/session") }, map[string]float64{`gatehouse_session_checks_total{verdict="just_ended"}`: 1})

	for range 3 {
		login(m.Visitor(), "not that one at all")()
	}
	m.wantMoved("the address's limit", login(m.Visitor(), "not that one at all"), map[string]float64{
		`gatehouse_signin_attempts_total{proof="password",result="throttled"}`: 1,
		`gatehouse_http_refusals_total{code="too_many_attempts"}`:              1,
	})

	all := m.values()
	for _, name := range []string{"gatehouse_store_transaction_duration_seconds", "gatehouse_store_commit_duration_seconds", "gatehouse_store_commit_transactions", "gatehouse_revocation_index_entries", "gatehouse_revocation_index_bytes"} {
		if all[name] == 0 {
			t.Errorf("%s is 0 after all this", name)
		}
	}
	if s := all["gatehouse_revocation_feed_staleness_seconds"]; s < 0 || s > 5 {
		t.Errorf("the feed is %v s old", s)
	}
	if n := all["gatehouse_http_requests_in_flight"]; n != 0 {
		t.Errorf("%v requests are under way", n)
	}
}

// What a caller can choose freely never becomes a label value.
func TestMetrics_labelValuesStayBounded(t *testing.T) {
	m := measure(t, nil)
	hostile := func(round int) {
		planted := fmt.Sprintf("planted%d", round)
		for _, method := range []string{"GET", "POST", "BREW", strings.ToUpper(planted), "get"} {
			for _, path := range []string{
				"/" + planted, "/api/auth/" + planted, "/api/auth/error?error=" + planted, "/api/auth/error/" + planted, "/api/auth/signin/" + planted,
				"/api/auth/callback/" + planted, "/api/auth/assets/" + planted, "//" + planted, "/api/auth/session?" + planted,
			} {
				r := httptest.NewRequest(method, "http://"+planted+".example"+path, strings.NewReader(planted+"="+planted))
				for _, name := range []string{"User-Agent", "Cookie", "Referer", "Content-Type", "Origin", "Accept-Language", "X-Request-Id"} {
					r.Header.Set(name, planted)
				}
				r.Header.Set("Cookie", "next-auth.session-token="+planted)
				m.Handler().ServeHTTP(httptest.NewRecorder(), r)
			}
		}
	}
	series := func() int {
		n := 0
		for _, f := range m.scrape() {
			n += len(f.Metric)
		}
		return n
	}
	hostile(0)
	first := series()
	for round := range 20 {
		hostile(round + 1)
	}
	if again := series(); again != first {
		t.Errorf("%d series after one round, %d after twenty more", first, again)
	}
	patterns := map[string]bool{"other": true}
	list, err := gatehouse.Endpoints(gatehouse.Config{
		PublicOrigin: webtest.Origin, Secrets: []gatehouse.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"}, Name: "Lodge", Registration: gatehouse.Registration{Mode: "open"},
		Mounts: []gatehouse.Mount{{Secrets: []gatehouse.Secret{"8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		patterns[e.Pattern] = true
	}
	for name, f := range m.scrape() {
		for _, s := range f.Metric {
			for _, l := range s.Label {
				if strings.Contains(strings.ToLower(l.GetValue()), "planted") {
					t.Errorf("%s has the label %s=%q", name, l.GetName(), l.GetValue())
				}
				if l.GetName() == "endpoint" && !patterns[l.GetValue()] {
					t.Errorf("%s speaks of %q, which is no endpoint", name, l.GetValue())
				}
			}
		}
	}
}

func TestMetrics_areWellNamed(t *testing.T) {
	m := measure(t, nil)
	m.Visitor().Get("/api/auth/session")
	m.registry.MustRegister(program())
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func program() telemetry.Program {
	return telemetry.Program{
		Version: "v1", Revision: "abc", GoVersion: "go",
		Certificate: func() (time.Time, uint64) { return time.Unix(1, 0), 2 },
		Spans:       func() (uint64, uint64) { return 3, 4 },
	}
}

// Everything that is exposed stands in the table, as it is there.
func TestDefinitions_areWhatIsExposed(t *testing.T) {
	m := measure(t, func(c *gatehouse.Config) { c.ClientAddress.PeerIsClient, c.Limits.Registrations = true, 1 })
	m.registry.MustRegister(program())
	for range 2 {
		m.Visitor().JSON("/api/auth/login", `{"identifier":"nobody@app.example","password":"`+passphrase+`"}`)
	}
	for range 2 {
		m.Visitor().JSON("/api/auth/register", `{"email":"ada@app.example","password":"`+passphrase+`"}`)
	}
	defined := map[string]telemetry.Definition{}
	for _, d := range telemetry.Definitions() {
		defined[d.Name] = d
	}
	seen := map[string]bool{}
	for name, f := range m.scrape() {
		d, ok := defined[name]
		if !ok {
			t.Errorf("%s is exposed and not in the table", name)
			continue
		}
		seen[name] = true
		if got := strings.ToLower(f.GetType().String()); got != d.Type {
			t.Errorf("%s is a %s, and a %s in the table", name, got, d.Type)
		}
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		want := slices.Sorted(slices.Values(d.Labels))
		if !slices.Equal(labels, want) {
			t.Errorf("%s has the labels %v, and %v in the table", name, labels, want)
		}
	}
	for name := range defined {
		if !seen[name] && !strings.HasPrefix(name, "gatehouse_purge") { // the first purge comes after ten minutes
			t.Errorf("%s is in the table and not exposed", name)
		}
	}
}

// The table in the documentation is the table in the code.
func TestDefinitions_areDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(gatehouse_[a-z_]+)` \\| (\\w+) \\| ([^|]*) \\| ([^|]+) \\|$")
	got := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		got[m[1]] = m[2] + " " + strings.ReplaceAll(m[3], "`", "")
	}
	want := map[string]string{}
	for _, d := range telemetry.Definitions() {
		labels := strings.Join(d.Labels, ", ")
		if labels == "" {
			labels = "none"
		}
		want[d.Name] = d.Type + " " + labels
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operating.md disagrees (-code +docs):\n%s", diff)
	}
	for name := range maps.Keys(named(string(text))) {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/operating.md speaks of %s, which is no metric", name)
		}
	}
}

// named are the metrics that a text speaks of, without the endings of
// histograms.
func named(text string) map[string]bool {
	out := map[string]bool{}
	for _, n := range regexp.MustCompile(`gatehouse_[a-z_]+(_total|_seconds|_bytes|_entries|_in_flight|_running|_waiting|_transactions|_info)(_bucket|_sum|_count)?\b`).FindAllString(text, -1) {
		out[regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(n, "")] = true
	}
	return out
}

func TestNew_twoOnOneRegistryNeedLabels(t *testing.T) {
	m := measure(t, nil)
	open := func(r prometheus.Registerer) error {
		g, err := gatehouse.New(t.Context(), gatehouse.Config{
			PublicOrigin: webtest.Origin, Secrets: []gatehouse.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"},
			Mounts: []gatehouse.Mount{{Secrets: []gatehouse.Secret{"8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"}}}, Metrics: r,
			Database: gatehouse.Database{Path: filepath.Join(t.TempDir(), "g.db")}, Logger: slog.New(slog.DiscardHandler),
		})
		if err == nil {
			t.Cleanup(func() { _ = g.Close() })
		}
		return err
	}
	if err := open(m.registry); err == nil || !strings.Contains(err.Error(), "WrapRegistererWith") {
		t.Errorf("a second one without labels: %v", err)
	}
	if _, ok := m.values()["gatehouse_revocation_feed_staleness_seconds"]; !ok {
		t.Error("the refusal took the metrics of the first away")
	}
	both := prometheus.NewRegistry()
	for _, site := range []string{"one", "two"} {
		if err := open(prometheus.WrapRegistererWith(prometheus.Labels{"site": site}, both)); err != nil {
			t.Errorf("%s: %v", site, err)
		}
	}
}

func TestClose_freesTheNames(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 {
		g, err := gatehouse.New(t.Context(), gatehouse.Config{
			PublicOrigin: webtest.Origin, Secrets: []gatehouse.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"},
			Mounts: []gatehouse.Mount{{Secrets: []gatehouse.Secret{"8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"}}}, Metrics: registry,
			Database: gatehouse.Database{Path: filepath.Join(t.TempDir(), "g.db")}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := registry.Gather(); err != nil || len(all) != 0 {
		t.Errorf("%d families are left after Close, %v", len(all), err)
	}
}
