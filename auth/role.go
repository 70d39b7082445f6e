package auth

import (
	"strings"
	"time"
)

// Role groups permissions under a name that users and API keys are given.
type Role struct {
	// Name is of the form of [CleanRoles].
	Name string
	// Description is for people; it may be empty.
	Description string
	// Permissions are what the role allows, as patterns: "orders:read",
	// "billing.*:*". What a pattern matches, internal/rbac says.
	Permissions []string
	// Inherits names the roles whose permissions this one has too.
	Inherits []string
	// Origin says where the role is defined.
	Origin RoleOrigin
	// Version is raised by each change of a stored role, and is never given
	// twice, not even to a role that is made anew after it was deleted. Zero for
	// others.
	Version int64
	// CreatedAt and UpdatedAt are UTC, exact to the microsecond; zero for roles
	// that are not stored.
	CreatedAt, UpdatedAt time.Time
}

// RoleOrigin says where a Role is defined.
type RoleOrigin string

// The places where roles are defined.
const (
	// RoleBuiltIn: part of Gatehouse. Its name begins with [ReservedRoles].
	RoleBuiltIn RoleOrigin = "built_in"
	// RoleConfigured: by the settings, which alone change it.
	RoleConfigured RoleOrigin = "config"
	// RoleStored: in the database.
	RoleStored RoleOrigin = "stored"
)

// ReservedRoles begins the names of roles that are part of Gatehouse. No other
// role can have such a name.
const ReservedRoles = "gatehouse."

// Roles that are part of Gatehouse.
const (
	// RoleAdmin may do everything, in the application and in Gatehouse.
	RoleAdmin = "gatehouse.admin"
	// RoleSupport helps people who cannot get in: it sees users and their
	// sessions, changes users and ends sessions. It grants nothing.
	RoleSupport = "gatehouse.support"
	// RoleAuditor sees everything that Gatehouse keeps, and changes nothing.
	RoleAuditor = "gatehouse.auditor"
)

// ReservedRole says whether a role of that name could only be part of
// Gatehouse.
func ReservedRole(name string) bool { return strings.HasPrefix(name, ReservedRoles) }
