package management

import (
	"net/http"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	room "github.com/gatehouse-auth/gatehouse/internal/management"
)

// table is every operation there is, in the order of the document.
func table() []*operation {
	return slices.Concat(userOperations(), sessionOperations(), accountOperations(), invitationOperations(), roleOperations(), apiKeyOperations(), eventOperations(), selfOperations())
}

func userOperations() []*operation {
	const one = "/users/{user}"
	changes := []auth.Code{auth.CodeNotFound, auth.CodeVersionNeeded, auth.CodeVersionChanged}
	return []*operation{
		{
			id: "listUsers", method: "GET", path: "/users", tag: "users", permission: room.UsersRead,
			summary: "Search users", description: "In order of creation. Without parameters it lists everybody.",
			query: listUsers{}, answer: Users{}, do: (*call).listUsers,
		},
		{
			id: "createUser", method: "POST", path: "/users", tag: "users", permission: room.UsersWrite,
			summary: "Make a user", body: CreateUser{}, answer: User{}, status: http.StatusCreated, versioned: true, once: true, get: madeUser,
			codes: []auth.Code{auth.CodeIdentifierTaken, auth.CodeInvalidIdentifier, auth.CodeInvalidName, auth.CodePasswordTooShort, auth.CodePasswordCommon},
			do:    (*call).createUser,
		},
		{
			id: "getUser", method: "GET", path: one, tag: "users", permission: room.UsersRead,
			summary: "Read a user", answer: User{}, versioned: true, codes: []auth.Code{auth.CodeNotFound}, do: (*call).getUser,
		},
		{
			id: "updateUser", method: "PATCH", path: one, tag: "users",
			summary: "Change a user", description: "A merge patch (RFC 7396). It needs gatehouse.users:write, or for roles alone gatehouse.roles:assign, and nobody changes somebody who holds more.",
			body: UpdateUser{}, answer: User{}, versioned: true, ifMatch: true,
			codes: append(slices.Clone(changes), auth.CodeIdentifierTaken, auth.CodeInvalidIdentifier, auth.CodeInvalidName, auth.CodeLastAdmin),
			do:    (*call).updateUser,
		},
		{
			id: "deleteUser", method: "DELETE", path: one, tag: "users", permission: room.UsersDelete,
			summary: "Delete a user", description: "With all that hangs below; everything handed out is void. The audit record stays.",
			ifMatch: true, codes: append(slices.Clone(changes), auth.CodeLastAdmin), do: (*call).deleteUser,
		},
		{
			id: "disableUser", method: "POST", path: one + "/disable", tag: "users", permission: room.UsersWrite,
			summary: "Bar a user from signing in", description: "Everything handed out for the user ends.",
			answer: User{}, versioned: true, ifMatch: true, codes: append(slices.Clone(changes), auth.CodeLastAdmin), do: (*call).disableUser,
		},
		{
			id: "enableUser", method: "POST", path: one + "/enable", tag: "users", permission: room.UsersWrite,
			summary: "Let a user sign in again", description: "What was ended stays ended.",
			answer: User{}, versioned: true, ifMatch: true, codes: changes, do: (*call).enableUser,
		},
		{
			id: "setRoles", method: "PUT", path: one + "/roles", tag: "users", permission: room.RolesAssign,
			summary: "Set a user's roles", description: "All of them; none may grant more than you hold.",
			body: SetRoles{}, answer: User{}, versioned: true, ifMatch: true, codes: append(slices.Clone(changes), auth.CodeLastAdmin), do: (*call).setRoles,
		},
		{
			id: "resetPassword", method: "POST", path: one + "/password-reset", tag: "users", permission: room.UsersWrite,
			summary: "Reset a user's password", description: "The user gets a random password that is shown this once and must be changed at the next sign-in, and is signed out everywhere. Nobody chooses a password for somebody else.",
			answer: TemporaryPassword{}, codes: []auth.Code{auth.CodeNotFound}, do: (*call).resetPassword,
		},
		{
			id: "exportUser", method: "GET", path: one + "/export", tag: "users", permission: room.UsersExport,
			summary: "Export everything that is kept of a user", description: "Sessions, apps, keys, accounts and events, also those that have ended; no hash and no secret. That it was done is recorded.",
			answer: Person{}, codes: []auth.Code{auth.CodeNotFound}, do: (*call).exportUser,
		},
	}
}

