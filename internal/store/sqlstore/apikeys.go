package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const apiKeyColumns = `id, environment, name, user_id, epoch, created_by, roles, scopes, networks, rate_requests, rate_period, secret_hash,
	replaced_by, version, created_at, expires_at, last_used_at, revoked_at`

// apiKeyOfOwner are the same columns behind those of the user that count.
const apiKeyOfOwner = `SELECT coalesce(u.roles, '[]'), coalesce(u.epoch, 0), coalesce(u.version, 0), u.disabled_at,
	k.id, k.environment, k.name, k.user_id, k.epoch, k.created_by, k.roles, k.scopes, k.networks, k.rate_requests, k.rate_period, k.secret_hash,
	k.replaced_by, k.version, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
	FROM api_keys k LEFT JOIN users u ON u.id = k.user_id WHERE k.id = $1`

func scanAPIKey(row scanner) (k auth.APIKey, err error) {
	var user sql.NullString
	var roles, scopes, networks string
	var period, created, expires int64
	var used, revoked sql.NullInt64
	if err := row.Scan(&k.ID, &k.Environment, &k.Name, &user, &k.Epoch, &k.CreatedBy, &roles, &scopes, &networks, &k.RateLimit.Requests, &period,
		&k.SecretHash, &k.ReplacedBy, &k.Version, &created, &expires, &used, &revoked); err != nil {
		return k, err
	}
	k.UserID, k.RateLimit.Period = auth.UserID(user.String), time.Duration(period)*time.Microsecond
	k.CreatedAt, k.ExpiresAt = fromMicros(created), fromMicros(expires)
	k.LastUsedAt, k.RevokedAt = fromMaybeMicros(used), fromMaybeMicros(revoked)
	if k.Roles, err = fromList(roles); err != nil {
		return k, err
	}
	if k.Scopes, err = fromList(scopes); err != nil {
		return k, err
	}
	k.Networks, err = fromNetworks(networks)
	return k, err
}

// apiKeyAndOwner are two rows read as one.
type apiKeyAndOwner struct {
	key   auth.APIKey
	owner store.Owner
}

func scanAPIKeyAndOwner(row scanner) (both apiKeyAndOwner, err error) {
	var roles string
	var disabled sql.NullInt64
	if both.key, err = scanAPIKey(behind{row, []any{&roles, &both.owner.Epoch, &both.owner.Version, &disabled}}); err != nil {
		return both, err
	}
	both.owner.Disabled = disabled.Valid
	both.owner.Roles, err = fromList(roles)
	return both, err
}

// networks is a list of them as a JSON array of their texts.
func networks(of []netip.Prefix) (string, error) {
	texts := make([]string, len(of))
	for i, n := range of {
		texts[i] = n.String()
	}
	return list(texts)
}

func fromNetworks(text string) (list []netip.Prefix, err error) {
	texts, err := fromList(text)
	if err != nil {
		return nil, err
	}
	for _, s := range texts {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("read a network: %w", err)
		}
		list = append(list, n)
	}
	return list, nil
}

// apiKeyLists are the texts of a key's lists.
func apiKeyLists(k auth.APIKey) (roles, scopes, nets string, err error) {
	if roles, err = list(k.Roles); err != nil {
		return roles, scopes, nets, err
	}
	if scopes, err = list(k.Scopes); err != nil {
		return roles, scopes, nets, err
	}
	nets, err = networks(k.Networks)
	return roles, scopes, nets, err
}

// insertUserAPIKey reads the condition and writes the row in one statement, as
// insertSession does.
const (
	insertServiceAPIKey = `INSERT INTO api_keys (` + apiKeyColumns + `)
	VALUES ($1, $2, $3, NULL, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`
	insertUserAPIKey = `INSERT INTO api_keys (` + apiKeyColumns + `)
	SELECT $1, $2, $3, id, epoch, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
	FROM users WHERE id = $18 AND epoch = $4 AND disabled_at IS NULL`
)

var insertUserAPIKeyWording = wording{sqlite: insertUserAPIKey, postgres: insertUserAPIKey + ` FOR SHARE`}

func (t *tx) InsertAPIKey(ctx context.Context, k auth.APIKey) error {
	roles, scopes, nets, err := apiKeyLists(k)
	if err != nil {
		return translate("insert API key", err)
	}
	args := []any{k.ID, k.Environment, k.Name, k.Epoch, k.CreatedBy, roles, scopes, nets, k.RateLimit.Requests, k.RateLimit.Period.Microseconds(),
		k.SecretHash, k.ReplacedBy, k.Version, micros(k.CreatedAt), micros(k.ExpiresAt), maybeMicros(k.LastUsedAt), maybeMicros(k.RevokedAt)}
	if k.UserID == "" {
		_, err := t.exec(ctx, "insert API key", insertServiceAPIKey, args...)
		return err
	}
	return t.change(ctx, store.ErrConflict, "insert API key", t.conn.word(&insertUserAPIKeyWording), append(args, k.UserID)...)
}

