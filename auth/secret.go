package auth

import (
	"fmt"
	"log/slog"
)

// Secret is configuration or input that must not be shown: it prints as
// [redacted] through fmt, slog, JSON and YAML alike. Reveal hands out the
// text; each call of it is a place to look at in review.
//
// Two places are beyond its reach: a member of a struct that is not exported,
// whose methods fmt may not call, and the key of a map, which encoding/json
// takes as plain text. Secrets stand in neither where the whole may be printed.
type Secret string

const redacted = "[redacted]"

// Reveal returns the secret text.
func (s Secret) Reveal() string { return string(s) }

// Format implements fmt.Formatter: silent under every verb. Without it a verb
// that does not fit, as %d, would print the text as part of its complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String implements fmt.Stringer, for whoever asks without fmt.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
