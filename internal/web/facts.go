package web

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Facts are what is known of the request under way, for rooms' arguments and
// for its log line.
type Facts struct {
	// RequestID is ours, never taken from outside.
	RequestID string
	Device    auth.Device
	// UserID and SessionID are filled in when a session was checked.
	UserID    auth.UserID
	SessionID auth.SessionID
	// TraceID and SpanID name the span of the request, in hexadecimal digits,
	// when it is traced; empty otherwise.
	TraceID, SpanID string
	// Err is the error that was answered, for the log.
	Err error
}

type factsKey struct{}

// FactsFrom returns the facts of the request. Outside a Router they are empty.
func FactsFrom(ctx context.Context) *Facts {
	if f, ok := ctx.Value(factsKey{}).(*Facts); ok {
		return f
	}
	return &Facts{}
}

// InRouter says whether the request goes through a Router, so that what is put
// into its facts is read by somebody.
func InRouter(ctx context.Context) bool { return ctx.Value(factsKey{}) != nil }

// cleanUserAgent keeps the text printable and short: it is shown in device
// lists, and to operators in a terminal. What goes are control characters, also
// those above U+007F that a terminal obeys, and marks that turn the direction
// of the text beside them.
func cleanUserAgent(s string) string {
	if len(s) > maxUserAgent {
		s = s[:maxUserAgent]
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
