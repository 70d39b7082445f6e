// Package roomtest is a ready set of rooms for their own tests: a real SQLite
// store in a temporary folder, the revocation index in front of it, a clock that
// moves by hand, and one mount of each dialect.
//
// It decides nothing and is imported by tests alone; what is under test stays in
// the rooms. [Faults] stands between them and the database, so that a test can
// take the database away, or let one statement of a transaction fail. Start with
// [New].
package roomtest
