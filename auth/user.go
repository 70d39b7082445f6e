package auth

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// User is a person. At least one of Email and Username is set; both are kept
// in the normal form of [ParseIdentifier] and are unique across all users
// together, so that a user name never shadows somebody's address.
type User struct {
	ID       UserID
	Email    string
	Username string
	// EmailVerifiedAt is zero until the address is proven.
	EmailVerifiedAt time.Time
	// Name and Image are what the person wants shown; either may be empty.
	Name, Image string
	// Roles is sorted and free of doubles.
	Roles []string
	// Epoch is raised by whatever voids all that was handed out for the user.
	// A credential made under a lower Epoch is void for ever; no clock is asked.
	Epoch int64
	// Version is raised by each change of the row, so that a copy can tell
	// that it is old.
	Version int64
	// CreatedAt and UpdatedAt are UTC, exact to the microsecond.
	CreatedAt, UpdatedAt time.Time
	// DisabledAt is zero while the user may sign in.
	DisabledAt time.Time
}

// Disabled says whether the user is barred from signing in.
func (u User) Disabled() bool { return !u.DisabledAt.IsZero() }

// HasRole says whether the user holds the role.
func (u User) HasRole(role string) bool { return slices.Contains(u.Roles, role) }

// Identifiers returns the user's identifiers, the address first.
func (u User) Identifiers() []string {
	var ids []string
	for _, id := range []string{u.Email, u.Username} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// IdentifierKind tells what an Identifier is.
type IdentifierKind string

// The kinds of identifier.
const (
	IdentifierEmail    IdentifierKind = "email"
	IdentifierUsername IdentifierKind = "username"
)

// Identifier is what a person types to say who they are, in the one normal
// form that is stored and compared.
type Identifier struct {
	Kind  IdentifierKind
	Value string
}

// Limits on identifiers, in characters (Unicode code points).
const (
	MaxEmailLength    = 255
	MinUsernameLength = 2
	MaxUsernameLength = 64
	MaxNameLength     = 100
)

// ParseIdentifier brings typed text into its normal form: compatibility
// composed (NFKC), lower case, without blanks at the ends. Text with an @ is
// an e-mail address: something, one @, and a domain with a dot; plus tags and
// dots are kept as they are (CB-14, CB-15). Other text is a user name of
// letters, marks, digits, dot, hyphen and underscore. It returns
// CodeInvalidIdentifier otherwise.
func ParseIdentifier(text string) (Identifier, error) {
	// Reject the huge before normalising it: four bytes a character at most,
	// and composition may shrink text, so some slack.
	if len(text) > 8*MaxEmailLength || !utf8.ValidString(text) {
		return Identifier{}, NewError(CodeInvalidIdentifier, nil)
	}
	v := normalIdentifier(text)
	if strings.Contains(v, "@") {
		if !validEmail(v) {
			return Identifier{}, NewError(CodeInvalidIdentifier, nil)
		}
		return Identifier{IdentifierEmail, v}, nil
	}
	if !validUsername(v) {
		return Identifier{}, NewError(CodeInvalidIdentifier, nil)
	}
	return Identifier{IdentifierUsername, v}, nil
}

// normalIdentifier repeats until nothing changes: lower-casing can bring forth
// text that composes anew, and a normal form must be a fixed point.
func normalIdentifier(text string) string {
	for range 4 {
		next := strings.TrimSpace(strings.ToLower(norm.NFKC.String(text)))
		if next == text {
			break
		}
		text = next
	}
	return text
}

func validEmail(v string) bool {
	local, domain, _ := strings.Cut(v, "@")
	if local == "" || utf8.RuneCountInString(v) > MaxEmailLength || !strings.Contains(domain, ".") {
		return false
	}
	if strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		return false
	}
	for _, r := range domain {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '.' && r != '-' {
			return false
		}
	}
	for _, r := range local {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`"(),:;<>[\]`, r) {
			return false
		}
	}
	return true
}

func validUsername(v string) bool {
	n := utf8.RuneCountInString(v)
	// What begins like a UserID could be taken for one by whoever names a user.
	if n < MinUsernameLength || n > MaxUsernameLength || strings.HasPrefix(v, "usr_") {
		return false
	}
	letters := 0
	for i, r := range v {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			letters++
		case unicode.IsMark(r) && i > 0:
		case r == '.' || r == '-' || r == '_':
		default:
			return false
		}
	}
	return letters > 0
}

// CleanName brings a display name into its kept form (composed, blanks at the
// ends removed). It returns CodeInvalidName for text that is too long, not
// UTF-8, or holds control characters or line breaks: names are shown on pages
// and written into mail headers. Empty is a valid name.
func CleanName(text string) (string, error) {
	if len(text) > 8*MaxNameLength || !utf8.ValidString(text) {
		return "", &Error{Code: CodeInvalidName, Field: "name"}
	}
	v := strings.TrimSpace(norm.NFC.String(text))
	if utf8.RuneCountInString(v) > MaxNameLength {
		return "", &Error{Code: CodeInvalidName, Field: "name"}
	}
	for _, r := range v {
		if !unicode.IsGraphic(r) && r != '\u200d' && r != '\u200c' { // joiners belong to scripts and emoji
			return "", &Error{Code: CodeInvalidName, Field: "name"}
		}
	}
	return v, nil
}

// CleanRoles sorts, and removes doubles. It returns CodeInvalidRequest for a
// role that is not 1 to 64 of a–z, A–Z, 0–9, colon, dot, hyphen, underscore,
// or for more than 32 roles: roles travel in the cookie.
func CleanRoles(roles []string) ([]string, error) {
	out := slices.Clone(roles)
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > 32 {
		return nil, &Error{Code: CodeInvalidRequest, Field: "roles", Message: "At most 32 roles."}
	}
	for _, r := range out {
		if len(r) == 0 || len(r) > 64 || strings.IndexFunc(r, notRoleRune) >= 0 {
			return nil, &Error{Code: CodeInvalidRequest, Field: "roles", Message: "A role is 1 to 64 letters, digits, colon, dot, hyphen or underscore."}
		}
	}
	return out, nil
}

func notRoleRune(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == ':' || r == '.' || r == '-' || r == '_')
}
