package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Program is what the program knows of itself.
type Program struct {
	Version, Revision, GoVersion string
	// Certificate says when the certificate in use ends and how many changed
	// files could not be used; nil without TLS.
	Certificate func() (ends time.Time, failures uint64)
	// Spans says how many spans were sent to the collector and how many were
	// lost on the way; nil without tracing.
	Spans func() (sent, lost uint64)
}

// Describe implements prometheus.Collector.
func (p Program) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(p, ch) }

// Collect implements prometheus.Collector.
func (p Program) Collect(ch chan<- prometheus.Metric) {
	constant := func(name string, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(newDesc(name), kind, v, labels...)
	}
	constant(buildInfo, prometheus.GaugeValue, 1, p.Version, p.Revision, p.GoVersion)
	if p.Certificate != nil {
		ends, failures := p.Certificate()
		constant(certExpiry, prometheus.GaugeValue, float64(ends.Unix()))
		constant(certErrors, prometheus.CounterValue, float64(failures))
	}
	if p.Spans != nil {
		sent, lost := p.Spans()
		constant(traceSpans, prometheus.CounterValue, float64(sent), "sent")
		constant(traceSpans, prometheus.CounterValue, float64(lost), "lost")
	}
}
