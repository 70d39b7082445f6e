// Package management decides what may be done to users, sessions, roles, API
// keys, accounts and the audit record by those who look after an installation:
// over the management API, and on the command line.
//
// It stands on the rooms that make the changes and adds who may have them made.
// Each method asks for a permission of Gatehouse's own ([Permission]). Beyond
// that nobody grants what they do not hold, nobody acts on somebody who holds
// more than they do, and the last user who may do everything stays: three
// rules without which the right to change a name would be the right to become
// an administrator (bounds.go). What depends on rows is judged in the
// transaction of the change, so that two who act at once do not pass each
// other.
//
// Somebody without the permission to read hears 403 whatever they ask for, and
// never whether it exists.
//
// Start with room.go.
package management
