package registration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Invitations makes and withdraws invitation codes, for operators.
type Invitations struct {
	Store store.Store
	// Roles says which roles may be given; nil means any.
	Roles *rbac.Room
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// NewInvitation says what an invitation is worth.
type NewInvitation struct {
	// Roles are given to whoever registers with it.
	Roles []string
	// Note tells the operator whom it is for, at most 100 characters.
	Note string
	// Uses is how many may register with it; 0 means one.
	Uses int
	// TTL is how long it is good; 0 means seven days.
	TTL time.Duration
}

// Bounds of an invitation.
const (
	maxInvitationUses = 100_000
	maxInvitationTTL  = 366 * 24 * time.Hour
)

// Create makes an invitation and returns its code, which is stored nowhere.
// Codes: invalid_request, invalid_name (the note), unavailable.
func (r *Invitations) Create(ctx context.Context, actor string, in NewInvitation) (auth.Invitation, auth.Secret, error) {
	now := r.now()
	if in.Uses == 0 {
		in.Uses = 1
	}
	if in.TTL == 0 {
		in.TTL = 7 * 24 * time.Hour
	}
	if in.Uses < 1 || in.Uses > maxInvitationUses || in.TTL <= 0 || in.TTL > maxInvitationTTL {
		return auth.Invitation{}, "", &auth.Error{Code: auth.CodeInvalidRequest, Message: "An invitation is good for 1 to 100000 uses and at most 366 days."}
	}
	roles, err := auth.CleanRoles(in.Roles)
	if err != nil {
		return auth.Invitation{}, "", err
	}
	note, err := auth.CleanName(in.Note)
	if err != nil {
		return auth.Invitation{}, "", err
	}
	secret := seal.NewSecret()
	i := auth.Invitation{
		ID: auth.NewInvitationID(now), SecretHash: seal.HashSecret(secret), Roles: roles, Note: note,
		UsesLeft: in.Uses, CreatedAt: now, ExpiresAt: now.Add(in.TTL),
	}
	err = r.Store.InTx(ctx, func(tx store.Tx) error {
		if r.Roles != nil {
			if err := r.Roles.Assignable(ctx, tx, roles, nil); err != nil {
				return err
			}
		}
		if err := tx.CreateInvitation(ctx, i); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, auth.Event{
			ID: auth.NewEventID(now), At: now, Type: auth.EventInvitationCreated, Actor: actor, Subject: auth.SubjectOf(auth.SubjectInvitation, string(i.ID)),
		})
	})
	var refused *auth.Error
	if errors.As(err, &refused) {
		return auth.Invitation{}, "", err
	}
	if err != nil {
		return i, "", auth.Unavailable(fmt.Errorf("create invitation: %w", err))
	}
	return i, auth.Secret(string(i.ID) + "." + secret), nil
}

// List returns the invitations that can still be used, the youngest first.
func (r *Invitations) List(ctx context.Context) ([]auth.Invitation, error) {
	list, err := r.Store.ListInvitations(ctx, r.now())
	if err != nil {
		return nil, auth.Unavailable(fmt.Errorf("list invitations: %w", err))
	}
	return list, nil
}

// Delete withdraws an invitation. Codes: not_found, unavailable.
func (r *Invitations) Delete(ctx context.Context, actor string, id auth.InvitationID) error {
	now := r.now()
	err := r.Store.InTx(ctx, func(tx store.Tx) error {
		if err := tx.DeleteInvitation(ctx, id); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, auth.Event{
			ID: auth.NewEventID(now), At: now, Type: auth.EventInvitationDeleted, Actor: actor, Subject: auth.SubjectOf(auth.SubjectInvitation, string(id)),
		})
	})
	if errors.Is(err, store.ErrNotFound) {
		return auth.NewError(auth.CodeNotFound, err)
	}
	if err != nil {
		return auth.Unavailable(fmt.Errorf("delete invitation: %w", err))
	}
	return nil
}

func (r *Invitations) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
