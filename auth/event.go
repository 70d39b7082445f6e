package auth

import (
	"net/netip"
	"time"
)

// Event is one audit record: who did what to whom, from where, and what came of
// it. It is written in the same transaction as the change it describes; refused
// attempts are recorded too. It holds IDs, never secrets and never what a person
// typed. Once committed it is given its place in a chain, by which a later change
// of it is found (internal/audit).
type Event struct {
	ID   EventID
	At   time.Time
	Type EventType
	// Actor is who did it: the ID of a user or of an API key, [ActorCommandLine],
	// [ActorSystem], or empty for nobody known.
	Actor string
	// UserID and SessionID are whom it was done to, if that is a user or what
	// belongs to one.
	UserID    UserID
	SessionID SessionID
	// Subject is what it was done to beside these: [SubjectOf] a role, a key, an
	// invitation; empty when there is nothing else.
	Subject string
	// Client is the application it came through: the ID of a client, or else the
	// base path of the mount, which begins with a slash; empty when unknown.
	Client string
	// Address is invalid when unknown.
	Address netip.Addr
	// Agent is the family of the program that asked, "Firefox on Windows"; empty
	// when unknown.
	Agent string
	// Detail is a short word on why or how, from a fixed vocabulary: that of the
	// type in [EventTypes], or the name of a permission.
	Detail string
	// Result is what came of it; empty means the Type's, which the store then
	// writes.
	Result EventResult
}

// The actors that have no ID.
const (
	// ActorCommandLine is whoever may run commands on the server's machine.
	ActorCommandLine = "cli"
	// ActorSystem is Gatehouse itself.
	ActorSystem = "gatehouse"
)

// EventResult is what came of an attempt.
type EventResult string

// The results.
const (
	// ResultSucceeded: it was done.
	ResultSucceeded EventResult = "succeeded"
	// ResultRefused: somebody might not do it, or could not prove that they may.
	ResultRefused EventResult = "refused"
	// ResultFailed: it could not be done, through nobody's decision.
	ResultFailed EventResult = "failed"
)

// SubjectKind says what the ID in an Event's Subject names.
type SubjectKind string

// The kinds of Subject.
const (
	SubjectAPIKey     SubjectKind = "api_key"
	SubjectAccount    SubjectKind = "account"
	SubjectFamily     SubjectKind = "family"
	SubjectInvitation SubjectKind = "invitation"
	SubjectKey        SubjectKind = "key"
	SubjectRole       SubjectKind = "role"
)

// SubjectOf is the Subject of an Event: the kind and the ID with a colon between.
func SubjectOf(kind SubjectKind, id string) string { return string(kind) + ":" + id }

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
	// stored session or an API key; for an ended session 1 when it was superseded
	// and 0 when it was revoked.
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
