package attack_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

const (
	reportPath  = "/api/auth/csp-report"
	reportType  = "application/csp-report"
	reportsType = "application/reports+json"
)

// reporting is a site that takes reports itself, and knows who calls.
func reporting(t *testing.T, c *clock) *site {
	t.Helper()
	return newSite(t, func(cfg *gatehouse.Config) {
		cfg.CSPReportURL, cfg.Now = reportPath, c.now
		cfg.ClientAddress = gatehouse.ClientAddress{TrustedProxies: []string{"192.0.2.0/24"}}
	})
}

func (s *site) report(from, contentType, body string) answer {
	return s.send(request{http.MethodPost, reportPath, contentType, body, http.Header{"X-Forwarded-For": {from}}, nil})
}

func cspReport(document string) string {
	return `{"csp-report":{"document-uri":"` + document + `","effective-directive":"script-src-elem","blocked-uri":"https://evil.example/x.js?secret=1","source-file":"` + origin + `/api/auth/signin"}}`
}

func (l *logbook) reports() (lines []string) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, "a browser reports") {
			lines = append(lines, line)
		}
	}
	return lines
}

// proves: ASVS 3.4.7
func TestReports_areWrittenToTheLogInBothShapes(t *testing.T) {
	s := reporting(t, &clock{})
	for i, q := range []struct{ contentType, body string }{
		{reportType, cspReport(origin + "/api/auth/signin?callbackUrl=planted-query")},
		{reportType + "; charset=utf-8", `{"csp-report":{"document-uri":"` + origin + `/api/auth/signin","violated-directive":"script-src-elem","blocked-uri":"https://evil.example/x.js"}}`},
		{reportsType, `[{"type":"deprecation","body":{}},{"type":"csp-violation","age":10,"url":"x","body":{"documentURL":"` + origin + `/api/auth/signin","effectiveDirective":"script-src-elem","blockedURL":"https://evil.example/x.js","lineNumber":3}}]`},
	} {
		if a := s.report("198.51.100.1", q.contentType, q.body); a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("%s: %d %s", q.contentType, a.status, a.body)
		}
		lines := s.log.reports()
		if len(lines) != i+1 {
			t.Fatalf("%s: %d lines in the log, want %d", q.contentType, len(lines), i+1)
		}
		line := lines[i]
		for _, want := range []string{"level=WARN", "document=" + origin + "/api/auth/signin ", "directive=script-src-elem", "blocked=https://evil.example/x.js ", "request_id="} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: the line has no %q: %s", q.contentType, want, line)
			}
		}
		if strings.Contains(line, "secret") || strings.Contains(line, "planted") {
			t.Errorf("the line has a query: %s", line)
		}
	}
}

