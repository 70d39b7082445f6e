package store

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Held is all that is kept of one user, also what has ended: for those who have a
// right to know it.
type Held interface {
	// EverySession returns the user's sessions, ended or not, in order of ID.
	EverySession(ctx context.Context, user auth.UserID) ([]auth.Session, error)
	// EveryFamily returns the user's families, ended or not, in order of ID.
	EveryFamily(ctx context.Context, user auth.UserID) ([]auth.Family, error)
}
