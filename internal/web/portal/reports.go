package portal

import (
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// ReportPath is where a mount takes reports, below its base path.
const ReportPath = "/csp-report"

// Reports writes to the log what browsers report that the content security
// policy of the hosted pages has kept from running (CSP Level 3 §5.3, §5.5).
// Anybody can send anything there: what is written is bounded by address and in
// all, cut short, without queries, and claims nothing but that somebody sent it.
type Reports struct {
	// Origin is the public origin: reports about other pages are passed over.
	Origin string
	// Limits remembers what came; Logger gets a line for each request.
	Limits ratelimit.Source
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

const (
	maxReport      = 16 << 10 // bytes of a body
	maxReportField = 200      // bytes of a field in the log
)

var (
	reportsOfAddress = ratelimit.Limit{Name: "csp-report-address", Burst: 10, Period: time.Minute}
	reportsOfAll     = ratelimit.Limit{Name: "csp-report", Burst: 60, Period: time.Minute}
)

func (p *Reports) endpoint(base string) web.Endpoint {
	return web.Endpoint{
		Method: http.MethodPost, Pattern: base + ReportPath, Guard: web.Public, CSRF: web.NoEffect, Rate: web.Reporting,
		Cache: web.NoStore, Handle: p.take, Fail: web.FailProblem,
	}
}

// violation is a report, in the one shape or the other.
type violation struct{ document, directive, blocked, source string }

func (p *Reports) take(w http.ResponseWriter, r *http.Request) error {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	read := map[string]func([]byte) ([]violation, error){
		"application/csp-report": readReport, "application/reports+json": readReports,
	}[media]
	if read == nil {
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "Send application/csp-report or application/reports+json."}
	}
	if err := p.limit(r); err != nil {
		return err
	}
	body, err := web.ReadShortBody(w, r, maxReport)
	if err != nil {
		return err
	}
	list, err := read(body)
	if err != nil {
		return auth.NewError(auth.CodeInvalidRequest, err)
	}
	p.log(r, list)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// limit takes one from what the address may report, and from what all may. An
// address that is not known has the second alone.
func (p *Reports) limit(r *http.Request) error {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	take := func(key string, l ratelimit.Limit) error {
		d, err := p.Limits.Take(r.Context(), key, l, 1, now())
		switch {
		case err != nil:
			return auth.Unavailable(err)
		case !d.Allowed:
			return &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: d.RetryAfter}
		}
		return nil
	}
	if key, known := ratelimit.AddressKey(web.FactsFrom(r.Context()).Device.Address); known {
		if err := take(key, reportsOfAddress); err != nil {
			return err
		}
	}
	return take("all", reportsOfAll)
}

// log writes the first report about a page of ours, and how many there were.
func (p *Reports) log(r *http.Request, list []violation) {
	var ours []violation
	for _, v := range list {
		if strings.HasPrefix(v.document, p.Origin+"/") {
			ours = append(ours, v)
		}
	}
	if len(ours) == 0 {
		return
	}
	v := ours[0]
	p.Logger.LogAttrs(r.Context(), slog.LevelWarn, "a browser reports what the content security policy of a hosted page has stopped",
		slog.String("request_id", web.FactsFrom(r.Context()).RequestID), slog.String("document", reported(v.document)),
		slog.String("directive", reported(v.directive)), slog.String("blocked", reported(v.blocked)), slog.String("source", reported(v.source)),
		slog.Int("reports", len(ours)))
}

// reported is an outsider's text for the log: an address without its query, in
// which secrets travel, in printable ASCII, cut short.
func reported(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, s[:min(len(s), maxReportField)])
	return s
}

// readReport reads what report-uri sends.
func readReport(body []byte) ([]violation, error) {
	var in struct {
		Report struct {
			Document  string `json:"document-uri"`
			Effective string `json:"effective-directive"`
			Violated  string `json:"violated-directive"`
			Blocked   string `json:"blocked-uri"`
			Source    string `json:"source-file"`
		} `json:"csp-report"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	directive := in.Report.Effective
	if directive == "" {
		directive = in.Report.Violated
	}
	return []violation{{in.Report.Document, directive, in.Report.Blocked, in.Report.Source}}, nil
}

// readReports reads what report-to sends: several, of several kinds.
func readReports(body []byte) (list []violation, err error) {
	var in []struct {
		Type string `json:"type"`
		Body struct {
			Document  string `json:"documentURL"`
			Directive string `json:"effectiveDirective"`
			Blocked   string `json:"blockedURL"`
			Source    string `json:"sourceFile"`
		} `json:"body"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	for _, one := range in {
		if one.Type == "csp-violation" {
			list = append(list, violation{one.Body.Document, one.Body.Directive, one.Body.Blocked, one.Body.Source})
		}
	}
	return list, nil
}
