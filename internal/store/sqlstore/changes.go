package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

const changeColumns = `seq, kind, session_id, user_id, family_id, key_id, value, at, until`

// changeRow takes in one row of changeColumns after the other. A start reads a
// great many: reusing the place, and giving Scan the types it knows without
// reflection, saves a third of that.
type changeRow struct {
	auth.Change
	at, until int64
}

func (c *changeRow) scan(row scanner) error {
	err := row.Scan(&c.Seq, (*string)(&c.Kind), (*string)(&c.SessionID), (*string)(&c.UserID), (*string)(&c.FamilyID), &c.KeyID, &c.Value, &c.at, &c.until)
	c.At, c.Until = fromMicros(c.at), fromMicros(c.until)
	return err
}

func (t *tx) AppendChange(ctx context.Context, c auth.Change) (int64, error) {
	t.announces = true
	return one(ctx, t, "append change", scanInt64,
		`INSERT INTO changes (kind, session_id, user_id, family_id, key_id, value, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING seq`,
		string(c.Kind), c.SessionID, c.UserID, c.FamilyID, c.KeyID, c.Value, micros(c.At), micros(c.Until))
}

var purgeChanges = purging("changes", "seq", purge{column: "until"})

func (t *tx) PurgeChanges(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge changes", purgeChanges, before, limit)
}
