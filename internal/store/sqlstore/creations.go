package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

func (t *tx) BeginCreation(ctx context.Context, c auth.Creation, now time.Time) error {
	return t.change(ctx, store.ErrConflict, "begin creation",
		`INSERT INTO creations (key, request, made, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET request = excluded.request, made = excluded.made, until = excluded.until
			WHERE creations.until <= $5`,
		c.Key, c.Request, c.Made, micros(c.Until), micros(now))
}

func (t *tx) Creation(ctx context.Context, key string, now time.Time) (auth.Creation, error) {
	return one(ctx, t, "read creation", scanCreation, `SELECT key, request, made, until FROM creations WHERE key = $1 AND until > $2`, key, micros(now))
}

func scanCreation(row scanner) (c auth.Creation, err error) {
	var until int64
	err = row.Scan(&c.Key, &c.Request, &c.Made, &until)
	c.Until = fromMicros(until)
	return c, err
}

func (t *tx) FinishCreation(ctx context.Context, key, made string) error {
	return t.change(ctx, store.ErrNotFound, "finish creation", `UPDATE creations SET made = $2 WHERE key = $1 AND made = ''`, key, made)
}

func (t *tx) ForgetCreation(ctx context.Context, key string) error {
	_, err := t.exec(ctx, "forget creation", `DELETE FROM creations WHERE key = $1 AND made = ''`, key)
	return err
}

var purgeCreations = purging("creations", "key", purge{column: "until"})

func (t *tx) PurgeCreations(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge creations", purgeCreations, before, limit)
}
