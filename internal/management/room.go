package management

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// Room does what Actors want done, if they may. Its members are set once,
// before use; it is safe for concurrent use.
type Room struct {
	Store       store.Store
	Users       *user.Room
	Sessions    *session.Operator
	Keys        *apikey.Room
	Roles       *rbac.Room
	Audit       *audit.Room
	Invitations *registration.Invitations
	// Policy is that of the present moment. Code: unavailable.
	Policy func(ctx context.Context) (*rbac.Policy, error)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (r *Room) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// Permit says whether the Actor holds all of the permissions. Codes: forbidden,
// unavailable.
func (r *Room) Permit(ctx context.Context, a Actor, needs ...Permission) error {
	_, err := r.permitted(ctx, a, needs...)
	return err
}

// permitted is Permit; the rule book is for what is asked besides.
func (r *Room) permitted(ctx context.Context, a Actor, needs ...Permission) (rules, error) {
	p, err := r.Policy(ctx)
	if err != nil {
		return rules{}, translate("read the roles", err)
	}
	for _, need := range needs {
		if !a.CommandLine && !p.Permits(a.Principal, need.parsed()) {
			return rules{}, forbidden("The permission %s is needed.", need)
		}
	}
	return rules{a, p}, nil
}

// forbidden is a refusal that says which rule it was.
func forbidden(format string, args ...any) error {
	return &auth.Error{Code: auth.CodeForbidden, Message: fmt.Sprintf(format, args...)}
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
	}
	return auth.Unavailable(fmt.Errorf("%s: %w", doing, err))
}
