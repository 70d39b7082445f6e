package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Commit serves sqlstore.Options.Watch; nil when nobody measures.
func (t *Telemetry) Commit() func(members int, took time.Duration, err error) {
	m := t.metrics
	if m == nil {
		return nil
	}
	return func(members int, took time.Duration, err error) {
		if err != nil {
			m.commitErrors.Inc()
			return
		}
		m.commits.Observe(took.Seconds())
		m.members.Observe(float64(members))
	}
}

// Store returns s with its transactions measured; what they do is the same.
func (t *Telemetry) Store(s store.Store) store.Store {
	if t.metrics == nil && t.tracer == nil {
		return s
	}
	return measured{s, t}
}

type measured struct {
	store.Store
	t *Telemetry
}

// InTx counts the sessions that the transaction began and ended once it is
// committed, and not before.
func (s measured) InTx(ctx context.Context, fn func(tx store.Tx) error) error {
	begun := time.Now() // of a duration, which the monotonic clock measures
	ctx, span := s.t.span(ctx, "store transaction", trace.WithSpanKind(trace.SpanKindInternal))
	var seen sessions
	err := s.Store.InTx(ctx, func(tx store.Tx) error {
		seen = sessions{}
		return fn(counting{tx, &seen})
	})
	failed := err != nil && !byRule(err)
	if failed {
		span.SetStatus(codes.Error, "")
	}
	span.End()
	if m := s.t.metrics; m != nil {
		m.transactions.Observe(time.Since(begun).Seconds())
		if failed {
			m.transactionErrors.Inc()
		}
		if err == nil {
			m.count(seen)
		}
	}
	return err
}

// byRule says whether the transaction was refused by what is in the database
// or by its caller, and not by a fault of the database.
func byRule(err error) bool {
	var refused *auth.Error
	var code auth.Code
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &refused) || errors.As(err, &code)
}

// sessions is what one transaction did to sessions.
type sessions struct {
	begun, signedOut, superseded, revoked int
}

func (s *sessions) end(reason auth.EndReason, n int) {
	switch reason {
	case auth.EndSignOut:
		s.signedOut += n
	case auth.EndSuperseded:
		s.superseded += n
	default:
		s.revoked += n
	}
}

func (m *metrics) count(s sessions) {
	m.begun.Add(float64(s.begun))
	m.ended[auth.EndSignOut].Add(float64(s.signedOut))
	m.ended[auth.EndSuperseded].Add(float64(s.superseded))
	m.ended[auth.EndRevoked].Add(float64(s.revoked))
}

// counting is a transaction that counts what it does to sessions.
type counting struct {
	store.Tx
	seen *sessions
}

func (c counting) InsertSession(ctx context.Context, s auth.Session) error {
	err := c.Tx.InsertSession(ctx, s)
	if err == nil {
		c.seen.begun++
	}
	return err
}

func (c counting) EndSession(ctx context.Context, id auth.SessionID, reason auth.EndReason, now time.Time) error {
	err := c.Tx.EndSession(ctx, id, reason, now)
	if err == nil {
		c.seen.end(reason, 1)
	}
	return err
}

func (c counting) EndUserSessions(ctx context.Context, user auth.UserID, except auth.SessionID, reason auth.EndReason, now time.Time) (int, error) {
	n, err := c.Tx.EndUserSessions(ctx, user, except, reason, now)
	c.seen.end(reason, n)
	return n, err
}
