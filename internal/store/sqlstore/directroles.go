package sqlstore

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Roles outside InTx; see direct.go.

// Role implements store.Tx outside a transaction.
func (d direct) Role(ctx context.Context, name string) (auth.Role, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Role, error) { return t.Role(ctx, name) })
}

// ListRoles implements store.Tx outside a transaction.
func (d direct) ListRoles(ctx context.Context) ([]auth.Role, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Role, error) { return t.ListRoles(ctx) })
}

// RoleNames implements store.Tx outside a transaction.
func (d direct) RoleNames(ctx context.Context) ([]string, error) {
	return read(ctx, d.backend, func(t *tx) ([]string, error) { return t.RoleNames(ctx) })
}

// RoleHolders implements store.Tx outside a transaction.
func (d direct) RoleHolders(ctx context.Context, role string, after auth.UserID, limit int) ([]auth.UserID, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.UserID, error) { return t.RoleHolders(ctx, role, after, limit) })
}

// CountHolders implements store.Tx outside a transaction.
func (d direct) CountHolders(ctx context.Context, roles []string, except auth.UserID, limit int) (int, error) {
	return read(ctx, d.backend, func(t *tx) (int, error) { return t.CountHolders(ctx, roles, except, limit) })
}

// CreateRole implements store.Tx as a transaction of its own.
func (d direct) CreateRole(ctx context.Context, r auth.Role) error {
	return d.write(ctx, func(t *tx) error { return t.CreateRole(ctx, r) })
}

// UpdateRole implements store.Tx as a transaction of its own.
func (d direct) UpdateRole(ctx context.Context, r auth.Role, from int64) error {
	return d.write(ctx, func(t *tx) error { return t.UpdateRole(ctx, r, from) })
}

// DeleteRole implements store.Tx as a transaction of its own.
func (d direct) DeleteRole(ctx context.Context, name string, from int64) error {
	return d.write(ctx, func(t *tx) error { return t.DeleteRole(ctx, name, from) })
}
