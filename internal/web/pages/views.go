package pages

import (
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// SignIn is the sign-in page.
type SignIn struct {
	Form
	// Register is the address of the sign-up page; empty when closed.
	Register string
}

// SignIn renders the sign-in page.
func (s *Set) SignIn(w http.ResponseWriter, r *http.Request, status int, p SignIn) error {
	p.Submit = keySignInSubmit
	return s.render(w, r, sheet{"signin", keySignInTitle, "/signin", status, p})
}

// SignUp is the registration page.
type SignUp struct {
	Form
	SignIn string
	// Closed: there is nothing to fill in.
	Closed bool
}

// SignUp renders the registration page.
func (s *Set) SignUp(w http.ResponseWriter, r *http.Request, status int, p SignUp) error {
	p.Submit = keySignUpSubmit
	return s.render(w, r, sheet{"signup", keySignUpTitle, "/signup", status, p})
}

// Setup is the page on which the first administrator is made.
type Setup struct {
	Form
	SignIn string
}

// Setup renders the page on which the first administrator is made.
func (s *Set) Setup(w http.ResponseWriter, r *http.Request, status int, p Setup) error {
	p.Submit = keySetupSubmit
	return s.render(w, r, sheet{"setup", keySetupTitle, "/setup", status, p})
}

// SignOut renders the page that asks before signing out.
func (s *Set) SignOut(w http.ResponseWriter, r *http.Request, f Form) error {
	f.Submit = keySignOutSubmit
	return s.render(w, r, sheet{"signout", keySignOutTitle, "/signout", http.StatusOK, f})
}

// SignedOut is the page after signing out.
type SignedOut struct {
	SignIn, Return string
	// Done is what was done beside ending the session in this browser. Pending,
	// if not zero, is how long it takes at the most until it holds everywhere.
	Done    Key
	Pending time.Duration
}

// SignedOut renders the page after signing out.
func (s *Set) SignedOut(w http.ResponseWriter, r *http.Request, p SignedOut) error {
	return s.render(w, r, sheet{"signedout", keySignedOutTitle, "/signed-out", http.StatusOK, p})
}

// Message is a page that only says something.
type Message struct {
	Title Key
	Text  Text
	// Link and LinkText lead on.
	Link     string
	LinkText Key
	// Other and OtherText are another way on, which stands back behind the
	// first; empty when there is none.
	Other     string
	OtherText Key
	// Reference finds the request in the log, Support is the address of whoever
	// can use it, and Grave says that the fault is ours; all are set by Error.
	Reference, Support string
	Grave              bool
}

// Error renders the error page, with the reference of the request.
func (s *Set) Error(w http.ResponseWriter, r *http.Request, status int, m Message) error {
	m.Reference, m.Support, m.Grave = web.FactsFrom(r.Context()).RequestID, s.Support, status >= http.StatusInternalServerError
	return s.render(w, r, sheet{"message", m.Title, "/signin", status, m})
}

// Message renders a page that only says something.
func (s *Set) Message(w http.ResponseWriter, r *http.Request, m Message) error {
	return s.render(w, r, sheet{"message", m.Title, "/signin", http.StatusOK, m})
}

// Account is the landing page of somebody signed in.
type Account struct {
	// Shown is the name, or the identifier when there is none.
	Shown, Email, Username         string
	Roles                          []string
	ChangePassword, Delete, Return string
	// Sessions is the address of the list of sessions.
	Sessions string
	SignOut  Form
	// Done is what was just done.
	Done Key
}

// Account renders the landing page.
func (s *Set) Account(w http.ResponseWriter, r *http.Request, p Account) error {
	p.SignOut.Submit, p.SignOut.Tone = keySignOutSubmit, "quiet"
	return s.render(w, r, sheet{"account", keyAccountTitle, "/account", http.StatusOK, p})
}

// OwnForm is a form about the account of somebody signed in.
type OwnForm struct {
	Form
	// Back is the address of the account page, SignOut that of the page that
	// signs out.
	Back, SignOut string
}

// Password renders the page that changes the password.
func (s *Set) Password(w http.ResponseWriter, r *http.Request, status int, p OwnForm) error {
	p.Submit = keyPasswordSubmit
	return s.render(w, r, sheet{"password", keyPasswordTitle, "/account/password", status, p})
}

// NewPassword renders the step that demands a new password before the session
// begins.
func (s *Set) NewPassword(w http.ResponseWriter, r *http.Request, status int, f Form) error {
	f.Submit = keyNewPasswordSubmit
	return s.render(w, r, sheet{"newpassword", keyNewPasswordTitle, "/new-password", status, f})
}

// Delete renders the page that deletes the account.
func (s *Set) Delete(w http.ResponseWriter, r *http.Request, status int, p OwnForm) error {
	p.Submit, p.Tone = keyDeleteSubmit, "danger"
	return s.render(w, r, sheet{"delete", keyDeleteTitle, "/account/delete", status, p})
}
