package management

import (
	"net/http"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	room "github.com/gatehouse-auth/gatehouse/internal/management"
)

// table is every operation there is, in the order of the document.
func table() []*operation {
	return slices.Concat(userOperations(), sessionOperations())
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
