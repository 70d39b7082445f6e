package rbac

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// linger is how long the row of a change stays in the feed: longer than any
// server is cut off and still has the same connection. One that reads the feed
// whole reads the roles again in any case.
const linger = 30 * 24 * time.Hour

// Definition is what can be changed of a stored role; nil leaves a member as it
// is.
type Definition struct {
	Description           *string
	Permissions, Inherits *[]string
}

// Condition is judged in the transaction of a change: of what the role was, the
// zero Role before it is made, and of what it is going to be, the zero Role when
// it is deleted. Its error ends the change and is returned.
type Condition func(ctx context.Context, tx store.Tx, before, after auth.Role) error

func judge(ctx context.Context, tx store.Tx, conditions []Condition, before, after auth.Role) error {
	for _, c := range conditions {
		if err := c(ctx, tx, before, after); err != nil {
			return err
		}
	}
	return nil
}

// Create stores a new role of which name, description, permissions and what it
// inherits are taken. Users who have been given that name already have what it
// allows from then on. actor goes into the audit record. Codes: invalid_request,
// role_taken, unavailable.
func (r *Room) Create(ctx context.Context, actor string, in auth.Role, conditions ...Condition) (auth.Role, error) {
	now := r.now()
	role := auth.Role{
		Name: in.Name, Description: in.Description, Permissions: slices.Clone(in.Permissions), Inherits: slices.Clone(in.Inherits),
		Origin: auth.RoleStored, CreatedAt: now, UpdatedAt: now,
		// So that a role that is made again after it was deleted has no version
		// that somebody may have read before.
		Version: now.UnixMicro(),
	}
	if r.configured(role.Name) {
		return auth.Role{}, taken("the settings define it", nil)
	}
	err := r.o.Store.InTx(ctx, func(tx store.Tx) error {
		stored, err := tx.ListRoles(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(stored, func(s auth.Role) bool { return s.Name == role.Name }) {
			return taken("", nil)
		}
		if err := r.givenFirst(role.Name, stored); err != nil {
			return err
		}
		before := Check(stored, r.o.Configured...)
		stored = append(stored, role)
		if err := newProblem(before, Check(stored, r.o.Configured...), role.Name); err != nil {
			return err
		}
		role = stored[len(stored)-1] // in its normal form
		if err := judge(ctx, tx, conditions, auth.Role{}, role); err != nil {
			return err
		}
		err = tx.CreateRole(ctx, role)
		if errors.Is(err, store.ErrConflict) {
			return taken("", err)
		} else if err != nil {
			return err
		}
		return r.tellAll(ctx, tx, actor, auth.EventRoleCreated, role.Name, now)
	})
	if err != nil {
		return auth.Role{}, translate("create role", err)
	}
	return role, nil
}

func taken(why string, cause error) error {
	message := ""
	if why != "" {
		message = "There is a role of this name already: " + why + "."
	}
	return &auth.Error{Code: auth.CodeRoleTaken, Field: "name", Message: message, Cause: cause}
}

// givenFirst refuses a role that would be the first definition of all while those
// that the settings give to whoever registers have none: nobody could sign up
// then.
func (r *Room) givenFirst(name string, stored []auth.Role) error {
	if slices.Contains(r.o.Given, name) {
		return nil
	}
	for _, given := range r.o.Given {
		defined := auth.ReservedRole(given) || r.configured(given) || slices.ContainsFunc(stored, func(s auth.Role) bool { return s.Name == given })
		if !defined {
			return &auth.Error{Code: auth.CodeInvalidRequest, Field: "name", Message: fmt.Sprintf(
				"Define the role %s first: everybody who registers is given it by the settings, and once roles are defined, only these can be given.", shown(given))}
		}
	}
	return nil
}

// Update changes a stored role that is still in the version from; zero means
// whatever version it has. Codes: invalid_request, forbidden for a role that is
// not stored, not_found, version_changed, unavailable.
func (r *Room) Update(ctx context.Context, actor, name string, from int64, d Definition, conditions ...Condition) (role auth.Role, err error) {
	err = r.o.Store.InTx(ctx, func(tx store.Tx) (err error) {
		now := r.now()
		stored, i, err := r.find(ctx, tx, name, from)
		if err != nil {
			return err
		}
		before := Check(stored, r.o.Configured...)
		was := copyOf(stored[i])
		role = stored[i]
		from := role.Version
		if d.Description != nil {
			role.Description = *d.Description
		}
		if d.Permissions != nil {
			role.Permissions = slices.Clone(*d.Permissions)
		}
		if d.Inherits != nil {
			role.Inherits = slices.Clone(*d.Inherits)
		}
		role.Version, role.UpdatedAt = from+1, now
		stored[i] = role
		if err := newProblem(before, Check(stored, r.o.Configured...), name); err != nil {
			return err
		}
		role = stored[i] // in its normal form
		if err := judge(ctx, tx, conditions, was, role); err != nil {
			return err
		}
		if err := tx.UpdateRole(ctx, role, from); errors.Is(err, store.ErrConflict) {
			return changedMeanwhile(err)
		} else if err != nil {
			return err
		}
		return r.tellAll(ctx, tx, actor, auth.EventRoleUpdated, name, now)
	})
	if err != nil {
		return auth.Role{}, translate("update role", err)
	}
	return role, nil
}

// Delete removes a stored role that is still in the version from; zero means
// whatever version it has. One that users or API keys have been given, or
// invitations, or that another one inherits, is refused unless inUse says that this
// is known: then it stays where it stands as a name, and allows nothing. Codes:
// forbidden for a role that is not stored, not_found, version_changed, role_in_use,
// unavailable.
func (r *Room) Delete(ctx context.Context, actor, name string, from int64, inUse bool, conditions ...Condition) error {
	keys := 0
	if !inUse {
		// Before the transaction: all keys are read, which would hold up or repeat
		// whatever writes one meanwhile. One that is made in between names a role
		// that allows nothing.
		var err error
		if keys, err = r.o.Store.CountAPIKeysNaming(ctx, name, r.now(), countUses); err != nil {
			return translate("delete role", err)
		}
	}
	err := r.o.Store.InTx(ctx, func(tx store.Tx) error {
		now := r.now()
		stored, i, err := r.find(ctx, tx, name, from)
		if err != nil {
			return err
		}
		if !inUse {
			if err := r.refuseInUse(ctx, tx, name, stored, keys, now); err != nil {
				return err
			}
		}
		if err := judge(ctx, tx, conditions, stored[i], auth.Role{}); err != nil {
			return err
		}
		if err := tx.DeleteRole(ctx, name, stored[i].Version); errors.Is(err, store.ErrConflict) {
			return changedMeanwhile(err)
		} else if err != nil {
			return err
		}
		return r.tellAll(ctx, tx, actor, auth.EventRoleDeleted, name, now)
	})
	return translate("delete role", err)
}

// find returns all stored roles and which of them it is.
func (r *Room) find(ctx context.Context, tx store.Tx, name string, from int64) ([]auth.Role, int, error) {
	stored, err := tx.ListRoles(ctx)
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(stored, func(s auth.Role) bool { return s.Name == name })
	switch {
	case i < 0 && (r.configured(name) || isBuiltIn(name)):
		return nil, 0, &auth.Error{Code: auth.CodeForbidden, Field: "name", Message: "This role is defined by the settings or is part of Gatehouse; it cannot be changed here."}
	case i < 0:
		return nil, 0, noSuchRole(nil)
	case from != 0 && stored[i].Version != from:
		return nil, 0, changedMeanwhile(nil)
	}
	return stored, i, nil
}

// newProblem is the refusal of what a change of the named role has brought, or
// has left as it was in that role. What was wrong with others before is no reason.
func newProblem(before, after []Problem, name string) error {
	i := slices.IndexFunc(after, func(p Problem) bool { return p.Role == name || !slices.Contains(before, p) })
	if i < 0 {
		return nil
	}
	p := after[i]
	return &auth.Error{Code: auth.CodeInvalidRequest, Field: p.Field, Message: strings.ToUpper(p.Text[:1]) + p.Text[1:] + "."}
}

func copyOf(role auth.Role) auth.Role {
	role.Permissions, role.Inherits = slices.Clone(role.Permissions), slices.Clone(role.Inherits)
	return role
}

func isBuiltIn(name string) bool {
	return slices.ContainsFunc(BuiltIn(), func(b auth.Role) bool { return b.Name == name })
}

func changedMeanwhile(cause error) error {
	return auth.NewError(auth.CodeVersionChanged, cause)
}

// countUses is how far uses are counted.
const countUses = 1000

// refuseInUse says who has the role, beside so many API keys.
func (r *Room) refuseInUse(ctx context.Context, tx store.Tx, name string, stored []auth.Role, keys int, now time.Time) error {
	var uses []string
	for _, s := range stored {
		if slices.Contains(s.Inherits, name) {
			uses = append(uses, "the role "+shown(s.Name))
		}
	}
	if slices.Contains(r.o.Given, name) {
		uses = append(uses, "everybody who registers")
	}
	holders, err := tx.RoleHolders(ctx, name, "", countUses)
	if err != nil {
		return err
	}
	invitations, err := tx.ListInvitations(ctx, now)
	if err != nil {
		return err
	}
	invited := slices.DeleteFunc(invitations, func(i auth.Invitation) bool { return !slices.Contains(i.Roles, name) })
	for _, use := range []struct {
		what string
		n    int
	}{{"user", len(holders)}, {"API key", keys}, {"invitation", len(invited)}} {
		switch {
		case use.n >= countUses:
			uses = append(uses, fmt.Sprintf("%d or more %ss", countUses, use.what))
		case use.n > 1:
			uses = append(uses, fmt.Sprintf("%d %ss", use.n, use.what))
		case use.n == 1:
			uses = append(uses, "1 "+use.what)
		}
	}
	if len(uses) == 0 {
		return nil
	}
	return &auth.Error{Code: auth.CodeRoleInUse, Field: "name", Message: fmt.Sprintf("The role %s is in use by %s.", shown(name), strings.Join(uses, ", "))}
}

// tellAll writes the change for all servers, and the audit record.
func (r *Room) tellAll(ctx context.Context, tx store.Tx, actor string, t auth.EventType, name string, now time.Time) error {
	if _, err := tx.AppendChange(ctx, auth.Change{Kind: auth.ChangeRoles, At: now, Until: now.Add(linger)}); err != nil {
		return err
	}
	return tx.AppendEvent(ctx, auth.Event{
		ID: auth.NewEventID(now), At: now, Type: t, Actor: actor, Subject: auth.SubjectOf(auth.SubjectRole, name),
	})
}

func (r *Room) now() time.Time { return r.o.Now().UTC().Truncate(time.Microsecond) }
