package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// selectUser reads a user and both identifiers in one query.
const selectUser = `SELECT ` + userColumns + ` FROM users u` + userIdentifiers

const userColumns = `u.id, coalesce(e.value, ''), coalesce(n.value, ''), ` + userFacts

const userFacts = `u.name, u.image, u.roles,
	u.email_verified_at, u.epoch, u.version, u.created_at, u.updated_at, u.disabled_at`

const userIdentifiers = `
	LEFT JOIN identifiers e ON e.user_id = u.id AND e.kind = 'email'
	LEFT JOIN identifiers n ON n.user_id = u.id AND n.kind = 'username' `

func scanUser(row scanner) (u auth.User, err error) {
	var roles string
	var verified, disabled sql.NullInt64
	var created, updated int64
	if err := row.Scan(&u.ID, &u.Email, &u.Username, &u.Name, &u.Image, &roles,
		&verified, &u.Epoch, &u.Version, &created, &updated, &disabled); err != nil {
		return u, err
	}
	u.EmailVerifiedAt, u.DisabledAt = fromMaybeMicros(verified), fromMaybeMicros(disabled)
	u.CreatedAt, u.UpdatedAt = fromMicros(created), fromMicros(updated)
	u.Roles, err = fromList(roles)
	return u, err
}

func (t *tx) CreateUser(ctx context.Context, u auth.User) error {
	roles, err := list(u.Roles)
	if err != nil {
		return translate("create user", err)
	}
	return t.wholly(ctx, "create user", func() error {
		_, err := t.exec(ctx, "create user",
			`INSERT INTO users (id, name, image, roles, email_verified_at, epoch, version, created_at, updated_at, disabled_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			u.ID, u.Name, u.Image, roles, maybeMicros(u.EmailVerifiedAt), u.Epoch, u.Version,
			micros(u.CreatedAt), micros(u.UpdatedAt), maybeMicros(u.DisabledAt))
		if err != nil {
			return err
		}
		if err := t.addIdentifier(ctx, u.ID, auth.IdentifierEmail, u.Email); err != nil {
			return err
		}
		return t.addIdentifier(ctx, u.ID, auth.IdentifierUsername, u.Username)
	})
}

func (t *tx) addIdentifier(ctx context.Context, id auth.UserID, kind auth.IdentifierKind, value string) error {
	if value == "" {
		return nil
	}
	_, err := t.exec(ctx, "add identifier", `INSERT INTO identifiers (value, kind, user_id) VALUES ($1, $2, $3)`, value, string(kind), id)
	return err
}

func (t *tx) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	return one(ctx, t, "read user", scanUser, selectUser+`WHERE u.id = $1`, id)
}

func (t *tx) UserByIdentifier(ctx context.Context, identifier string) (auth.User, error) {
	return one(ctx, t, "find user", scanUser, selectUser+`WHERE u.id = (SELECT user_id FROM identifiers WHERE value = $1)`, identifier)
}

// listUsers looks the identifiers up row by row: PostgreSQL, which does not know
// how few rows it is about to be asked for, would join whole tables.
const listUsers = `SELECT u.id,
	coalesce((SELECT value FROM identifiers WHERE user_id = u.id AND kind = 'email'), ''),
	coalesce((SELECT value FROM identifiers WHERE user_id = u.id AND kind = 'username'), ''), ` + userFacts + `
	FROM users u WHERE u.id > $1 ORDER BY u.id LIMIT $2`

func (t *tx) ListUsers(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	return all(ctx, t, "list users", scanUser, listUsers, after, max(limit, 0))
}

func (t *tx) UpdateUser(ctx context.Context, id auth.UserID, change store.UserUpdate, now time.Time) (u auth.User, err error) {
	err = t.wholly(ctx, "update user", func() error {
		if err := t.updateRow(ctx, id, change, now); err != nil {
			return err
		}
		if err := t.updateIdentifiers(ctx, id, change); err != nil {
			return err
		}
		u, err = t.User(ctx, id)
		return err
	})
	if err != nil {
		return auth.User{}, err
	}
	return u, nil
}

func (t *tx) updateRow(ctx context.Context, id auth.UserID, change store.UserUpdate, now time.Time) error {
	var roles sql.NullString
	if change.Roles != nil {
		text, err := list(*change.Roles)
		if err != nil {
			return translate("update user", err)
		}
		roles = sql.NullString{String: text, Valid: true}
	}
	setVerified, verified := optionalTime(change.EmailVerifiedAt)
	setDisabled, disabled := optionalTime(change.DisabledAt)
	return t.change(ctx, store.ErrNotFound, "update user",
		`UPDATE users SET name = coalesce($2, name), image = coalesce($3, image), roles = coalesce($4, roles),
			email_verified_at = CASE WHEN $5 THEN $6 ELSE email_verified_at END,
			disabled_at = CASE WHEN $7 THEN $8 ELSE disabled_at END,
			version = version + 1, updated_at = $9
		WHERE id = $1`,
		id, change.Name, change.Image, roles, setVerified, verified, setDisabled, disabled, micros(now))
}

// updateIdentifiers first takes away, then gives, so that a value may move
// from one kind to the other.
func (t *tx) updateIdentifiers(ctx context.Context, id auth.UserID, change store.UserUpdate) error {
	kinds := []struct {
		kind  auth.IdentifierKind
		value *string
	}{{auth.IdentifierEmail, change.Email}, {auth.IdentifierUsername, change.Username}}
	for _, k := range kinds {
		if k.value != nil {
			_, err := t.exec(ctx, "remove identifier", `DELETE FROM identifiers WHERE user_id = $1 AND kind = $2`, id, string(k.kind))
			if err != nil {
				return err
			}
		}
	}
	for _, k := range kinds {
		if k.value != nil {
			if err := t.addIdentifier(ctx, id, k.kind, *k.value); err != nil {
				return err
			}
		}
	}
	return nil
}

func optionalTime(t *time.Time) (given bool, value sql.NullInt64) {
	if t == nil {
		return false, sql.NullInt64{}
	}
	return true, maybeMicros(*t)
}

func (t *tx) RaiseEpoch(ctx context.Context, id auth.UserID, now time.Time) (auth.User, error) {
	err := t.change(ctx, store.ErrNotFound, "raise epoch",
		`UPDATE users SET epoch = epoch + 1, version = version + 1, updated_at = $2 WHERE id = $1`, id, micros(now))
	if err != nil {
		return auth.User{}, err
	}
	return t.User(ctx, id)
}

// DeleteUser removes one row; the schema's references take the rest with it. The
// user's old IDs are kept, for AddOldIDs.
func (t *tx) DeleteUser(ctx context.Context, id auth.UserID) error {
	_, err := t.exec(ctx, "delete user",
		`INSERT INTO gone_old_ids (mount, value) SELECT mount, value FROM old_ids WHERE user_id = $1 ON CONFLICT DO NOTHING`, id)
	if err != nil {
		return err
	}
	return t.change(ctx, store.ErrNotFound, "delete user", `DELETE FROM users WHERE id = $1`, id)
}
