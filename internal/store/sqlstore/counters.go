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

var purgeCounters = purging("counters", "key", purge{"last_at", " AND substr(key, 1, $3) <> $4"})

func (t *tx) PurgeCounters(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge counters", purgeCounters, before, limit, len(store.Lasting), store.Lasting)
}

// A backlog is a row of the same table: first_at is its LastAt and last_at its
// Until, so that purging by last_at takes what nothing is left of.

func (t *tx) Backlog(ctx context.Context, key string, now time.Time) (auth.Backlog, error) {
	b, err := one(ctx, t, "read backlog", func(row scanner) (b auth.Backlog, err error) {
		var last, until int64
		err = row.Scan(&last, &until)
		b.LastAt, b.Until = fromMicros(last), fromMicros(until)
		return b, err
	}, `SELECT first_at, last_at FROM counters WHERE key = $1 AND last_at > $2`, key, micros(now))
	if errors.Is(err, store.ErrNotFound) {
		return auth.Backlog{}, nil
	}
	return b, err
}

func (t *tx) RaiseBacklog(ctx context.Context, key string, by time.Duration, now time.Time) error {
	_, err := t.exec(ctx, "raise backlog",
		`INSERT INTO counters (key, failures, first_at, last_at) VALUES ($1, 0, $2, CAST($2 AS BIGINT) + $3)
		ON CONFLICT (key) DO UPDATE SET
			first_at = CASE WHEN counters.first_at > $2 THEN counters.first_at ELSE $2 END,
			last_at = CASE WHEN counters.last_at > $2 THEN counters.last_at ELSE $2 END + $3`,
		key, micros(now), by.Microseconds())
	return err
}

func (t *tx) LowerBacklog(ctx context.Context, key string, by time.Duration) error {
	_, err := t.exec(ctx, "lower backlog", `UPDATE counters SET last_at = last_at - $2 WHERE key = $1`, key, by.Microseconds())
	return err
}
