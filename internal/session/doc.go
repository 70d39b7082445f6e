// Package session issues, reads, renews and ends sessions.
//
// A session is one noun with a row; what the browser carries of it is its
// carrier's: the token of Auth.js or the seal of iron-session (package seal), or
// an ID and a secret. Gatehouse's own facts travel in a seal as one claim, gh,
// authenticated under a key that no application gets, and Gatehouse decides from
// gh alone: whoever holds the application's secret can write every other claim
// (guarantees R6). Of a session that is stored the facts are in the row, of which
// copies are kept in memory; they are no authority (R8).
//
// A check opens the cookie, verifies gh, compares times and asks the
// revocation index: no database call. The exceptions have names: a user whose
// row changed since the cookie was sealed is read once (R8), a stored session is
// read at its first sight and after a change, and a cookie of foreign make is
// handed to Adopt (R5). Renewal is pure: the same facts in a
// new seal, no write. What is final is the end of the session ID, so a late
// Set-Cookie restores only a dead cookie (R14).
//
// It stands against the forged or replayed cookie, against the revoked one
// that an application re-sealed, and against cookie loss in races. It knows no
// HTTP: package web/authjs carries its tokens. Start with check.go, then
// carrier.go and facts.go.
package session
