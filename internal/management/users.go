package management

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// UserFilter says which users are looked for; the zero UserFilter takes all.
type UserFilter struct {
	// Text stands in the name, the address or the user name, in letters of
	// whatever case.
	Text string
	// Identifier is the whole address or user name, as typed.
	Identifier string
	// Role is one that the user has.
	Role string
	// Disabled is whether the user is; nil means whichever.
	Disabled *bool
}

// examined bounds how many users one page looks at, and chunk how many at a
// time: a search for what nobody has must not read a million rows in one request.
const (
	examined = 5000
	chunk    = 500
)

// UserPage is a part of a list of users.
type UserPage struct {
	Users []auth.User
	// Next is where the next page begins: after this one. Empty is the end. A page
	// may be short, or empty, and not the last one.
	Next auth.UserID
}

// ListUsers returns up to limit users in order of ID, which is that of creation,
// beginning after the given one. Codes: forbidden, unavailable.
func (r *Room) ListUsers(ctx context.Context, a Actor, f UserFilter, after auth.UserID, limit int) (page UserPage, err error) {
	if err := r.Permit(ctx, a, UsersRead); err != nil {
		return page, err
	}
	if f.Identifier != "" {
		return r.identified(ctx, f, after)
	}
	list := r.Users.List
	if f.Role != "" {
		list = func(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
			return r.holders(ctx, f.Role, after, limit)
		}
	}
	for seen := 0; seen < examined; {
		users, err := list(ctx, after, chunk)
		if err != nil {
			return UserPage{}, err
		}
		for _, u := range users {
			after = u.ID
			if !f.takes(u) {
				continue
			}
			page.Users = append(page.Users, u)
			if len(page.Users) > limit { // one more than asked for: there is a next page
				page.Users = page.Users[:limit]
				page.Next = page.Users[limit-1].ID
				return page, nil
			}
		}
		if len(users) < chunk {
			return page, nil
		}
		seen += len(users)
	}
	page.Next = after
	return page, nil
}

// takes says whether the filter takes the user.
func (f UserFilter) takes(u auth.User) bool {
	if f.Disabled != nil && *f.Disabled != u.Disabled() || f.Role != "" && !u.HasRole(f.Role) {
		return false
	}
	if f.Text == "" {
		return true
	}
	text := strings.ToLower(f.Text)
	return strings.Contains(u.Email, text) || strings.Contains(u.Username, text) || strings.Contains(strings.ToLower(u.Name), text)
}

// identified is the page with the one user of that identifier.
func (r *Room) identified(ctx context.Context, f UserFilter, after auth.UserID) (page UserPage, err error) {
	u, err := r.Users.Find(ctx, f.Identifier)
	switch {
	case errors.Is(err, auth.CodeNotFound):
		return page, nil
	case err != nil:
		return page, err
	}
	if u.ID > after && f.takes(u) {
		page.Users = []auth.User{u}
	}
	return page, nil
}

// holders lists the users who have the role. One who loses it, or goes, while
// they are read stands for himself: what counts are the rows as they are read.
func (r *Room) holders(ctx context.Context, role string, after auth.UserID, limit int) (list []auth.User, err error) {
	ids, err := r.Store.RoleHolders(ctx, role, after, limit)
	if err != nil {
		return nil, translate("list holders", err)
	}
	for _, id := range ids {
		u, err := r.Store.User(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			u, err = auth.User{ID: id}, nil // taken by no filter of a role
		}
		if err != nil {
			return nil, translate("read a holder", err)
		}
		list = append(list, u)
	}
	return list, nil
}

// User returns one user. Codes: forbidden, not_found, unavailable.
func (r *Room) User(ctx context.Context, a Actor, id auth.UserID) (auth.User, error) {
	if err := r.Permit(ctx, a, UsersRead); err != nil {
		return auth.User{}, err
	}
	u, err := r.Store.User(ctx, id)
	return u, translate("read user", err)
}

