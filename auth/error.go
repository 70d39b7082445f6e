package auth

import (
	"errors"
	"time"
)

// Kind groups Codes by what a caller can do about them. Each web dialect maps
// Kinds first and single Codes where its protocol has a name of its own.
type Kind uint8

// The Kinds, with the HTTP status that the JSON dialect gives them.
const (
	KindInternal        Kind = iota // 500: our fault; the cause is in the log
	KindInvalid                     // 400: the input breaks a documented rule
	KindUnauthenticated             // 401: nobody is signed in, or the proof was wrong
	KindForbidden                   // 403: known, and not allowed
	KindNotFound                    // 404
	KindConflict                    // 409: what is asked for exists already or has changed meanwhile
	KindExpired                     // 410: it was right once
	KindRateLimited                 // 429: with RetryAfter
	KindUnavailable                 // 503: with RetryAfter; nothing was decided
)

// Code is the stable name of one refusal. Codes are part of the public
// contract: they appear in problem documents and never change their meaning.
// A Code is an error itself, so that errors.Is(err, auth.CodeX) asks for it.
type Code string

// Error makes Code usable with errors.Is; it is never shown to people.
func (c Code) Error() string { return string(c) }

// The Codes.
const (
	CodeInternal             Code = "internal"
	CodeInvalidRequest       Code = "invalid_request"
	CodeInvalidIdentifier    Code = "invalid_identifier"
	CodeInvalidName          Code = "invalid_name"
	CodePasswordTooShort     Code = "password_too_short"
	CodePasswordTooLong      Code = "password_too_long"
	CodePasswordCommon       Code = "password_common"
	CodePasswordContainsName Code = "password_contains_name"
	CodePasswordInvalid      Code = "password_invalid"
	CodePasswordUnchanged    Code = "password_unchanged"
	CodeInvalidCredentials   Code = "invalid_credentials"
	CodeSignedOut            Code = "signed_out"
	CodeSessionExpired       Code = "session_expired"
	CodeForbidden            Code = "forbidden"
	CodeCSRF                 Code = "csrf_failed"
	CodeRegistrationClosed   Code = "registration_closed"
	CodeInvitationInvalid    Code = "invitation_invalid"
	CodeSetupTokenInvalid    Code = "setup_token_invalid"
	CodeSetupDone            Code = "setup_done"
	CodeNotFound             Code = "not_found"
	CodeIdentifierTaken      Code = "identifier_taken"
	CodeChanged              Code = "changed_meanwhile"
	CodeVersionChanged       Code = "version_changed"
	CodeVersionNeeded        Code = "version_needed"
	CodeLastAdmin            Code = "last_admin"
	CodeKeyReused            Code = "idempotency_key_reused"
	CodeUnderWay             Code = "under_way"
	CodeRoleTaken            Code = "role_taken"
	CodeRoleInUse            Code = "role_in_use"
	CodeChallengeExpired     Code = "challenge_expired"
	CodePasswordChangeNeeded Code = "password_change_needed"
	CodePasswordNeeded       Code = "password_needed"
	CodeInvalidGrant         Code = "invalid_grant"
	CodeInvalidClient        Code = "invalid_client"
	CodeInvalidScope         Code = "invalid_scope"
	CodeInvalidTarget        Code = "invalid_target"
	CodeInvalidToken         Code = "invalid_token"
	CodeInvalidAPIKey        Code = "invalid_api_key"
	CodeUnsupportedTokenType Code = "unsupported_token_type"
	CodeTooManyAttempts      Code = "too_many_attempts"
	CodeBusy                 Code = "busy"
	CodeUnavailable          Code = "unavailable"
)

