package main

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	api "github.com/gatehouse-auth/gatehouse/internal/web/management"
)

// localOffice is the room of management on the database of this machine. Whoever
// runs commands here could write the rows, so they may do everything; the last
// administrator is kept all the same, unless force is given.
type localOffice struct {
	*gatehouse.Gatehouse
	force bool
}

func (o localOffice) room() *management.Room { return o.Management() }

func (o localOffice) me() management.Actor { return management.CommandLine(o.force) }

// FindUser implements office.
func (o localOffice) FindUser(ctx context.Context, ref string) (auth.User, error) {
	return o.Users().Find(ctx, ref)
}

// EachUser implements office.
func (o localOffice) EachUser(ctx context.Context, do func([]auth.User) error) error {
	var after auth.UserID
	for {
		users, err := o.Users().List(ctx, after, page)
		if err != nil {
			return err
		}
		if err := do(users); err != nil {
			return err
		}
		if len(users) < page {
			return nil
		}
		after = users[len(users)-1].ID
	}
}

// CreateUser implements office.
func (o localOffice) CreateUser(ctx context.Context, in user.New) (auth.User, error) {
	return o.room().CreateUser(ctx, o.me(), in)
}

// SetRoles implements office.
func (o localOffice) SetRoles(ctx context.Context, id auth.UserID, roles []string) (auth.User, error) {
	return o.room().SetRoles(ctx, o.me(), id, 0, roles)
}

// DisableUser implements office.
func (o localOffice) DisableUser(ctx context.Context, id auth.UserID) (auth.User, error) {
	return o.room().DisableUser(ctx, o.me(), id, 0)
}

// EnableUser implements office.
func (o localOffice) EnableUser(ctx context.Context, id auth.UserID) (auth.User, error) {
	return o.room().EnableUser(ctx, o.me(), id, 0)
}

// DeleteUser implements office.
func (o localOffice) DeleteUser(ctx context.Context, id auth.UserID) error {
	return o.room().DeleteUser(ctx, o.me(), id, 0)
}

// ResetPassword implements office.
func (o localOffice) ResetPassword(ctx context.Context, id auth.UserID) (auth.Secret, error) {
	return o.room().ResetPassword(ctx, o.me(), id)
}

// Accounts implements office.
func (o localOffice) Accounts(ctx context.Context, id auth.UserID) ([]auth.OldID, error) {
	return o.room().Accounts(ctx, o.me(), id)
}

// ListSessions implements office.
func (o localOffice) ListSessions(ctx context.Context, id auth.UserID) ([]auth.Session, []auth.Family, error) {
	in, err := o.room().ListSessions(ctx, o.me(), id)
	return in.Sessions, in.Apps, err
}

// RevokeSessions implements office.
func (o localOffice) RevokeSessions(ctx context.Context, id auth.UserID) (session.Revoked, error) {
	return o.room().RevokeSessions(ctx, o.me(), id)
}

// RevokeSession implements office.
func (o localOffice) RevokeSession(ctx context.Context, id auth.UserID, which string) (session.Revoked, error) {
	if isApp(which) {
		return o.room().RevokeApp(ctx, o.me(), id, auth.FamilyID(which))
	}
	return o.room().RevokeSession(ctx, o.me(), id, auth.SessionID(which))
}

// ExportUser implements office.
func (o localOffice) ExportUser(ctx context.Context, id auth.UserID) (api.Person, error) {
	p, err := o.room().ExportUser(ctx, o.me(), id)
	if err != nil {
		return api.Person{}, err
	}
	return api.ShownPerson(p), nil
}

// ListRoles implements office.
func (o localOffice) ListRoles(ctx context.Context) ([]management.Role, error) {
	return o.room().ListRoles(ctx, o.me())
}

// Role implements office.
func (o localOffice) Role(ctx context.Context, name string) (management.Role, error) {
	return o.room().Role(ctx, o.me(), name)
}

// CreateRole implements office.
func (o localOffice) CreateRole(ctx context.Context, r auth.Role) (management.Role, error) {
	return o.room().CreateRole(ctx, o.me(), r)
}

// UpdateRole implements office.
func (o localOffice) UpdateRole(ctx context.Context, name string, d rbac.Definition) (management.Role, error) {
	return o.room().UpdateRole(ctx, o.me(), name, 0, d)
}

// DeleteRole implements office.
func (o localOffice) DeleteRole(ctx context.Context, name string, inUse bool) error {
	return o.room().DeleteRole(ctx, o.me(), name, 0, inUse)
}

// EachAPIKey implements office.
func (o localOffice) EachAPIKey(ctx context.Context, of store.APIKeyFilter, do func([]auth.APIKey) error) error {
	for after := auth.APIKeyID(""); ; {
		found, err := o.room().ListAPIKeys(ctx, o.me(), of, after, page)
		if err != nil {
			return err
		}
		if err := do(found.Keys); err != nil || found.Next == "" {
			return err
		}
		after = found.Next
	}
}

// APIKey implements office.
func (o localOffice) APIKey(ctx context.Context, id auth.APIKeyID) (auth.APIKey, error) {
	return o.room().APIKey(ctx, o.me(), id)
}

// CreateAPIKey implements office.
func (o localOffice) CreateAPIKey(ctx context.Context, d apikey.Draft) (apikey.Created, error) {
	return o.room().CreateAPIKey(ctx, o.me(), d)
}

// RotateAPIKey implements office.
func (o localOffice) RotateAPIKey(ctx context.Context, id auth.APIKeyID, r apikey.Rotation) (apikey.Rotated, error) {
	return o.room().RotateAPIKey(ctx, o.me(), id, 0, r)
}

// RevokeAPIKey implements office.
func (o localOffice) RevokeAPIKey(ctx context.Context, id auth.APIKeyID) (apikey.Changed, error) {
	return o.room().RevokeAPIKey(ctx, o.me(), id)
}

// ListEvents implements office.
func (o localOffice) ListEvents(ctx context.Context, f audit.Filter, cursor string, limit int) (audit.Page, error) {
	return o.room().ListEvents(ctx, o.me(), f, cursor, limit)
}

// FollowEvents implements office.
func (o localOffice) FollowEvents(ctx context.Context, after int64, wait time.Duration, limit int) ([]audit.Record, int64, error) {
	return o.room().FollowEvents(ctx, o.me(), after, wait, limit)
}
