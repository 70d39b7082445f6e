package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Families and keys outside InTx; see direct.go.

// Family implements store.Tx outside a transaction.
func (d direct) Family(ctx context.Context, id auth.FamilyID) (auth.Family, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Family, error) { return t.Family(ctx, id) })
}

// ListFamilies implements store.Tx outside a transaction.
func (d direct) ListFamilies(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Family, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Family, error) { return t.ListFamilies(ctx, user, now) })
}

// ListKeys implements store.Tx outside a transaction.
func (d direct) ListKeys(ctx context.Context) ([]auth.Key, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Key, error) { return t.ListKeys(ctx) })
}

// InsertFamily implements store.Tx as a transaction of its own.
func (d direct) InsertFamily(ctx context.Context, f auth.Family) error {
	return d.write(ctx, func(t *tx) error { return t.InsertFamily(ctx, f) })
}

// RotateFamily implements store.Tx as a transaction of its own.
func (d direct) RotateFamily(ctx context.Context, id auth.FamilyID, from int64, keyID string, now time.Time) (auth.Family, error) {
	return write(ctx, d.backend, func(t *tx) (auth.Family, error) { return t.RotateFamily(ctx, id, from, keyID, now) })
}

// RetryFamily implements store.Tx as a transaction of its own.
func (d direct) RetryFamily(ctx context.Context, id auth.FamilyID, current int64, most int) (auth.Family, error) {
	return write(ctx, d.backend, func(t *tx) (auth.Family, error) { return t.RetryFamily(ctx, id, current, most) })
}

// EndFamily implements store.Tx as a transaction of its own.
func (d direct) EndFamily(ctx context.Context, id auth.FamilyID, reason auth.EndReason, now time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.EndFamily(ctx, id, reason, now) })
}

// EndSessionFamilies implements store.Tx as a transaction of its own.
func (d direct) EndSessionFamilies(ctx context.Context, session auth.SessionID, reason auth.EndReason, now time.Time) ([]auth.Family, error) {
	return write(ctx, d.backend, func(t *tx) ([]auth.Family, error) { return t.EndSessionFamilies(ctx, session, reason, now) })
}

// MoveFamilies implements store.Tx as a transaction of its own.
func (d direct) MoveFamilies(ctx context.Context, from, to auth.SessionID) error {
	return d.write(ctx, func(t *tx) error { return t.MoveFamilies(ctx, from, to) })
}

// EndUserFamilies implements store.Tx as a transaction of its own.
func (d direct) EndUserFamilies(ctx context.Context, user auth.UserID, reason auth.EndReason, now time.Time) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.EndUserFamilies(ctx, user, reason, now) })
}

// PurgeFamilies implements store.Tx as a transaction of its own.
func (d direct) PurgeFamilies(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeFamilies(ctx, before, limit) })
}

// InsertKey implements store.Tx as a transaction of its own.
func (d direct) InsertKey(ctx context.Context, k auth.Key) error {
	return d.write(ctx, func(t *tx) error { return t.InsertKey(ctx, k) })
}

// MoveKey implements store.Tx as a transaction of its own.
func (d direct) MoveKey(ctx context.Context, id string, from, to auth.KeyState, now time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.MoveKey(ctx, id, from, to, now) })
}

// ResealKey implements store.Tx as a transaction of its own.
func (d direct) ResealKey(ctx context.Context, id string, private []byte) error {
	return d.write(ctx, func(t *tx) error { return t.ResealKey(ctx, id, private) })
}

// PurgeKeys implements store.Tx as a transaction of its own.
func (d direct) PurgeKeys(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeKeys(ctx, before, limit) })
}

// ChangeSessionData implements store.Tx as a transaction of its own.
func (d direct) ChangeSessionData(ctx context.Context, id auth.SessionID, data string) (auth.Session, error) {
	return write(ctx, d.backend, func(t *tx) (auth.Session, error) { return t.ChangeSessionData(ctx, id, data) })
}
