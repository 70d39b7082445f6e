package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gatehouse-auth/gatehouse/auth"
	room "github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/web/management"
)

func asRole(r management.Role) room.Role {
	return room.Role{Effective: r.Effective, Role: auth.Role{
		Name: r.Name, Description: r.Description, Permissions: r.Permissions, Inherits: r.Inherits, Origin: r.Origin, Version: r.Version,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}}
}

func (c *Client) role(ctx context.Context, q call) (room.Role, error) {
	var r management.Role
	err := c.do(ctx, q, &r)
	return asRole(r), err
}

func rolePath(name string) string { return "/roles/" + url.PathEscape(name) }

// ListRoles returns every role, in order of names.
func (c *Client) ListRoles(ctx context.Context) (list []room.Role, err error) {
	var found management.Roles
	if err := c.do(ctx, call{method: http.MethodGet, path: "/roles"}, &found); err != nil {
		return nil, err
	}
	for _, r := range found.Items {
		list = append(list, asRole(r))
	}
	return list, nil
}

// Role returns one role. Code: not_found.
func (c *Client) Role(ctx context.Context, name string) (room.Role, error) {
	return c.role(ctx, call{method: http.MethodGet, path: rolePath(name)})
}

// CreateRole defines a role.
func (c *Client) CreateRole(ctx context.Context, r auth.Role) (room.Role, error) {
	return c.role(ctx, call{method: http.MethodPost, path: "/roles", once: true, body: management.CreateRole{
		Name: r.Name, Description: r.Description, Permissions: r.Permissions, Inherits: r.Inherits,
	}})
}

// UpdateRole changes what the definition names.
func (c *Client) UpdateRole(ctx context.Context, name string, d rbac.Definition) (room.Role, error) {
	patch := map[string]any{}
	if d.Description != nil {
		patch["description"] = *d.Description
	}
	for member, list := range map[string]*[]string{"permissions": d.Permissions, "inherits": d.Inherits} {
		if list != nil {
			patch[member] = append([]string{}, *list...) // null would be something else
		}
	}
	return c.role(ctx, call{method: http.MethodPatch, path: rolePath(name), version: new(int64), body: patch})
}

// DeleteRole removes a role; inUse says that it may be in use.
func (c *Client) DeleteRole(ctx context.Context, name string, inUse bool) error {
	q := call{method: http.MethodDelete, path: rolePath(name), version: new(int64)}
	if inUse {
		q.query = url.Values{"in_use": {"true"}}
	}
	return c.do(ctx, q, nil)
}

// ExportUser returns everything that is kept of the user.
func (c *Client) ExportUser(ctx context.Context, id auth.UserID) (p management.Person, err error) {
	return p, c.do(ctx, call{method: http.MethodGet, path: userPath(id, "/export")}, &p)
}
