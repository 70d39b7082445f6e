package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

func scanPassword(row scanner) (p auth.Password, err error) {
	var updated int64
	err = row.Scan(&p.UserID, &p.Hash, &p.MustChange, &updated)
	p.UpdatedAt = fromMicros(updated)
	return p, err
}

func (t *tx) SetPassword(ctx context.Context, p auth.Password) error {
	_, err := t.exec(ctx, "set password",
		`INSERT INTO passwords (user_id, hash, must_change, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, must_change = excluded.must_change, updated_at = excluded.updated_at`,
		p.UserID, p.Hash, p.MustChange, micros(p.UpdatedAt))
	return err
}

func (t *tx) Password(ctx context.Context, id auth.UserID) (auth.Password, error) {
	return one(ctx, t, "read password", scanPassword,
		`SELECT user_id, hash, must_change, updated_at FROM passwords WHERE user_id = $1`, id)
}

func (t *tx) ReplaceHash(ctx context.Context, id auth.UserID, oldHash, newHash string, now time.Time) error {
	return t.change(ctx, store.ErrConflict, "replace password hash",
		`UPDATE passwords SET hash = $3, updated_at = $4 WHERE user_id = $1 AND hash = $2`, id, oldHash, newHash, micros(now))
}
