package store

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// The two answers that a room must understand. Any other error means that the
// store could not do its work: the room answers "unavailable".
var (
	// ErrNotFound: there is no such row, or it is past its end.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict: a uniqueness or a condition of the method stands against it.
	ErrConflict = errors.New("store: conflict")
)

// Store is a whole backend. Methods of Tx called on a Store outside InTx are
// each a transaction of their own. It is safe for concurrent use.
type Store interface {
	Tx
	Chain
	// InTx runs fn in one transaction: all of it or nothing. fn may run more
	// than once (after a conflict, or alone when a transaction shared with
	// others was lost), so it touches tx alone and sets its results anew each
	// time. It does no I/O, hashes nothing and stays below 5 ms. An error from
	// fn rolls its part back and is returned as it is, after the commit it was
	// part of. The context is honoured until fn begins, not in the middle.
	InTx(ctx context.Context, fn func(tx Tx) error) error
	// Installation is a random text that the database got when it was made. It is
	// no secret; a copy of the database has the same.
	Installation(ctx context.Context) (string, error)
	// OpenFeed opens the reader of the change feed. One follower owns it.
	OpenFeed(ctx context.Context) (Feed, error)
	// Nodes returns the servers that may be answering now, the oldest first:
	// those whose last beat is younger than the staleness at which they refuse
	// by themselves. Where only one server can be, it is the one that has the
	// lock.
	Nodes(ctx context.Context) ([]auth.Node, error)
	// RemoveNode takes the row of a node that answers nobody any more; none is no
	// error.
	RemoveNode(ctx context.Context, id auth.NodeID) error
	// Reach says how far the rows of the feed with these numbers have come; they
	// are committed. The node self is left out: it knows its own commits. That
	// self is no node is no error. ErrNotFound: one of the rows is not there.
	Reach(ctx context.Context, self auth.NodeID, seqs []int64) (Reach, error)
	// Ping says whether the database answers, for readiness.
	Ping(ctx context.Context) error
	// Close waits for what is under way and closes the backend.
	Close() error
}

// Tx is all that a transaction can reach.
type Tx interface {
	Users
	OldIDs
	Passwords
	Sessions
	Families
	Keys
	APIKeys
	Roles
	Challenges
	Invitations
	Counters
	Events
	Changes
	Creations
	Held
}

// Users keeps the users. Identifiers are given in the normal form of
// auth.ParseIdentifier.
type Users interface {
	// CreateUser inserts the row, with Epoch and Version as given.
	// ErrConflict: one of the identifiers, or the ID, is taken.
	CreateUser(ctx context.Context, u auth.User) error
	// User returns the user, disabled or not. ErrNotFound.
	User(ctx context.Context, id auth.UserID) (auth.User, error)
	// UserByIdentifier finds by address or user name. ErrNotFound.
	UserByIdentifier(ctx context.Context, identifier string) (auth.User, error)
	// ListUsers returns up to limit users in order of ID, beginning after the
	// given one; pages are stable while users come and go.
	ListUsers(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error)
	// UpdateUser changes what is given, raises Version and returns the row as
	// it is now. ErrNotFound; ErrConflict: an identifier is taken.
	UpdateUser(ctx context.Context, id auth.UserID, change UserUpdate, now time.Time) (auth.User, error)
	// RaiseEpoch raises Epoch and Version by one and returns the row as it is
	// now. ErrNotFound.
	RaiseEpoch(ctx context.Context, id auth.UserID, now time.Time) (auth.User, error)
	// DeleteUser removes the user and everything that hangs below: password,
	// sessions, challenges, old IDs. Events and Changes stay. ErrNotFound.
	DeleteUser(ctx context.Context, id auth.UserID) error
}

// OldIDs keeps what users were called before Gatehouse (guarantees R5).
type OldIDs interface {
	// AddOldIDs inserts all of them or none. ErrConflict: one is taken at its
	// mount, by whomever, or would be the user's second main one there.
	// ErrNotFound: no such user. A user who gets an ID that a deleted one had is
	// refused adoption from the beginning.
	AddOldIDs(ctx context.Context, user auth.UserID, ids []auth.OldID) error
	// OldIDs returns the user's, in order of mounts, the main one first.
	OldIDs(ctx context.Context, user auth.UserID) ([]auth.OldID, error)
	// UserByOldID finds the user, disabled or not, and whether adoption is
	// refused. ErrNotFound.
	UserByOldID(ctx context.Context, mount, value string) (auth.Adoption, error)
	// RefuseAdoption keeps the time since when nothing the application sealed
	// is adopted for the user any more; an earlier time stays. No such user is
	// no error.
	RefuseAdoption(ctx context.Context, user auth.UserID, now time.Time) error
}

