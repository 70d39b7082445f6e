package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Waiting tells for whom a new password is demanded, so that the form can say
// whose it will be. token is what the step before gave; nothing is told without
// it, and no try is counted: its secret has 256 bits. Codes: challenge_expired,
// unavailable.
func (r *Room) Waiting(ctx context.Context, token auth.Secret) (auth.User, error) {
	id, secret, _ := strings.Cut(token.Reveal(), ".")
	c, err := r.Store.Challenge(ctx, auth.ChallengeID(id), auth.ChallengeKind(StepNewPassword), r.now())
	var u auth.User
	if err == nil && !seal.EqualHash(c.SecretHash, secret) {
		err = store.ErrNotFound
	}
	if err == nil {
		u, err = r.Store.User(ctx, c.UserID)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return auth.User{}, auth.NewError(auth.CodeChallengeExpired, err)
	case err != nil:
		return auth.User{}, auth.Unavailable(fmt.Errorf("find waiting attempt: %w", err))
	}
	return u, nil
}
