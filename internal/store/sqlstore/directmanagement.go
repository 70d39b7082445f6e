package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Creation implements store.Tx outside a transaction.
func (d direct) Creation(ctx context.Context, key string, now time.Time) (auth.Creation, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Creation, error) { return t.Creation(ctx, key, now) })
}

// BeginCreation implements store.Tx as a transaction of its own.
func (d direct) BeginCreation(ctx context.Context, c auth.Creation, now time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.BeginCreation(ctx, c, now) })
}

// FinishCreation implements store.Tx as a transaction of its own.
func (d direct) FinishCreation(ctx context.Context, key, made string) error {
	return d.write(ctx, func(t *tx) error { return t.FinishCreation(ctx, key, made) })
}

// ForgetCreation implements store.Tx as a transaction of its own.
func (d direct) ForgetCreation(ctx context.Context, key string) error {
	return d.write(ctx, func(t *tx) error { return t.ForgetCreation(ctx, key) })
}

// PurgeCreations implements store.Tx as a transaction of its own.
func (d direct) PurgeCreations(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeCreations(ctx, before, limit) })
}

// EverySession implements store.Tx outside a transaction.
func (d direct) EverySession(ctx context.Context, user auth.UserID) ([]auth.Session, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Session, error) { return t.EverySession(ctx, user) })
}

// EveryFamily implements store.Tx outside a transaction.
func (d direct) EveryFamily(ctx context.Context, user auth.UserID) ([]auth.Family, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Family, error) { return t.EveryFamily(ctx, user) })
}