// UserUpdate names the members of a User to change; nil leaves one as it is.
type UserUpdate struct {
	Name, Image     *string
	Email, Username *string
	Roles           *[]string
	EmailVerifiedAt *time.Time
	// DisabledAt zero enables the user again.
	DisabledAt *time.Time
}

// Passwords keeps at most one password for each user.
type Passwords interface {
	// SetPassword inserts or replaces. ErrNotFound: no such user.
	SetPassword(ctx context.Context, p auth.Password) error
	// Password returns it. ErrNotFound: the user has none, or there is no such
	// user.
	Password(ctx context.Context, id auth.UserID) (auth.Password, error)
	// ReplaceHash writes a new hash of the same password, if the stored hash
	// is still the old one; ErrConflict otherwise.
	ReplaceHash(ctx context.Context, id auth.UserID, oldHash, newHash string, now time.Time) error
}

// Sessions keeps one row for each sign-in.
type Sessions interface {
	// InsertSession inserts the row on the condition that the user exists, is
	// not disabled, and still has the session's Epoch (guarantees R3);
	// ErrConflict otherwise.
	InsertSession(ctx context.Context, s auth.Session) error
	// Session returns the row, ended or not. ErrNotFound.
	Session(ctx context.Context, id auth.SessionID) (auth.Session, error)
	// SessionAndUser returns the row, ended or not, and that of its user, disabled
	// or not, as both are at one moment, in one read. ErrNotFound.
	SessionAndUser(ctx context.Context, id auth.SessionID) (auth.Session, auth.User, error)
	// ListSessions returns the user's sessions that have neither ended nor
	// passed their absolute end at now, the youngest first.
	ListSessions(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Session, error)
	// EndSession marks it ended. ErrNotFound: there is none, or it had ended.
	EndSession(ctx context.Context, id auth.SessionID, reason auth.EndReason, now time.Time) error
	// EndUserSessions marks all live sessions of the user ended, except the
	// one named (empty: no exception), and returns how many.
	EndUserSessions(ctx context.Context, user auth.UserID, except auth.SessionID, reason auth.EndReason, now time.Time) (int, error)
	// RevokeSuperseded turns the user's sessions that were superseded after the
	// given time into revoked ones and returns them, in no particular order.
	RevokeSuperseded(ctx context.Context, user auth.UserID, after time.Time) ([]auth.Session, error)
	// TouchSessions moves LastSeenAt forward, never backward; unknown IDs are
	// passed over. Some hundred at a time keep to a transaction's budget.
	TouchSessions(ctx context.Context, seen map[auth.SessionID]time.Time) error
	// ChangeSessionData replaces Data, if the row has not ended, and returns it
	// with its raised Version. ErrNotFound.
	ChangeSessionData(ctx context.Context, id auth.SessionID, data string) (auth.Session, error)
	// PurgeSessions removes up to limit rows whose absolute end or end lies
	// before the given time and returns how many.
	PurgeSessions(ctx context.Context, before time.Time, limit int) (int, error)
}

