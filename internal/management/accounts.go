package management

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Accounts returns what the user is called elsewhere: the IDs that an import
// brought, in order of mounts, the main one first. Codes: forbidden, not_found,
// unavailable.
func (r *Room) Accounts(ctx context.Context, a Actor, id auth.UserID) ([]auth.OldID, error) {
	if err := r.Permit(ctx, a, AccountsRead); err != nil {
		return nil, err
	}
	if _, err := r.Store.User(ctx, id); err != nil {
		return nil, translate("read user", err)
	}
	return r.Users.OldIDs(ctx, id)
}
