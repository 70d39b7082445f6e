package management

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
)

// Invitation lets people sign up.
type Invitation struct {
	ID        auth.InvitationID `json:"id"`
	Roles     []string          `json:"roles" nullable:"false" doc:"Given to whoever signs up with it."`
	Note      string            `json:"note,omitempty"`
	UsesLeft  int               `json:"uses_left"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at"`
}

func shownInvitation(i auth.Invitation) Invitation {
	return Invitation{i.ID, none(i.Roles), i.Note, i.UsesLeft, i.CreatedAt.UTC(), i.ExpiresAt.UTC()}
}

// SecretInvitation is an invitation with its code, where it has just been made.
type SecretInvitation struct {
	Invitation
	// Code is no auth.Secret: those are written as [redacted].
	Code string `json:"code,omitempty" doc:"What is typed at sign-up. It is shown this once."`
}

// Invitations are those that are good.
type Invitations struct {
	Items []Invitation `json:"items" nullable:"false"`
}

func (c *call) listInvitations() (*reply, error) {
	list, err := c.h.Room.ListInvitations(c.Context(), c.actor)
	if err != nil {
		return nil, err
	}
	return &reply{body: Invitations{shown(list, shownInvitation)}}, nil
}

// CreateInvitation says what an invitation is worth.
type CreateInvitation struct {
	Roles []string `json:"roles,omitempty" nullable:"false" maxItems:"32" doc:"Needs gatehouse.roles:assign, and none may grant more than you hold."`
	Note  string   `json:"note,omitempty" maxLength:"100" doc:"Whom it is for."`
	Uses  int      `json:"uses,omitempty" minimum:"1" maximum:"100000" doc:"How many may sign up with it; missing is one."`
	TTL   int      `json:"lifetime_seconds,omitempty" minimum:"1" doc:"How long it is good; missing is seven days."`
}

func (c *call) createInvitation() (*reply, error) {
	in := c.body.(*CreateInvitation)
	i, code, err := c.h.Room.CreateInvitation(c.Context(), c.actor, registration.NewInvitation{Roles: in.Roles, Note: in.Note, Uses: in.Uses, TTL: seconds(in.TTL)})
	if err != nil {
		return nil, err
	}
	return &reply{body: SecretInvitation{shownInvitation(i), code.Reveal()}}, nil
}

func (c *call) deleteInvitation() (*reply, error) {
	return nil, c.h.Room.DeleteInvitation(c.Context(), c.actor, auth.InvitationID(c.PathValue("invitation")))
}
