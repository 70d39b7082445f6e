package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

func scanCounter(row scanner) (c auth.Counter, err error) {
	var first, last int64
	err = row.Scan(&c.Failures, &first, &last)
	c.FirstAt, c.LastAt = fromMicros(first), fromMicros(last)
	return c, err
}

func (t *tx) Counter(ctx context.Context, key string, window time.Duration, now time.Time) (auth.Counter, error) {
	c, err := one(ctx, t, "read counter", scanCounter,
		`SELECT failures, first_at, last_at FROM counters WHERE key = $1 AND last_at >= $2`, key, micros(now.Add(-window)))
	if errors.Is(err, store.ErrNotFound) {
		return auth.Counter{}, nil
	}
	return c, err
}

// RaiseFailure counts in one statement. A clock that was set back does not
// move the last failure back with it: that would end the run early.
func (t *tx) RaiseFailure(ctx context.Context, key string, window time.Duration, now time.Time) (auth.Counter, error) {
	return one(ctx, t, "raise counter", scanCounter,
		`INSERT INTO counters (key, failures, first_at, last_at) VALUES ($1, 1, $2, $2)
		ON CONFLICT (key) DO UPDATE SET
			failures = CASE WHEN counters.last_at < $3 THEN 1 ELSE counters.failures + 1 END,
			first_at = CASE WHEN counters.last_at < $3 THEN $2 ELSE counters.first_at END,
			last_at = CASE WHEN counters.last_at > $2 THEN counters.last_at ELSE $2 END
		RETURNING failures, first_at, last_at`, key, micros(now), micros(now.Add(-window)))
}

func (t *tx) ForgetFailures(ctx context.Context, key string) error {
	_, err := t.exec(ctx, "forget failures", `DELETE FROM counters WHERE key = $1`, key)
	return err
}

func (t *tx) PurgeCounters(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.exec(ctx, "purge counters",
		`DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE last_at < $1 LIMIT $2)`, micros(before), max(limit, 0))
}
