package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Families and keys outside InTx; see direct.go.

// Family implements store.Tx on a reading connection.
func (db *DB) Family(ctx context.Context, id auth.FamilyID) (auth.Family, error) {
	return read(ctx, db, func(t *tx) (auth.Family, error) { return t.Family(ctx, id) })
}

// ListFamilies implements store.Tx on a reading connection.
func (db *DB) ListFamilies(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Family, error) {
	return read(ctx, db, func(t *tx) ([]auth.Family, error) { return t.ListFamilies(ctx, user, now) })
}

// ListKeys implements store.Tx on a reading connection.
func (db *DB) ListKeys(ctx context.Context) ([]auth.Key, error) {
	return read(ctx, db, func(t *tx) ([]auth.Key, error) { return t.ListKeys(ctx) })
}

// InsertFamily implements store.Tx as a transaction of its own.
func (db *DB) InsertFamily(ctx context.Context, f auth.Family) error {
	return db.write(ctx, func(t *tx) error { return t.InsertFamily(ctx, f) })
}

// RotateFamily implements store.Tx as a transaction of its own.
func (db *DB) RotateFamily(ctx context.Context, id auth.FamilyID, from int64, keyID string, now time.Time) (auth.Family, error) {
	return write(ctx, db, func(t *tx) (auth.Family, error) { return t.RotateFamily(ctx, id, from, keyID, now) })
}

// RetryFamily implements store.Tx as a transaction of its own.
func (db *DB) RetryFamily(ctx context.Context, id auth.FamilyID, current int64, most int) (auth.Family, error) {
	return write(ctx, db, func(t *tx) (auth.Family, error) { return t.RetryFamily(ctx, id, current, most) })
}

// EndFamily implements store.Tx as a transaction of its own.
func (db *DB) EndFamily(ctx context.Context, id auth.FamilyID, reason auth.EndReason, now time.Time) error {
	return db.write(ctx, func(t *tx) error { return t.EndFamily(ctx, id, reason, now) })
}

// EndSessionFamilies implements store.Tx as a transaction of its own.
func (db *DB) EndSessionFamilies(ctx context.Context, session auth.SessionID, reason auth.EndReason, now time.Time) ([]auth.Family, error) {
	return write(ctx, db, func(t *tx) ([]auth.Family, error) { return t.EndSessionFamilies(ctx, session, reason, now) })
}

// MoveFamilies implements store.Tx as a transaction of its own.
func (db *DB) MoveFamilies(ctx context.Context, from, to auth.SessionID) error {
	return db.write(ctx, func(t *tx) error { return t.MoveFamilies(ctx, from, to) })
}

// EndUserFamilies implements store.Tx as a transaction of its own.
func (db *DB) EndUserFamilies(ctx context.Context, user auth.UserID, reason auth.EndReason, now time.Time) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.EndUserFamilies(ctx, user, reason, now) })
}

// PurgeFamilies implements store.Tx as a transaction of its own.
func (db *DB) PurgeFamilies(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.PurgeFamilies(ctx, before, limit) })
}

// InsertKey implements store.Tx as a transaction of its own.
func (db *DB) InsertKey(ctx context.Context, k auth.Key) error {
	return db.write(ctx, func(t *tx) error { return t.InsertKey(ctx, k) })
}

// MoveKey implements store.Tx as a transaction of its own.
func (db *DB) MoveKey(ctx context.Context, id string, from, to auth.KeyState, now time.Time) error {
	return db.write(ctx, func(t *tx) error { return t.MoveKey(ctx, id, from, to, now) })
}

// ResealKey implements store.Tx as a transaction of its own.
func (db *DB) ResealKey(ctx context.Context, id string, private []byte) error {
	return db.write(ctx, func(t *tx) error { return t.ResealKey(ctx, id, private) })
}

// PurgeKeys implements store.Tx as a transaction of its own.
func (db *DB) PurgeKeys(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.PurgeKeys(ctx, before, limit) })
}

// ChangeSessionData implements store.Tx as a transaction of its own.
func (db *DB) ChangeSessionData(ctx context.Context, id auth.SessionID, data string) (auth.Session, error) {
	return write(ctx, db, func(t *tx) (auth.Session, error) { return t.ChangeSessionData(ctx, id, data) })
}
