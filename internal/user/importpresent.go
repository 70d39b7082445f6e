package user

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// present says whether an earlier import brought the user of the draft. A
// refusal means that somebody else is there, or the same with other data; nil
// and false that all the user's names and IDs are free.
//
// Since their import people may have signed in, by which their hash is
// replaced, or have given themselves another name. That is no conflict, but it
// is told from one only where the row says that it was changed, and only for
// users who did come by an import: an address that a stranger registered in
// time must not pass for the imported one.
func (r *Room) present(ctx context.Context, q store.Tx, d draft) (bool, error) {
	owner, err := d.owner(ctx, q)
	if err != nil || owner.ID == "" {
		return false, translate("look for the user", err)
	}
	ids, err := q.OldIDs(ctx, owner.ID)
	if err != nil {
		return false, translate("read old IDs", err)
	}
	if owner.Email != d.user.Email || owner.Username != d.user.Username || d.ownID && owner.ID != d.user.ID || !containsAll(ids, d.oldIDs) {
		return false, taken("some of these names and IDs belong to a user who is there already, but not all of them")
	}
	p, err := q.Password(ctx, owner.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, translate("read password", err)
	}
	changed := owner.Version > 1
	other := !changed && !d.sameProfile(owner)
	replaced := changed || p.Hash != "" && !p.UpdatedAt.Equal(owner.UpdatedAt)
	otherPassword := !replaced && (p.Hash != d.hash || p.MustChange != d.must)
	if other || otherPassword {
		return false, taken("this user is there already, with other data")
	}
	if !changed && !replaced {
		return true, nil // not a byte differs
	}
	came, err := imported(ctx, q, owner.ID, ids)
	if err == nil && !came {
		return false, taken("these names belong to a user who did not come by an import")
	}
	return came, translate("read the audit record", err)
}

// owner finds who has the names and IDs of the draft. The zero User: nobody.
func (d draft) owner(ctx context.Context, q store.Tx) (owner auth.User, err error) {
	found := func(u auth.User, err error) error {
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		case owner.ID != "" && owner.ID != u.ID:
			return taken("these names and IDs belong to different users who are there already")
		}
		owner = u
		return nil
	}
	if d.ownID {
		u, err := q.User(ctx, d.user.ID)
		if err := found(u, err); err != nil {
			return owner, err
		}
		if err := d.refuseDeleted(ctx, q, owner); err != nil {
			return owner, err
		}
	}
	for _, name := range d.user.Identifiers() {
		u, err := q.UserByIdentifier(ctx, name)
		if err := found(u, err); err != nil {
			return owner, err
		}
	}
	for _, id := range d.oldIDs {
		a, err := q.UserByOldID(ctx, id.Mount, id.Value)
		if err := found(a.User, err); err != nil {
			return owner, err
		}
	}
	return owner, nil
}

// refuseDeleted keeps an ID from coming back: whatever is handed out for a
// user who was deleted is void for as long as anything handed out before could
// last.
func (d draft) refuseDeleted(ctx context.Context, q store.Tx, owner auth.User) error {
	if owner.ID != "" {
		return nil
	}
	last, err := q.ListEvents(ctx, d.user.ID, 10)
	if err != nil || !slices.ContainsFunc(last, func(e auth.Event) bool { return e.Type == auth.EventUserDeleted }) {
		return err
	}
	return refused("id", "A user of this ID was deleted here, and the ID cannot be given again; leave it out.")
}

// sameProfile compares what the file says with the row as it was made.
func (d draft) sameProfile(u auth.User) bool {
	in := d.user
	return in.Name == u.Name && in.Image == u.Image && slices.Equal(in.Roles, u.Roles) &&
		in.EmailVerifiedAt.IsZero() == u.EmailVerifiedAt.IsZero() && (!d.verifiedAt || in.EmailVerifiedAt.Equal(u.EmailVerifiedAt)) &&
		in.Disabled() == u.Disabled() && (!d.disabledAt || in.DisabledAt.Equal(u.DisabledAt)) &&
		(!d.created || in.CreatedAt.Equal(u.CreatedAt))
}

// imported says whether the user came by an import. Nothing else gives old
// IDs; for those who brought none the audit record knows.
func imported(ctx context.Context, q store.Tx, id auth.UserID, ids []auth.OldID) (bool, error) {
	if len(ids) > 0 {
		return true, nil
	}
	events, err := q.ListEvents(ctx, id, 1000)
	if err != nil {
		return false, fmt.Errorf("list events: %w", err)
	}
	return slices.ContainsFunc(events, func(e auth.Event) bool { return e.Type == auth.EventUserImported }), nil
}

func containsAll(all, some []auth.OldID) bool {
	for _, id := range some {
		if !slices.Contains(all, id) {
			return false
		}
	}
	return true
}

func taken(message string) error {
	return &auth.Error{Code: auth.CodeIdentifierTaken, Message: message}
}
