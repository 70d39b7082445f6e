package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// The methods of store.Tx outside InTx. Package store documents them; here a
// read goes to a reading connection, and a write is one member of a group
// commit. Each statement text stands once, with its noun.

// Reads.

// Installation implements store.Store.
func (db *DB) Installation(ctx context.Context) (string, error) {
	return read(ctx, db, func(t *tx) (string, error) {
		return one(ctx, t, "read the installation's ID", scanString, `SELECT id FROM installation`)
	})
}

// User implements store.Tx on a reading connection.
func (db *DB) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	return read(ctx, db, func(t *tx) (auth.User, error) { return t.User(ctx, id) })
}

// UserByIdentifier implements store.Tx on a reading connection.
func (db *DB) UserByIdentifier(ctx context.Context, identifier string) (auth.User, error) {
	return read(ctx, db, func(t *tx) (auth.User, error) { return t.UserByIdentifier(ctx, identifier) })
}

// ListUsers implements store.Tx on a reading connection.
func (db *DB) ListUsers(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	return read(ctx, db, func(t *tx) ([]auth.User, error) { return t.ListUsers(ctx, after, limit) })
}

// OldIDs implements store.Tx on a reading connection.
func (db *DB) OldIDs(ctx context.Context, user auth.UserID) ([]auth.OldID, error) {
	return read(ctx, db, func(t *tx) ([]auth.OldID, error) { return t.OldIDs(ctx, user) })
}

// UserByOldID implements store.Tx on a reading connection.
func (db *DB) UserByOldID(ctx context.Context, mount, value string) (auth.Adoption, error) {
	return read(ctx, db, func(t *tx) (auth.Adoption, error) { return t.UserByOldID(ctx, mount, value) })
}

// Password implements store.Tx on a reading connection.
func (db *DB) Password(ctx context.Context, id auth.UserID) (auth.Password, error) {
	return read(ctx, db, func(t *tx) (auth.Password, error) { return t.Password(ctx, id) })
}

// Session implements store.Tx on a reading connection.
func (db *DB) Session(ctx context.Context, id auth.SessionID) (auth.Session, error) {
	return read(ctx, db, func(t *tx) (auth.Session, error) { return t.Session(ctx, id) })
}

// SessionAndUser implements store.Tx on a reading connection.
func (db *DB) SessionAndUser(ctx context.Context, id auth.SessionID) (auth.Session, auth.User, error) {
	both, err := read(ctx, db, func(t *tx) (both sessionAndUser, err error) {
		both.session, both.user, err = t.SessionAndUser(ctx, id)
		return both, err
	})
	return both.session, both.user, err
}

// ListSessions implements store.Tx on a reading connection.
func (db *DB) ListSessions(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Session, error) {
	return read(ctx, db, func(t *tx) ([]auth.Session, error) { return t.ListSessions(ctx, user, now) })
}

// Challenge implements store.Tx on a reading connection.
func (db *DB) Challenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error) {
	return read(ctx, db, func(t *tx) (auth.Challenge, error) { return t.Challenge(ctx, id, kind, now) })
}

// ListInvitations implements store.Tx on a reading connection.
func (db *DB) ListInvitations(ctx context.Context, now time.Time) ([]auth.Invitation, error) {
	return read(ctx, db, func(t *tx) ([]auth.Invitation, error) { return t.ListInvitations(ctx, now) })
}

// Counter implements store.Tx on a reading connection.
func (db *DB) Counter(ctx context.Context, key string, window time.Duration, now time.Time) (auth.Counter, error) {
	return read(ctx, db, func(t *tx) (auth.Counter, error) { return t.Counter(ctx, key, window, now) })
}

// ListEvents implements store.Tx on a reading connection.
func (db *DB) ListEvents(ctx context.Context, user auth.UserID, limit int) ([]auth.Event, error) {
	return read(ctx, db, func(t *tx) ([]auth.Event, error) { return t.ListEvents(ctx, user, limit) })
}

// Writes that return something.

