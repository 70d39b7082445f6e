package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// direct is the methods of store.Tx outside InTx, of either database. Package
// store documents them; on SQLite a read goes to a reading connection, and a
// write is one member of a group commit; on PostgreSQL a read is a statement by
// itself, and a write a transaction. Each statement text stands once, with its
// noun.
type direct struct{ backend }

// Reads.

// Installation implements store.Store.
func (d direct) Installation(ctx context.Context) (string, error) {
	return read(ctx, d.backend, func(t *tx) (string, error) {
		return one(ctx, t, "read the installation's ID", scanString, `SELECT id FROM installation`)
	})
}

// User implements store.Tx outside a transaction.
func (d direct) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	return read(ctx, d.backend, func(t *tx) (auth.User, error) { return t.User(ctx, id) })
}

// UserByIdentifier implements store.Tx outside a transaction.
func (d direct) UserByIdentifier(ctx context.Context, identifier string) (auth.User, error) {
	return read(ctx, d.backend, func(t *tx) (auth.User, error) { return t.UserByIdentifier(ctx, identifier) })
}

// ListUsers implements store.Tx outside a transaction.
func (d direct) ListUsers(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.User, error) { return t.ListUsers(ctx, after, limit) })
}

// OldIDs implements store.Tx outside a transaction.
func (d direct) OldIDs(ctx context.Context, user auth.UserID) ([]auth.OldID, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.OldID, error) { return t.OldIDs(ctx, user) })
}

// UserByOldID implements store.Tx outside a transaction.
func (d direct) UserByOldID(ctx context.Context, mount, value string) (auth.Adoption, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Adoption, error) { return t.UserByOldID(ctx, mount, value) })
}

// Password implements store.Tx outside a transaction.
func (d direct) Password(ctx context.Context, id auth.UserID) (auth.Password, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Password, error) { return t.Password(ctx, id) })
}

// Session implements store.Tx outside a transaction.
func (d direct) Session(ctx context.Context, id auth.SessionID) (auth.Session, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Session, error) { return t.Session(ctx, id) })
}

// SessionAndUser implements store.Tx outside a transaction.
func (d direct) SessionAndUser(ctx context.Context, id auth.SessionID) (auth.Session, auth.User, error) {
	both, err := read(ctx, d.backend, func(t *tx) (both sessionAndUser, err error) {
		both.session, both.user, err = t.SessionAndUser(ctx, id)
		return both, err
	})
	return both.session, both.user, err
}

// ListSessions implements store.Tx outside a transaction.
func (d direct) ListSessions(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Session, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Session, error) { return t.ListSessions(ctx, user, now) })
}

// Challenge implements store.Tx outside a transaction.
func (d direct) Challenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Challenge, error) { return t.Challenge(ctx, id, kind, now) })
}

// ListInvitations implements store.Tx outside a transaction.
func (d direct) ListInvitations(ctx context.Context, now time.Time) ([]auth.Invitation, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Invitation, error) { return t.ListInvitations(ctx, now) })
}

// Counter implements store.Tx outside a transaction.
func (d direct) Counter(ctx context.Context, key string, window time.Duration, now time.Time) (auth.Counter, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Counter, error) { return t.Counter(ctx, key, window, now) })
}

// ListEvents implements store.Tx outside a transaction.
func (d direct) ListEvents(ctx context.Context, user auth.UserID, limit int) ([]auth.Event, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Event, error) { return t.ListEvents(ctx, user, limit) })
}

// Writes that return something.

// UpdateUser implements store.Tx as a transaction of its own.
func (d direct) UpdateUser(ctx context.Context, id auth.UserID, change store.UserUpdate, now time.Time) (auth.User, error) {
	return write(ctx, d.backend, func(t *tx) (auth.User, error) { return t.UpdateUser(ctx, id, change, now) })
}

// RaiseEpoch implements store.Tx as a transaction of its own.
func (d direct) RaiseEpoch(ctx context.Context, id auth.UserID, now time.Time) (auth.User, error) {
	return write(ctx, d.backend, func(t *tx) (auth.User, error) { return t.RaiseEpoch(ctx, id, now) })
}

// EndUserSessions implements store.Tx as a transaction of its own.
func (d direct) EndUserSessions(ctx context.Context, user auth.UserID, except auth.SessionID, reason auth.EndReason, now time.Time) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.EndUserSessions(ctx, user, except, reason, now) })
}

// RevokeSuperseded implements store.Tx as a transaction of its own.
func (d direct) RevokeSuperseded(ctx context.Context, user auth.UserID, after time.Time) ([]auth.Session, error) {
	return write(ctx, d.backend, func(t *tx) ([]auth.Session, error) { return t.RevokeSuperseded(ctx, user, after) })
}

// PurgeSessions implements store.Tx as a transaction of its own.
func (d direct) PurgeSessions(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeSessions(ctx, before, limit) })
}

// TryChallenge implements store.Tx as a transaction of its own.
func (d direct) TryChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error) {
	return write(ctx, d.backend, func(t *tx) (auth.Challenge, error) { return t.TryChallenge(ctx, id, kind, now) })
}

// ConsumeChallenge implements store.Tx as a transaction of its own.
func (d direct) ConsumeChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, secretHash string, now time.Time) (auth.Challenge, error) {
	return write(ctx, d.backend, func(t *tx) (auth.Challenge, error) { return t.ConsumeChallenge(ctx, id, kind, secretHash, now) })
}

// PurgeChallenges implements store.Tx as a transaction of its own.
func (d direct) PurgeChallenges(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeChallenges(ctx, before, limit) })
}

