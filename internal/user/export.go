package user

import (
	"context"
	"errors"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

// exportPage is how many users are in memory at once.
const exportPage = 500

// Export gives each user to do, in order of creation, however many there are.
// Users who come meanwhile may be among them; one who goes is there whole or
// not at all. That it was done, and whether with password hashes, is in the
// audit record before the first user is given away. An error of do ends it and
// is returned as it is; unavailable otherwise.
func (r *Room) Export(ctx context.Context, actor string, hashes bool, do func(transfer.User) error) error {
	detail := ""
	if hashes {
		detail = "with_password_hashes"
	}
	if err := r.Store.AppendEvent(ctx, event(auth.EventUsersExported, actor, "", detail, r.now())); err != nil {
		return translate("record the export", err)
	}
	var after auth.UserID
	for {
		users, err := r.Store.ListUsers(ctx, after, exportPage)
		if err != nil {
			return translate("list users", err)
		}
		for _, u := range users {
			one, err := r.exported(ctx, u.ID, hashes)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return translate("read user", err)
			}
			if err := do(one); err != nil {
				return err
			}
		}
		if len(users) < exportPage {
			return nil
		}
		after = users[len(users)-1].ID
	}
}

// exported reads what hangs below the user first and the user last: if that is
// still there, all of it was.
func (r *Room) exported(ctx context.Context, id auth.UserID, hashes bool) (transfer.User, error) {
	ids, err := r.Store.OldIDs(ctx, id)
	if err != nil {
		return transfer.User{}, err
	}
	var p *auth.Password
	if hashes {
		stored, err := r.Store.Password(ctx, id)
		if err == nil {
			p = &stored
		} else if !errors.Is(err, store.ErrNotFound) {
			return transfer.User{}, err
		}
	}
	u, err := r.Store.User(ctx, id)
	return transfer.FromUser(u, p, ids), err
}
