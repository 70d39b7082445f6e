package rbac

import (
	"context"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// allOfGatehouse is the pattern of whoever may do all in Gatehouse: an
// administrator.
const allOfGatehouse = "gatehouse.*:*"

// Administers says whether the roles grant all of Gatehouse's own permissions.
func (p *Policy) Administers(roles []string) bool {
	return len(roles) > 0 && p.Covers(auth.Principal{Roles: roles}, nil, []string{allOfGatehouse})
}

// Administrative are the names of the roles that do so by themselves. Several
// never do so together that none of them does.
func (p *Policy) Administrative() (names []string) {
	for _, role := range p.Roles() {
		if p.Administers([]string{role.Name}) {
			names = append(names, role.Name)
		}
	}
	return names
}

// In returns what the roles allow as the transaction sees them: what another one
// has changed a moment ago counts, and what one beside it changes makes one of
// the two wait or begin anew. Errors are the store's.
func (r *Room) In(ctx context.Context, tx store.Roles) (*Policy, error) {
	stored, err := tx.ListRoles(ctx)
	if err != nil {
		return nil, err
	}
	return Compile(slices.Concat(r.o.Configured, stored)), nil
}

// KeepsOne refuses a change of a user that takes the last one away who may do
// everything and is not disabled. after are the roles that the user has then,
// none when they are gone or barred. It is judged in the transaction of the
// change, by the roles as they are there: neither two administrators who remove
// each other both succeed, nor one who goes while the other one's role does.
// Codes: last_admin; other errors are the store's.
func (r *Room) KeepsOne(ctx context.Context, tx store.Roles, before auth.User, after []string) error {
	if before.Disabled() || len(before.Roles) == 0 {
		return nil
	}
	p, err := r.In(ctx, tx)
	if err != nil || !p.Administers(before.Roles) || p.Administers(after) {
		return err
	}
	others, err := tx.CountHolders(ctx, p.Administrative(), before.ID, 1)
	if err != nil || others > 0 {
		return err
	}
	return auth.NewError(auth.CodeLastAdmin, nil)
}
