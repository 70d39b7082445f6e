// Package signin owns the Attempt: one sign-in in progress, what is proven and
// what is still missing. It is the single place that decides what comes next;
// steps bring proofs and none of them starts a session itself.
//
// With a password as the only factor an Attempt has at most two steps: the
// password, and a new one where the operator demanded it. An Attempt that
// waits for a further step is kept as an auth.Challenge, so a node may die
// between two steps; each step is bound to the one before by the challenge's
// secret, so none can be skipped.
//
// It stands against guessing (counters raised before a proof is judged, kept
// in the database: guarantees R16), against telling known identifiers from
// unknown ones by answer or by time (CS-4), against the flood of expensive
// hashes (password.Gate), and against the race in which a password is right
// and no longer current (R3). Start with password.go.
package signin
