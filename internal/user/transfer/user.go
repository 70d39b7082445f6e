package transfer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// User is one record: a user as the other side tells it, with nothing judged
// but the form.
type User struct {
	// ID is set for users who come from a Gatehouse.
	ID auth.UserID
	// Email, Username, Name and Image are as written.
	Email, Username, Name, Image string
	Roles                        []string
	// Verified says that the address is known to be the user's, VerifiedAt
	// since when; zero if that was not told.
	Verified   bool
	VerifiedAt time.Time
	// Disabled and DisabledAt likewise.
	Disabled   bool
	DisabledAt time.Time
	// CreatedAt is zero if it was not told.
	CreatedAt time.Time
	// PasswordHash is as another program wrote it; empty for none.
	PasswordHash string
	// MustChange asks for a new password at the next sign-in.
	MustChange bool
	// OldIDs have an empty Mount where the record names none.
	OldIDs []auth.OldID
}

// Names of the members, which are also the columns. Those of old IDs may have
// a mount behind them: "old_id@/api/auth".
const (
	memberID         = "id"
	memberEmail      = "email"
	memberUsername   = "username"
	memberName       = "name"
	memberImage      = "image"
	memberRoles      = "roles"
	memberVerified   = "email_verified"
	memberDisabled   = "disabled"
	memberCreated    = "created_at"
	memberOldID      = "old_id"
	memberAccountIDs = "account_ids"
	memberHash       = "password_hash"
	memberMustChange = "password_must_change"
)

// known says what a member is called besides, and that there is such a one.
var known = map[string]string{
	memberID: memberID, memberEmail: memberEmail, memberUsername: memberUsername, memberName: memberName, memberImage: memberImage,
	memberRoles: memberRoles, memberVerified: memberVerified, memberDisabled: memberDisabled, memberCreated: memberCreated,
	memberOldID: memberOldID, memberAccountIDs: memberAccountIDs, memberHash: memberHash, memberMustChange: memberMustChange,
	"verified":      memberVerified,
	"emailVerified": memberVerified, // as the tables of Auth.js call it
}

// errPlainPassword is the answer to a member that must not be in such a file.
var errPlainPassword = errors.New(`member "password": passwords in plain text are not taken; give password_hash, or let the users set one`)

// member is the name of one, understood.
type member struct {
	name  string // one of the constants
	mount string // of old IDs; empty where none is named
}

// parseMember refuses what is not known: dropping it would lose data.
func parseMember(text string) (member, error) {
	if text == "password" {
		return member{}, errPlainPassword
	}
	base, mount, named := strings.Cut(text, "@")
	name := known[base]
	switch {
	case name == "":
		return member{}, fmt.Errorf("member %s is not known", quote(text))
	case !named:
		return member{name: name}, nil
	case name != memberOldID && name != memberAccountIDs:
		return member{}, fmt.Errorf("member %s names a mount, which %s has not", quote(text), name)
	case !strings.HasPrefix(mount, "/"):
		return member{}, fmt.Errorf("member %s: a mount is named by its base path, as in old_id@/api/auth", quote(text))
	}
	return member{name: name, mount: mount}, nil
}

func (m member) String() string {
	if m.mount == "" {
		return m.name
	}
	return m.name + "@" + m.mount
}

// quote makes a name fit for a terminal.
func quote(name string) string {
	if len(name) > 40 {
		name = strings.ToValidUTF8(name[:40], "") + "…"
	}
	return fmt.Sprintf("%q", name)
}

// value is what stands at a member, in either format. Its methods say what it
// was expected to be when it is something else.
type value interface {
	// text is empty where there is nothing.
	text() (string, error)
	// id is text, or a whole number.
	id() (string, error)
	// flag is false where there is nothing.
	flag() (bool, error)
	// list is nil where there is nothing.
	list() ([]string, error)
	// since is a flag, or the time since when it is set.
	since() (bool, time.Time, error)
}

// set puts the value of one member into u.
func (u *User) set(m member, v value) (err error) {
	switch m.name {
	case memberID:
		err = u.setID(v)
	case memberEmail:
		u.Email, err = v.text()
	case memberUsername:
		u.Username, err = v.text()
	case memberName:
		u.Name, err = v.text()
	case memberImage:
		u.Image, err = v.text()
	case memberRoles:
		u.Roles, err = v.list()
	case memberVerified:
		u.Verified, u.VerifiedAt, err = v.since()
	case memberDisabled:
		u.Disabled, u.DisabledAt, err = v.since()
	case memberCreated:
		err = u.setCreated(v)
	case memberHash:
		u.PasswordHash, err = v.text()
	case memberMustChange:
		u.MustChange, err = v.flag()
	case memberOldID, memberAccountIDs:
		err = u.addOldIDs(m, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m, err)
	}
	return nil
}

func (u *User) setID(v value) error {
	text, err := v.text()
	if err != nil || text == "" {
		return err
	}
	if u.ID, err = auth.ParseUserID(text); err != nil {
		return errors.New("is no ID of a Gatehouse (usr_…); IDs of other programs go into old_id")
	}
	return nil
}

func (u *User) setCreated(v value) error {
	text, err := v.text()
	if err != nil || text == "" {
		return err
	}
	u.CreatedAt, err = parseTime(text)
	return err
}

func (u *User) addOldIDs(m member, v value) (err error) {
	var ids []string
	if m.name == memberAccountIDs {
		ids, err = v.list()
	} else {
		var id string
		if id, err = v.id(); id != "" {
			ids = []string{id}
		}
	}
	for _, id := range ids {
		u.OldIDs = append(u.OldIDs, auth.OldID{Mount: m.mount, Value: id, Main: m.name == memberOldID})
	}
	return err
}

// parseTime reads RFC 3339, to the microsecond, which is what is kept. Years of
// no user, such as the 0000 that some databases write for nothing, are refused.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if year := t.UTC().Year(); err != nil || year < 1900 || year > 9999 {
		return time.Time{}, errors.New("a time is written as in 2026-01-31T12:00:00Z (RFC 3339)")
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// formatTime is the inverse of parseTime.
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
