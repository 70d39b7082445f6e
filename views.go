package gatehouse

import (
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/view"
)

// What may be shown of a user, of a session and of an API key. They hold no
// hash, no secret and nothing of a type that could; see [Gatehouse.Access].
type (
	// Profile is a user.
	Profile = view.Profile
	// SessionInfo is a signed-in browser.
	SessionInfo = view.SessionInfo
	// APIKeyInfo is an API key.
	APIKeyInfo = view.APIKeyInfo
)

func profileOf(u auth.User) Profile {
	return Profile{
		ID: string(u.ID), Email: u.Email, Username: u.Username, EmailVerified: !u.EmailVerifiedAt.IsZero(), Name: u.Name, Image: u.Image,
		Roles: slices.Clone(u.Roles), CreatedAt: u.CreatedAt, Disabled: u.Disabled(),
	}
}

func apiKeyInfoOf(k auth.APIKey) APIKeyInfo {
	return APIKeyInfo{
		ID: string(k.ID), Shown: apikey.Shown(k), Name: k.Name, UserID: string(k.UserID),
		Roles: slices.Clone(k.Roles), Scopes: slices.Clone(k.Scopes), Networks: slices.Clone(k.Networks),
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
}

func sessionInfoOf(s auth.Session, current auth.SessionID) SessionInfo {
	return SessionInfo{
		ID: string(s.ID), UserID: string(s.UserID), Current: s.ID == current, Mount: s.Mount,
		CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, EndsAt: s.AbsoluteEnd,
		Methods: slices.Clone(s.Methods), Address: s.Address, UserAgent: s.UserAgent, TokensOnly: s.TokensOnly,
	}
}
