package session

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

// EffectFunc says how far what was noted has come; [revocation.Reach.Effect] is
// one. It may wait for some tenths of a second: most servers hear within one.
type EffectFunc func(ctx context.Context, noted *revocation.Noted) revocation.Effect

// effect is that of what was noted, which has just been committed.
func (r *Room) effect(ctx context.Context, noted *revocation.Noted) revocation.Effect {
	if r.Effect != nil {
		return r.Effect(ctx, noted)
	}
	return r.effectSince(r.Now())
}

// effectSince is what the bound alone says of a change that was committed then.
func (r *Room) effectSince(committed time.Time) revocation.Effect {
	latest := committed.Add(r.MaxStaleness)
	if !latest.After(r.Now()) {
		return revocation.Effect{Effective: revocation.Everywhere}
	}
	return revocation.Effect{Effective: revocation.Pending, Latest: latest}
}
