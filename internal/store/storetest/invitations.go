package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Invitations tests store.Invitations.
func Invitations(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"an invitation comes back as it went in", invitationRoundTrip},
		{"an ID is taken once", invitationSameID},
		{"uses run out", invitationUses},
		{"of fifty concurrent consumers exactly as many as uses win", invitationAtOnce},
		{"a wrong secret uses nothing up", invitationWrong},
		{"the end is exact to the microsecond", invitationExpiry},
		{"the list holds the usable, the youngest first", invitationList},
		{"a withdrawn invitation is gone", invitationDelete},
		{"purging removes what has ended, not more than asked", invitationPurge},
	})
}

func invitation() auth.Invitation {
	return auth.Invitation{
		ID: auth.NewInvitationID(start), SecretHash: "hash", Roles: []string{"editor", "user"}, Note: "for Ann",
		UsesLeft: 2, CreatedAt: start, ExpiresAt: start.Add(time.Hour),
	}
}

func invitationRoundTrip(t *testing.T, s store.Store) {
	ctx, want := context.Background(), invitation()
	empty := auth.Invitation{ID: auth.NewInvitationID(start), UsesLeft: 1, CreatedAt: justBefore(start), ExpiresAt: justAfter(start)}
	ok(t, "create", s.CreateInvitation(ctx, want))
	ok(t, "create empty", s.CreateInvitation(ctx, empty))
	same(t, "invitations", must[[]auth.Invitation](t)(s.ListInvitations(ctx, start)), []auth.Invitation{want, empty})
}

func invitationSameID(t *testing.T, s store.Store) {
	i := invitation()
	ok(t, "create", s.CreateInvitation(context.Background(), i))
	refused(t, "create again", s.CreateInvitation(context.Background(), i), store.ErrConflict)
}

func invitationUses(t *testing.T, s store.Store) {
	ctx, want := context.Background(), invitation()
	ok(t, "create", s.CreateInvitation(ctx, want))
	for left := 1; left >= 0; left-- {
		want.UsesLeft = left
		same(t, "invitation", must[auth.Invitation](t)(s.ConsumeInvitation(ctx, want.ID, want.SecretHash, start)), want)
	}
	_, err := s.ConsumeInvitation(ctx, want.ID, want.SecretHash, start)
	refused(t, "third use", err, store.ErrNotFound)
}

func invitationAtOnce(t *testing.T, s store.Store) {
	ctx, i := context.Background(), invitation()
	i.UsesLeft = 7
	ok(t, "create", s.CreateInvitation(ctx, i))
	won := atOnce(t, 50, store.ErrNotFound, func(int) error {
		_, err := s.ConsumeInvitation(ctx, i.ID, i.SecretHash, start)
		return err
	})
	count(t, "uses", won, 7)
}

func invitationWrong(t *testing.T, s store.Store) {
	ctx, i := context.Background(), invitation()
	ok(t, "create", s.CreateInvitation(ctx, i))
	_, err := s.ConsumeInvitation(ctx, i.ID, "other", start)
	refused(t, "wrong secret", err, store.ErrNotFound)
	_, err = s.ConsumeInvitation(ctx, auth.NewInvitationID(start), i.SecretHash, start)
	refused(t, "wrong ID", err, store.ErrNotFound)
	same(t, "invitations", must[[]auth.Invitation](t)(s.ListInvitations(ctx, start)), []auth.Invitation{i})
}

func invitationExpiry(t *testing.T, s store.Store) {
	ctx, i := context.Background(), invitation()
	ok(t, "create", s.CreateInvitation(ctx, i))
	for _, now := range []time.Time{i.ExpiresAt, justAfter(i.ExpiresAt)} {
		_, err := s.ConsumeInvitation(ctx, i.ID, i.SecretHash, now)
		refused(t, "consume at its end", err, store.ErrNotFound)
		count(t, "listed at its end", len(must[[]auth.Invitation](t)(s.ListInvitations(ctx, now))), 0)
	}
	count(t, "listed before its end", len(must[[]auth.Invitation](t)(s.ListInvitations(ctx, justBefore(i.ExpiresAt)))), 1)
	must[auth.Invitation](t)(s.ConsumeInvitation(ctx, i.ID, i.SecretHash, justBefore(i.ExpiresAt)))
}

func invitationList(t *testing.T, s store.Store) {
	ctx := context.Background()
	var want []auth.Invitation
	for n := range 3 {
		i := invitation()
		i.CreatedAt = start.Add(time.Duration(n) * time.Microsecond)
		ok(t, "create", s.CreateInvitation(ctx, i))
		want = append([]auth.Invitation{i}, want...)
	}
	used := invitation()
	used.UsesLeft = 0
	ok(t, "create used", s.CreateInvitation(ctx, used))
	same(t, "invitations", must[[]auth.Invitation](t)(s.ListInvitations(ctx, start)), want)
}

func invitationDelete(t *testing.T, s store.Store) {
	ctx, i := context.Background(), invitation()
	ok(t, "create", s.CreateInvitation(ctx, i))
	ok(t, "delete", s.DeleteInvitation(ctx, i.ID))
	refused(t, "delete again", s.DeleteInvitation(ctx, i.ID), store.ErrNotFound)
	_, err := s.ConsumeInvitation(ctx, i.ID, i.SecretHash, start)
	refused(t, "consume", err, store.ErrNotFound)
}

func invitationPurge(t *testing.T, s store.Store) {
	ctx := context.Background()
	before := start.Add(time.Minute)
	var all []auth.Invitation
	for _, end := range []time.Time{start, justBefore(before), before, justAfter(before)} {
		i := invitation()
		i.ID, i.ExpiresAt = auth.NewInvitationID(start), end
		ok(t, "create", s.CreateInvitation(ctx, i))
		all = append(all, i)
	}
	count(t, "purged, limit one", must[int](t)(s.PurgeInvitations(ctx, before, 1)), 1)
	count(t, "purged, the rest", must[int](t)(s.PurgeInvitations(ctx, before, 9)), 1)
	for n, i := range all {
		_, err := s.ConsumeInvitation(ctx, i.ID, i.SecretHash, start.Add(-time.Hour))
		if kept := err == nil; kept != (n >= 2) {
			t.Errorf("invitation that ends at %v: kept is %v", i.ExpiresAt, kept)
		}
	}
}
