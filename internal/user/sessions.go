package user

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// FreshFor is how long after the password was given the sessions of one's other
// browsers may be ended without giving it once more. Whoever has stolen a cookie
// could otherwise shut its owner out and stay.
const FreshFor = 10 * time.Minute

// RevokeSession ends a session of the caller's user: their own on the cookie
// alone, another one after pw was checked, which may be empty while the sign-in
// is fresh. Codes: password_needed, invalid_credentials, too_many_attempts,
// not_found (also for the session of somebody else), signed_out, busy,
// unavailable.
func (r *Room) RevokeSession(ctx context.Context, current session.Checked, pw auth.Secret, id auth.SessionID, from auth.Device) (session.Revoked, error) {
	if id != current.SessionID() {
		if err := r.ownSession(ctx, current, id); err != nil {
			return session.Revoked{}, err
		}
		if err := r.again(ctx, current, pw, from); err != nil {
			return session.Revoked{}, err
		}
	}
	return r.SessionRoom.Revoke(ctx, current.Principal(), id, from)
}

// RevokeOtherSessions ends all sessions of the caller's user but the caller's
// own. pw and the Codes are as for [Room.RevokeSession], without not_found.
func (r *Room) RevokeOtherSessions(ctx context.Context, current session.Checked, pw auth.Secret, from auth.Device) (session.Revoked, error) {
	if err := r.again(ctx, current, pw, from); err != nil {
		return session.Revoked{}, err
	}
	return r.SessionRoom.RevokeOthers(ctx, current.Principal(), from)
}

// RevokeApp ends an app of the caller's user, which outlives their sessions. pw and
// the Codes are as for [Room.RevokeSession].
func (r *Room) RevokeApp(ctx context.Context, current session.Checked, pw auth.Secret, id auth.FamilyID, from auth.Device) (session.Revoked, error) {
	f, err := r.Store.Family(ctx, id)
	if err == nil && f.UserID != current.UserID() {
		err = auth.NewError(auth.CodeNotFound, errors.New("the app is somebody else's"))
	}
	if err != nil {
		return session.Revoked{}, translate("find app", err)
	}
	if err := r.again(ctx, current, pw, from); err != nil {
		return session.Revoked{}, err
	}
	return r.SessionRoom.RevokeApp(ctx, current.Principal(), id, from)
}

// ownSession answers for what is not there before anything is asked for.
func (r *Room) ownSession(ctx context.Context, current session.Checked, id auth.SessionID) error {
	s, err := r.Store.Session(ctx, id)
	if err == nil && s.UserID != current.UserID() {
		return auth.NewError(auth.CodeNotFound, errors.New("the session is somebody else's"))
	}
	return translate("find session", err)
}

// again makes sure that whoever asks is the user and not somebody with the
// user's cookie. A user who has no password has nothing to give, and nobody
// could sign in to get a fresh session either.
func (r *Room) again(ctx context.Context, current session.Checked, pw auth.Secret, from auth.Device) error {
	if pw != "" {
		ticket, err := r.Passwords.Admit()
		if err != nil {
			return translate("check password", err)
		}
		defer ticket.Release()
		_, err = r.prove(ctx, ticket, current, pw, from)
		return err
	}
	row, err := r.Store.Session(ctx, current.SessionID())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return auth.NewError(auth.CodeSignedOut, err)
	case err != nil:
		return translate("read own session", err)
	}
	// One that was adopted from elsewhere rests on no proof given here.
	if age := r.now().Sub(row.CreatedAt); len(row.Methods) > 0 && age >= 0 && age < FreshFor {
		return nil
	}
	switch _, err := r.Store.Password(ctx, current.UserID()); {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return translate("read password", err)
	}
	return &auth.Error{Code: auth.CodePasswordNeeded, Field: "password"}
}
