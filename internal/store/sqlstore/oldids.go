package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

func (t *tx) AddOldIDs(ctx context.Context, user auth.UserID, ids []auth.OldID) error {
	return t.wholly(ctx, "add old IDs", func() error {
		for _, id := range ids {
			_, err := t.exec(ctx, "add old ID",
				`INSERT INTO old_ids (mount, value, user_id, main) VALUES ($1, $2, $3, $4)`, id.Mount, id.Value, user, id.Main)
			if err != nil {
				return err
			}
		}
		// An ID that a deleted user had adopts nothing any more: nobody lifts by
		// deleting and importing what a sign-out has refused for good.
		_, err := t.exec(ctx, "refuse adoption by the ID of a deleted user",
			`UPDATE users SET adoption_refused_at = created_at WHERE id = $1 AND adoption_refused_at IS NULL AND EXISTS (
				SELECT 1 FROM old_ids o JOIN gone_old_ids g ON g.mount = o.mount AND g.value = o.value WHERE o.user_id = $1)`, user)
		return err
	})
}

func (t *tx) OldIDs(ctx context.Context, user auth.UserID) ([]auth.OldID, error) {
	return all(ctx, t, "list old IDs", func(row scanner) (id auth.OldID, err error) {
		return id, row.Scan(&id.Mount, &id.Value, &id.Main)
	}, `SELECT mount, value, main FROM old_ids WHERE user_id = $1 ORDER BY mount, main DESC, value`, user)
}

func (t *tx) UserByOldID(ctx context.Context, mount, value string) (auth.Adoption, error) {
	a, err := one(ctx, t, "find user by old ID", scanAdoption,
		`SELECT user_id, (SELECT adoption_refused_at FROM users WHERE id = user_id) FROM old_ids WHERE mount = $1 AND value = $2`, mount, value)
	if err != nil {
		return auth.Adoption{}, err
	}
	a.User, err = t.User(ctx, a.User.ID)
	return a, err
}

func scanAdoption(row scanner) (a auth.Adoption, err error) {
	var refused sql.NullInt64
	err = row.Scan(&a.User.ID, &refused)
	a.RefusedAt = fromMaybeMicros(refused)
	return a, err
}

func (t *tx) RefuseAdoption(ctx context.Context, user auth.UserID, now time.Time) error {
	_, err := t.exec(ctx, "refuse adoption",
		`UPDATE users SET adoption_refused_at = $2 WHERE id = $1 AND adoption_refused_at IS NULL`, user, micros(now))
	return err
}
