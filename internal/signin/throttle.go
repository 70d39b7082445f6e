package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Throttle slows guessing at one account down: after Free wrong passwords in a
// row each further try must wait, one second first and twice as long each
// time, up to MaxDelay.
type Throttle struct {
	Free     int
	MaxDelay time.Duration
	// Key blinds the identifiers of unknown accounts in the counters' keys.
	Key []byte
}

// throttleWindow is how long after its last failure a run is forgotten.
const throttleWindow = 24 * time.Hour

// key names the counter: the account's, or that of an identifier nobody has.
// Both kinds behave alike, so the delay tells nobody which it was.
func (t Throttle) key(identifier auth.Identifier, user auth.User) string {
	if user.ID != "" {
		return t.UserKey(user.ID)
	}
	mac := hmac.New(sha256.New, t.Key)
	mac.Write([]byte(identifier.Value))
	return "password:?" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// UserKey names the counter of a known user.
func (t Throttle) UserKey(id auth.UserID) string { return "password:" + string(id) }

// delay is how long after the given failures the next try must wait.
func (t Throttle) delay(c auth.Counter) time.Duration {
	over := c.Failures - t.Free
	if over < 0 {
		return 0
	}
	if over > 30 {
		return t.MaxDelay
	}
	return min(time.Second<<over, t.MaxDelay)
}

// Count refuses a try that comes too early, and otherwise counts it as a
// failure before it is judged: whoever guesses in parallel gets no more guesses
// than whoever guesses in a row. A right password takes the count back.
func (t Throttle) Count(ctx context.Context, tx store.Tx, key string, now time.Time) error {
	c, err := tx.Counter(ctx, key, throttleWindow, now)
	if err != nil {
		return fmt.Errorf("read failures: %w", err)
	}
	if wait := c.LastAt.Add(t.delay(c)).Sub(now); c.Failures >= t.Free && wait > 0 {
		return &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: wait}
	}
	if _, err := tx.RaiseFailure(ctx, key, throttleWindow, now); err != nil {
		return fmt.Errorf("count failure: %w", err)
	}
	return nil
}

// charge takes one from what the address may still get wrong; refund gives it
// back. An unknown address has no bucket: one bucket for all the world behind
// a proxy would lock everybody out (the account's counter and the hashing gate
// still hold).
func (r *Room) charge(ctx context.Context, d auth.Device, now time.Time) (refund func(), err error) {
	key, ok := ratelimit.AddressKey(d.Address)
	if !ok || r.Addresses == nil {
		return func() {}, nil
	}
	decision, err := r.Addresses.Take(ctx, key, r.AddressLimits, 1, now)
	if err != nil {
		return nil, auth.Unavailable(fmt.Errorf("limit address: %w", err))
	}
	if !decision.Allowed {
		return nil, &auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: decision.RetryAfter}
	}
	return func() { _ = r.Addresses.Refund(ctx, key, r.AddressLimits, 1, now) }, nil
}
