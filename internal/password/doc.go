// Package password hashes passwords, judges new ones and decides how many
// hashes run at once. It owns the stored form of a hash, the policy for new
// passwords, the one stable form of a password as text, and the gate.
//
// It knows no user, no store and no HTTP. The rooms that register, sign in and
// change passwords fetch and keep the stored string; who may try how often is
// counted by them and by package ratelimit.
//
// It follows RFC 9106 (Argon2), the PHC string format for stored hashes,
// RFC 8265 §4.2 for the stable form (with the differences stated at
// [Normalize]), NIST SP 800-63B-4 §3.1.1 and OWASP ASVS 5.0 §6.2 for the
// policy.
//
// It stands against four attacks: a stolen table of hashes (slow, salted,
// memory-hard hashes, a pepper that is not in the table, and no password from
// the head of an attacker's list or from a breach), a
// flood of sign-ins that would starve everything else (the [Gate]), the question
// "does this user exist?" asked with a stopwatch ([Hasher.VerifyNothing]), and
// oversized or odd input that costs much before it is refused.
//
// Start reading at [Hasher] in hash.go, then [Policy] in policy.go.
package password