// Families keeps the chains of refresh tokens.
type Families interface {
	// InsertFamily inserts the row on the condition that the user exists, is not
	// disabled, and still has the family's Epoch, and that the session, if one is
	// named, has not ended (guarantees R3); ErrConflict otherwise.
	InsertFamily(ctx context.Context, f auth.Family) error
	// Family returns the row, ended or not. ErrNotFound.
	Family(ctx context.Context, id auth.FamilyID) (auth.Family, error)
	// RotateFamily moves the family from the given generation to the next one
	// under keyID, sets RotatedAt and forgets Retries, on the conditions of
	// InsertFamily for the user and that neither the family nor, unless it is
	// Offline, its session has ended. Of many at once exactly one wins.
	// ErrConflict otherwise.
	RotateFamily(ctx context.Context, id auth.FamilyID, from int64, keyID string, now time.Time) (auth.Family, error)
	// RetryFamily counts one more return of the predecessor of the given current
	// generation, if fewer than most were counted and the family has not ended;
	// ErrConflict otherwise.
	RetryFamily(ctx context.Context, id auth.FamilyID, current int64, most int) (auth.Family, error)
	// EndFamily marks it ended. ErrNotFound: there is none, or it had ended.
	EndFamily(ctx context.Context, id auth.FamilyID, reason auth.EndReason, now time.Time) error
	// EndSessionFamilies marks the live families of the session ended that are
	// not Offline, and returns them.
	EndSessionFamilies(ctx context.Context, session auth.SessionID, reason auth.EndReason, now time.Time) ([]auth.Family, error)
	// MoveFamilies hangs all families of one session from another one, which takes
	// its place.
	MoveFamilies(ctx context.Context, from, to auth.SessionID) error
	// EndUserFamilies marks all live families of the user ended and returns how
	// many.
	EndUserFamilies(ctx context.Context, user auth.UserID, reason auth.EndReason, now time.Time) (int, error)
	// ListFamilies returns the user's families that have neither ended nor passed
	// their absolute end at now, the youngest first.
	ListFamilies(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Family, error)
	// PurgeFamilies removes up to limit rows whose absolute end or end lies before
	// the given time and returns how many.
	PurgeFamilies(ctx context.Context, before time.Time, limit int) (int, error)
}

// Keys keeps the signing keys.
type Keys interface {
	// InsertKey inserts the row. ErrConflict: the ID is taken, or there is one in
	// the same state of the same algorithm already, for the states next and
	// active.
	InsertKey(ctx context.Context, k auth.Key) error
	// ListKeys returns all of them, the oldest first.
	ListKeys(ctx context.Context) ([]auth.Key, error)
	// MoveKey sets the state and its time, on the condition that the key is in
	// the state from; retiring one empties Private. ErrConflict otherwise, and
	// when another one holds a state that only one may hold.
	MoveKey(ctx context.Context, id string, from, to auth.KeyState, now time.Time) error
	// ResealKey replaces the sealed private part of a key that is not retired.
	// ErrNotFound.
	ResealKey(ctx context.Context, id string, private []byte) error
	// PurgeKeys removes up to limit keys that were retired before the given time
	// and returns how many.
	PurgeKeys(ctx context.Context, before time.Time, limit int) (int, error)
}

// Challenges keeps pending demands for proof.
type Challenges interface {
	CreateChallenge(ctx context.Context, c auth.Challenge) error
	// Challenge returns the row and counts nothing: for those who show what is
	// asked, before any proof is given. ErrNotFound as TryChallenge.
	Challenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error)
	// TryChallenge lowers TriesLeft and returns the row as it is then, before
	// any proof is judged. ErrNotFound: none of this kind, past its end at
	// now, or no try was left; the last is as absent as the others.
	TryChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, now time.Time) (auth.Challenge, error)
	// ConsumeChallenge removes and returns the row if kind and secretHash are
	// right and it is not past its end at now. Of many at once exactly one
	// wins. ErrNotFound otherwise.
	ConsumeChallenge(ctx context.Context, id auth.ChallengeID, kind auth.ChallengeKind, secretHash string, now time.Time) (auth.Challenge, error)
	// PurgeChallenges removes up to limit rows whose end lies before the given
	// time.
	PurgeChallenges(ctx context.Context, before time.Time, limit int) (int, error)
}

// Invitations keeps invitation codes.
type Invitations interface {
	CreateInvitation(ctx context.Context, i auth.Invitation) error
	// ConsumeInvitation lowers UsesLeft by one and returns the row as it is
	// then, if secretHash is right, a use is left and it is not past its end
	// at now. ErrNotFound otherwise.
	ConsumeInvitation(ctx context.Context, id auth.InvitationID, secretHash string, now time.Time) (auth.Invitation, error)
	// ListInvitations returns those with a use left and an end after now, the
	// youngest first.
	ListInvitations(ctx context.Context, now time.Time) ([]auth.Invitation, error)
	// DeleteInvitation withdraws it. ErrNotFound.
	DeleteInvitation(ctx context.Context, id auth.InvitationID) error
	// PurgeInvitations removes up to limit rows whose end lies before the given
	// time.
	PurgeInvitations(ctx context.Context, before time.Time, limit int) (int, error)
}

// Lasting begins the keys of counts that no time makes harmless.
const Lasting = "lasting:"

