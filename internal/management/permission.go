package management

import "github.com/gatehouse-auth/gatehouse/internal/rbac"

// Permission is one of Gatehouse's own, as roles and scopes name them.
type Permission string

// The permissions that the management API asks for.
const (
	UsersRead    Permission = "gatehouse.users:read"
	UsersWrite   Permission = "gatehouse.users:write"
	UsersDelete  Permission = "gatehouse.users:delete"
	UsersExport  Permission = "gatehouse.users:export"
	SessionsRead Permission = "gatehouse.sessions:read"
	// SessionsRevoke ends sessions of anybody who holds no more.
	SessionsRevoke Permission = "gatehouse.sessions:revoke"
	RolesRead      Permission = "gatehouse.roles:read"
	// RolesWrite defines roles; RolesAssign gives them to users and keys.
	RolesWrite   Permission = "gatehouse.roles:write"
	RolesAssign  Permission = "gatehouse.roles:assign"
	APIKeysRead  Permission = "gatehouse.api-keys:read"
	APIKeysWrite Permission = "gatehouse.api-keys:write"
	AccountsRead Permission = "gatehouse.accounts:read"
	AuditRead    Permission = "gatehouse.audit:read"
)

// Permissions are all of them, in the order in which they are listed.
func Permissions() []Permission {
	return []Permission{
		UsersRead, UsersWrite, UsersDelete, UsersExport, SessionsRead, SessionsRevoke, RolesRead, RolesWrite, RolesAssign,
		APIKeysRead, APIKeysWrite, AccountsRead, AuditRead,
	}
}

// parsed is the Permission as the policy asks for it. One that is none is a
// mistake of this package, and granted by nothing.
func (p Permission) parsed() rbac.Permission {
	parsed, _ := rbac.ParsePermission(string(p))
	return parsed
}
