package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const keyColumns = `id, algorithm, state, public, private, created_at, active_at, retiring_at, retired_at`

func scanKey(row scanner) (k auth.Key, err error) {
	var created int64
	var active, retiring, retired sql.NullInt64
	err = row.Scan(&k.ID, &k.Algorithm, &k.State, &k.Public, &k.Private, &created, &active, &retiring, &retired)
	k.CreatedAt, k.ActiveAt = fromMicros(created), fromMaybeMicros(active)
	k.RetiringAt, k.RetiredAt = fromMaybeMicros(retiring), fromMaybeMicros(retired)
	if len(k.Private) == 0 {
		k.Private = nil
	}
	return k, err
}

func (t *tx) InsertKey(ctx context.Context, k auth.Key) error {
	_, err := t.exec(ctx, "insert key",
		`INSERT INTO keys (`+keyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.ID, k.Algorithm, string(k.State), k.Public, bytesOf(k.Private), micros(k.CreatedAt),
		maybeMicros(k.ActiveAt), maybeMicros(k.RetiringAt), maybeMicros(k.RetiredAt))
	return err
}

func (t *tx) ListKeys(ctx context.Context) ([]auth.Key, error) {
	return all(ctx, t, "list keys", scanKey, listKeys)
}

const listKeys = `SELECT ` + keyColumns + ` FROM keys ORDER BY created_at, id`

func (t *tx) MoveKey(ctx context.Context, id string, from, to auth.KeyState, now time.Time) error {
	return t.change(ctx, store.ErrConflict, "move key",
		`UPDATE keys SET state = $3,
			active_at = CASE WHEN $3 = 'active' THEN $4 ELSE active_at END,
			retiring_at = CASE WHEN $3 = 'retiring' THEN $4 ELSE retiring_at END,
			retired_at = CASE WHEN $3 = 'retired' THEN $4 ELSE retired_at END,
			private = CASE WHEN $3 = 'retired' THEN $5 ELSE private END
		WHERE id = $1 AND state = $2`, id, string(from), string(to), micros(now), bytesOf(nil))
}

func (t *tx) ResealKey(ctx context.Context, id string, private []byte) error {
	return t.change(ctx, store.ErrNotFound, "seal key anew",
		`UPDATE keys SET private = $2 WHERE id = $1 AND state <> 'retired'`, id, bytesOf(private))
}

var purgeKeys = purging("keys", "id", purge{"retired_at", " AND state = 'retired'"})

func (t *tx) PurgeKeys(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge keys", purgeKeys, before, limit)
}
