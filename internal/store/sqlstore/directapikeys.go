package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// API keys outside InTx; see direct.go.

// APIKey implements store.Tx outside a transaction.
func (d direct) APIKey(ctx context.Context, id auth.APIKeyID) (auth.APIKey, error) {
	return read(ctx, d.backend, func(t *tx) (auth.APIKey, error) { return t.APIKey(ctx, id) })
}

// APIKeyAndOwner implements store.Tx outside a transaction.
func (d direct) APIKeyAndOwner(ctx context.Context, id auth.APIKeyID) (auth.APIKey, store.Owner, error) {
	both, err := read(ctx, d.backend, func(t *tx) (both apiKeyAndOwner, err error) {
		both.key, both.owner, err = t.APIKeyAndOwner(ctx, id)
		return both, err
	})
	return both.key, both.owner, err
}

// ListAPIKeys implements store.Tx outside a transaction.
func (d direct) ListAPIKeys(ctx context.Context, of store.APIKeyFilter, after auth.APIKeyID, limit int) ([]auth.APIKey, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.APIKey, error) { return t.ListAPIKeys(ctx, of, after, limit) })
}

// CountAPIKeys implements store.Tx outside a transaction.
func (d direct) CountAPIKeys(ctx context.Context, user auth.UserID, now time.Time) (int, error) {
	return read(ctx, d.backend, func(t *tx) (int, error) { return t.CountAPIKeys(ctx, user, now) })
}

// CountAPIKeysNaming implements store.Tx outside a transaction.
func (d direct) CountAPIKeysNaming(ctx context.Context, role string, now time.Time, limit int) (int, error) {
	return read(ctx, d.backend, func(t *tx) (int, error) { return t.CountAPIKeysNaming(ctx, role, now, limit) })
}

// InsertAPIKey implements store.Tx as a transaction of its own.
func (d direct) InsertAPIKey(ctx context.Context, k auth.APIKey) error {
	return d.write(ctx, func(t *tx) error { return t.InsertAPIKey(ctx, k) })
}

// UpdateAPIKey implements store.Tx as a transaction of its own.
func (d direct) UpdateAPIKey(ctx context.Context, id auth.APIKeyID, version int64, change store.APIKeyUpdate) (auth.APIKey, error) {
	return write(ctx, d.backend, func(t *tx) (auth.APIKey, error) { return t.UpdateAPIKey(ctx, id, version, change) })
}

// RevokeAPIKey implements store.Tx as a transaction of its own.
func (d direct) RevokeAPIKey(ctx context.Context, id auth.APIKeyID, now time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.RevokeAPIKey(ctx, id, now) })
}

// RevokeUserAPIKeys implements store.Tx as a transaction of its own.
func (d direct) RevokeUserAPIKeys(ctx context.Context, user auth.UserID, now time.Time) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.RevokeUserAPIKeys(ctx, user, now) })
}

// TouchAPIKeys implements store.Tx as a transaction of its own.
func (d direct) TouchAPIKeys(ctx context.Context, used map[auth.APIKeyID]time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.TouchAPIKeys(ctx, used) })
}

// PurgeAPIKeys implements store.Tx as a transaction of its own.
func (d direct) PurgeAPIKeys(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeAPIKeys(ctx, before, limit) })
}
