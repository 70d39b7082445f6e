package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const invitationColumns = `id, secret_hash, roles, note, uses_left, created_at, expires_at`

func scanInvitation(row scanner) (i auth.Invitation, err error) {
	var roles string
	var created, expires int64
	if err := row.Scan(&i.ID, &i.SecretHash, &roles, &i.Note, &i.UsesLeft, &created, &expires); err != nil {
		return i, err
	}
	i.CreatedAt, i.ExpiresAt = fromMicros(created), fromMicros(expires)
	i.Roles, err = fromList(roles)
	return i, err
}

func (t *tx) CreateInvitation(ctx context.Context, i auth.Invitation) error {
	roles, err := list(i.Roles)
	if err != nil {
		return translate("create invitation", err)
	}
	_, err = t.exec(ctx, "create invitation",
		`INSERT INTO invitations (`+invitationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		i.ID, i.SecretHash, roles, i.Note, i.UsesLeft, micros(i.CreatedAt), micros(i.ExpiresAt))
	return err
}

func (t *tx) ConsumeInvitation(ctx context.Context, id auth.InvitationID, secretHash string, now time.Time) (auth.Invitation, error) {
	return one(ctx, t, "consume invitation", scanInvitation,
		`UPDATE invitations SET uses_left = uses_left - 1
		WHERE id = $1 AND secret_hash = $2 AND uses_left > 0 AND expires_at > $3
		RETURNING `+invitationColumns, id, secretHash, micros(now))
}

func (t *tx) ListInvitations(ctx context.Context, now time.Time) ([]auth.Invitation, error) {
	return all(ctx, t, "list invitations", scanInvitation,
		`SELECT `+invitationColumns+` FROM invitations WHERE uses_left > 0 AND expires_at > $1
		ORDER BY created_at DESC, id DESC`, micros(now))
}

func (t *tx) DeleteInvitation(ctx context.Context, id auth.InvitationID) error {
	return t.change(ctx, store.ErrNotFound, "delete invitation", `DELETE FROM invitations WHERE id = $1`, id)
}

var purgeInvitations = purging("invitations", "id", purge{column: "expires_at"})

func (t *tx) PurgeInvitations(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge invitations", purgeInvitations, before, limit)
}