// codes is the one table of Codes: their Kind and the sentence shown when the
// Error brings none.
var codes = map[Code]struct {
	kind    Kind
	message string
}{
	CodeInternal:             {KindInternal, "Something went wrong on our side. Try again; if it stays, tell the operator the reference."},
	CodeInvalidRequest:       {KindInvalid, "The request is not of the documented form."},
	CodeInvalidIdentifier:    {KindInvalid, "Give an e-mail address or a user name of letters, digits, dot, hyphen and underscore."},
	CodeInvalidName:          {KindInvalid, "Give a name of at most 100 characters without line breaks or control characters."},
	CodePasswordTooShort:     {KindInvalid, "Choose a longer password."},
	CodePasswordTooLong:      {KindInvalid, "Choose a shorter password."},
	CodePasswordCommon:       {KindInvalid, "This password is on the lists that attackers try first. Choose another one."},
	CodePasswordContainsName: {KindInvalid, "Choose a password that is not made from your own names."},
	CodePasswordInvalid:      {KindInvalid, "The password is not valid text."},
	CodePasswordUnchanged:    {KindInvalid, "Choose a password that differs from the present one."},
	CodeInvalidCredentials:   {KindUnauthenticated, "The identifier or the password is wrong."},
	CodeSignedOut:            {KindUnauthenticated, "Sign in first."},
	CodeSessionExpired:       {KindUnauthenticated, "The session has ended. Sign in again."},
	CodeForbidden:            {KindForbidden, "You are not allowed to do this."},
	CodeCSRF:                 {KindForbidden, "The request did not come from this site's own pages."},
	CodeRegistrationClosed:   {KindForbidden, "Registration is closed."},
	CodeInvitationInvalid:    {KindForbidden, "A valid invitation code is needed."},
	CodeSetupTokenInvalid:    {KindForbidden, "The setup token is not good, or not any more. Make another one with \"gatehouse setup-token create\"."},
	CodeSetupDone:            {KindConflict, "There is an administrator already. Sign in, or ask them."},
	CodeNotFound:             {KindNotFound, "There is nothing here."},
	CodeIdentifierTaken:      {KindConflict, "This e-mail address or user name is already registered. Sign in instead."},
	CodeChanged:              {KindConflict, "The account changed meanwhile. Try again."},
	CodeVersionChanged:       {KindConflict, "Somebody has changed it since you read it. Read it again."},
	CodeVersionNeeded:        {KindInvalid, "Say in If-Match which version you have read."},
	CodeLastAdmin:            {KindConflict, "This is the last user who may do everything. Give somebody else that role first."},
	CodeKeyReused:            {KindInvalid, "This Idempotency-Key came with another request before. Take a new one."},
	CodeUnderWay:             {KindConflict, "The first request with this Idempotency-Key has not been answered. Look whether it was done, or ask again."},
	CodeRoleTaken:            {KindConflict, "There is a role of this name already."},
	CodeRoleInUse:            {KindConflict, "The role is in use."},
	CodeChallengeExpired:     {KindExpired, "This step has expired or was used already. Start again."},
	CodePasswordChangeNeeded: {KindForbidden, "A new password must be chosen before signing in."},
	CodePasswordNeeded:       {KindForbidden, "Give your password once more: it is some time since you signed in."},
	CodeInvalidGrant:         {KindInvalid, "The refresh token is not good, or not any more. Sign in again."},
	CodeInvalidClient:        {KindUnauthenticated, "The client is not known here, did not show its secret, or may not do this."},
	CodeInvalidScope:         {KindInvalid, "A scope was asked for that there is not."},
	CodeInvalidTarget:        {KindInvalid, "There are no tokens for this audience, or not for this client."},
	CodeInvalidToken:         {KindUnauthenticated, "The access token is not good, or not any more."},
	CodeInvalidAPIKey:        {KindUnauthenticated, "The API key is not good, or not any more."},
	CodeUnsupportedTokenType: {KindInvalid, "Tokens of this kind cannot be revoked one by one."},
	CodeTooManyAttempts:      {KindRateLimited, "Too many attempts. Wait, then try again."},
	CodeBusy:                 {KindUnavailable, "The server is busy. Try again in a moment."},
	CodeUnavailable:          {KindUnavailable, "The service is not available at the moment. Try again."},
}

// Codes returns every Code there is, in no particular order. Tests walk it to
// see that each dialect has an answer for each of them.
func Codes() []Code {
	all := make([]Code, 0, len(codes))
	for c := range codes {
		all = append(all, c)
	}
	return all
}

// Kind returns the group of the Code; an unknown Code is internal.
func (c Code) Kind() Kind { return codes[c].kind }

// Message returns the sentence that may be shown to anybody.
func (c Code) Message() string {
	if m, ok := codes[c]; ok {
		return m.message
	}
	return codes[CodeInternal].message
}

// Error is a refusal. What it shows outside is Code and Message; Cause is for
// the log and never leaves the server.
type Error struct {
	Code Code
	// Message is a sentence safe to show; empty means Code.Message().
	Message string
	// Details say what Message says, for those who put it into other words or
	// another language. Empty when Code says it all.
	Details []Detail
	// Field names the input that is wrong, empty when none is.
	Field string
	// RetryAfter is how long to wait; zero means that waiting does not help
	// (or, for KindUnavailable, one second).
	RetryAfter time.Duration
	// Cause is what happened, for the log.
	Cause error
}

// Detail is one thing that a refusal is about, finer than its Code.
type Detail struct {
	// Name is stable, as a Code is: "too_short".
	Name string
	// Values are the numbers that belong to it, by name: "length" and "limit" in
	// characters. Nil when there are none.
	Values map[string]int
}

// The Details that rooms name beside those of the password policy, which are
// the reasons of package password.
const (
	// DetailCurrentPassword: the password of somebody signed in was wrong.
	DetailCurrentPassword = "current_password"
	// DetailCallbackURL: the address to return to is not on the public origin.
	DetailCallbackURL = "callback_url"
	// DetailSignedOutHere: the browser's cookie went, the session could not be
	// ended for copies of it.
	DetailSignedOutHere = "signed_out_here"
)

// NewError returns a refusal with the given Code and cause; cause may be nil.
func NewError(code Code, cause error) *Error { return &Error{Code: code, Cause: cause} }

// Unavailable returns the refusal of a room whose store or hashing could not do
// its work: nothing was decided, and asking again in a second is right.
func Unavailable(cause error) *Error {
	return &Error{Code: CodeUnavailable, RetryAfter: time.Second, Cause: cause}
}

// Error is for the log and for programs: the Code, the Message if there is one,
// and the cause.
func (e *Error) Error() string {
	text := string(e.Code)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap lets errors.Is find both the Code and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Cause}
}

// Text returns the sentence that may be shown to anybody.
func (e *Error) Text() string {
	if e.Message != "" {
		return e.Message
	}
	return e.Code.Message()
}

// WithField returns err with Field set, when it is a refusal that names a field:
// the same rule judges inputs of different names.
func WithField(err error, field string) error {
	var e *Error
	if !errors.As(err, &e) || e.Field == "" {
		return err
	}
	named := *e
	named.Field = field
	return &named
}

// AsError turns any error into a refusal. An error that carries none is
// internal: nothing of it may be shown.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var c Code
	if errors.As(err, &c) {
		return &Error{Code: c, Cause: err}
	}
	return &Error{Code: CodeInternal, Cause: err}
}
