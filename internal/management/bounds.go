package management

import (
	"context"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// rules are what holds for one Actor at one moment, beyond permissions.
type rules struct {
	actor  Actor
	policy *rbac.Policy
}

// covers says whether the Actor holds everything that these grant.
func (r rules) covers(roles, patterns []string) bool {
	return r.actor.CommandLine || r.policy.Covers(r.actor.Principal, roles, patterns)
}

// everything says whether the roles grant all of Gatehouse's own permissions.
func (r rules) everything(roles []string) bool {
	return r.policy.Covers(auth.Principal{Roles: roles}, nil, []string{"gatehouse.*:*"})
}

// all are the roles that grant everything by themselves. Several never do so
// together that none of them does.
func (r rules) all() (names []string) {
	for _, role := range r.policy.Roles() {
		if r.everything([]string{role.Name}) {
			names = append(names, role.Name)
		}
	}
	return names
}

// gives refuses to hand out what the Actor does not hold, field being where it
// was named. A role that somebody has already is not handed out anew.
func (r rules) gives(field string, roles []string, had ...string) error {
	added := slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return slices.Contains(had, role) })
	for _, role := range added {
		if !r.covers([]string{role}, nil) {
			return &auth.Error{Code: auth.CodeForbidden, Field: field, Message: "The role " + role + " grants more than you hold, so you cannot give it."}
		}
	}
	return nil
}

// reaches refuses to act on somebody who holds more than the Actor does: whoever
// may set the password of an administrator is one.
func (r rules) reaches(u auth.User) error {
	if !r.covers(u.Roles, nil) {
		return forbidden("This user holds more than you do.")
	}
	return nil
}

// target is reaches as a condition of a change.
func (r rules) target(_ context.Context, _ store.Tx, before auth.User) error {
	return r.reaches(before)
}

// keepsOne refuses a change that takes the last user away who may do everything
// and is not disabled. after are the roles that the user has then, nil when none
// of them counts any more. It is judged in the transaction of the change, so that
// two administrators who remove each other do not both succeed.
func (r rules) keepsOne(after []string) user.Condition {
	return func(ctx context.Context, tx store.Tx, before auth.User) error {
		if r.actor.CommandLine && r.actor.Force || before.Disabled() || !r.everything(before.Roles) || r.everything(after) {
			return nil
		}
		others, err := tx.CountHolders(ctx, r.all(), before.ID, 1)
		if err != nil || others > 0 {
			return err
		}
		return &auth.Error{Code: auth.CodeLastAdmin}
	}
}

// version refuses a change of a row that is no longer what the Actor saw; zero
// means whichever it is.
func version(seen int64) user.Condition {
	return func(_ context.Context, _ store.Tx, before auth.User) error {
		if seen != 0 && seen != before.Version {
			return auth.NewError(auth.CodeVersionChanged, nil)
		}
		return nil
	}
}
