package pages

import "strings"

// Field is an input of a form. The constructors below make those of the
// product, with what password managers and keyboards need to know.
type Field struct {
	Name  string
	Label Key
	// Type is that of the input; "hidden" ones have a Name and a Value alone.
	Type string
	// Autocomplete is an autofill token of the HTML standard.
	Autocomplete string
	// Keyboard is the inputmode: "email". Capitals is the autocapitalize: empty
	// means none.
	Keyboard, Capitals string
	Value              string
	Hint               Key
	Required           bool
	// Least, if not zero, makes the input one for a new password of at least so
	// many characters, with its rules beside it.
	Least int
	// Most is the maxlength, in UTF-16 units; 0 for none. Passwords have none: a
	// browser cuts what is pasted without a word, and the cut password would be
	// kept.
	Most int
}

// The lengths that browsers let people type; the rooms judge what comes.
const (
	maxIdentifier = 254
	maxName       = 200 // 100 characters of two units each
	maxInvitation = 256
)

// IdentifierField is the input for what somebody signs in with.
func IdentifierField() Field {
	return Field{Name: "identifier", Label: keyIdentifier, Type: "text", Autocomplete: "username", Keyboard: "email", Required: true, Most: maxIdentifier}
}

// PasswordField is the input for a password at sign-in.
func PasswordField() Field {
	return Field{Name: "password", Label: keyPassword, Type: "password", Autocomplete: "current-password", Required: true}
}

// OwnPasswordField is the input for the password of somebody signed in.
func OwnPasswordField() Field {
	return Field{Name: "password", Label: keyOwnPassword, Type: "password", Autocomplete: "current-password", Required: true}
}

// CurrentPasswordField is the input for the password that is to be changed.
func CurrentPasswordField() Field {
	return Field{Name: "currentPassword", Label: keyCurrentPassword, Type: "password", Autocomplete: "current-password", Required: true}
}

// FirstPasswordField is the input for the password of a new account, of at least
// so many characters.
func FirstPasswordField(least int) Field {
	return Field{Name: "password", Label: keyPassword, Type: "password", Autocomplete: "new-password", Required: true, Least: least}
}

// NewPasswordField is the input for a password that replaces another.
func NewPasswordField(least int) Field {
	return Field{Name: "newPassword", Label: keyNewPassword, Type: "password", Autocomplete: "new-password", Required: true, Least: least}
}

// NameField is the input for the display name.
func NameField() Field {
	return Field{Name: "name", Label: keyName, Type: "text", Autocomplete: "name", Capitals: "words", Most: maxName}
}

// InvitationField is the input for an invitation code, which no browser should
// remember.
func InvitationField() Field {
	return Field{Name: "invitationCode", Label: keyInvitation, Type: "text", Autocomplete: "off", Required: true, Most: maxInvitation}
}

// SetupTokenField is the input for a setup token, which no browser should
// remember.
func SetupTokenField() Field {
	return Field{Name: "setupToken", Label: keySetupToken, Type: "text", Autocomplete: "off", Required: true, Most: maxInvitation}
}

// With returns the field filled with what was typed.
func (f Field) With(value string) Field {
	f.Value = value
	return f
}

// Form is a form that posts to an absolute address with the CSRF token.
type Form struct {
	Action, CSRFToken string
	Fields            []Field
	// Hidden are further hidden inputs, by name.
	Hidden map[string]string
	// Username, if not empty, tells password managers whose password this is;
	// nobody sees it.
	Username string
	// Own are names of the account that the form does not ask for, so that the
	// rules of a new password can be shown as they will be judged.
	Own string
	// Problem is what was wrong with the last try; Wrong names the field, which
	// gets the focus. Notice is what somebody should know who made no mistake.
	Problem, Notice Text
	Wrong           string
	Submit          Key
	// Tone is how the button looks: empty, "quiet" or "danger".
	Tone string
	// Focus names the field that has the focus when nothing is wrong.
	Focus string
}

// input is a Field as the template writes it.
type input struct {
	Field
	Wrong, Focus bool
	DescribedBy  string
}

// Inputs are the fields with what the last try makes of them.
func (f Form) Inputs() []input {
	list := make([]input, 0, len(f.Fields))
	for _, field := range f.Fields {
		in := input{Field: field, Wrong: f.Problem.Given() && field.Name == f.Wrong}
		in.Focus = in.Wrong || f.Focus == field.Name && (!f.Problem.Given() || f.Wrong == "")
		if in.Capitals == "" {
			in.Capitals = "none"
		}
		var by []string
		if in.Wrong {
			by = append(by, "problem")
		}
		if in.Hint != "" {
			by = append(by, "hint-"+in.Name)
		}
		if in.Least > 0 {
			by = append(by, "rules-"+in.Name)
		}
		in.DescribedBy = strings.Join(by, " ")
		list = append(list, in)
	}
	return list
}
