package auth

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"
)

// Identifiers are a three-letter prefix, an underscore and a UUIDv7 (RFC 9562
// §5.7). They are names, never secrets: they may stand in logs, in cookies
// and in addresses, and they show when they were made to whoever reads them.
type (
	// UserID names a [User]: usr_….
	UserID string
	// SessionID names a [Session]: ses_….
	SessionID string
	// ChallengeID names a [Challenge]: chl_….
	ChallengeID string
	// InvitationID names an [Invitation]: inv_….
	InvitationID string
	// EventID names an [Event]: evt_….
	EventID string
	// FamilyID names a [Family]: fam_….
	FamilyID string
	// NodeID names a [Node]: nod_….
	NodeID string
	// APIKeyID names an [APIKey]: key_….
	APIKeyID string
)

// NewUserID makes an identifier whose time part is now.
func NewUserID(now time.Time) UserID { return UserID(newID("usr_", now)) }

// NewSessionID makes an identifier whose time part is now.
func NewSessionID(now time.Time) SessionID { return SessionID(newID("ses_", now)) }

// NewChallengeID makes an identifier whose time part is now.
func NewChallengeID(now time.Time) ChallengeID { return ChallengeID(newID("chl_", now)) }

// NewInvitationID makes an identifier whose time part is now.
func NewInvitationID(now time.Time) InvitationID { return InvitationID(newID("inv_", now)) }

// NewEventID makes an identifier whose time part is now.
func NewEventID(now time.Time) EventID { return EventID(newID("evt_", now)) }

// NewFamilyID makes an identifier whose time part is now.
func NewFamilyID(now time.Time) FamilyID { return FamilyID(newID("fam_", now)) }

// NewNodeID makes an identifier whose time part is now.
func NewNodeID(now time.Time) NodeID { return NodeID(newID("nod_", now)) }

// NewAPIKeyID makes an identifier whose time part is now.
func NewAPIKeyID(now time.Time) APIKeyID { return APIKeyID(newID("key_", now)) }

// ParseUserID checks the shape of s. It does not say that such a user exists.
func ParseUserID(s string) (UserID, error) {
	if _, err := UserID(s).UUID(); err != nil {
		return "", err
	}
	return UserID(s), nil
}

// UUID returns the sixteen bytes behind the identifier, for indexes that hold
// no pointers.
func (id UserID) UUID() ([16]byte, error) { return parseID("usr_", string(id)) }

// UUID returns the sixteen bytes behind the identifier, for indexes that hold
// no pointers.
func (id SessionID) UUID() ([16]byte, error) { return parseID("ses_", string(id)) }

// ParseAPIKeyID checks the shape of s. It does not say that there is such a key.
func ParseAPIKeyID(s string) (APIKeyID, error) {
	if _, err := APIKeyID(s).UUID(); err != nil {
		return "", err
	}
	return APIKeyID(s), nil
}

// UUID returns the sixteen bytes behind the identifier, for indexes that hold
// no pointers.
func (id APIKeyID) UUID() ([16]byte, error) { return parseID("key_", string(id)) }

// APIKeyIDFromUUID is the inverse of [APIKeyID.UUID].
func APIKeyIDFromUUID(u [16]byte) APIKeyID { return APIKeyID(formatID("key_", u)) }

// UUID returns the sixteen bytes behind the identifier, for indexes that hold
// no pointers.
func (id FamilyID) UUID() ([16]byte, error) { return parseID("fam_", string(id)) }

// FamilyIDFromUUID is the inverse of [FamilyID.UUID].
func FamilyIDFromUUID(u [16]byte) FamilyID { return FamilyID(formatID("fam_", u)) }

// UserIDFromUUID is the inverse of [UserID.UUID].
func UserIDFromUUID(u [16]byte) UserID { return UserID(formatID("usr_", u)) }

// SessionIDFromUUID is the inverse of [SessionID.UUID].
func SessionIDFromUUID(u [16]byte) SessionID { return SessionID(formatID("ses_", u)) }

const idLength = 4 + 36

var errID = errors.New("not an identifier of this kind")

func newID(prefix string, now time.Time) string {
	var u [16]byte
	rand.Read(u[6:]) // never fails: crypto/rand ends the program instead
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70 // version 7
	u[8] = u[8]&0x3f | 0x80 // variant of RFC 9562
	return formatID(prefix, u)
}

func formatID(prefix string, u [16]byte) string {
	var b [idLength]byte
	copy(b[:], prefix)
	t := b[4:]
	hex.Encode(t[0:8], u[0:4])
	hex.Encode(t[9:13], u[4:6])
	hex.Encode(t[14:18], u[6:8])
	hex.Encode(t[19:23], u[8:10])
	hex.Encode(t[24:36], u[10:16])
	t[8], t[13], t[18], t[23] = '-', '-', '-', '-'
	return string(b[:])
}

// octets are where the digits of each octet stand in the text of a UUID (RFC
// 9562 §4). A hyphen at any other place is no digit.
var octets = [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

func parseID(prefix, s string) (u [16]byte, err error) {
	if len(s) != idLength || s[:4] != prefix {
		return u, errID
	}
	t := s[4:]
	if t[8] != '-' || t[13] != '-' || t[18] != '-' || t[23] != '-' {
		return u, errID
	}
	for n, at := range octets {
		hi, lo := nibble(t[at]), nibble(t[at+1])
		if hi > 15 || lo > 15 {
			return u, errID
		}
		u[n] = hi<<4 | lo
	}
	return u, nil
}

// nibble reads one lower-case hexadecimal digit; anything else is above 15,
// so that an identifier has exactly one spelling.
func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 16
}
