package auth

import (
	"time"
	"unicode"
	"unicode/utf8"
)

// OldID is what a user was called by the program whose place Gatehouse takes:
// User.id of NextAuth, or the providerAccountId of one of the user's Accounts.
// Cookies that program sealed name the user by it, in the claim sub, and the
// application's own tables refer to it.
type OldID struct {
	// Mount is the base path at which the ID is good: two applications may
	// both have a user "1".
	Mount string
	Value string
	// Main marks User.id, of which there is at most one for each mount: the
	// user's sessions there go on saying it.
	Main bool
}

// MaxOldIDLength is the length of the longest OldID, in bytes.
const MaxOldIDLength = 255

// CheckOldID says whether a text may be an OldID: printable UTF-8 of 1 to 255
// bytes. It returns CodeInvalidRequest otherwise.
func CheckOldID(value string) error {
	if value == "" || len(value) > MaxOldIDLength || !utf8.ValidString(value) {
		return &Error{Code: CodeInvalidRequest, Field: "old_id", Message: "An old ID has 1 to 255 bytes of UTF-8."}
	}
	for _, r := range value {
		if !unicode.IsPrint(r) {
			return &Error{Code: CodeInvalidRequest, Field: "old_id", Message: "An old ID has no control characters."}
		}
	}
	return nil
}

// Adoption is what is known of a user by an OldID.
type Adoption struct {
	User User
	// RefusedAt is zero while cookies that the application itself sealed are
	// taken for the user's.
	RefusedAt time.Time
}
