package store

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Creations keeps what was made at whose request, for as long as the request may
// come again.
type Creations interface {
	// BeginCreation inserts the row, in the place of one whose end is not after
	// now. Of many at once exactly one wins. ErrConflict: there is one.
	BeginCreation(ctx context.Context, c auth.Creation, now time.Time) error
	// Creation returns the row. ErrNotFound: there is none, or its end is not
	// after now.
	Creation(ctx context.Context, key string, now time.Time) (auth.Creation, error)
	// FinishCreation says what was made. ErrNotFound: none is under way.
	FinishCreation(ctx context.Context, key, made string) error
	// ForgetCreation removes one that is under way; none is no error.
	ForgetCreation(ctx context.Context, key string) error
	// PurgeCreations removes up to limit rows whose end lies before the given time
	// and returns how many.
	PurgeCreations(ctx context.Context, before time.Time, limit int) (int, error)
}