func (t *tx) APIKey(ctx context.Context, id auth.APIKeyID) (auth.APIKey, error) {
	return one(ctx, t, "read API key", scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys WHERE id = $1`, id)
}

func (t *tx) APIKeyAndOwner(ctx context.Context, id auth.APIKeyID) (auth.APIKey, store.Owner, error) {
	both, err := one(ctx, t, "read API key and owner", scanAPIKeyAndOwner, apiKeyOfOwner, id)
	return both.key, both.owner, err
}

func (t *tx) ListAPIKeys(ctx context.Context, of store.APIKeyFilter, after auth.APIKeyID, limit int) ([]auth.APIKey, error) {
	const text = `SELECT ` + apiKeyColumns + ` FROM api_keys WHERE id > $1`
	const order = ` ORDER BY id LIMIT $2`
	switch limit = max(limit, 0); {
	case of.User != "":
		return all(ctx, t, "list API keys", scanAPIKey, text+` AND user_id = $3`+order, after, limit, of.User)
	case of.Services:
		return all(ctx, t, "list API keys", scanAPIKey, text+` AND user_id IS NULL`+order, after, limit)
	}
	return all(ctx, t, "list API keys", scanAPIKey, text+order, after, limit)
}

func (t *tx) CountAPIKeys(ctx context.Context, user auth.UserID, now time.Time) (int, error) {
	n, err := one(ctx, t, "count API keys", scanInt64,
		`SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2`, user, micros(now))
	return int(n), err
}

// countAPIKeysNaming has no index: one of what each key names would be written with
// every key, and is asked for when a role is deleted. A role is found by its name in
// quotation marks, of which none has one in it.
var countAPIKeysNaming = &wording{sqlite: countAPIKeysWhere(`instr(roles, $1) > 0`), postgres: countAPIKeysWhere(`strpos(roles, $1) > 0`)}

func countAPIKeysWhere(named string) string {
	return `SELECT count(*) FROM (SELECT 1 FROM api_keys WHERE revoked_at IS NULL AND expires_at > $2 AND ` + named + ` LIMIT $3) AS naming`
}

func (t *tx) CountAPIKeysNaming(ctx context.Context, role string, now time.Time, limit int) (int, error) {
	text, err := list([]string{role})
	if err != nil {
		return 0, translate("count API keys with a role", err)
	}
	n, err := one(ctx, t, "count API keys with a role", scanInt64, t.conn.word(countAPIKeysNaming),
		strings.Trim(text, "[]"), micros(now), max(limit, 0))
	return int(n), err
}

func (t *tx) UpdateAPIKey(ctx context.Context, id auth.APIKeyID, version int64, change store.APIKeyUpdate) (auth.APIKey, error) {
	k, err := one(ctx, t, "change API key", scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys WHERE id = $1 AND revoked_at IS NULL`, id)
	if err != nil {
		return k, err
	}
	if k.Version != version {
		return k, store.ErrConflict
	}
	set(&k.Name, change.Name)
	set(&k.Roles, change.Roles)
	set(&k.Scopes, change.Scopes)
	set(&k.Networks, change.Networks)
	set(&k.RateLimit, change.RateLimit)
	set(&k.ReplacedBy, change.ReplacedBy)
	if change.ExpiresAt != nil && change.ExpiresAt.Before(k.ExpiresAt) {
		k.ExpiresAt = *change.ExpiresAt
	}
	roles, scopes, nets, err := apiKeyLists(k)
	if err != nil {
		return k, translate("change API key", err)
	}
	return oneOr(ctx, t, store.ErrConflict, "change API key", scanAPIKey,
		`UPDATE api_keys SET name = $3, roles = $4, scopes = $5, networks = $6, rate_requests = $7, rate_period = $8, replaced_by = $9, expires_at = $10,
			version = version + 1
		WHERE id = $1 AND version = $2 AND revoked_at IS NULL RETURNING `+apiKeyColumns,
		id, version, k.Name, roles, scopes, nets, k.RateLimit.Requests, k.RateLimit.Period.Microseconds(), k.ReplacedBy, micros(k.ExpiresAt))
}

// set puts the value in place, if one is given.
func set[T any](into, value *T) {
	if value != nil {
		*into = *value
	}
}

func (t *tx) RevokeAPIKey(ctx context.Context, id auth.APIKeyID, now time.Time) error {
	return t.change(ctx, store.ErrNotFound, "revoke API key",
		`UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL`, id, micros(now))
}

func (t *tx) RevokeUserAPIKeys(ctx context.Context, user auth.UserID, now time.Time) (int, error) {
	return t.exec(ctx, "revoke API keys of user",
		`UPDATE api_keys SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2`, user, micros(now))
}

// TouchAPIKeys goes through the IDs in their order, as TouchSessions does.
func (t *tx) TouchAPIKeys(ctx context.Context, used map[auth.APIKeyID]time.Time) error {
	for _, id := range slices.Sorted(maps.Keys(used)) {
		_, err := t.exec(ctx, "touch API keys",
			`UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`, id, micros(used[id]))
		if err != nil {
			return err
		}
	}
	return nil
}

var purgeAPIKeys = purging("api_keys", "id", purge{column: "expires_at"}, purge{column: "revoked_at"})

func (t *tx) PurgeAPIKeys(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge API keys", purgeAPIKeys, before, limit)
}
