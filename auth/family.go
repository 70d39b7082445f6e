package auth

import "time"

// Family is a chain of refresh tokens, each of which takes the place of the one
// before (RFC 9700 §4.14.2). What a client holds is "<family>.<n>.<secret>";
// the secret of generation n is derived from a root key outside the database and
// the Salt, so that neither of the two yields a token alone (guarantees R9).
type Family struct {
	ID     FamilyID
	UserID UserID
	// SessionID is the session it hangs from. Unless Offline, the family ends
	// when that session does (guarantees R21).
	SessionID SessionID
	// Subject is what applications see as the user's ID, the claim sub; see
	// [Session].
	Subject string
	// ClientID is who may use it; empty is an application without a
	// registration.
	ClientID string
	// Mount is the base path it belongs to.
	Mount string
	// Audiences and Scopes are what its access tokens are good for.
	Audiences, Scopes []string
	// Offline: it was asked for with offline_access and outlives the session.
	Offline bool
	// Epoch is the user's Epoch read together with the proof the family rests
	// on.
	Epoch int64
	// Methods are the proofs given, by their RFC 8176 names.
	Methods []string
	// KeyID names the root key of the current generation, Salt is the family's
	// own part of it.
	KeyID string
	Salt  []byte
	// Generation is the n of the token that is current, RotatedAt when it became
	// so, and Retries how often its predecessor has come again since.
	Generation int64
	RotatedAt  time.Time
	Retries    int
	// ProvenAt is the moment of the proof, which is that of the sign-in; CreatedAt
	// is when the family began. AbsoluteEnd is fixed there and never moves.
	ProvenAt, CreatedAt, AbsoluteEnd time.Time
	// EndedAt is zero while the family lives; EndReason says how it ended.
	EndedAt   time.Time
	EndReason EndReason
}
