package management

import (
	"errors"

	"github.com/gatehouse-auth/gatehouse/auth"
	room "github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// page is what every list takes.
const defaultPage = 50

type listUsers struct {
	Cursor     string `query:"cursor" doc:"Where to go on: next of the page before." maxLength:"512"`
	Limit      int    `query:"limit" doc:"How many at most." minimum:"1" maximum:"200" default:"50"`
	Text       string `query:"text" doc:"Stands in the name, the address or the user name, in upper or lower case." maxLength:"255"`
	Identifier string `query:"identifier" doc:"The whole address or user name." maxLength:"255"`
	Role       string `query:"role" doc:"One that the user has." maxLength:"64"`
	Disabled   *bool  `query:"disabled" doc:"Whether the user is barred from signing in."`
}

// size is how many are asked for.
func size(limit int) int {
	if limit == 0 {
		return defaultPage
	}
	return limit
}

// isUserID says whether a cursor may hold it.
func isUserID(s string) bool {
	_, err := auth.ParseUserID(s)
	return err == nil
}

func (c *call) listUsers() (*reply, error) {
	q := c.query.(*listUsers)
	after, err := cursorAfter(c.op.id, q.Cursor, isUserID)
	if err != nil {
		return nil, err
	}
	page, err := c.h.Room.ListUsers(c.Context(), c.actor, room.UserFilter{
		Text: q.Text, Identifier: q.Identifier, Role: q.Role, Disabled: q.Disabled,
	}, auth.UserID(after), size(q.Limit))
	if err != nil {
		return nil, err
	}
	out := Users{Items: shown(page.Users, shownUser)}
	if page.Next != "" {
		out.Next = cursor(c.op.id, string(page.Next))
	}
	return &reply{body: out, next: out.Next}, nil
}

func userReply(u auth.User, err error) (*reply, error) {
	if err != nil {
		return nil, err
	}
	return &reply{body: shownUser(u), version: u.Version}, nil
}

func (c *call) getUser() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	return userReply(c.h.Room.User(c.Context(), c.actor, id))
}

func madeUser(c *call, id string) (*reply, error) {
	return userReply(c.h.Room.User(c.Context(), c.actor, auth.UserID(id)))
}

// CreateUser describes a user to make.
type CreateUser struct {
	Email      string      `json:"email,omitempty" maxLength:"255" doc:"Of email and username at least one is needed."`
	Username   string      `json:"username,omitempty" maxLength:"64"`
	Name       string      `json:"name,omitempty" maxLength:"100"`
	Image      string      `json:"image,omitempty" maxLength:"1024" doc:"The address of a picture."`
	Roles      []string    `json:"roles,omitempty" nullable:"false" maxItems:"32" doc:"Needs gatehouse.roles:assign, and none may grant more than you hold."`
	Password   auth.Secret `json:"password,omitempty" maxLength:"1024" writeOnly:"true" doc:"Judged by the policy. Without one the user cannot sign in by password until one is reset."`
	MustChange bool        `json:"must_change,omitempty" doc:"Ask for a new password at the first sign-in."`
	Verified   bool        `json:"email_verified,omitempty" doc:"The address is proven already."`
	Disabled   bool        `json:"disabled,omitempty"`
}

func (c *call) createUser() (*reply, error) {
	in := c.body.(*CreateUser)
	u, err := c.h.Room.CreateUser(c.Context(), c.actor, user.New{
		Email: in.Email, Username: in.Username, Name: in.Name, Image: in.Image, Roles: in.Roles, Password: in.Password,
		MustChange: in.MustChange, Verified: in.Verified, Disabled: in.Disabled,
	})
	if errors.Is(err, auth.CodeIdentifierTaken) {
		err = &auth.Error{Code: auth.CodeIdentifierTaken, Message: "Somebody has this e-mail address or user name already.", Cause: err}
	}
	out, err := userReply(u, err)
	if err == nil {
		out.made, out.location = string(u.ID), c.op.location(string(u.ID))
	}
	return out, err
}

// UpdateUser is a merge patch of a user: what is left out stays as it is, and null
// takes it away.
type UpdateUser struct {
	Email    patched[string]   `json:"email,omitzero" maxLength:"255" doc:"An address that changes is not proven, unless email_verified says so."`
	Username patched[string]   `json:"username,omitzero" maxLength:"64"`
	Name     patched[string]   `json:"name,omitzero" maxLength:"100"`
	Image    patched[string]   `json:"image,omitzero" maxLength:"1024"`
	Roles    patched[[]string] `json:"roles,omitzero" maxItems:"32" doc:"Needs gatehouse.roles:assign."`
	Verified patched[bool]     `json:"email_verified,omitzero"`
}

func (c *call) updateUser() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	in := c.body.(*UpdateUser)
	return userReply(c.h.Room.UpdateUser(c.Context(), c.actor, id, c.seen, user.Change{
		Email: in.Email.pointer(), Username: in.Username.pointer(), Name: in.Name.pointer(), Image: in.Image.pointer(),
		Roles: in.Roles.pointer(), Verified: in.Verified.pointer(),
	}))
}

// SetRoles names all roles that a user is to have.
type SetRoles struct {
	Roles []string `json:"roles" nullable:"false" maxItems:"32"`
}

func (c *call) setRoles() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	return userReply(c.h.Room.SetRoles(c.Context(), c.actor, id, c.seen, c.body.(*SetRoles).Roles))
}

func (c *call) disableUser() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	return userReply(c.h.Room.DisableUser(c.Context(), c.actor, id, c.seen))
}

func (c *call) enableUser() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	return userReply(c.h.Room.EnableUser(c.Context(), c.actor, id, c.seen))
}

func (c *call) deleteUser() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	return nil, c.h.Room.DeleteUser(c.Context(), c.actor, id, c.seen)
}

// TemporaryPassword is shown once.
type TemporaryPassword struct {
	// Password is no auth.Secret: those are written as [redacted].
	Password string `json:"temporary_password" doc:"It must be changed at the next sign-in, and is shown this once."`
}

func (c *call) resetPassword() (*reply, error) {
	id, err := c.user()
	if err != nil {
		return nil, err
	}
	pw, err := c.h.Room.ResetPassword(c.Context(), c.actor, id)
	if err != nil {
		return nil, err
	}
	return &reply{body: TemporaryPassword{pw.Reveal()}}, nil
}
