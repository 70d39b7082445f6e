package management

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
)

// ListInvitations returns those that are good, the youngest first. Codes:
// forbidden, unavailable.
func (r *Room) ListInvitations(ctx context.Context, a Actor) ([]auth.Invitation, error) {
	if err := r.Permit(ctx, a, UsersRead); err != nil {
		return nil, err
	}
	return r.Invitations.List(ctx)
}

// CreateInvitation makes an invitation, by which nobody gets more than the Actor
// holds, and returns its code, which is not to be had again. Codes: forbidden, and
// those of [registration.Invitations.Create].
func (r *Room) CreateInvitation(ctx context.Context, a Actor, in registration.NewInvitation) (auth.Invitation, auth.Secret, error) {
	needs := []Permission{UsersWrite}
	if len(in.Roles) > 0 {
		needs = append(needs, RolesAssign)
	}
	rules, err := r.permitted(ctx, a, needs...)
	if err == nil {
		err = rules.gives("roles", in.Roles)
	}
	if err != nil {
		return auth.Invitation{}, "", err
	}
	return r.Invitations.Create(ctx, a.name(), in)
}

// DeleteInvitation withdraws it. Codes: forbidden, not_found, unavailable.
func (r *Room) DeleteInvitation(ctx context.Context, a Actor, id auth.InvitationID) error {
	if err := r.Permit(ctx, a, UsersWrite); err != nil {
		return err
	}
	return r.Invitations.Delete(ctx, a.name(), id)
}