// UpdateUser implements store.Tx as a transaction of its own.
func (db *DB) UpdateUser(ctx context.Context, id auth.UserID, change store.UserUpdate, now time.Time) (auth.User, error) {
	return write(ctx, db, func(t *tx) (auth.User, error) { return t.UpdateUser(ctx, id, change, now) })
}

// RaiseEpoch implements store.Tx as a transaction of its own.
func (db *DB) RaiseEpoch(ctx context.Context, id auth.UserID, now time.Time) (auth.User, error) {
	return write(ctx, db, func(t *tx) (auth.User, error) { return t.RaiseEpoch(ctx, id, now) })
}

// EndUserSessions implements store.Tx as a transaction of its own.
func (db *DB) EndUserSessions(ctx context.Context, user auth.UserID, except auth.SessionID, reason auth.EndReason, now time.Time) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.EndUserSessions(ctx, user, except, reason, now) })
}

// RevokeSuperseded implements store.Tx as a transaction of its own.
func (db *DB) RevokeSuperseded(ctx context.Context, user auth.UserID, after time.Time) ([]auth.Session, error) {
	return write(ctx, db, func(t *tx) ([]auth.Session, error) { return t.RevokeSuperseded(ctx, user, after) })
}

// PurgeSessions implements store.Tx as a transaction of its own.
func (db *DB) PurgeSessions(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.PurgeSessions(ctx, before, limit) })
}

// TryChallenge implements store.Tx as a transaction of its own.
func (db *DB) TryChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error) {
	return write(ctx, db, func(t *tx) (auth.Challenge, error) { return t.TryChallenge(ctx, id, kind, now) })
}

// ConsumeChallenge implements store.Tx as a transaction of its own.
func (db *DB) ConsumeChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, secretHash string, now time.Time) (auth.Challenge, error) {
	return write(ctx, db, func(t *tx) (auth.Challenge, error) { return t.ConsumeChallenge(ctx, id, kind, secretHash, now) })
}

// PurgeChallenges implements store.Tx as a transaction of its own.
func (db *DB) PurgeChallenges(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.PurgeChallenges(ctx, before, limit) })
}

// PurgeInvitations implements store.Tx as a transaction of its own.
func (db *DB) PurgeInvitations(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.PurgeInvitations(ctx, before, limit) })
}

// ConsumeInvitation implements store.Tx as a transaction of its own.
func (db *DB) ConsumeInvitation(ctx context.Context, id auth.InvitationID, secretHash string, now time.Time) (auth.Invitation, error) {
	return write(ctx, db, func(t *tx) (auth.Invitation, error) { return t.ConsumeInvitation(ctx, id, secretHash, now) })
}

// RaiseFailure implements store.Tx as a transaction of its own.
func (db *DB) RaiseFailure(ctx context.Context, key string, window time.Duration, now time.Time) (auth.Counter, error) {
	return write(ctx, db, func(t *tx) (auth.Counter, error) { return t.RaiseFailure(ctx, key, window, now) })
}

// PurgeCounters implements store.Tx as a transaction of its own.
func (db *DB) PurgeCounters(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.PurgeCounters(ctx, before, limit) })
}

// PurgeEvents implements store.Tx as a transaction of its own.
func (db *DB) PurgeEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.PurgeEvents(ctx, before, limit) })
}

// AppendChange implements store.Tx as a transaction of its own.
func (db *DB) AppendChange(ctx context.Context, c auth.Change) (int64, error) {
	return write(ctx, db, func(t *tx) (int64, error) { return t.AppendChange(ctx, c) })
}

// PurgeChanges implements store.Tx as a transaction of its own.
func (db *DB) PurgeChanges(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, db, func(t *tx) (int, error) { return t.PurgeChanges(ctx, before, limit) })
}

// Writes that return nothing.

// CreateUser implements store.Tx as a transaction of its own.
func (db *DB) CreateUser(ctx context.Context, u auth.User) error {
	return db.write(ctx, func(t *tx) error { return t.CreateUser(ctx, u) })
}

// DeleteUser implements store.Tx as a transaction of its own.
func (db *DB) DeleteUser(ctx context.Context, id auth.UserID) error {
	return db.write(ctx, func(t *tx) error { return t.DeleteUser(ctx, id) })
}

