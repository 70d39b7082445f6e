package pages

import (
	"math"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Key names one text of the catalogues in languages/. A Key that no catalogue
// has is shown as it is, so that a field of an application's own may bring its
// label along.
type Key string

// The Keys that handlers and this package name; the templates name the others.
const (
	keyLanguageName Key = "language.name"
	keyLanguageDir  Key = "language.dir"

	keyTerms   Key = "link.terms"
	keyPrivacy Key = "link.privacy"
	keySupport Key = "link.support"

	// KeyGoService and KeyGoSignIn are links that lead on.
	KeyGoService Key = "go.service"
	KeyGoSignIn  Key = "go.signin"

	keyIdentifier      Key = "field.identifier"
	keyName            Key = "field.name"
	keyPassword        Key = "field.password"
	keyOwnPassword     Key = "field.password.own"
	keyCurrentPassword Key = "field.password.current"
	keyNewPassword     Key = "field.password.new"
	keyInvitation      Key = "field.invitation"
	keySetupToken      Key = "field.setup_token"

	keySignInTitle  Key = "signin.title"
	keySignInSubmit Key = "signin.submit"
	// KeySignInRequired and the next five are what the sign-in page says about
	// what led there.
	KeySignInRequired     Key = "signin.required"
	KeySignInFailed       Key = "signin.failed"
	KeySignInEmpty        Key = "signin.empty"
	KeySignInFormExpired  Key = "signin.form_expired"
	KeySignInOtherAccount Key = "signin.other_account"
	KeySignInAgain        Key = "signin.again"

	keySignUpTitle    Key = "signup.title"
	keySignUpSubmit   Key = "signup.submit"
	keySetupTitle     Key = "setup.title"
	keySetupSubmit    Key = "setup.submit"
	keySignOutTitle   Key = "signout.title"
	keySignOutSubmit  Key = "signout.submit"
	keySignedOutTitle Key = "signedout.title"

	keyAccountTitle Key = "account.title"
	// KeyPasswordChanged is what the account page says after a change.
	KeyPasswordChanged Key = "account.password_changed"

	keyPasswordTitle     Key = "password.title"
	keyPasswordSubmit    Key = "password.submit"
	keyNewPasswordTitle  Key = "newpassword.title"
	keyNewPasswordSubmit Key = "newpassword.submit"
	keyDeleteTitle       Key = "delete.title"
	keyDeleteSubmit      Key = "delete.submit"
	// KeyDeletedTitle and KeyDeletedText stand on the page after a deletion.
	KeyDeletedTitle Key = "deleted.title"
	KeyDeletedText  Key = "deleted.text"

	keySessionsTitle  Key = "sessions.title"
	keySessionEnd     Key = "sessions.end"
	keySessionsOthers Key = "sessions.others"
	keySessionsAll    Key = "sessions.all"
	// KeySessionEnded and the next ones are what the list of sessions, or the page
	// after signing out, says has just been done.
	KeySessionEnded     Key = "sessions.done.one"
	KeySessionsEnded    Key = "sessions.done.others"
	KeySessionsNone     Key = "sessions.done.none"
	KeySessionsAllEnded Key = "sessions.done.all"
	KeyAppEnded         Key = "apps.done"
	keyAppEnd           Key = "apps.end"
	keyAppOwn           Key = "apps.own"
	keyAppRights        Key = "apps.rights"
	keyAgent            Key = "agent.both"
	keyAgentSystem      Key = "agent.system"
	keyAgentUnknown     Key = "agent.unknown"
	keyPlaceLoopback    Key = "place.loopback"
	keyPlacePrivate     Key = "place.private"
	keyPlaceUnknown     Key = "place.unknown"
	keyAgoNow           Key = "ago.now"
	keyAgoMinutes       Key = "ago.minutes"
	keyAgoHours         Key = "ago.hours"
	keyAgoDays          Key = "ago.days"

	keyErrorTitle     Key = "error.title"
	keyForbiddenTitle Key = "error.forbidden.title"
	keyOtherUser      Key = "go.other"
	// KeyWaitTitle and the next ones are titles and texts of the error page.
	KeyWaitTitle          Key = "error.wait.title"
	KeyConfigurationTitle Key = "error.configuration.title"
	KeyConfigurationText  Key = "error.configuration.text"
	KeyDeniedTitle        Key = "error.denied.title"
	KeyDeniedText         Key = "error.denied.text"
	KeyVerificationTitle  Key = "error.verification.title"
	KeyVerificationText   Key = "error.verification.text"
	KeySignInErrorTitle   Key = "error.signin.title"
	KeySignInErrorText    Key = "error.signin.text"
	KeyAddressTitle       Key = "error.address.title"
	KeyAddressText        Key = "error.address.text"
	keyNothingTitle       Key = "error.nothing.title"
	keyNothingText        Key = "error.nothing.text"

	// KeyMailTitle, KeyMailText and KeyMailBack say where a message is to be found
	// if one was sent.
	KeyMailTitle Key = "mail.title"
	KeyMailText  Key = "mail.text"
	KeyMailBack  Key = "mail.back"

	keySeconds Key = "wait.seconds"
	keyMinutes Key = "wait.minutes"
	keyHours   Key = "wait.hours"
)

// Text is something to be said, not yet in any language. The zero value says
// nothing.
type Text struct {
	key     Key
	refusal *auth.Error
}

// Say is the text of a Key.
func Say(k Key) Text { return Text{key: k} }

// Refused is the text of a refusal: what its Details tell, else what its Code
// means, with how long to wait where waiting helps.
func Refused(err error) Text { return Text{refusal: auth.AsError(err)} }

// Given says whether there is something to say.
func (t Text) Given() bool { return t.key != "" || t.refusal != nil }

// say puts the Text into the language.
func (l *locale) say(t Text) string {
	if t.refusal != nil {
		return l.refusal(t.refusal)
	}
	return l.text(t.key)
}

// detailKey and refusalKey name the texts of Details and Codes.
func detailKey(d auth.Detail) Key { return "detail." + Key(d.Name) }
func refusalKey(c auth.Code) Key  { return "refusal." + Key(c) }

func (l *locale) refusal(e *auth.Error) string {
	said := ""
	for _, d := range e.Details {
		if !l.has(detailKey(d)) {
			continue
		}
		args := make([]any, 0, 2*len(d.Values))
		for name, n := range d.Values {
			args = append(args, name, n)
		}
		if said != "" {
			said += " "
		}
		said += l.text(detailKey(d), args...)
	}
	switch waiting := refusalKey(e.Code) + ".wait"; {
	case said != "":
		return said
	case e.RetryAfter > 0 && l.has(waiting):
		return l.text(waiting, "wait", l.wait(e.RetryAfter))
	case l.has(refusalKey(e.Code)):
		return l.text(refusalKey(e.Code))
	}
	return l.text(refusalKey(auth.CodeInternal))
}

// wait is a time to wait as people say it, never shorter than it is: seconds up
// to a minute and a half, minutes up to an hour and a half, then hours.
func (l *locale) wait(d time.Duration) string {
	in := func(unit time.Duration) int { return int(math.Ceil(float64(d) / float64(unit))) }
	switch {
	case d <= 90*time.Second:
		return l.text(keySeconds, "n", in(time.Second))
	case d <= 90*time.Minute:
		return l.text(keyMinutes, "n", in(time.Minute))
	}
	return l.text(keyHours, "n", in(time.Hour))
}
