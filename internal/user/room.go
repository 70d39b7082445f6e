package user

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Room changes users. Its members are set once, before use; it is safe for
// concurrent use.
type Room struct {
	Store       store.Store
	Passwords   *password.Hasher
	Policy      password.Policy
	SessionRoom *session.Room
	// Roles says which roles may be given; nil means any.
	Roles *rbac.Room
	// Throttle slows guessing at the old password down, in the same counter as
	// sign-in's.
	Throttle signin.Throttle
	// Changes limits how often people change their own profile, by UpdateLimit;
	// nil means that they may without end.
	Changes     ratelimit.Source
	UpdateLimit ratelimit.Limit
	// Logger hears of what was refused and could not be recorded; nil means
	// nobody does.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (r *Room) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// assignable refuses roles that may not be given; held are those that the user
// has already.
func (r *Room) assignable(ctx context.Context, tx store.Roles, roles, held []string) error {
	if r.Roles == nil {
		return nil
	}
	return r.Roles.Assignable(ctx, tx, roles, held)
}

// roleNames are those that may be given, nil when any may.
func (r *Room) roleNames(ctx context.Context) (*rbac.Names, error) {
	if r.Roles == nil {
		return nil, nil
	}
	names, err := r.Roles.Names(ctx, r.Store)
	return &names, translate("read names of roles", err)
}

// event is the audit record of a change to u.
func event(t auth.EventType, actor string, id auth.UserID, detail string, now time.Time) auth.Event {
	return auth.Event{ID: auth.NewEventID(now), At: now, Type: t, Actor: actor, UserID: id, Detail: detail}
}

// translate turns what a store says into a refusal; doing says what was tried.
func translate(doing string, err error) error {
	var refused *auth.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return err
	case errors.Is(err, store.ErrNotFound):
		return auth.NewError(auth.CodeNotFound, fmt.Errorf("%s: %w", doing, err))
	case errors.Is(err, store.ErrConflict):
		return auth.NewError(auth.CodeIdentifierTaken, fmt.Errorf("%s: %w", doing, err))
	}
	return password.Refusal(fmt.Errorf("%s: %w", doing, err))
}
