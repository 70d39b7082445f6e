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
		`INSERT INTO challenges (`+challengeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.ID, nullString(string(c.UserID)), string(c.Kind), c.Epoch, c.SecretHash, bytesOf(c.Data), c.TriesLeft,
		micros(c.CreatedAt), micros(c.ExpiresAt))
	return err
}

// bytesOf keeps the drivers from making NULL of bytes that are none.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
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

var purgeChallenges = purging("challenges", "id", purge{column: "expires_at"})

func (t *tx) PurgeChallenges(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge challenges", purgeChallenges, before, limit)
}
