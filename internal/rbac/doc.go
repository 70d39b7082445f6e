// Package rbac answers one question: may this principal do this? It owns what a
// permission and a pattern are, how roles inherit from each other, and the
// Policy that all roles together compile into; and it keeps the roles that are
// not part of the settings.
//
// Who somebody is, and which roles they have, is not known here: sessions,
// tokens and API keys say so with an auth.Principal. Who may give which roles to
// whom is decided by the management room, with [Policy.Covers]. The form of a
// role's name is auth.CleanRoles'.
//
// A Policy is immutable. Each permission that some role names has the set of the
// roles that allow it, a bit for each, with inheritance and asterisks worked in:
// so a question is one look into a map, and one for each role of who asks, and it
// allocates nothing. Permissions that no role names are asked of the patterns
// with an asterisk, of which there are as many to look at as the resource has
// segments.
//
// The [Room] has the Policy that is in force. A change of a stored role is one
// row in the change feed, written in its transaction: whoever has heard of it
// reads all roles again before the next decision, and decides nothing when that
// fails (guarantees R8).
//
// Start reading at permission.go, then policy.go and compile.go, then room.go.
//
// The attack it stands against: a pattern that matches more than was meant, a
// role that comes by permissions unseen, a name that looks like another, and a
// server that goes on with what a role allowed yesterday.
package rbac
