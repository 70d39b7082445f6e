package limit

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
)

// The fields, as net/http has their names.
const (
	policyField = "Ratelimit-Policy"
	limitField  = "Ratelimit"
)

// Limit is a policy between requests and their handler.
type Limit struct {
	*ratelimit.Limiter
	// now is the clock.
	now func() time.Time
	// policy is the field that is the same in every answer.
	policy string
}

// New makes a Limit of a Limiter; now is the clock, nil means time.Now.
func New(l *ratelimit.Limiter, now func() time.Time) *Limit {
	if now == nil {
		now = time.Now
	}
	var field []byte
	p := l.Policy()
	for i, w := range p.Windows {
		name := p.Name
		if i > 0 {
			field = append(field, ", "...)
			name += ":" + w.Name
		}
		field = appendName(field, name)
		field = append(field, ";q="...)
		field = strconv.AppendInt(field, int64(w.Burst), 10)
		field = append(field, ";w="...)
		field = strconv.AppendInt(field, seconds(w.Period), 10)
	}
	return &Limit{Limiter: l, now: now, policy: string(field)}
}

// Pass counts the request of who, and tells in h what is left. Codes:
// too_many_attempts, with the time to wait; unavailable, when it cannot be
// counted.
func (l *Limit) Pass(h http.Header, r *http.Request, who ratelimit.Subject) error {
	o, err := l.Take(r.Context(), who, l.now())
	if err != nil {
		return auth.Unavailable(fmt.Errorf("rate limit %s: %w", l.Policy().Name, err))
	}
	// Beside those of another limit, where there are two.
	h[policyField] = append(h[policyField], l.policy)
	h[limitField] = append(h[limitField], field(&o))
	if o.Allowed {
		return nil
	}
	return &auth.Error{
		Code: auth.CodeTooManyAttempts, Message: "Too many requests. Wait, then try again.", RetryAfter: o.RetryAfter,
		Cause: fmt.Errorf("%w: %s", errUsedUp, l.Policy().Name),
	}
}

// errUsedUp is the cause for the log.
var errUsedUp = errors.New("rate limit used up")

// field says of each window how much is left, and after how many seconds there
// is more.
func field(o *ratelimit.Outcome) string {
	b := make([]byte, 0, 96)
	for i, s := range o.States() {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendName(b, s.Name)
		b = append(b, ";r="...)
		b = strconv.AppendInt(b, int64(max(s.Remaining, 0)), 10)
		b = append(b, ";t="...)
		b = strconv.AppendInt(b, seconds(s.Reset), 10)
	}
	return string(b)
}

// appendName writes a name as a String; names have nothing that needs escaping.
func appendName(b []byte, name string) []byte {
	return append(append(append(b, '"'), name...), '"')
}

// seconds rounds up: whoever waits so long has waited enough.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
