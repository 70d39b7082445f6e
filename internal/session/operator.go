package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Operator looks at and ends the sessions of anybody. Who may use it is for the
// caller to decide; actor goes into the audit record. It is safe for concurrent
// use.
type Operator struct{ room *Room }

// Operator returns the operator's view of the room.
func (r *Room) Operator() *Operator { return &Operator{r} }

// List returns the user's live sessions at all mounts, the one used last first;
// none for a user who does not exist. Code: unavailable.
func (o *Operator) List(ctx context.Context, user auth.UserID) ([]auth.Session, error) {
	return o.room.list(ctx, user)
}

// Revoke ends one session. One that is over already is no error. Codes:
// not_found, unavailable.
func (o *Operator) Revoke(ctx context.Context, actor string, id auth.SessionID) (Revoked, error) {
	return o.room.revokeOnce(ctx, func(tx *noting, now time.Time) error {
		s, err := tx.Session(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return auth.NewError(auth.CodeNotFound, err)
		}
		if err != nil {
			return err
		}
		return o.room.revoke(ctx, tx, s, by{actor: actor, why: revokedOne}, now)
	})
}

// RevokeUser ends all sessions and apps of the user but those to keep, with their
// apps. With none to keep
// it voids everything handed out for the user, and every sign-in under way. One
// to keep that is not a live session of the user is refused before anything
// ends. Codes: not_found (the user, or one to keep), unavailable.
func (o *Operator) RevokeUser(ctx context.Context, actor string, user auth.UserID, keep ...auth.SessionID) (Revoked, error) {
	r := o.room
	if len(keep) == 0 {
		return r.revokeOnce(ctx, func(tx *noting, now time.Time) error {
			return o.revokeUser(ctx, tx, user, by{actor: actor, why: revokedAll}, now)
		})
	}
	return r.revokeBut(ctx, user, keep, by{actor: actor, why: revokedOthers}, func(tx *noting, now time.Time) error {
		live, err := tx.ListSessions(ctx, user, now)
		if err != nil {
			return err
		}
		for _, id := range keep {
			if !slices.ContainsFunc(live, func(s auth.Session) bool { return s.ID == id }) {
				return auth.NewError(auth.CodeNotFound, fmt.Errorf("%s is no live session of %s", id, user))
			}
		}
		return nil
	})
}

func (o *Operator) revokeUser(ctx context.Context, tx *noting, user auth.UserID, by by, now time.Time) error {
	err := o.room.revokeUser(ctx, tx, user, by, now)
	if errors.Is(err, store.ErrNotFound) {
		return auth.NewError(auth.CodeNotFound, err)
	}
	return err
}

// everybodyBatch is how many users are revoked in one transaction.
const everybodyBatch = 20

// RevokeEverybody is RevokeUser for every user there is, some in each
// transaction. told, if not nil, hears of the number of users after each. It
// returns how many sessions ended; when it ends early, what it has done holds,
// and it can be run again. Code: unavailable.
func (o *Operator) RevokeEverybody(ctx context.Context, actor string, told func(users int)) (sessions int, e revocation.Effect, err error) {
	r := o.room
	last, users := &noting{feed: &revocation.Noted{}}, 0
	for after := auth.UserID(""); ; {
		list, err := r.Store.ListUsers(ctx, after, everybodyBatch)
		if err != nil {
			return sessions, e, refusal("list users", err)
		}
		if len(list) == 0 {
			return sessions, r.effectOf(ctx, last), nil
		}
		last, err = r.revoking(ctx, func(tx *noting, now time.Time) error {
			for _, u := range list {
				err := r.revokeUser(ctx, tx, u.ID, by{actor: actor, why: revokedEverybody}, now)
				if err != nil && !errors.Is(err, store.ErrNotFound) { // deleted meanwhile
					return err
				}
			}
			return nil
		})
		if err != nil {
			return sessions, e, err
		}
		after, sessions, users = list[len(list)-1].ID, sessions+len(last.ended), users+len(list)
		if told != nil {
			told(users)
		}
	}
}
