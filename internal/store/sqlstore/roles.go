package sqlstore

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const roleColumns = `name, description, permissions, inherits, version, created_at, updated_at`

func scanRole(row scanner) (r auth.Role, err error) {
	var permissions, inherits string
	var created, updated int64
	if err := row.Scan(&r.Name, &r.Description, &permissions, &inherits, &r.Version, &created, &updated); err != nil {
		return r, err
	}
	r.Origin, r.CreatedAt, r.UpdatedAt = auth.RoleStored, fromMicros(created), fromMicros(updated)
	if r.Permissions, err = fromList(permissions); err != nil {
		return r, err
	}
	r.Inherits, err = fromList(inherits)
	return r, err
}

func (t *tx) CreateRole(ctx context.Context, r auth.Role) error {
	permissions, inherits, err := roleLists(r)
	if err != nil {
		return translate("create role", err)
	}
	_, err = t.exec(ctx, "create role", `INSERT INTO roles (`+roleColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Name, r.Description, permissions, inherits, r.Version, micros(r.CreatedAt), micros(r.UpdatedAt))
	return err
}

func roleLists(r auth.Role) (permissions, inherits string, err error) {
	if permissions, err = list(r.Permissions); err != nil {
		return "", "", err
	}
	inherits, err = list(r.Inherits)
	return permissions, inherits, err
}

func (t *tx) Role(ctx context.Context, name string) (auth.Role, error) {
	return one(ctx, t, "read role", scanRole, `SELECT `+roleColumns+` FROM roles WHERE name = $1`, name)
}

func (t *tx) ListRoles(ctx context.Context) ([]auth.Role, error) {
	return all(ctx, t, "list roles", scanRole, `SELECT `+roleColumns+` FROM roles ORDER BY name`)
}

func (t *tx) RoleNames(ctx context.Context) ([]string, error) {
	return all(ctx, t, "list names of roles", scanString, `SELECT name FROM roles ORDER BY name`)
}

func (t *tx) UpdateRole(ctx context.Context, r auth.Role, from int64) error {
	permissions, inherits, err := roleLists(r)
	if err != nil {
		return translate("update role", err)
	}
	return t.change(ctx, store.ErrConflict, "update role",
		`UPDATE roles SET description = $3, permissions = $4, inherits = $5, version = $6, updated_at = $7 WHERE name = $1 AND version = $2`,
		r.Name, from, r.Description, permissions, inherits, r.Version, micros(r.UpdatedAt))
}

func (t *tx) DeleteRole(ctx context.Context, name string, from int64) error {
	return t.change(ctx, store.ErrConflict, "delete role", `DELETE FROM roles WHERE name = $1 AND version = $2`, name, from)
}

func (t *tx) RoleHolders(ctx context.Context, role string, after auth.UserID, limit int) ([]auth.UserID, error) {
	return all(ctx, t, "list holders of a role", scanUserID,
		`SELECT user_id FROM role_holders WHERE role = $1 AND user_id > $2 ORDER BY user_id LIMIT $3`, role, after, max(limit, 0))
}

func scanUserID(row scanner) (id auth.UserID, err error) { return id, row.Scan((*string)(&id)) }

// countHolders looks whether each holder is disabled row by row: PostgreSQL would
// rather join whole tables.
var countHolders = &wording{
	sqlite:   countHoldersOf(`role IN (SELECT value FROM json_each($1))`),
	postgres: countHoldersOf(`role = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))`),
}

func countHoldersOf(one string) string {
	return `SELECT count(*) FROM (SELECT DISTINCT user_id FROM role_holders WHERE ` + one + ` AND user_id <> $2
		AND (SELECT disabled_at IS NULL FROM users WHERE id = user_id) LIMIT $3) AS holders`
}

func (t *tx) CountHolders(ctx context.Context, roles []string, except auth.UserID, limit int) (int, error) {
	texts, err := list(roles)
	if err != nil {
		return 0, translate("count holders of roles", err)
	}
	n, err := one(ctx, t, "count holders of roles", scanInt64, t.conn.word(countHolders), texts, except, max(limit, 0))
	return int(n), err
}
