package auth

// EventType names what happened: a noun, a dot and a verb.
type EventType string

// The audit vocabulary. [EventTypes] says what each means.
const (
	EventUserRegistered       EventType = "user.registered"
	EventUserCreated          EventType = "user.created"
	EventUserImported         EventType = "user.imported"
	EventUserUpdated          EventType = "user.updated"
	EventUserDisabled         EventType = "user.disabled"
	EventUserEnabled          EventType = "user.enabled"
	EventUserDeleted          EventType = "user.deleted"
	EventUsersExported        EventType = "users.exported"
	EventRolesChanged         EventType = "user.roles_changed"
	EventPasswordChanged      EventType = "password.changed"
	EventPasswordChangeFailed EventType = "password.change_failed"
	EventSignInSucceeded      EventType = "signin.succeeded"
	EventSignInFailed         EventType = "signin.failed"
	EventSignInThrottled      EventType = "signin.throttled"
	EventSignedOut            EventType = "session.signed_out"
	EventSessionRevoked       EventType = "session.revoked"
	EventSessionAdopted       EventType = "session.adopted"
	EventSessionRotated       EventType = "session.rotated"
	EventFamilyStarted        EventType = "family.started"
	EventFamilyEnded          EventType = "family.ended"
	EventRefreshRepeated      EventType = "refresh.repeated"
	EventRefreshReused        EventType = "refresh.reused"
	EventRefreshAhead         EventType = "refresh.ahead"
	EventInvitationCreated    EventType = "invitation.created"
	EventInvitationDeleted    EventType = "invitation.deleted"
	EventRevocationRestored   EventType = "revocation.restored"
	EventKeyCreated           EventType = "key.created"
	EventKeyRotated           EventType = "key.rotated"
	EventKeyRetired           EventType = "key.retired"
	EventRoleCreated          EventType = "role.created"
	EventRoleUpdated          EventType = "role.updated"
	EventRoleDeleted          EventType = "role.deleted"
	EventAPIKeyCreated        EventType = "api_key.created"
	EventAPIKeyChanged        EventType = "api_key.changed"
	EventAPIKeyRotated        EventType = "api_key.rotated"
	EventAPIKeyRevoked        EventType = "api_key.revoked"
	EventAPIKeyRefused        EventType = "api_key.refused"
	EventAccountLinked        EventType = "account.linked"
	EventAccountUnlinked      EventType = "account.unlinked"
	EventAccessRefused        EventType = "access.refused"
	EventSetupCreated         EventType = "setup.created"
	EventSetupCompleted       EventType = "setup.completed"
	EventSetupRefused         EventType = "setup.refused"
	EventAuditExported        EventType = "audit.exported"
	EventAuditContinued       EventType = "audit.continued"
)

// EventInfo says what an EventType means.
type EventInfo struct {
	Type EventType
	// Result is what an event of the type has where nothing else is said.
	Result EventResult
	// About is a phrase for people.
	About string
	// Subject is the kind of the Subject; empty: it has none, or a user or session
	// says all.
	Subject SubjectKind
	// Details are the words that Detail may have, beside none.
	Details []string
}

