package rbac

import "github.com/gatehouse-auth/gatehouse/auth"

// BuiltIn returns the roles that are part of Gatehouse.
func BuiltIn() []auth.Role {
	return []auth.Role{
		{
			Name: auth.RoleAdmin, Origin: auth.RoleBuiltIn, Description: "May do everything, in the application and in Gatehouse.",
			Permissions: []string{"*:*", "gatehouse.*:*"},
		},
		{
			Name: auth.RoleAuditor, Origin: auth.RoleBuiltIn, Description: "Sees everything that Gatehouse keeps, and changes nothing.",
			Permissions: []string{"gatehouse.*:read"},
		},
		{
			Name: auth.RoleSupport, Origin: auth.RoleBuiltIn, Description: "Sees and changes users, and ends their sessions. Gives no roles, deletes nobody.",
			Permissions: []string{"gatehouse.users:read", "gatehouse.users:write", "gatehouse.sessions:read", "gatehouse.sessions:revoke", "gatehouse.accounts:read", "gatehouse.roles:read"},
		},
	}
}
