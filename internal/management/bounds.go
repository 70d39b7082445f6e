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

// keepsOne refuses a change that takes the last administrator away. after are the
// roles that the user has then, nil when none of them counts any more.
func (r *Room) keepsOne(a Actor, after []string) user.Condition {
	return func(ctx context.Context, tx store.Tx, before auth.User) error {
		if a.CommandLine && a.Force {
			return nil
		}
		return r.Roles.KeepsOne(ctx, tx, before, after)
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
