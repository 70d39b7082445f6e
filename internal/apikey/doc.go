// Package apikey makes, judges, rotates and ends the keys of programs: of
// services, and of users' own scripts.
//
// The text of a key is "gh_<environment>_<id>_<secret><checksum>". The ID names
// the row and is no secret. Of the secret, 32 random bytes, the row has the
// SHA-256 alone. The checksum needs no key, so that scanners of source code
// know a leaked key from a look-alike, and a typing error costs no question to
// the database ([Parse]).
//
// [Room.Verify] judges a key without a database call once it was seen: what was
// read is kept by the hash of the text (cache.go), and is never the authority.
// Each time the revocation index is asked whether the key, or what the copy shows
// of it or of its user, is out of date, and expiry, networks and the key's rate
// are looked at anew (guarantees R8). A user's key carries the user's epoch
// (guarantees R3), and its roles are the user's as they are now.
//
// It stands against the key in a repository or a log that goes on working for
// years; against the stolen database, which yields no key; against the key that
// can do more than whoever made it; and against guessing at keys, which costs the
// database nothing.
//
// Who may make and change whose keys is the caller's to decide, and that nobody
// gives away more than he has is decided here ([By]). Start with text.go and
// verify.go.
package apikey
