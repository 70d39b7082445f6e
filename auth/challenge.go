package auth

import "time"

// Challenge is one pending demand for proof: single-use, with an end and a
// limited number of tries. What the person holds is "<id>.<secret>"; the row
// has the hash of the secret alone.
type Challenge struct {
	ID     ChallengeID
	UserID UserID
	// Kind says which step the Challenge belongs to; a Challenge is never
	// taken for another step than its own.
	Kind ChallengeKind
	// Epoch is the user's Epoch when the proof behind it was given.
	Epoch int64
	// SecretHash is the hash of the secret half (seal.HashSecret).
	SecretHash string
	// Data is the step's own, opaque to the store.
	Data []byte
	// TriesLeft is lowered by each try before the proof is judged.
	TriesLeft            int
	CreatedAt, ExpiresAt time.Time
}

// ChallengeKind names the step a Challenge belongs to.
type ChallengeKind string

// ChallengeNewPassword: the password was right and must be replaced before a
// session begins.
const ChallengeNewPassword ChallengeKind = "new_password"

// ChallengeSetup: whoever redeems it names the first administrator. It belongs
// to no user.
const ChallengeSetup ChallengeKind = "setup"

// Password is the stored password Credential of a user.
type Password struct {
	UserID UserID
	// Hash is a PHC string.
	Hash string
	// MustChange: the next sign-in asks for a new password first.
	MustChange bool
	UpdatedAt  time.Time
}

// Invitation lets somebody register while registration is by invitation.
// The person holds "<id>.<secret>"; the row has the hash.
type Invitation struct {
	ID         InvitationID
	SecretHash string
	// Roles are given to whoever registers with it.
	Roles []string
	// Note tells the operator whom it was made for.
	Note string
	// UsesLeft is lowered by each registration.
	UsesLeft             int
	CreatedAt, ExpiresAt time.Time
}

// Counter counts failures that an attacker must not be able to repeat at
// will. It is kept in the database, so that a restart forgets nothing
// (guarantees R16).
type Counter struct {
	Failures int
	// FirstAt and LastAt are when the run of failures began and when the last
	// one was counted.
	FirstAt, LastAt time.Time
}

// Backlog is what a source of failures has run up. Each failure moves Until on,
// time moves towards it: a source that stops failing is forgiven step by step.
// It is kept in the database, as a Counter is.
type Backlog struct {
	// LastAt is when the last failure was counted.
	LastAt time.Time
	// Until is when nothing is left of it.
	Until time.Time
}
