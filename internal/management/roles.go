package management

import (
	"cmp"
	"context"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Role is a role with what it comes to.
type Role struct {
	auth.Role
	// Effective are the patterns that it has by itself and by inheritance.
	Effective []string
}

func effective(p *rbac.Policy, role auth.Role) Role {
	return Role{role, p.Grants([]string{role.Name})}
}

// ListRoles returns every role, in order of names. Codes: forbidden, unavailable.
func (r *Room) ListRoles(ctx context.Context, a Actor) (list []Role, err error) {
	rules, err := r.permitted(ctx, a, RolesRead)
	if err != nil {
		return nil, err
	}
	for _, role := range rules.policy.Roles() {
		list = append(list, effective(rules.policy, role))
	}
	slices.SortFunc(list, func(a, b Role) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// Role returns one role. Codes: forbidden, not_found, unavailable.
func (r *Room) Role(ctx context.Context, a Actor, name string) (Role, error) {
	rules, err := r.permitted(ctx, a, RolesRead)
	if err != nil {
		return Role{}, err
	}
	role, there := rules.policy.Role(name)
	if !there {
		return Role{}, auth.NewError(auth.CodeNotFound, nil)
	}
	return effective(rules.policy, role), nil
}

// CreateRole defines a role, which grants no more than the Actor holds. Codes:
// forbidden, and those of [rbac.Room.Create].
func (r *Room) CreateRole(ctx context.Context, a Actor, in auth.Role) (Role, error) {
	rules, err := r.permitted(ctx, a, RolesWrite)
	if err != nil {
		return Role{}, err
	}
	role, err := r.Roles.Create(ctx, a.name(), in, rules.defines)
	return r.changedRole(ctx, role, err)
}

// UpdateRole changes a stored role that still has the version that the Actor saw.
// Codes: forbidden, last_admin, and those of [rbac.Room.Update].
func (r *Room) UpdateRole(ctx context.Context, a Actor, name string, seen int64, d rbac.Definition) (Role, error) {
	rules, err := r.permitted(ctx, a, RolesWrite)
	if err != nil {
		return Role{}, err
	}
	role, err := r.Roles.Update(ctx, a.name(), name, seen, d, rules.defines, rules.keepsOneRole)
	return r.changedRole(ctx, role, err)
}

// DeleteRole removes a stored role that still has the version that the Actor saw;
// inUse says that it may be in use. Codes: forbidden, last_admin, and those of
// [rbac.Room.Delete].
func (r *Room) DeleteRole(ctx context.Context, a Actor, name string, seen int64, inUse bool) error {
	rules, err := r.permitted(ctx, a, RolesWrite)
	if err != nil {
		return err
	}
	return r.Roles.Delete(ctx, a.name(), name, seen, inUse, rules.defines, rules.keepsOneRole)
}

// changedRole is the role as it is in force now.
func (r *Room) changedRole(ctx context.Context, role auth.Role, err error) (Role, error) {
	if err != nil {
		return Role{}, err
	}
	p, err := r.Policy(ctx)
	if err != nil { // it is changed all the same
		return Role{Role: role}, nil
	}
	return effective(p, role), nil
}

// defines refuses a role that grants what the Actor does not hold: neither may he
// make it so, nor meddle with one that is so.
func (r rules) defines(_ context.Context, _ store.Tx, before, after auth.Role) error {
	for _, role := range []auth.Role{before, after} {
		for _, name := range role.Inherits {
			if !r.covers([]string{name}, nil) {
				return &auth.Error{Code: auth.CodeForbidden, Field: "inherits", Message: "The role " + name + " grants more than you hold."}
			}
		}
		for _, pattern := range role.Permissions {
			if !r.covers(nil, []string{pattern}) {
				return &auth.Error{Code: auth.CodeForbidden, Field: "permissions", Message: "You do not hold " + pattern + "."}
			}
		}
	}
	return nil
}

// keepsOneRole is keepsOne for the change of a role.
func (r rules) keepsOneRole(ctx context.Context, tx store.Tx, before, after auth.Role) error {
	if r.actor.CommandLine && r.actor.Force {
		return nil
	}
	stored, err := tx.ListRoles(ctx)
	if err != nil {
		return err
	}
	fixed := slices.DeleteFunc(r.policy.Roles(), func(role auth.Role) bool { return role.Origin == auth.RoleStored })
	then := slices.DeleteFunc(slices.Clone(stored), func(role auth.Role) bool { return role.Name == before.Name })
	if after.Name != "" {
		then = append(then, after)
	}
	had, err := administrators(ctx, tx, rbac.Compile(slices.Concat(fixed, stored)))
	if err != nil || had == 0 {
		return err
	}
	left, err := administrators(ctx, tx, rbac.Compile(slices.Concat(fixed, then)))
	if err == nil && left == 0 {
		err = &auth.Error{Code: auth.CodeLastAdmin, Message: "By this change nobody would be left who may do everything. Give somebody another role that may first."}
	}
	return err
}

// administrators is whether anybody may do everything by the policy: one or none.
func administrators(ctx context.Context, tx store.Tx, p *rbac.Policy) (int, error) {
	names := p.Administrative()
	if len(names) == 0 {
		return 0, nil
	}
	return tx.CountHolders(ctx, names, "", 1)
}