func sessionOperations() []*operation {
	const all = "/users/{user}/sessions"
	missing := []auth.Code{auth.CodeNotFound}
	return []*operation{
		{
			id: "listSessions", method: "GET", path: all, tag: "sessions", permission: room.SessionsRead,
			summary: "List where a user is signed in", description: "Sessions and apps, each the one used last first.",
			answer: SignedIn{}, codes: missing, do: (*call).listSessions,
		},
		{
			id: "revokeSessions", method: "DELETE", path: all, tag: "sessions", permission: room.SessionsRevoke,
			summary: "Sign a user out everywhere", description: "Sessions, apps and every sign-in under way.",
			answer: Revoked{}, codes: missing, do: (*call).revokeSessions,
		},
		{
			id: "revokeSession", method: "DELETE", path: all + "/{session}", tag: "sessions", permission: room.SessionsRevoke,
			summary: "End one session", description: "One that is over already is no error.",
			answer: Revoked{}, codes: missing, do: (*call).revokeSession,
		},
		{
			id: "revokeApp", method: "DELETE", path: "/users/{user}/apps/{app}", tag: "sessions", permission: room.SessionsRevoke,
			summary: "End one app", description: "A program that goes on when its user signs out.",
			answer: Revoked{}, codes: missing, do: (*call).revokeApp,
		},
	}
}

func accountOperations() []*operation {
	return []*operation{{
		id: "listAccounts", method: "GET", path: "/users/{user}/accounts", tag: "accounts", permission: room.AccountsRead,
		summary: "List what a user is called elsewhere", description: "The IDs that an import brought.",
		answer: Accounts{}, codes: []auth.Code{auth.CodeNotFound}, do: (*call).listAccounts,
	}}
}

func invitationOperations() []*operation {
	return []*operation{
		{
			id: "listInvitations", method: "GET", path: "/invitations", tag: "invitations", permission: room.UsersRead,
			summary: "List invitations", description: "Those that are good, the youngest first.", answer: Invitations{}, do: (*call).listInvitations,
		},
		{
			id: "createInvitation", method: "POST", path: "/invitations", tag: "invitations", permission: room.UsersWrite,
			summary: "Make an invitation", description: "Its code is shown this once.",
			body: CreateInvitation{}, answer: SecretInvitation{}, status: http.StatusCreated, do: (*call).createInvitation,
		},
		{
			id: "deleteInvitation", method: "DELETE", path: "/invitations/{invitation}", tag: "invitations", permission: room.UsersWrite,
			summary: "Withdraw an invitation", codes: []auth.Code{auth.CodeNotFound}, do: (*call).deleteInvitation,
		},
	}
}

func roleOperations() []*operation {
	const one = "/roles/{role}"
	changes := []auth.Code{auth.CodeNotFound, auth.CodeVersionNeeded, auth.CodeVersionChanged, auth.CodeLastAdmin}
	return []*operation{
		{
			id: "listRoles", method: "GET", path: "/roles", tag: "roles", permission: room.RolesRead,
			summary: "List roles", description: "Those that are part of Gatehouse, those of the settings, and stored ones, by name.", answer: Roles{}, do: (*call).listRoles,
		},
		{
			id: "createRole", method: "POST", path: "/roles", tag: "roles", permission: room.RolesWrite,
			summary: "Define a role", description: "It is in force everywhere at the next check.",
			body: CreateRole{}, answer: Role{}, status: http.StatusCreated, versioned: true, once: true, get: madeRole,
			codes: []auth.Code{auth.CodeRoleTaken}, do: (*call).createRole,
		},
		{
			id: "getRole", method: "GET", path: one, tag: "roles", permission: room.RolesRead,
			summary: "Read a role", answer: Role{}, versioned: true, codes: []auth.Code{auth.CodeNotFound}, do: (*call).getRole,
		},
		{
			id: "updateRole", method: "PATCH", path: one, tag: "roles", permission: room.RolesWrite,
			summary: "Change a role", description: "A merge patch (RFC 7396) of a stored role.",
			body: UpdateRole{}, answer: Role{}, versioned: true, ifMatch: true, codes: changes, do: (*call).updateRole,
		},
		{
			id: "deleteRole", method: "DELETE", path: one, tag: "roles", permission: room.RolesWrite,
			summary: "Delete a role", description: "A stored one.", query: deleteRole{}, ifMatch: true,
			codes: append(slices.Clone(changes), auth.CodeRoleInUse), do: (*call).deleteRole,
		},
	}
}

