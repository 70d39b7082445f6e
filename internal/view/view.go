package view

import (
	"net/netip"
	"time"
)

// Profile is a user, as one may be shown to themselves or to those who may read
// users. It is plain data: it can be encoded and handed to a template whole.
type Profile struct {
	// ID is "usr_…".
	ID       string `json:"id"`
	Email    string `json:"email,omitempty"`
	Username string `json:"username,omitempty"`
	// EmailVerified: the address is proven.
	EmailVerified bool   `json:"email_verified"`
	Name          string `json:"name,omitempty"`
	Image         string `json:"image,omitempty"`
	// Roles are sorted.
	Roles     []string  `json:"roles"`
	CreatedAt time.Time `json:"created_at"`
	// Disabled: the user may not sign in.
	Disabled bool `json:"disabled,omitempty"`
}

// SessionInfo is a signed-in browser, as its user may see it in a list.
type SessionInfo struct {
	// ID is "ses_…". It names the session and is no secret.
	ID string `json:"id"`
	// UserID is whose session it is.
	UserID string `json:"user_id"`
	// Current: it is the one that asks.
	Current bool `json:"current"`
	// Mount is the base path that it belongs to.
	Mount string `json:"mount"`
	// CreatedAt is the moment of sign-in, EndsAt the end that no use puts off.
	// LastSeenAt may be old by some minutes.
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	EndsAt     time.Time `json:"ends_at"`
	// Methods are the proofs given, by their RFC 8176 names ("pwd").
	Methods []string `json:"methods,omitempty"`
	// Address is where the sign-in came from; invalid when unknown.
	Address   netip.Addr `json:"address,omitzero"`
	UserAgent string     `json:"user_agent,omitempty"`
	// TokensOnly: no browser has a cookie of it.
	TokensOnly bool `json:"tokens_only,omitempty"`
}

// APIKeyInfo is an API key, as it may be listed. The key itself was shown once.
type APIKeyInfo struct {
	// ID is "key_…".
	ID string `json:"id"`
	// Shown is the beginning of the key's text, by which people know it again.
	Shown string `json:"shown"`
	Name  string `json:"name"`
	// UserID is whose key it is; empty for the key of a service.
	UserID   string         `json:"user_id,omitempty"`
	Roles    []string       `json:"roles,omitempty"`
	Scopes   []string       `json:"scopes,omitempty"`
	Networks []netip.Prefix `json:"networks,omitempty"`
	// LastUsedAt may be old by some minutes; zero is never.
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	// RevokedAt is zero while nobody has ended it.
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}
