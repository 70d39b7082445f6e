package management

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
)

// SignedIn is where somebody is signed in: sessions, and apps that need none.
type SignedIn struct {
	Sessions []auth.Session
	Apps     []auth.Family
}

// ListSessions returns the user's live sessions and apps, each the one used last
// first. Codes: forbidden, not_found, unavailable.
func (r *Room) ListSessions(ctx context.Context, a Actor, id auth.UserID) (in SignedIn, err error) {
	if err := r.Permit(ctx, a, SessionsRead); err != nil {
		return in, err
	}
	if _, err := r.Store.User(ctx, id); err != nil {
		return in, translate("read user", err)
	}
	if in.Sessions, err = r.Sessions.List(ctx, id); err != nil {
		return in, err
	}
	in.Apps, err = r.Sessions.Apps(ctx, id)
	return in, err
}

// revoking judges who ends sessions of the user.
func (r *Room) revoking(ctx context.Context, a Actor, id auth.UserID) error {
	rules, err := r.permitted(ctx, a, SessionsRevoke)
	if err != nil {
		return err
	}
	u, err := r.Store.User(ctx, id)
	if err != nil {
		return translate("read user", err)
	}
	return rules.reaches(u)
}

// RevokeSession ends one session of the user. One that is over already is no
// error. Codes: forbidden, not_found (also for the session of somebody else),
// unavailable.
func (r *Room) RevokeSession(ctx context.Context, a Actor, id auth.UserID, which auth.SessionID) (session.Revoked, error) {
	if err := r.revoking(ctx, a, id); err != nil {
		return session.Revoked{}, err
	}
	s, err := r.Store.Session(ctx, which)
	if err == nil && s.UserID != id {
		err = auth.NewError(auth.CodeNotFound, nil)
	}
	if err != nil {
		return session.Revoked{}, translate("read session", err)
	}
	return r.Sessions.Revoke(ctx, a.name(), which)
}

// RevokeApp is RevokeSession for an app, which outlives sessions.
func (r *Room) RevokeApp(ctx context.Context, a Actor, id auth.UserID, which auth.FamilyID) (session.Revoked, error) {
	if err := r.revoking(ctx, a, id); err != nil {
		return session.Revoked{}, err
	}
	f, err := r.Store.Family(ctx, which)
	if err == nil && f.UserID != id {
		err = auth.NewError(auth.CodeNotFound, nil)
	}
	if err != nil {
		return session.Revoked{}, translate("read app", err)
	}
	return r.Sessions.RevokeApp(ctx, a.name(), which)
}

// RevokeSessions ends all sessions and apps of the user, and every sign-in under
// way. Codes: forbidden, not_found, unavailable.
func (r *Room) RevokeSessions(ctx context.Context, a Actor, id auth.UserID) (session.Revoked, error) {
	if err := r.revoking(ctx, a, id); err != nil {
		return session.Revoked{}, err
	}
	return r.Sessions.RevokeUser(ctx, a.name(), id)
}
