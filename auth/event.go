package auth

import (
	"net/netip"
	"time"
)

// Event is one audit record. It is written in the same transaction as the
// change it describes; refused attempts are recorded too. It holds IDs, never
// secrets and never what a person typed.
type Event struct {
	ID   EventID
	At   time.Time
	Type EventType
	// Actor is who did it: a user's ID, or "cli", or empty for nobody known.
	Actor     string
	UserID    UserID
	SessionID SessionID
	// Address is invalid when unknown.
	Address netip.Addr
	// Detail is a short word on why or how, from a fixed vocabulary.
	Detail string
}

// EventType names what happened.
type EventType string

// The audit vocabulary.
const (
	EventUserRegistered       EventType = "user.registered"
	EventUserCreated          EventType = "user.created"
	EventUserImported         EventType = "user.imported"
	EventUserUpdated          EventType = "user.updated"
	EventUserDisabled         EventType = "user.disabled"
	EventUserEnabled          EventType = "user.enabled"
	EventUserDeleted          EventType = "user.deleted"
	EventUsersExported        EventType = "users.exported"
	EventRolesChanged         EventType = "user.roles_changed"
	EventPasswordChanged      EventType = "password.changed"
	EventPasswordChangeFailed EventType = "password.change_failed"
	EventSignInSucceeded      EventType = "signin.succeeded"
	EventSignInFailed         EventType = "signin.failed"
	EventSignInThrottled      EventType = "signin.throttled"
	EventSignedOut            EventType = "session.signed_out"
	EventSessionRevoked       EventType = "session.revoked"
	EventSessionAdopted       EventType = "session.adopted"
	EventSessionRotated       EventType = "session.rotated"
	EventFamilyStarted        EventType = "family.started"
	EventFamilyEnded          EventType = "family.ended"
	EventRefreshRepeated      EventType = "refresh.repeated"
	EventRefreshReused        EventType = "refresh.reused"
	EventRefreshAhead         EventType = "refresh.ahead"
	EventInvitationCreated    EventType = "invitation.created"
	EventInvitationDeleted    EventType = "invitation.deleted"
	// EventRevocationRestored: the database lacked a revocation that this server
	// had heard of, and was told again (guarantees R2).
	EventRevocationRestored EventType = "revocation.restored"
	// The Detail of these is the key's ID. A rotation names the key that signs
	// from then on.
	EventKeyCreated EventType = "key.created"
	EventKeyRotated EventType = "key.rotated"
	EventKeyRetired EventType = "key.retired"
	// The Detail of these is the role's name.
	EventRoleCreated EventType = "role.created"
	EventRoleUpdated EventType = "role.updated"
	EventRoleDeleted EventType = "role.deleted"
	// The Detail of these begins with the API key's ID. A rotation names the key
	// that takes the place; a refusal says why a key whose secret was right was
	// not taken, once an hour for each key.
	EventAPIKeyCreated EventType = "api_key.created"
	EventAPIKeyChanged EventType = "api_key.changed"
	EventAPIKeyRotated EventType = "api_key.rotated"
	EventAPIKeyRevoked EventType = "api_key.revoked"
	EventAPIKeyRefused EventType = "api_key.refused"
)

// Change is one row of the change feed: what every node must know to refuse
// something already handed out. It is written in the same transaction as the
// change itself and never removed before Until.
type Change struct {
	// Seq names the row; it is no order on every database (guarantees R1).
	Seq  int64
	Kind ChangeKind
	// Which of the four is set, Kind says.
	SessionID SessionID
	UserID    UserID
	FamilyID  FamilyID
	// KeyID is that of a signing key, or the [APIKeyID].
	KeyID string
	// Value is the least valid Epoch or Version of the user, or Version of a
	// stored session or an API key; for an ended session 1 when it was superseded and 0 when
	// it was revoked.
	Value int64
	// At is when it was written, for people and for the grace of a superseded
	// session; it decides no validity.
	At time.Time
	// Until is when nothing that the row voids can be valid any more.
	Until time.Time
}

// ChangeKind says what a Change voids.
type ChangeKind string

// The kinds of Change.
const (
	// ChangeSessionEnded names a session that is void.
	ChangeSessionEnded ChangeKind = "session_ended"
	// ChangeSessionChanged names a session whose row has the Version in Value:
	// copies of an older one are out of date.
	ChangeSessionChanged ChangeKind = "session_changed"
	// ChangeUserEpoch names a user of whom everything below an Epoch is void.
	ChangeUserEpoch ChangeKind = "user_epoch"
	// ChangeUserVersion names a user of whom copies below a Version are out of
	// date.
	ChangeUserVersion ChangeKind = "user_version"
	// ChangeFamilyEnded names a family whose refresh and access tokens are void.
	ChangeFamilyEnded ChangeKind = "family_ended"
	// ChangeKeys names a signing key whose state has changed: the keyring must
	// be read again.
	ChangeKeys ChangeKind = "keys_changed"
	// ChangeRoles says that a stored role was made, changed or deleted: the roles
	// must be read again.
	ChangeRoles ChangeKind = "roles_changed"
	// ChangeAPIKeyEnded names an API key that is void.
	ChangeAPIKeyEnded ChangeKind = "api_key_ended"
	// ChangeAPIKeyChanged names an API key whose row has the Version in Value:
	// copies of an older one are out of date.
	ChangeAPIKeyChanged ChangeKind = "api_key_changed"
)
