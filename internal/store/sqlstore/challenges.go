package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

const challengeColumns = `id, user_id, kind, epoch, secret_hash, data, tries_left, created_at, expires_at`

func scanChallenge(row scanner) (c auth.Challenge, err error) {
	var user sql.NullString
	var created, expires int64
	err = row.Scan(&c.ID, &user, &c.Kind, &c.Epoch, &c.SecretHash, &c.Data, &c.TriesLeft, &created, &expires)
	c.UserID = auth.UserID(user.String)
	c.CreatedAt, c.ExpiresAt = fromMicros(created), fromMicros(expires)
	if len(c.Data) == 0 {
		c.Data = nil
	}
	return c, err
}

func (t *tx) CreateChallenge(ctx context.Context, c auth.Challenge) error {
	_, err := t.exec(ctx, "create challenge",
		`INSERT INTO challenges (`+challengeColumns+`) VALUES ($1, $2, $3, $4, $5, coalesce($6, x''), $7, $8, $9)`,
		c.ID, nullString(string(c.UserID)), string(c.Kind), c.Epoch, c.SecretHash, maybeBytes(c.Data), c.TriesLeft,
		micros(c.CreatedAt), micros(c.ExpiresAt))
	return err
}

// maybeBytes gives empty bytes one form on their way to the driver.
func maybeBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

func (t *tx) Challenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error) {
	return one(ctx, t, "read challenge", scanChallenge,
		`SELECT `+challengeColumns+` FROM challenges WHERE id = $1 AND kind = $2 AND expires_at > $3 AND tries_left > 0`, id, string(kind), micros(now))
}

func (t *tx) TryChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error) {
	return one(ctx, t, "try challenge", scanChallenge,
		`UPDATE challenges SET tries_left = tries_left - 1
		WHERE id = $1 AND kind = $2 AND expires_at > $3 AND tries_left > 0
		RETURNING `+challengeColumns, id, string(kind), micros(now))
}

func (t *tx) ConsumeChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, secretHash string, now time.Time) (auth.Challenge, error) {
	return one(ctx, t, "consume challenge", scanChallenge,
		`DELETE FROM challenges WHERE id = $1 AND kind = $2 AND secret_hash = $3 AND expires_at > $4
		RETURNING `+challengeColumns, id, string(kind), secretHash, micros(now))
}

func (t *tx) PurgeChallenges(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.exec(ctx, "purge challenges",
		`DELETE FROM challenges WHERE id IN (SELECT id FROM challenges WHERE expires_at < $1 LIMIT $2)`, micros(before), max(limit, 0))
}
