package auth

import (
	"net/netip"
	"slices"
	"time"
)

// Session is a signed-in browser. Its row exists from sign-in to some time
// after its end; what the browser carries is sealed from it.
type Session struct {
	ID     SessionID
	UserID UserID
	// Mount is the base path that the session belongs to; a cookie of one
	// mount is worth nothing at another.
	Mount string
	// Subject is what the application sees as the user's ID, the claim sub: an
	// [OldID] for users who came with one. Empty means UserID.
	Subject string
	// Epoch is the user's Epoch read together with the proof the session
	// rests on.
	Epoch int64
	// CreatedAt is the moment of sign-in; AbsoluteEnd is fixed there and never
	// moves.
	CreatedAt, AbsoluteEnd time.Time
	// LastSeenAt is written behind and in batches: it may be old by some
	// minutes, and by a tenth of the idle time where nothing asks GET /session
	// (guarantees R15).
	LastSeenAt time.Time
	// Methods are the proofs given, by their RFC 8176 names ("pwd").
	Methods []string
	// Address is where the sign-in came from; invalid when unknown.
	Address netip.Addr
	// UserAgent is what the browser said of itself, cut to 255 bytes.
	UserAgent string
	// SecretHash is the hash of the secret that the browser carries, for a
	// session whose cookie is no more than ID and secret; empty for sealed ones.
	SecretHash string
	// Data is what the application put into such a session, and the roles it was
	// begun with, a JSON object; empty is none.
	Data string
	// Version is raised by whatever changes SecretHash or Data. Rows begin
	// at 1.
	Version int64
	// TokensOnly: it was begun for tokens, and no browser got a cookie of it. It
	// ends with the last family that hangs from it.
	TokensOnly bool
	// EndedAt is zero while the session lives; EndReason says how it ended.
	EndedAt   time.Time
	EndReason EndReason
}

// EndReason says how a session ended.
type EndReason string

// The ways a session ends before its time.
const (
	// EndSignOut: its own browser signed out.
	EndSignOut EndReason = "sign_out"
	// EndSuperseded: the same user signed in again in that browser. Such a
	// session is still accepted for [SupersededGrace], so that requests under
	// way do not fail (guarantees R14).
	EndSuperseded EndReason = "superseded"
	// EndRevoked: ended from elsewhere.
	EndRevoked EndReason = "revoked"
	// EndReused: a refresh token came again that had been replaced, so somebody
	// has a copy of it. Families alone end so.
	EndReused EndReason = "reused"
)

// SupersededGrace is how long a superseded session is still accepted, and how
// long the answers to an ended one carry no Set-Cookie at all: a late answer
// must neither bring a dead cookie back nor wipe its successor.
const SupersededGrace = 30 * time.Second

// Principal is who is asking now, and with what: the cookie of a session, an
// access token or an API key.
type Principal struct {
	// UserID is whose authority it is; empty for the key of a service.
	UserID UserID
	// SessionID is empty for an API key.
	SessionID SessionID
	// APIKeyID is the key that was shown; empty otherwise.
	APIKeyID APIKeyID
	// Roles is sorted and free of doubles. They are those of the user's row, or
	// of a service's key, as far as this server has heard, never what an
	// application wrote into the cookie. It is empty for a credential that its
	// scopes narrow.
	Roles []string
	// NarrowedRoles are the roles behind a credential that its scopes narrow: an
	// API key that has scopes, or an access token one of whose scopes has the
	// form of a permission. Of what these roles allow, it may do what one of the
	// Scopes matches too. It holds none of them: who asks [Principal.HasRole] gets
	// no.
	NarrowedRoles []string
	// SignedInAt is when the session began, exact to the second: when the
	// password was given, however often the cookie has been renewed since. It is
	// zero for an API key.
	SignedInAt time.Time
	// ClientID is that of the access token, when the request came with one.
	ClientID string
	// Scopes are those of the access token or the API key; empty for a session's
	// cookie.
	Scopes []string
}

// HasRole says whether the Principal holds the role as a whole. A credential
// that its scopes narrow holds none.
func (p Principal) HasRole(role string) bool { return slices.Contains(p.Roles, role) }

// Device is what a request tells of the browser it comes from.
type Device struct {
	// Address is invalid when it is unknown.
	Address   netip.Addr
	UserAgent string
}
