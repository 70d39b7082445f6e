package otlp

import (
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// message is an opentelemetry.proto message under way. Members of scalar type
// with their zero value are left out, as proto3 has it.
type message []byte

func (m *message) bytes(n protowire.Number, v []byte) {
	*m = protowire.AppendTag(*m, n, protowire.BytesType)
	*m = protowire.AppendBytes(*m, v)
}

func (m *message) text(n protowire.Number, v string) {
	if v != "" {
		*m = protowire.AppendTag(*m, n, protowire.BytesType)
		*m = protowire.AppendString(*m, v)
	}
}

func (m *message) varint(n protowire.Number, v uint64) {
	if v != 0 {
		*m = protowire.AppendTag(*m, n, protowire.VarintType)
		*m = protowire.AppendVarint(*m, v)
	}
}

func (m *message) fixed64(n protowire.Number, v uint64) {
	if v != 0 {
		*m = protowire.AppendTag(*m, n, protowire.Fixed64Type)
		*m = protowire.AppendFixed64(*m, v)
	}
}

func (m *message) fixed32(n protowire.Number, v uint32) {
	if v != 0 {
		*m = protowire.AppendTag(*m, n, protowire.Fixed32Type)
		*m = protowire.AppendFixed32(*m, v)
	}
}

func (m *message) time(n protowire.Number, t time.Time) {
	if !t.IsZero() {
		m.fixed64(n, uint64(t.UnixNano()))
	}
}

// attributes are repeated KeyValues (common.proto): key 1, value 2.
func (m *message) attributes(n protowire.Number, list []attribute.KeyValue) {
	for _, a := range list {
		var kv message
		kv.text(1, string(a.Key))
		kv.bytes(2, value(a.Value))
		m.bytes(n, kv)
	}
}

// value is an AnyValue: string 1, bool 2, int 3, double 4, array 5. Those are
// members of a oneof, written also when they are zero.
func value(v attribute.Value) (m message) {
	switch v.Type() {
	case attribute.BOOL:
		m = protowire.AppendTag(m, 2, protowire.VarintType)
		m = protowire.AppendVarint(m, protowire.EncodeBool(v.AsBool()))
	case attribute.INT64:
		m = protowire.AppendTag(m, 3, protowire.VarintType)
		m = protowire.AppendVarint(m, uint64(v.AsInt64()))
	case attribute.FLOAT64:
		m = protowire.AppendTag(m, 4, protowire.Fixed64Type)
		m = protowire.AppendFixed64(m, math.Float64bits(v.AsFloat64()))
	default: // a string; lists do not occur in our own spans, and become their text
		m = protowire.AppendTag(m, 1, protowire.BytesType)
		m = protowire.AppendString(m, v.String())
	}
	return m
}

// encode is an ExportTraceServiceRequest: resource_spans 1. All spans of a
// provider have one resource; they are grouped by their scope.
func encode(spans []sdktrace.ReadOnlySpan) []byte {
	var resource message // Resource: attributes 1
	if r := spans[0].Resource(); r != nil {
		resource.attributes(1, r.Attributes())
	}
	var all message // ResourceSpans: resource 1, scope_spans 2, schema_url 3
	all.bytes(1, resource)
	groups := map[instrumentation.Scope]*message{} // ScopeSpans: scope 1, spans 2, schema_url 3
	var order []instrumentation.Scope
	for _, s := range spans {
		scope := s.InstrumentationScope()
		group := groups[scope]
		if group == nil {
			group = &message{}
			groups[scope], order = group, append(order, scope)
			var name message // InstrumentationScope: name 1, version 2
			name.text(1, scope.Name)
			name.text(2, scope.Version)
			group.bytes(1, name)
		}
		group.bytes(2, span(s))
	}
	for _, scope := range order {
		groups[scope].text(3, scope.SchemaURL)
		all.bytes(2, *groups[scope])
	}
	if r := spans[0].Resource(); r != nil {
		all.text(3, r.SchemaURL())
	}
	var request message
	request.bytes(1, all)
	return request
}

// span is a Span: trace_id 1, span_id 2, trace_state 3, parent_span_id 4, name
// 5, kind 6, start 7, end 8, attributes 9, dropped attributes 10, events 11,
// dropped events 12, links 13, dropped links 14, status 15, flags 16.
func span(s sdktrace.ReadOnlySpan) (m message) {
	sc, parent := s.SpanContext(), s.Parent()
	m.id(1, sc)
	m.text(3, sc.TraceState().String())
	if id := parent.SpanID(); id.IsValid() {
		m.bytes(4, id[:])
	}
	m.text(5, s.Name())
	m.varint(6, uint64(trace.ValidateSpanKind(s.SpanKind()))) // both number them alike, internal 1 to consumer 5
	m.time(7, s.StartTime())
	m.time(8, s.EndTime())
	m.attributes(9, s.Attributes())
	m.varint(10, uint64(s.DroppedAttributes()))
	for _, e := range s.Events() {
		var event message // Event: time 1, name 2, attributes 3, dropped 4
		event.time(1, e.Time)
		event.text(2, e.Name)
		event.attributes(3, e.Attributes)
		event.varint(4, uint64(e.DroppedAttributeCount))
		m.bytes(11, event)
	}
	m.varint(12, uint64(s.DroppedEvents()))
	for _, l := range s.Links() {
		var link message // Link: trace_id 1, span_id 2, trace_state 3, attributes 4, dropped 5, flags 6
		link.id(1, l.SpanContext)
		link.text(3, l.SpanContext.TraceState().String())
		link.attributes(4, l.Attributes)
		link.varint(5, uint64(l.DroppedAttributeCount))
		link.fixed32(6, flags(l.SpanContext, l.SpanContext.IsRemote()))
		m.bytes(13, link)
	}
	m.varint(14, uint64(s.DroppedLinks()))
	if code := s.Status().Code; code != codes.Unset {
		var status message // Status: message 2, code 3 (1 ok, 2 error)
		status.text(2, s.Status().Description)
		status.varint(3, map[codes.Code]uint64{codes.Ok: 1, codes.Error: 2}[code])
		m.bytes(15, status)
	}
	m.fixed32(16, flags(sc, parent.IsRemote()))
	return m
}

// id writes the trace's ID as member n and the span's behind it.
func (m *message) id(n protowire.Number, sc trace.SpanContext) {
	t, s := sc.TraceID(), sc.SpanID()
	m.bytes(n, t[:])
	m.bytes(n+1, s[:])
}

// flags are those of W3C Trace Context, and whether the parent or the linked
// span is known to be remote (SpanFlags in trace.proto).
func flags(sc trace.SpanContext, remote bool) uint32 {
	f := uint32(sc.TraceFlags()) | 0x100
	if remote {
		f |= 0x200
	}
	return f
}
