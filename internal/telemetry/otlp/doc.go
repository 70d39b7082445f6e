// Package otlp sends spans to a collector: OTLP over HTTP with binary protobuf
// (OpenTelemetry Protocol 1.x, §OTLP/HTTP), gzipped.
//
// It is an exporter for the OpenTelemetry SDK in place of the SDK's own one,
// which brings gRPC along: docs/decisions tells what that would cost. The
// encoding is written out field by field against opentelemetry/proto/trace/v1,
// and the tests read it back with the official messages.
//
// A collector that is away, slow or broken costs spans and nothing else. The
// attack it stands against is the other end: what a collector answers is read
// to a bound and never shown, redirects are not followed, because the request
// may carry a key, and nobody can make the log grow by making the export fail.
//
// Start with exporter.go.
package otlp
