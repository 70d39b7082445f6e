package store

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Roles keeps the roles that are not part of the settings, and knows which users
// hold which role, of whatever origin. That is kept beside the users' rows by the
// database itself, whoever writes them.
type Roles interface {
	// CreateRole inserts the row. ErrConflict: the name is taken.
	CreateRole(ctx context.Context, r auth.Role) error
	// Role returns the row. ErrNotFound.
	Role(ctx context.Context, name string) (auth.Role, error)
	// ListRoles returns all of them, by name, and RoleNames their names.
	ListRoles(ctx context.Context) ([]auth.Role, error)
	RoleNames(ctx context.Context) ([]string, error)
	// UpdateRole writes Description, Permissions, Inherits, Version and UpdatedAt
	// of the role of that name, on the condition that its Version is still from.
	// ErrConflict otherwise.
	UpdateRole(ctx context.Context, r auth.Role, from int64) error
	// DeleteRole removes the row on the same condition. ErrConflict otherwise.
	DeleteRole(ctx context.Context, name string, from int64) error
	// RoleHolders returns up to limit users whose row names the role, disabled or
	// not, in order of ID, beginning after the given one.
	RoleHolders(ctx context.Context, role string, after auth.UserID, limit int) ([]auth.UserID, error)
	// CountHolders returns how many users hold at least one of the roles and are
	// not disabled, without the one named (empty: no exception), and counts no
	// further than limit.
	CountHolders(ctx context.Context, roles []string, except auth.UserID, limit int) (int, error)
}
