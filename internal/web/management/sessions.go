package management

import (
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
)

func (c *call) listSessions() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	in, err := c.h.Room.ListSessions(c.Context(), c.actor, id)
	if err != nil {
		return nil, err
	}
	return &reply{body: SignedIn{shown(in.Sessions, shownSession), shown(in.Apps, shownApp)}}, nil
}

func revokedReply(done session.Revoked, err error) (*reply, error) {
	if err != nil {
		return nil, err
	}
	return &reply{body: shownRevoked(done)}, nil
}

func (c *call) revokeSessions() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	return revokedReply(c.h.Room.RevokeSessions(c.Context(), c.actor, id))
}

func (c *call) revokeSession() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	return revokedReply(c.h.Room.RevokeSession(c.Context(), c.actor, id, auth.SessionID(c.PathValue("session"))))
}

func (c *call) revokeApp() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	return revokedReply(c.h.Room.RevokeApp(c.Context(), c.actor, id, auth.FamilyID(c.PathValue("app"))))
}
