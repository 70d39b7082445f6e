package management

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
)

// ListEvents returns up to limit events of the audit record, the youngest first.
// Codes: forbidden, and those of [audit.Room.List].
func (r *Room) ListEvents(ctx context.Context, a Actor, f audit.Filter, cursor string, limit int) (audit.Page, error) {
	if err := r.Permit(ctx, a, AuditRead); err != nil {
		return audit.Page{}, err
	}
	return r.Audit.List(ctx, f, cursor, limit)
}

// lookAgain is how often somebody who waits for events is looked for.
const lookAgain = 250 * time.Millisecond

// FollowEvents returns up to limit events behind the given place in the chain, in
// order. When there are none it waits, but no longer than wait. A negative place
// is the end of the chain as it is when asked. It returns the place to go on
// from. Codes: forbidden, unavailable.
func (r *Room) FollowEvents(ctx context.Context, a Actor, after int64, wait time.Duration, limit int) (list []audit.Record, next int64, err error) {
	if err := r.Permit(ctx, a, AuditRead); err != nil {
		return nil, 0, err
	}
	if after < 0 {
		head, err := r.Audit.Head(ctx)
		if err != nil {
			return nil, 0, err
		}
		after = head.Seq
	}
	ended := time.NewTimer(wait)
	defer ended.Stop()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		list, err := r.Audit.Tail(ctx, after, limit)
		if err != nil {
			return nil, 0, err
		}
		if len(list) > 0 {
			return list, list[len(list)-1].Seq, nil
		}
		select {
		case <-ended.C:
			return nil, after, nil
		case <-ctx.Done():
			return nil, 0, auth.Unavailable(ctx.Err())
		case <-again.C:
		}
	}
}

// Refused records that the Actor was refused something that the permission is
// for.
func (r *Room) Refused(ctx context.Context, a Actor, need Permission) {
	r.Audit.Refuse(ctx, auth.Event{
		Type: auth.EventAccessRefused, Actor: a.name(), SessionID: a.Principal.SessionID, Address: a.From.Address, Detail: string(need),
	})
}
