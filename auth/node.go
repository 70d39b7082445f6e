package auth

import "time"

// Node is a running server among several on one database. It writes its row at
// every look at the change feed; one whose row is old cannot be heard of, and
// refuses by itself soon (guarantees R7).
type Node struct {
	// ID is made anew at each start.
	ID NodeID
	// Name is the host's, for people.
	Name string
	// StartedAt and BeatAt are by the database's clock where it has one.
	StartedAt, BeatAt time.Time
	// Keys are the IDs of the signing keys it knows.
	Keys []string
	// MaxStaleness is how old its last look at the feed may be before it refuses
	// every check.
	MaxStaleness time.Duration
	// Secrets is the ordinal of its secrets' configuration (guarantees R20).
	Secrets int64
}
