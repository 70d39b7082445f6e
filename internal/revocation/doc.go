// Package revocation makes "this was void a moment ago" known without a
// database call: an in-memory [Index] of what is void, filled by a [Follower]
// of the store's change feed, and by [Applying] with this node's own changes
// as soon as their commit is known.
//
// It owns when something counts as void; what to do about it is the session
// room's. It stands against the stolen cookie that goes on working after a
// sign-out, and against the node that goes on accepting while it can no longer
// hear (guarantees R3, R4, R7, R8, R14, R21).
//
// Start with index.go.
package revocation
