package auth

import (
	"net/netip"
	"time"
)

// APIKey is the credential of a program: of a service, or of a user's own
// scripts. Its row holds the hash of a secret that was shown once.
type APIKey struct {
	ID APIKeyID
	// Environment stands in the text of the key ("live", "test"), so that one that
	// was made for another installation is refused unread.
	Environment string
	// Name is what people call it.
	Name string
	// UserID is whose key it is; empty is the key of a service. A user's key may do
	// what the user may at that moment, and ends with everything else that was
	// handed out for the user.
	UserID UserID
	// Epoch is the user's Epoch read together with the proof the key rests on;
	// zero for a service's.
	Epoch int64
	// CreatedBy is who made it: the ID of a user or of an API key, or "cli".
	CreatedBy string
	// Roles are those of a service's key. Of a user's key they are those of the
	// user's that it has; none is all of them.
	Roles []string
	// Scopes are patterns of permissions that narrow what the roles allow; none
	// narrows nothing.
	Scopes []string
	// Networks are the addresses that it may be used from; none is everywhere.
	Networks []netip.Prefix
	// RateLimit is how often it may be used; zero is what the settings say.
	RateLimit RateLimit
	// SecretHash is the hash of the secret.
	SecretHash string
	// ReplacedBy is the key that a rotation has put in its place; empty is none.
	ReplacedBy APIKeyID
	// Version is raised by each change of the row but of LastUsedAt. Rows begin
	// at 1.
	Version int64
	// CreatedAt is when it was made. ExpiresAt is fixed then; only a rotation
	// brings it forward, nothing puts it off.
	CreatedAt, ExpiresAt time.Time
	// LastUsedAt is written behind and in batches, so it may be old by some
	// minutes; zero is never.
	LastUsedAt time.Time
	// RevokedAt is zero while nobody has ended the key.
	RevokedAt time.Time
}

// Ended says whether the key is good for nothing any more at now. That its
// user is disabled is not in its row.
func (k APIKey) Ended(now time.Time) bool { return !k.RevokedAt.IsZero() || !k.ExpiresAt.After(now) }

// RateLimit is how many requests may be made in how long: Requests at once, and
// one more each Period/Requests.
type RateLimit struct {
	Requests int
	Period   time.Duration
}
