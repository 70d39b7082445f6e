package management

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	room "github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// Role groups permissions under a name.
type Role struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Permissions []string        `json:"permissions" nullable:"false" doc:"Patterns, as orders:read or billing.*:*."`
	Inherits    []string        `json:"inherits" nullable:"false"`
	Effective   []string        `json:"effective" nullable:"false" doc:"What it grants by itself and by inheritance."`
	Origin      auth.RoleOrigin `json:"origin" enum:"built_in,config,stored" doc:"Only stored roles are changed here."`
	Version     int64           `json:"version" doc:"Zero for roles that are not stored."`
	CreatedAt   time.Time       `json:"created_at,omitzero"`
	UpdatedAt   time.Time       `json:"updated_at,omitzero"`
}

func shownRole(r room.Role) Role {
	return Role{
		Name: r.Name, Description: r.Description, Permissions: none(r.Permissions), Inherits: none(r.Inherits), Effective: none(r.Effective),
		Origin: r.Origin, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// Roles are all there are.
type Roles struct {
	Items []Role `json:"items" nullable:"false"`
}

func (c *call) listRoles() (*reply, error) {
	list, err := c.h.Room.ListRoles(c.Context(), c.actor)
	if err != nil {
		return nil, err
	}
	return &reply{body: Roles{shown(list, shownRole)}}, nil
}

func roleReply(r room.Role, err error) (*reply, error) {
	if err != nil {
		return nil, err
	}
	return &reply{body: shownRole(r), version: r.Version}, nil
}

func (c *call) getRole() (*reply, error) {
	return roleReply(c.h.Room.Role(c.Context(), c.actor, c.PathValue("role")))
}

func madeRole(c *call, name string) (*reply, error) {
	return roleReply(c.h.Room.Role(c.Context(), c.actor, name))
}

// CreateRole describes a role to define.
type CreateRole struct {
	Name        string   `json:"name" maxLength:"64" doc:"1 to 64 letters, digits, colon, dot, hyphen or underscore; not beginning with gatehouse."`
	Description string   `json:"description,omitempty" maxLength:"200"`
	Permissions []string `json:"permissions,omitempty" nullable:"false" maxItems:"1000" doc:"Patterns; none may grant more than you hold."`
	Inherits    []string `json:"inherits,omitempty" nullable:"false" maxItems:"100" doc:"None may grant more than you hold."`
}

func (c *call) createRole() (*reply, error) {
	in := c.body.(*CreateRole)
	r, err := c.h.Room.CreateRole(c.Context(), c.actor, auth.Role{Name: in.Name, Description: in.Description, Permissions: in.Permissions, Inherits: in.Inherits})
	out, err := roleReply(r, err)
	if err == nil {
		out.made, out.location = r.Name, c.op.location(r.Name)
	}
	return out, err
}

// UpdateRole is a merge patch of a role: what is left out stays as it is, and null
// is the empty list, or text.
type UpdateRole struct {
	Description patched[string]   `json:"description,omitzero" maxLength:"200"`
	Permissions patched[[]string] `json:"permissions,omitzero" maxItems:"1000"`
	Inherits    patched[[]string] `json:"inherits,omitzero" maxItems:"100"`
}

func (c *call) updateRole() (*reply, error) {
	in := c.body.(*UpdateRole)
	return roleReply(c.h.Room.UpdateRole(c.Context(), c.actor, c.PathValue("role"), c.seen, rbac.Definition{
		Description: in.Description.pointer(), Permissions: in.Permissions.pointer(), Inherits: in.Inherits.pointer(),
	}))
}

type deleteRole struct {
	InUse bool `query:"in_use" doc:"Delete it though somebody has it or another role inherits it: the name stays there, and grants nothing."`
}

func (c *call) deleteRole() (*reply, error) {
	return nil, c.h.Room.DeleteRole(c.Context(), c.actor, c.PathValue("role"), c.seen, c.query.(*deleteRole).InUse)
}