func eventOperations() []*operation {
	return []*operation{
		{
			id: "listEvents", method: "GET", path: "/audit/events", tag: "audit", permission: room.AuditRead,
			summary: "Search the audit record", description: "The youngest first.", query: listEvents{}, answer: Events{}, do: (*call).listEvents,
		},
		{
			id: "followEvents", method: "GET", path: "/audit/follow", tag: "audit", permission: room.AuditRead,
			summary: "Follow the audit record", description: "Events in the order of the chain, behind the given place. With wait_seconds the answer waits for the first one.",
			query: followEvents{}, answer: FollowedEvents{}, do: (*call).followEvents,
		},
	}
}

func apiKeyOperations() []*operation {
	const one = "/api-keys/{key}"
	changes := []auth.Code{auth.CodeNotFound, auth.CodeVersionNeeded, auth.CodeVersionChanged, auth.CodeChanged}
	return []*operation{
		{
			id: "listAPIKeys", method: "GET", path: "/api-keys", tag: "api-keys", permission: room.APIKeysRead,
			summary: "List API keys", description: "Those that have ended too, until they are purged, in order of their making.",
			query: listAPIKeys{}, answer: APIKeys{}, do: (*call).listAPIKeys,
		},
		{
			id: "createAPIKey", method: "POST", path: "/api-keys", tag: "api-keys", permission: room.APIKeysWrite,
			summary: "Make an API key", description: "Its text is shown this once. No key can do more than whoever makes it.",
			body: CreateAPIKey{}, answer: SecretAPIKey{}, status: http.StatusCreated, versioned: true, once: true, get: madeAPIKey,
			codes: []auth.Code{auth.CodeInvalidName, auth.CodeNotFound}, do: (*call).createAPIKey,
		},
		{
			id: "getAPIKey", method: "GET", path: one, tag: "api-keys", permission: room.APIKeysRead,
			summary: "Read an API key", answer: APIKey{}, versioned: true, codes: []auth.Code{auth.CodeNotFound}, do: (*call).getAPIKey,
		},
		{
			id: "updateAPIKey", method: "PATCH", path: one, tag: "api-keys", permission: room.APIKeysWrite,
			summary: "Change an API key", description: "A merge patch (RFC 7396). Nobody changes a key that may do more than they.",
			body: UpdateAPIKey{}, answer: ChangedAPIKey{}, versioned: true, ifMatch: true, codes: append(slices.Clone(changes), auth.CodeInvalidName), do: (*call).updateAPIKey,
		},
		{
			id: "rotateAPIKey", method: "POST", path: one + "/rotate", tag: "api-keys", permission: room.APIKeysWrite,
			summary: "Replace an API key", description: "By a new one with the same rights, whose text is shown this once. The old one goes on for a while.",
			body: RotateAPIKey{}, bodyless: true, answer: RotatedAPIKey{}, status: http.StatusCreated, versioned: true, ifMatch: true,
			once: true, get: rotatedAPIKey, codes: changes, do: (*call).rotateAPIKey,
		},
		{
			id: "revokeAPIKey", method: "POST", path: one + "/revoke", tag: "api-keys", permission: room.APIKeysWrite,
			summary: "End an API key", description: "For good. One that has ended is no error.",
			answer: ChangedAPIKey{}, versioned: true, codes: []auth.Code{auth.CodeNotFound}, do: (*call).revokeAPIKey,
		},
	}
}

func selfOperations() []*operation {
	return []*operation{{
		id: "getSelf", method: "GET", path: "/self", tag: "self",
		summary: "Say who asks, and what they may do here", description: "For whoever is known.",
		answer: Self{}, do: (*call).self,
	}}
}
