package store

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// APIKeys keeps the keys of programs.
type APIKeys interface {
	// InsertAPIKey inserts the row, on the condition that the user, if it is a
	// user's key, exists, is not disabled and still has the key's Epoch
	// (guarantees R3); ErrConflict otherwise.
	InsertAPIKey(ctx context.Context, k auth.APIKey) error
	// APIKey returns the row, ended or not. ErrNotFound.
	APIKey(ctx context.Context, id auth.APIKeyID) (auth.APIKey, error)
	// APIKeyAndOwner returns the row, ended or not, and what it takes of that of
	// its user, disabled or not, as both are at one moment, in one read. The
	// Owner of a service's key is zero. ErrNotFound.
	APIKeyAndOwner(ctx context.Context, id auth.APIKeyID) (auth.APIKey, Owner, error)
	// ListAPIKeys returns up to limit keys, ended or not, in order of ID, which is
	// that of their making, beginning after the given one.
	ListAPIKeys(ctx context.Context, of APIKeyFilter, after auth.APIKeyID, limit int) ([]auth.APIKey, error)
	// CountAPIKeys returns how many keys of the user have not ended at now.
	CountAPIKeys(ctx context.Context, user auth.UserID, now time.Time) (int, error)
	// CountAPIKeysNaming returns how many keys that have not ended at now name the
	// role, and counts no further than limit. It reads the whole table, for which
	// it is not to be called in a transaction, nor for any request that comes
	// often.
	CountAPIKeysNaming(ctx context.Context, role string, now time.Time, limit int) (int, error)
	// UpdateAPIKey changes what is given of a key that has not been revoked and has
	// the Version, raises that and returns the row as it is now. ErrConflict: it
	// has another one. ErrNotFound: there is none, or it was revoked.
	UpdateAPIKey(ctx context.Context, id auth.APIKeyID, version int64, change APIKeyUpdate) (auth.APIKey, error)
	// RevokeAPIKey marks it ended. ErrNotFound: there is none, or it was revoked.
	RevokeAPIKey(ctx context.Context, id auth.APIKeyID, now time.Time) error
	// RevokeUserAPIKeys marks all keys of the user ended that have not, and returns
	// how many.
	RevokeUserAPIKeys(ctx context.Context, user auth.UserID, now time.Time) (int, error)
	// TouchAPIKeys moves LastUsedAt forward, never backward; unknown IDs are passed
	// over. Some hundred at a time keep to a transaction's budget.
	TouchAPIKeys(ctx context.Context, used map[auth.APIKeyID]time.Time) error
	// PurgeAPIKeys removes up to limit rows whose expiry or revocation lies before
	// the given time and returns how many.
	PurgeAPIKeys(ctx context.Context, before time.Time, limit int) (int, error)
}

// Owner is what a user's key takes of the user.
type Owner struct {
	Roles          []string
	Epoch, Version int64
	Disabled       bool
}

// APIKeyFilter says which keys a list has; the zero one has all.
type APIKeyFilter struct {
	// User's alone, if one is given.
	User auth.UserID
	// Services: those that are no user's.
	Services bool
}

// APIKeyUpdate names the members of an APIKey to change; nil leaves one as it
// is.
type APIKeyUpdate struct {
	Name       *string
	Roles      *[]string
	Scopes     *[]string
	Networks   *[]netip.Prefix
	RateLimit  *auth.RateLimit
	ReplacedBy *auth.APIKeyID
	// ExpiresAt brings the end forward; a later time than the present one changes
	// nothing.
	ExpiresAt *time.Time
}