// CreateUser makes a user. Roles need the permission to assign them, and none may
// grant more than the Actor holds. Codes: forbidden, and those of
// [user.Room.Create].
func (r *Room) CreateUser(ctx context.Context, a Actor, in user.New) (auth.User, error) {
	needs := []Permission{UsersWrite}
	if len(in.Roles) > 0 {
		needs = append(needs, RolesAssign)
	}
	rules, err := r.permitted(ctx, a, needs...)
	if err == nil {
		err = rules.gives("roles", in.Roles)
	}
	if err != nil {
		return auth.User{}, err
	}
	return r.Users.Create(ctx, a.name(), in)
}

// UpdateUser changes what is given, if the row still has the version that the
// Actor saw. Codes: forbidden, version_changed, last_admin, and those of
// [user.Room.Update].
func (r *Room) UpdateUser(ctx context.Context, a Actor, id auth.UserID, seen int64, c user.Change) (auth.User, error) {
	var needs []Permission
	if c.Roles != nil {
		needs = append(needs, RolesAssign)
	}
	if c.Email != nil || c.Username != nil || c.Name != nil || c.Image != nil || c.Verified != nil || c.Roles == nil {
		needs = append(needs, UsersWrite)
	}
	rules, err := r.permitted(ctx, a, needs...)
	if err != nil {
		return auth.User{}, err
	}
	conditions := []user.Condition{rules.target, version(seen)}
	if c.Roles != nil {
		conditions = append(conditions, rules.mayGive(*c.Roles), r.keepsOne(a, *c.Roles))
	}
	return r.Users.Update(ctx, a.name(), id, c, conditions...)
}

// mayGive is gives for somebody who has roles already.
func (r rules) mayGive(roles []string) user.Condition {
	return func(_ context.Context, _ store.Tx, before auth.User) error {
		return r.gives("roles", roles, before.Roles...)
	}
}

// SetRoles replaces the user's roles. Codes: forbidden, version_changed,
// last_admin, not_found, invalid_request, unavailable.
func (r *Room) SetRoles(ctx context.Context, a Actor, id auth.UserID, seen int64, roles []string) (auth.User, error) {
	return r.UpdateUser(ctx, a, id, seen, user.Change{Roles: &roles})
}

// DisableUser bars the user from signing in and ends everything handed out for
// them. Codes: forbidden, version_changed, last_admin, not_found, unavailable.
func (r *Room) DisableUser(ctx context.Context, a Actor, id auth.UserID, seen int64) (auth.User, error) {
	rules, err := r.permitted(ctx, a, UsersWrite)
	if err != nil {
		return auth.User{}, err
	}
	return r.Users.Disable(ctx, a.name(), id, rules.target, version(seen), r.keepsOne(a, nil))
}

// EnableUser lets the user sign in again; what was ended stays ended. Codes:
// forbidden, version_changed, not_found, unavailable.
func (r *Room) EnableUser(ctx context.Context, a Actor, id auth.UserID, seen int64) (auth.User, error) {
	rules, err := r.permitted(ctx, a, UsersWrite)
	if err != nil {
		return auth.User{}, err
	}
	return r.Users.Enable(ctx, a.name(), id, rules.target, version(seen))
}

// DeleteUser removes the user with all that hangs below; the audit record stays.
// Codes: forbidden, version_changed, last_admin, not_found, unavailable.
func (r *Room) DeleteUser(ctx context.Context, a Actor, id auth.UserID, seen int64) error {
	rules, err := r.permitted(ctx, a, UsersDelete)
	if err != nil {
		return err
	}
	return r.Users.Delete(ctx, a.name(), id, rules.target, version(seen), r.keepsOne(a, nil))
}

// ResetPassword gives the user a random password that must be changed at the next
// sign-in, ends their sessions, and returns it: nobody chooses a password for
// somebody else. Codes: forbidden, not_found, busy, unavailable.
func (r *Room) ResetPassword(ctx context.Context, a Actor, id auth.UserID) (auth.Secret, error) {
	rules, err := r.permitted(ctx, a, UsersWrite)
	if err != nil {
		return "", err
	}
	u, err := r.Store.User(ctx, id)
	if err == nil {
		err = rules.reaches(u) // before a hash is computed
	}
	if err != nil {
		return "", translate("read user", err)
	}
	pw := auth.Secret(rand.Text())
	return pw, r.Users.SetPassword(ctx, a.name(), id, pw, true, rules.target)
}