// EventTypes returns the whole vocabulary, in the order of the documents.
func EventTypes() []EventInfo {
	return []EventInfo{
		{EventSignInSucceeded, EventSignInSucceeded.Result(), "somebody signed in; the session is the new one", "", nil},
		{EventSignInFailed, EventSignInFailed.Result(), "the password was wrong, or nobody has the identifier", "", nil},
		{EventSignInThrottled, EventSignInThrottled.Result(), "a try came too early after failures", "", nil},
		{EventSignedOut, EventSignedOut.Result(), "somebody signed out", "", nil},
		{EventSessionRevoked, EventSessionRevoked.Result(), "sessions were ended by their user or an operator", "", []string{"one", "others", "all", "everybody"}},
		{EventSessionAdopted, EventSessionAdopted.Result(), "a session of the program before Gatehouse was taken over", "", nil},
		{EventSessionRotated, EventSessionRotated.Result(), "a session that gained rights was given another ID", "", nil},
		{EventFamilyStarted, EventFamilyStarted.Result(), "a chain of refresh tokens began", SubjectFamily, nil},
		{EventFamilyEnded, EventFamilyEnded.Result(), "a chain of refresh tokens ended", SubjectFamily, []string{"superseded", "revoked", "reused"}},
		{EventRefreshRepeated, EventRefreshRepeated.Result(), "a refresh token was used twice within the grace", SubjectFamily, nil},
		{EventRefreshReused, EventRefreshReused.Result(), "a refresh token came again after it was replaced; its family ended", SubjectFamily, nil},
		{EventRefreshAhead, EventRefreshAhead.Result(), "a refresh token is ahead of the database, as after a restored backup", SubjectFamily, nil},
		{EventPasswordChanged, EventPasswordChanged.Result(), "a password was set or replaced", "", nil},
		{EventPasswordChangeFailed, EventPasswordChangeFailed.Result(), "the current password was wrong where it was asked for again", "", nil},
		{EventUserRegistered, EventUserRegistered.Result(), "somebody signed up; the subject is the invitation used", SubjectInvitation, nil},
		{EventUserCreated, EventUserCreated.Result(), "an operator created a user", "", nil},
		{EventUserImported, EventUserImported.Result(), "an operator imported a user", "", nil},
		{EventUserUpdated, EventUserUpdated.Result(), "name, picture, address or user name was changed", "", nil},
		{EventUserDisabled, EventUserDisabled.Result(), "a user may not sign in any more", "", nil},
		{EventUserEnabled, EventUserEnabled.Result(), "a user may sign in again", "", nil},
		{EventUserDeleted, EventUserDeleted.Result(), "a user was deleted", "", nil},
		{EventRolesChanged, EventRolesChanged.Result(), "a user was given other roles", "", nil},
		{EventUsersExported, EventUsersExported.Result(), "users were exported", "", []string{"with_password_hashes"}},
		{EventAccountLinked, EventAccountLinked.Result(), "an outside account was linked to a user", SubjectAccount, nil},
		{EventAccountUnlinked, EventAccountUnlinked.Result(), "an outside account was taken from a user", SubjectAccount, nil},
		{EventInvitationCreated, EventInvitationCreated.Result(), "an invitation was made", SubjectInvitation, nil},
		{EventInvitationDeleted, EventInvitationDeleted.Result(), "an invitation was withdrawn", SubjectInvitation, nil},
		{EventRoleCreated, EventRoleCreated.Result(), "a role was defined", SubjectRole, nil},
		{EventRoleUpdated, EventRoleUpdated.Result(), "a role grants something else than before", SubjectRole, nil},
		{EventRoleDeleted, EventRoleDeleted.Result(), "a role was deleted", SubjectRole, nil},
		{EventAPIKeyCreated, EventAPIKeyCreated.Result(), "an API key was made", SubjectAPIKey, nil},
		{EventAPIKeyChanged, EventAPIKeyChanged.Result(), "name, scopes, networks or limits of an API key were changed", SubjectAPIKey, nil},
		{EventAPIKeyRotated, EventAPIKeyRotated.Result(), "an API key got a successor", SubjectAPIKey, nil},
		{EventAPIKeyRevoked, EventAPIKeyRevoked.Result(), "an API key was ended", SubjectAPIKey, nil},
		{EventAPIKeyRefused, EventAPIKeyRefused.Result(), "an API key was refused", SubjectAPIKey, []string{"wrong_secret", "expired", "revoked", "wrong_network", "user_disabled"}},
		{EventAccessRefused, EventAccessRefused.Result(), "somebody known asked for what they may not do; the detail is the permission", "", nil},
		{EventSetupCreated, EventSetupCreated.Result(), "a setup token was made, by which the first administrator may be created", "", nil},
		{EventSetupCompleted, EventSetupCompleted.Result(), "the setup token was used; the user is the first administrator", "", nil},
		{EventSetupRefused, EventSetupRefused.Result(), "a setup token was wrong, used or past its end", "", nil},
		{EventKeyCreated, EventKeyCreated.Result(), "a signing key was made", SubjectKey, nil},
		{EventKeyRotated, EventKeyRotated.Result(), "another signing key signs from now on, the subject", SubjectKey, nil},
		{EventKeyRetired, EventKeyRetired.Result(), "a signing key verifies nothing any more", SubjectKey, nil},
		{EventRevocationRestored, EventRevocationRestored.Result(), "the database lacked a revocation that was in force, and was told again (guarantees R2)", "", nil},
		{EventAuditExported, EventAuditExported.Result(), "the audit record was exported", "", nil},
		{EventAuditContinued, EventAuditContinued.Result(), "the chain of this record was continued although the key of one of its marks is not among the secrets any more, or its head had gone back", "", []string{"head", "checkpoint", "beginning"}},
	}
}

// Info returns what the vocabulary says of the type; false for one that is not in
// it.
func (t EventType) Info() (EventInfo, bool) {
	for _, i := range EventTypes() {
		if i.Type == t {
			return i, true
		}
	}
	return EventInfo{Type: t}, false
}

// Result is what an event of the type has where nothing else is said.
func (t EventType) Result() EventResult {
	switch t {
	case EventSignInFailed, EventSignInThrottled, EventRefreshReused, EventRefreshAhead, EventPasswordChangeFailed,
		EventAPIKeyRefused, EventAccessRefused, EventSetupRefused:
		return ResultRefused
	case EventAuditContinued:
		return ResultFailed
	}
	return ResultSucceeded
}
