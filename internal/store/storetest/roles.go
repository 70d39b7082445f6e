package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Roles says what store.Roles means.
func Roles(t *testing.T, open func(*testing.T) store.Store) {
	each(t, open, []test{
		{"a role keeps every member", roleRoundTrip},
		{"a role is changed and deleted in the version that was read", roleVersions},
		{"of many that change a role one wins", roleChangesOnce},
		{"who holds a role follows the users' rows", roleHolders},
		{"holders are counted once, without the disabled", roleCount},
		{"of two who disable each other's last fellow holder one is refused", roleLastHolder},
	})
}

func roleNamed(name string) auth.Role {
	return auth.Role{Name: name, Origin: auth.RoleStored, Version: 1, CreatedAt: start, UpdatedAt: start}
}

func roleRoundTrip(t *testing.T, s store.Store) {
	ctx := context.Background()
	full := auth.Role{
		Name: "b", Description: `Größe "x"`, Permissions: []string{"*:read", "orders:*"}, Inherits: []string{"a", "Z"}, Origin: auth.RoleStored,
		Version: start.UnixMicro(), CreatedAt: start, UpdatedAt: start.Add(time.Hour),
	}
	ok(t, "create", s.CreateRole(ctx, full))
	ok(t, "create", s.CreateRole(ctx, roleNamed("a")))
	ok(t, "create", s.CreateRole(ctx, roleNamed("B")))
	refused(t, "the same name", s.CreateRole(ctx, roleNamed("a")), store.ErrConflict)
	same(t, "role", must[auth.Role](t)(s.Role(ctx, "b")), full)
	same(t, "roles", must[[]auth.Role](t)(s.ListRoles(ctx)), []auth.Role{roleNamed("B"), roleNamed("a"), full})
	same(t, "names", must[[]string](t)(s.RoleNames(ctx)), []string{"B", "a", "b"})
	_, err := s.Role(ctx, "A")
	refused(t, "another case", err, store.ErrNotFound)
}

func roleVersions(t *testing.T, s store.Store) {
	ctx := context.Background()
	r := roleNamed("a")
	ok(t, "create", s.CreateRole(ctx, r))
	r.Description, r.Permissions, r.Inherits, r.Version, r.UpdatedAt = "d", []string{"x:y"}, []string{"b"}, 2, justAfter(start)
	refused(t, "update another version", s.UpdateRole(ctx, r, 2), store.ErrConflict)
	ok(t, "update", s.UpdateRole(ctx, r, 1))
	same(t, "updated", must[auth.Role](t)(s.Role(ctx, "a")), r)
	refused(t, "update again", s.UpdateRole(ctx, r, 1), store.ErrConflict)
	refused(t, "update nothing", s.UpdateRole(ctx, roleNamed("b"), 1), store.ErrConflict)
	refused(t, "delete another version", s.DeleteRole(ctx, "a", 1), store.ErrConflict)
	ok(t, "delete", s.DeleteRole(ctx, "a", 2))
	refused(t, "delete again", s.DeleteRole(ctx, "a", 2), store.ErrConflict)
	count(t, "roles", len(must[[]auth.Role](t)(s.ListRoles(ctx))), 0)
}

func roleChangesOnce(t *testing.T, s store.Store) {
	ctx := context.Background()
	ok(t, "create", s.CreateRole(ctx, roleNamed("a")))
	won := atOnce(t, 10, store.ErrConflict, func(i int) error {
		r := roleNamed("a")
		r.Version = int64(2 + i)
		return s.UpdateRole(ctx, r, 1)
	})
	count(t, "changes", won, 1)
}

// holding creates a user who has the roles.
func holding(t *testing.T, s store.Store, name string, roles ...string) auth.User {
	t.Helper()
	u := auth.User{ID: auth.NewUserID(start), Username: name, Roles: roles, Version: 1, CreatedAt: start, UpdatedAt: start}
	ok(t, "create user "+name, s.CreateUser(context.Background(), u))
	return u
}

func roleHolders(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, bob := holding(t, s, "ann", "admin", "user"), holding(t, s, "bob", "user")
	holding(t, s, "cid")
	holders := func(role string) []auth.UserID {
		t.Helper()
		return must[[]auth.UserID](t)(s.RoleHolders(ctx, role, "", 10))
	}
	same(t, "admins", holders("admin"), []auth.UserID{ann.ID})
	same(t, "another case", holders("Admin"), []auth.UserID{})
	all := holders("user")
	count(t, "users", len(all), 2)
	same(t, "the first", must[[]auth.UserID](t)(s.RoleHolders(ctx, "user", "", 1)), all[:1])
	same(t, "the rest", must[[]auth.UserID](t)(s.RoleHolders(ctx, "user", all[0], 10)), all[1:])
	_, err := s.UpdateUser(ctx, bob.ID, store.UserUpdate{Roles: &[]string{"admin", "ops"}}, start)
	ok(t, "other roles", err)
	_, err = s.UpdateUser(ctx, ann.ID, store.UserUpdate{Name: new(string)}, start)
	ok(t, "another name", err)
	same(t, "users", holders("user"), []auth.UserID{ann.ID})
	same(t, "ops", holders("ops"), []auth.UserID{bob.ID})
	count(t, "admins", len(holders("admin")), 2)
	_, err = s.UpdateUser(ctx, bob.ID, store.UserUpdate{Roles: &[]string{}}, start)
	ok(t, "no roles", err)
	same(t, "admins", holders("admin"), []auth.UserID{ann.ID})
	ok(t, "delete", s.DeleteUser(ctx, ann.ID))
	count(t, "admins", len(holders("admin")), 0)
	count(t, "users", len(holders("user")), 0)
}

func roleCount(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann := holding(t, s, "ann", "admin", "root")
	holding(t, s, "bob", "root")
	cid := holding(t, s, "cid", "admin")
	holding(t, s, "dan", "user")
	of := func(except auth.UserID, limit int, roles ...string) int {
		t.Helper()
		return must[int](t)(s.CountHolders(ctx, roles, except, limit))
	}
	count(t, "of both roles", of("", 10, "admin", "root"), 3)
	count(t, "without one", of(ann.ID, 10, "admin", "root"), 2)
	count(t, "to a limit", of("", 2, "admin", "root"), 2)
	count(t, "of none", of("", 10), 0)
	count(t, "of what is no role", of("", 10, `"`, "nobody"), 0)
	now := start
	_, err := s.UpdateUser(ctx, cid.ID, store.UserUpdate{DisabledAt: &now}, start)
	ok(t, "disable", err)
	count(t, "without the disabled", of("", 10, "admin", "root"), 2)
}

// Two administrators who disable each other at the same moment: whoever comes
// later finds himself the last one.
func roleLastHolder(t *testing.T, s store.Store) {
	ctx := context.Background()
	last := errors.New("the last one")
	users := []auth.User{holding(t, s, "ann", "admin"), holding(t, s, "bob", "admin")}
	won := atOnce(t, len(users), last, func(i int) error {
		return s.InTx(ctx, func(tx store.Tx) error {
			if n, err := tx.CountHolders(ctx, []string{"admin"}, users[i].ID, 1); err != nil || n == 0 {
				return errors.Join(err, last)
			}
			now := start
			_, err := tx.UpdateUser(ctx, users[i].ID, store.UserUpdate{DisabledAt: &now}, start)
			return err
		})
	})
	count(t, "disabled", won, 1)
}