// Counters keeps failure counts and backlogs by an opaque key; no key is used
// for both. They protect secrets, so
// they live beside them and survive a crash (guarantees R16).
type Counters interface {
	// Counter returns the count, and the zero Counter when there is none or
	// its last failure lies before now minus window.
	Counter(ctx context.Context, key string, window time.Duration, now time.Time) (auth.Counter, error)
	// RaiseFailure counts one more and returns the count with it. A run whose
	// last failure lies before now minus window begins anew at one.
	RaiseFailure(ctx context.Context, key string, window time.Duration, now time.Time) (auth.Counter, error)
	// ForgetFailures removes the count; none is no error.
	ForgetFailures(ctx context.Context, key string) error
	// Backlog returns what the key has run up, and the zero Backlog when
	// nothing is left of it.
	Backlog(ctx context.Context, key string, now time.Time) (auth.Backlog, error)
	// RaiseBacklog moves Until on by the given time, from now at least.
	RaiseBacklog(ctx context.Context, key string, by time.Duration, now time.Time) error
	// LowerBacklog moves Until back; none is no error. LastAt stays.
	LowerBacklog(ctx context.Context, key string, by time.Duration) error
	// PurgeCounters removes up to limit rows whose last failure, or whose
	// Until, lies before the given time. Keys that begin with Lasting stay until
	// they are forgotten.
	PurgeCounters(ctx context.Context, before time.Time, limit int) (int, error)
}

// Events keeps the audit record; it only grows, until retention ends. See Chain
// for their order.
type Events interface {
	// AppendEvent inserts the row; a Result that is empty is the Type's.
	AppendEvent(ctx context.Context, e auth.Event) error
	// ListEvents returns up to limit events, the youngest first, of the user
	// if one is given.
	ListEvents(ctx context.Context, user auth.UserID, limit int) ([]auth.Event, error)
	// FindEvents returns up to limit events that the filter wants, the youngest
	// first, those of one time by their IDs.
	FindEvents(ctx context.Context, f EventFilter, limit int) ([]ChainedEvent, error)
}

// Changes is the writing side of the change feed.
type Changes interface {
	// AppendChange inserts the row (Seq is the store's) and returns its Seq.
	AppendChange(ctx context.Context, c auth.Change) (int64, error)
	// PurgeChanges removes up to limit rows whose Until lies before the given
	// time.
	PurgeChanges(ctx context.Context, before time.Time, limit int) (int, error)
}

// Feed is the reading side. It belongs to one goroutine.
//
// A feed is good for one incarnation of one database server. When it finds
// itself at another (a server that was started again, a standby that was
// promoted, a pooler that changed servers) it fails, and whoever owns it opens
// a new one and loads it whole: a remembered position says nothing there
// (guarantees R2).
type Feed interface {
	// Load calls fn with every row of the feed, in order, and sets the position
	// behind them. When it fails, fn may have had some.
	Load(ctx context.Context, fn func(auth.Change)) error
	// Poll tells the other nodes that this one has applied all that the last Load
	// or Poll returned, and then returns what was committed since. Rows may come
	// more than once: applying them is idempotent. A success means that whatever
	// was committed before the call is among what was returned so far
	// (guarantees R7).
	Poll(ctx context.Context, beat auth.Node) (Round, error)
	// Wait returns nil when there may be something new, and the context's error
	// when the context ends first. It may be deaf: correctness never rests on it.
	Wait(ctx context.Context) error
	Close() error
}

// Round is what one look at the feed brought.
type Round struct {
	// Changes are the rows that were committed since the last look.
	Changes []auth.Change
	// DatabaseTime is the database server's clock during the look; zero where it
	// has no clock of its own.
	DatabaseTime time.Time
	// Woken counts the notifications since the last look.
	Woken int
	// Secrets is the greatest auth.Node.Secrets of the nodes that are alive, zero
	// where there is one at most. Unaware is the oldest beat, by the database's
	// clock, of one whose number is less than that of the beat; zero when there
	// is none.
	Secrets int64
	Unaware time.Time
}

// Reach is how far rows of the feed have come.
type Reach struct {
	// Behind are the nodes that may still accept what the rows void.
	Behind []auth.Node
	// Within is how long from now any of them may: by then each has read the rows
	// or refuses everything. Zero when Behind is empty.
	Within time.Duration
}
