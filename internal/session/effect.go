package session

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

// effect is that of what was noted, which has just been committed.
func (r *Room) effect(ctx context.Context, noted *revocation.Noted) revocation.Effect {
	if r.Effect != nil {
		return r.Effect(ctx, noted)
	}
	return r.effectSince(r.Now())
}

// effectSince is what the bound alone says of a change that was committed then.
func (r *Room) effectSince(committed time.Time) revocation.Effect {
	return revocation.EffectSince(committed, r.Now(), r.MaxStaleness)
}