// AddOldIDs implements store.Tx as a transaction of its own.
func (db *DB) AddOldIDs(ctx context.Context, user auth.UserID, ids []auth.OldID) error {
	return db.InTx(ctx, func(tx store.Tx) error { return tx.AddOldIDs(ctx, user, ids) })
}

// RefuseAdoption implements store.Tx as a transaction of its own.
func (db *DB) RefuseAdoption(ctx context.Context, user auth.UserID, now time.Time) error {
	return db.InTx(ctx, func(tx store.Tx) error { return tx.RefuseAdoption(ctx, user, now) })
}

// SetPassword implements store.Tx as a transaction of its own.
func (db *DB) SetPassword(ctx context.Context, p auth.Password) error {
	return db.write(ctx, func(t *tx) error { return t.SetPassword(ctx, p) })
}

// ReplaceHash implements store.Tx as a transaction of its own.
func (db *DB) ReplaceHash(ctx context.Context, id auth.UserID, oldHash, newHash string, now time.Time) error {
	return db.write(ctx, func(t *tx) error { return t.ReplaceHash(ctx, id, oldHash, newHash, now) })
}

// InsertSession implements store.Tx as a transaction of its own.
func (db *DB) InsertSession(ctx context.Context, s auth.Session) error {
	return db.write(ctx, func(t *tx) error { return t.InsertSession(ctx, s) })
}

// EndSession implements store.Tx as a transaction of its own.
func (db *DB) EndSession(ctx context.Context, id auth.SessionID, reason auth.EndReason, now time.Time) error {
	return db.write(ctx, func(t *tx) error { return t.EndSession(ctx, id, reason, now) })
}

// TouchSessions implements store.Tx as a transaction of its own.
func (db *DB) TouchSessions(ctx context.Context, seen map[auth.SessionID]time.Time) error {
	return db.write(ctx, func(t *tx) error { return t.TouchSessions(ctx, seen) })
}

// CreateChallenge implements store.Tx as a transaction of its own.
func (db *DB) CreateChallenge(ctx context.Context, c auth.Challenge) error {
	return db.write(ctx, func(t *tx) error { return t.CreateChallenge(ctx, c) })
}

// CreateInvitation implements store.Tx as a transaction of its own.
func (db *DB) CreateInvitation(ctx context.Context, i auth.Invitation) error {
	return db.write(ctx, func(t *tx) error { return t.CreateInvitation(ctx, i) })
}

// DeleteInvitation implements store.Tx as a transaction of its own.
func (db *DB) DeleteInvitation(ctx context.Context, id auth.InvitationID) error {
	return db.write(ctx, func(t *tx) error { return t.DeleteInvitation(ctx, id) })
}

// Backlog implements store.Tx on a reading connection.
func (db *DB) Backlog(ctx context.Context, key string, now time.Time) (auth.Backlog, error) {
	return read(ctx, db, func(t *tx) (auth.Backlog, error) { return t.Backlog(ctx, key, now) })
}

// RaiseBacklog implements store.Tx as a transaction of its own.
func (db *DB) RaiseBacklog(ctx context.Context, key string, by time.Duration, now time.Time) error {
	return db.write(ctx, func(t *tx) error { return t.RaiseBacklog(ctx, key, by, now) })
}

// LowerBacklog implements store.Tx as a transaction of its own.
func (db *DB) LowerBacklog(ctx context.Context, key string, by time.Duration) error {
	return db.write(ctx, func(t *tx) error { return t.LowerBacklog(ctx, key, by) })
}

// ForgetFailures implements store.Tx as a transaction of its own.
func (db *DB) ForgetFailures(ctx context.Context, key string) error {
	return db.write(ctx, func(t *tx) error { return t.ForgetFailures(ctx, key) })
}

// AppendEvent implements store.Tx as a transaction of its own.
func (db *DB) AppendEvent(ctx context.Context, e auth.Event) error {
	return db.write(ctx, func(t *tx) error { return t.AppendEvent(ctx, e) })
}
