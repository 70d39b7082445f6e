package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
)

// The results of a sign-in or a registration.
const (
	resultOK             = "ok"
	resultPasswordChange = "password_change"
	resultInvalid        = "invalid"
	resultThrottled      = "throttled"
	resultBusy           = "busy"
	resultTaken          = "taken"
	resultUnavailable    = "unavailable"
	resultRefused        = "refused"
)

// result puts an error into one of a few words.
func result(err error) string {
	if err == nil {
		return resultOK
	}
	switch code := auth.AsError(err).Code; code {
	case auth.CodeInvalidCredentials:
		return resultInvalid
	case auth.CodeTooManyAttempts:
		return resultThrottled
	case auth.CodeBusy:
		return resultBusy
	case auth.CodeIdentifierTaken:
		return resultTaken
	default:
		if kind := code.Kind(); kind == auth.KindUnavailable || kind == auth.KindInternal {
			return resultUnavailable
		}
		return resultRefused
	}
}

// SignIn serves signin.Room.Watch; nil when nobody measures.
func (t *Telemetry) SignIn() signin.Watch {
	if t.metrics == nil && t.tracer == nil {
		return nil
	}
	return func(ctx context.Context, proof string) (context.Context, func(signin.Outcome, error)) {
		ctx, span := t.span(ctx, "sign in", trace.WithAttributes(attribute.String("gatehouse.proof", proof)))
		return ctx, func(out signin.Outcome, err error) {
			word := result(err)
			if err == nil && !out.Done() {
				word = resultPasswordChange
			}
			span.SetAttributes(attribute.String("gatehouse.result", word))
			span.End()
			if t.metrics != nil {
				t.metrics.steps.WithLabelValues(proof, word).Inc()
			}
		}
	}
}

// Registration serves registration.Room.Watch; nil when nobody measures.
func (t *Telemetry) Registration() func(ctx context.Context) (context.Context, func(error)) {
	if t.metrics == nil && t.tracer == nil {
		return nil
	}
	return func(ctx context.Context) (context.Context, func(error)) {
		ctx, span := t.span(ctx, "register")
		return ctx, func(err error) {
			span.SetAttributes(attribute.String("gatehouse.result", result(err)))
			span.End()
			if t.metrics != nil {
				t.metrics.registrations.WithLabelValues(result(err)).Inc()
			}
		}
	}
}

// Hash serves password.Gate.Watch; nil when nobody measures. The span begins
// when the caller came and says how long it waited.
func (t *Telemetry) Hash() func(ctx context.Context, came time.Time, waited, worked time.Duration) {
	if t.metrics == nil && t.tracer == nil {
		return nil
	}
	return func(ctx context.Context, came time.Time, waited, worked time.Duration) {
		if m := t.metrics; m != nil {
			m.hashed.Observe(worked.Seconds())
			m.waited.Observe(waited.Seconds())
		}
		_, span := t.span(ctx, "hash password", trace.WithTimestamp(came), trace.WithAttributes(attribute.Float64("gatehouse.waited_seconds", waited.Seconds())))
		span.End(trace.WithTimestamp(came.Add(waited + worked)))
	}
}

// Limits returns s with its refusals counted. Names of limits are fixed words
// of the program.
func (t *Telemetry) Limits(s ratelimit.Source) ratelimit.Source {
	if t.metrics == nil {
		return s
	}
	return counted{s, t.metrics.limits}
}

type counted struct {
	ratelimit.Source
	refused *prometheus.CounterVec
}

func (c counted) Take(ctx context.Context, key string, limit ratelimit.Limit, cost int, now time.Time) (ratelimit.Decision, error) {
	d, err := c.Source.Take(ctx, key, limit, cost, now)
	if err == nil && !d.Allowed {
		c.refused.WithLabelValues(limit.Name).Inc()
	}
	return d, err
}

func (c counted) TakeAll(ctx context.Context, group string, asks []ratelimit.Ask, cost int, now time.Time) (bool, error) {
	taken, err := c.Source.TakeAll(ctx, group, asks, cost, now)
	if err != nil || taken {
		return taken, err
	}
	for i := range asks {
		if !asks[i].Decision.Allowed {
			c.refused.WithLabelValues(asks[i].Limit.Name).Inc()
			break
		}
	}
	return taken, nil
}