// Whatever somebody sends, the log gets little of it, and no line of their own.
//
// proves: ASVS 3.4.7
func TestReports_areBoundedWhateverIsSent(t *testing.T) {
	c := &clock{}
	s := reporting(t, c)
	here := origin + "/api/auth/signin"
	before := 0
	for name, q := range map[string]struct {
		contentType, body string
		status            int
		lines             int
	}{
		"control": {reportType, cspReport(here), 204, 1},
		"line breaks": {reportType, `{"csp-report":{"document-uri":"` + here + `","effective-directive":"x\ntime=2026 level=WARN msg=forged\r\n","blocked-uri":"\u001b[2J\u2028\u0000"}}`,
			204, 1},
		"long fields":            {reportType, `{"csp-report":{"document-uri":"` + here + strings.Repeat("/x", 5000) + `","effective-directive":"` + strings.Repeat("d", 3000) + `"}}`, 204, 1},
		"many":                   {reportsType, "[" + strings.Repeat(`{"type":"csp-violation","body":{"documentURL":"`+here+`"}},`, 100) + `{"type":"x"}]`, 204, 1},
		"too large":              {reportType, cspReport(here + strings.Repeat("x", 16<<10)), 413, 0},
		"another site's page":    {reportType, cspReport("https://evil.example/page"), 204, 0},
		"a name like ours":       {reportType, cspReport(origin + ".evil.example/page"), 204, 0},
		"nothing about policies": {reportsType, `[{"type":"deprecation","body":{"documentURL":"` + here + `"}}]`, 204, 0},
		"empty list":             {reportsType, `[]`, 204, 0},
		"no JSON":                {reportType, `csp-report`, 400, 0},
		"another shape":          {reportType, `[]`, 400, 0},
		"numbers":                {reportType, `{"csp-report":{"document-uri":1}}`, 400, 0},
		"deep":                   {reportsType, strings.Repeat("[", 16000), 400, 0},
		"a form":                 {formType, "csp-report=" + here, 400, 0},
		"plain JSON":             {jsonType, cspReport(here), 400, 0},
		"no type":                {"", cspReport(here), 400, 0},
	} {
		c.advance(time.Hour) // past any limit
		a := s.report("198.51.100.1", q.contentType, q.body)
		sound(t, name, a)
		if a.status != q.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, q.status)
		}
		lines := s.log.reports()
		if len(lines) != before+q.lines {
			t.Errorf("%s: %d lines more in the log, want %d", name, len(lines)-before, q.lines)
		}
		for _, line := range lines[before:] {
			if strings.Contains(line, `\`) { // what the handler had to escape
				t.Errorf("%s: %s", name, line)
			}
		}
		before = len(lines)
	}
	s.log.clean(t)
}

// proves: ASVS 3.4.7
func TestReports_areLimitedByAddressAndInAll(t *testing.T) {
	c := &clock{}
	s := reporting(t, c)
	flood := func(from func(i int) string) (taken int) {
		for i := range 200 {
			switch a := s.report(from(i), reportType, cspReport(origin+"/api/auth/signin")); {
			case a.status == http.StatusNoContent:
				taken++
			case a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "":
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		return taken
	}
	if got := flood(func(int) string { return "198.51.100.1" }); got != 10 {
		t.Errorf("%d reports of one address were taken, want 10", got)
	}
	if a := s.report("198.51.100.2", reportType, cspReport(origin+"/x")); a.status != http.StatusNoContent {
		t.Errorf("another address: %d", a.status)
	}
	c.advance(time.Hour)
	if got := flood(func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }); got != 60 {
		t.Errorf("%d reports of all together were taken, want 60", got)
	}
	if got := len(s.log.reports()); got != 71 {
		t.Errorf("%d lines in the log, want 71", got)
	}
}

// Nobody takes reports where the settings do not say so.
func TestReports_areTakenOnlyWhereTheSettingsSay(t *testing.T) {
	for name, url := range map[string]string{"none": "", "elsewhere": "https://reports.example/csp", "the application's": "/csp-report"} {
		s := newSite(t, func(c *gatehouse.Config) { c.CSPReportURL = url })
		if a := s.report("", reportType, cspReport(origin+"/api/auth/signin")); a.status == http.StatusNoContent || len(s.log.reports()) > 0 {
			t.Errorf("%s: %d, log %q", name, a.status, s.log.reports())
		}
	}
	s := reporting(t, &clock{})
	if a := s.send(request{http.MethodPost, v5.base + "/csp-report", reportType, cspReport(origin + "/x"), nil, nil}); a.status == http.StatusNoContent {
		t.Errorf("at the other mount: %d", a.status)
	}
}

// proves: ASVS 3.4.7
func TestPages_tellBrowsersWhereToReport(t *testing.T) {
	for url, want := range map[string]string{
		"":                            "",
		reportPath:                    origin + reportPath,
		"https://reports.example/a?b": "https://reports.example/a?b",
	} {
		s := newSite(t, func(c *gatehouse.Config) { c.CSPReportURL = url })
		for _, path := range []string{"/api/auth/signin", "/auth/signin", "/api/auth/signup", "/api/auth/error?error=AccessDenied"} {
			a := s.send(request{method: http.MethodGet, path: path, header: http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}})
			policy, endpoints := a.header.Get("Content-Security-Policy"), a.header.Get("Reporting-Endpoints")
			if !strings.Contains(policy, "default-src 'none'; script-src 'nonce-") {
				t.Fatalf("%s: policy %q", path, policy)
			}
			if want == "" {
				if strings.Contains(policy, "report") || endpoints != "" {
					t.Errorf("%s: policy %q, endpoints %q", path, policy, endpoints)
				}
				continue
			}
			if !strings.HasSuffix(policy, "; report-uri "+want+"; report-to csp") || endpoints != `csp="`+want+`"` {
				t.Errorf("%s: policy %q, endpoints %q", path, policy, endpoints)
			}
		}
	}
}
