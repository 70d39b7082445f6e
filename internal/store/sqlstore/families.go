package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const familyColumns = `id, user_id, session_id, client_id, mount, audiences, scopes, offline, epoch, methods, key_id, salt,
	generation, rotated_at, retries, created_at, absolute_end, ended_at, end_reason, subject, proven_at`

func scanFamily(row scanner) (f auth.Family, err error) {
	var audiences, scopes, methods string
	var rotated, created, proven, end int64
	var offline int64
	var ended sql.NullInt64
	if err := row.Scan(&f.ID, &f.UserID, &f.SessionID, &f.ClientID, &f.Mount, &audiences, &scopes, &offline, &f.Epoch, &methods,
		&f.KeyID, &f.Salt, &f.Generation, &rotated, &f.Retries, &created, &end, &ended, &f.EndReason, &f.Subject, &proven); err != nil {
		return f, err
	}
	f.Offline = offline != 0
	f.RotatedAt, f.CreatedAt, f.ProvenAt = fromMicros(rotated), fromMicros(created), fromMicros(proven)
	f.AbsoluteEnd, f.EndedAt = fromMicros(end), fromMaybeMicros(ended)
	for _, l := range []struct {
		into *[]string
		text string
	}{{&f.Audiences, audiences}, {&f.Scopes, scopes}, {&f.Methods, methods}} {
		if *l.into, err = fromList(l.text); err != nil {
			return f, err
		}
	}
	return f, nil
}

// insertFamily reads the conditions and writes the row in one statement, as
// insertSession does.
const insertFamily = `INSERT INTO families (` + familyColumns + `)
	SELECT $1, id, $3, $4, $5, $6, $7, $8, epoch, $10, $11, $12, $13, $14, $15, $16, $17, NULL, '', $18, $19
	FROM users WHERE id = $2 AND epoch = $9 AND disabled_at IS NULL
		AND ($3 = '' OR EXISTS (SELECT 1 FROM sessions WHERE sessions.id = $3 AND ended_at IS NULL))`

var insertFamilyWording = wording{sqlite: insertFamily, postgres: insertFamily + ` FOR SHARE`}

func (t *tx) InsertFamily(ctx context.Context, f auth.Family) error {
	var texts [3]string
	for i, l := range [][]string{f.Audiences, f.Scopes, f.Methods} {
		var err error
		if texts[i], err = list(l); err != nil {
			return translate("insert family", err)
		}
	}
	return t.change(ctx, store.ErrConflict, "insert family", t.conn.word(&insertFamilyWording),
		f.ID, f.UserID, f.SessionID, f.ClientID, f.Mount, texts[0], texts[1], number(f.Offline), f.Epoch, texts[2],
		f.KeyID, f.Salt, f.Generation, micros(f.RotatedAt), f.Retries, micros(f.CreatedAt), micros(f.AbsoluteEnd),
		f.Subject, micros(f.ProvenAt))
}

func (t *tx) Family(ctx context.Context, id auth.FamilyID) (auth.Family, error) {
	return one(ctx, t, "read family", scanFamily, `SELECT `+familyColumns+` FROM families WHERE id = $1`, id)
}

const rotateFamily = `UPDATE families SET generation = generation + 1, key_id = $3, rotated_at = $4, retries = 0
	WHERE id = $1 AND generation = $2 AND ended_at IS NULL AND absolute_end > $4
		AND EXISTS (SELECT 1 FROM users WHERE users.id = families.user_id AND users.epoch = families.epoch AND disabled_at IS NULL)
		AND (offline = 1 OR session_id = ''
			OR EXISTS (SELECT 1 FROM sessions WHERE sessions.id = families.session_id AND sessions.ended_at IS NULL))
	RETURNING ` + familyColumns

func (t *tx) RotateFamily(ctx context.Context, id auth.FamilyID, from int64, keyID string, now time.Time) (auth.Family, error) {
	return oneOr(ctx, t, store.ErrConflict, "rotate family", scanFamily, rotateFamily, id, from, keyID, micros(now))
}

func (t *tx) RetryFamily(ctx context.Context, id auth.FamilyID, current int64, most int) (auth.Family, error) {
	return oneOr(ctx, t, store.ErrConflict, "count a repeated refresh", scanFamily,
		`UPDATE families SET retries = retries + 1
		WHERE id = $1 AND generation = $2 AND retries < $3 AND ended_at IS NULL
		RETURNING `+familyColumns, id, current, most)
}

func (t *tx) EndFamily(ctx context.Context, id auth.FamilyID, reason auth.EndReason, now time.Time) error {
	return t.change(ctx, store.ErrNotFound, "end family",
		`UPDATE families SET ended_at = $3, end_reason = $2 WHERE id = $1 AND ended_at IS NULL`, id, string(reason), micros(now))
}

func (t *tx) EndSessionFamilies(ctx context.Context, session auth.SessionID, reason auth.EndReason, now time.Time) ([]auth.Family, error) {
	return all(ctx, t, "end families of session", scanFamily,
		`UPDATE families SET ended_at = $3, end_reason = $2
		WHERE session_id = $1 AND session_id <> '' AND offline = 0 AND ended_at IS NULL
		RETURNING `+familyColumns, session, string(reason), micros(now))
}

func (t *tx) MoveFamilies(ctx context.Context, from, to auth.SessionID) error {
	_, err := t.exec(ctx, "move families", `UPDATE families SET session_id = $2 WHERE session_id = $1 AND session_id <> ''`, from, to)
	return err
}

func (t *tx) EndUserFamilies(ctx context.Context, user auth.UserID, reason auth.EndReason, now time.Time) (int, error) {
	return t.exec(ctx, "end families of user",
		`UPDATE families SET ended_at = $3, end_reason = $2 WHERE user_id = $1 AND ended_at IS NULL AND absolute_end > $3`,
		user, string(reason), micros(now))
}

func (t *tx) ListFamilies(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Family, error) {
	return all(ctx, t, "list families", scanFamily,
		`SELECT `+familyColumns+` FROM families
		WHERE user_id = $1 AND ended_at IS NULL AND absolute_end > $2
		ORDER BY created_at DESC, id DESC`, user, micros(now))
}

var purgeFamilies = purging("families", "id", purge{column: "absolute_end"}, purge{column: "ended_at"})

func (t *tx) PurgeFamilies(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge families", purgeFamilies, before, limit)
}