// PurgeInvitations implements store.Tx as a transaction of its own.
func (d direct) PurgeInvitations(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeInvitations(ctx, before, limit) })
}

// ConsumeInvitation implements store.Tx as a transaction of its own.
func (d direct) ConsumeInvitation(ctx context.Context, id auth.InvitationID, secretHash string, now time.Time) (auth.Invitation, error) {
	return write(ctx, d.backend, func(t *tx) (auth.Invitation, error) { return t.ConsumeInvitation(ctx, id, secretHash, now) })
}

// RaiseFailure implements store.Tx as a transaction of its own.
func (d direct) RaiseFailure(ctx context.Context, key string, window time.Duration, now time.Time) (auth.Counter, error) {
	return write(ctx, d.backend, func(t *tx) (auth.Counter, error) { return t.RaiseFailure(ctx, key, window, now) })
}

// PurgeCounters implements store.Tx as a transaction of its own.
func (d direct) PurgeCounters(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeCounters(ctx, before, limit) })
}

// AppendChange implements store.Tx as a transaction of its own.
func (d direct) AppendChange(ctx context.Context, c auth.Change) (int64, error) {
	return write(ctx, d.backend, func(t *tx) (int64, error) { return t.AppendChange(ctx, c) })
}

// PurgeChanges implements store.Tx as a transaction of its own.
func (d direct) PurgeChanges(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, d.backend, func(t *tx) (int, error) { return t.PurgeChanges(ctx, before, limit) })
}

// Writes that return nothing.

// CreateUser implements store.Tx as a transaction of its own.
func (d direct) CreateUser(ctx context.Context, u auth.User) error {
	return d.write(ctx, func(t *tx) error { return t.CreateUser(ctx, u) })
}

// DeleteUser implements store.Tx as a transaction of its own.
func (d direct) DeleteUser(ctx context.Context, id auth.UserID) error {
	return d.write(ctx, func(t *tx) error { return t.DeleteUser(ctx, id) })
}

// AddOldIDs implements store.Tx as a transaction of its own.
func (d direct) AddOldIDs(ctx context.Context, user auth.UserID, ids []auth.OldID) error {
	return d.InTx(ctx, func(tx store.Tx) error { return tx.AddOldIDs(ctx, user, ids) })
}

// RefuseAdoption implements store.Tx as a transaction of its own.
func (d direct) RefuseAdoption(ctx context.Context, user auth.UserID, now time.Time) error {
	return d.InTx(ctx, func(tx store.Tx) error { return tx.RefuseAdoption(ctx, user, now) })
}

// SetPassword implements store.Tx as a transaction of its own.
func (d direct) SetPassword(ctx context.Context, p auth.Password) error {
	return d.write(ctx, func(t *tx) error { return t.SetPassword(ctx, p) })
}

// ReplaceHash implements store.Tx as a transaction of its own.
func (d direct) ReplaceHash(ctx context.Context, id auth.UserID, oldHash, newHash string, now time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.ReplaceHash(ctx, id, oldHash, newHash, now) })
}

// InsertSession implements store.Tx as a transaction of its own.
func (d direct) InsertSession(ctx context.Context, s auth.Session) error {
	return d.write(ctx, func(t *tx) error { return t.InsertSession(ctx, s) })
}

// EndSession implements store.Tx as a transaction of its own.
func (d direct) EndSession(ctx context.Context, id auth.SessionID, reason auth.EndReason, now time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.EndSession(ctx, id, reason, now) })
}

// TouchSessions implements store.Tx as a transaction of its own.
func (d direct) TouchSessions(ctx context.Context, seen map[auth.SessionID]time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.TouchSessions(ctx, seen) })
}

// CreateChallenge implements store.Tx as a transaction of its own.
func (d direct) CreateChallenge(ctx context.Context, c auth.Challenge) error {
	return d.write(ctx, func(t *tx) error { return t.CreateChallenge(ctx, c) })
}

// CreateInvitation implements store.Tx as a transaction of its own.
func (d direct) CreateInvitation(ctx context.Context, i auth.Invitation) error {
	return d.write(ctx, func(t *tx) error { return t.CreateInvitation(ctx, i) })
}

// DeleteInvitation implements store.Tx as a transaction of its own.
func (d direct) DeleteInvitation(ctx context.Context, id auth.InvitationID) error {
	return d.write(ctx, func(t *tx) error { return t.DeleteInvitation(ctx, id) })
}

// Backlog implements store.Tx outside a transaction.
func (d direct) Backlog(ctx context.Context, key string, now time.Time) (auth.Backlog, error) {
	return read(ctx, d.backend, func(t *tx) (auth.Backlog, error) { return t.Backlog(ctx, key, now) })
}

// RaiseBacklog implements store.Tx as a transaction of its own.
func (d direct) RaiseBacklog(ctx context.Context, key string, by time.Duration, now time.Time) error {
	return d.write(ctx, func(t *tx) error { return t.RaiseBacklog(ctx, key, by, now) })
}

// LowerBacklog implements store.Tx as a transaction of its own.
func (d direct) LowerBacklog(ctx context.Context, key string, by time.Duration) error {
	return d.write(ctx, func(t *tx) error { return t.LowerBacklog(ctx, key, by) })
}

// ForgetFailures implements store.Tx as a transaction of its own.
func (d direct) ForgetFailures(ctx context.Context, key string) error {
	return d.write(ctx, func(t *tx) error { return t.ForgetFailures(ctx, key) })
}

// AppendEvent implements store.Tx as a transaction of its own.
func (d direct) AppendEvent(ctx context.Context, e auth.Event) error {
	return d.write(ctx, func(t *tx) error { return t.AppendEvent(ctx, e) })
}
