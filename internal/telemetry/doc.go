// Package telemetry measures a running Gatehouse: metrics for Prometheus
// (exposition format 0.0.4 and OpenMetrics, written by client_golang) and spans
// for OpenTelemetry (trace API, W3C Trace Context, HTTP semantic conventions).
//
// The rooms know neither. They count in plain integers that are read here when
// somebody asks, or call a function of plain values that is set here; what they
// do does not depend on it. A Gatehouse that is told neither a registry nor a
// tracer has no hooks at all. Package otlp, below, sends spans to a collector;
// the program alone imports it.
//
// The attack it stands against is a caller who chooses names: methods, paths,
// error words and traceparent headers are anybody's, and each new label value
// is memory in this process and in the monitoring behind it, each sampled trace
// is work for both. So every label value comes from a fixed list, and nobody
// outside decides what is traced. The other attack is the monitoring itself:
// it is read by more people than the database is, so metrics and spans hold no
// identifier, address, user agent, cookie, query or path that somebody sent.
//
// Start with telemetry.go; table.go lists every metric, request.go is one
// request.
package telemetry
