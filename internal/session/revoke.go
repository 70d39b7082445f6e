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
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

// The reasons in the audit record of a revoked session: what was asked for.
const (
	revokedOne       = "one"
	revokedOthers    = "others"
	revokedAll       = "all"
	revokedEverybody = "everybody"
)

// revokeBatch is how many sessions end in one transaction, so that nobody waits
// behind somebody with a thousand of them.
const revokeBatch = 50

// Revoked is what a revocation has done.
type Revoked struct {
	// Sessions are those that it ended; what had ended before is not among them.
	Sessions []auth.SessionID
	// Apps are those that ended without or with their session.
	Apps []auth.FamilyID
	revocation.Effect
}

// List returns the live sessions of the Principal's user at all mounts, the one
// used last first. Codes: signed_out, unavailable.
func (r *Room) List(ctx context.Context, who auth.Principal) ([]auth.Session, error) {
	if who.UserID == "" {
		return nil, auth.NewError(auth.CodeSignedOut, nil)
	}
	return r.list(ctx, who.UserID)
}

func (r *Room) list(ctx context.Context, user auth.UserID) ([]auth.Session, error) {
	list, err := r.Store.ListSessions(ctx, user, r.Now())
	if err != nil {
		return nil, refusal("list sessions", err)
	}
	for i := range list {
		r.seen.bringUpToDate(&list[i])
	}
	slices.SortStableFunc(list, func(a, b auth.Session) int { return b.LastSeenAt.Compare(a.LastSeenAt) })
	return list, nil
}

// Revoke ends one session of the Principal's user, at whichever mount it is; the
// Principal's own too, which is a sign-out. One that is over already is no error
// and nothing is written. Codes: not_found, also for the session of somebody
// else; signed_out; unavailable.
func (r *Room) Revoke(ctx context.Context, who auth.Principal, id auth.SessionID, from auth.Device) (Revoked, error) {
	return r.revokeOnce(ctx, func(tx *noting, now time.Time) error {
		if err := r.mayRevoke(ctx, tx, who, now); err != nil {
			return err
		}
		s, err := tx.Session(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && s.UserID != who.UserID {
			return auth.NewError(auth.CodeNotFound, err)
		}
		if err != nil {
			return err
		}
		by := by{actor: string(who.UserID), from: from, why: revokedOne}
		if s.ID == who.SessionID {
			by.reason, by.event = auth.EndSignOut, auth.EventSignedOut
		}
		return r.revoke(ctx, tx, s, by, now)
	})
}

// RevokeOthers ends all sessions of the Principal's user but their own, and all
// apps but those of their own session. Codes: signed_out, unavailable.
func (r *Room) RevokeOthers(ctx context.Context, who auth.Principal, from auth.Device) (Revoked, error) {
	return r.revokeBut(ctx, who.UserID, []auth.SessionID{who.SessionID}, by{actor: string(who.UserID), from: from, why: revokedOthers},
		func(tx *noting, now time.Time) error { return r.mayRevoke(ctx, tx, who, now) })
}

// RevokeAll voids everything handed out for the Principal's user, their own
// session included, and every sign-in that is under way: the epoch is raised.
// Codes: signed_out, unavailable.
func (r *Room) RevokeAll(ctx context.Context, who auth.Principal, from auth.Device) (Revoked, error) {
	return r.revokeOnce(ctx, func(tx *noting, now time.Time) error {
		if err := r.mayRevoke(ctx, tx, who, now); err != nil {
			return err
		}
		return r.revokeUser(ctx, tx, who.UserID, by{actor: string(who.UserID), from: from, why: revokedAll}, now)
	})
}

// mayRevoke says in the transaction itself whether the Principal's own session
// is alive: of two that end each other only one comes to it, and a request that
// was under way when its session ended has no effect any more.
func (r *Room) mayRevoke(ctx context.Context, tx store.Tx, who auth.Principal, now time.Time) error {
	own, err := tx.Session(ctx, who.SessionID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return auth.NewError(auth.CodeSignedOut, err)
	case err != nil:
		return err
	case own.UserID != who.UserID || !own.EndedAt.IsZero() || !own.AbsoluteEnd.After(now):
		return auth.NewError(auth.CodeSignedOut, errors.New("the session that asks has ended"))
	}
	return nil
}

// by says for the rows who ends sessions, and how.
type by struct {
	actor string
	from  auth.Device
	// why and subject are the audit record's.
	why, subject string
	// reason and event are zero for those of a revocation.
	reason auth.EndReason
	event  auth.EventType
}

// revokeBut ends the live sessions of the user but the ones to keep, some in
// each transaction, and the apps of all others, with the last. may is asked in
// each.
func (r *Room) revokeBut(ctx context.Context, user auth.UserID, keep []auth.SessionID, by by, may func(tx *noting, now time.Time) error) (done Revoked, err error) {
	var last *noting
	for more := true; more; {
		last, err = r.revoking(ctx, func(tx *noting, now time.Time) error {
			if err := may(tx, now); err != nil {
				return err
			}
			if err := r.endSuperseded(ctx, tx, user, now); err != nil {
				return err
			}
			live, err := tx.ListSessions(ctx, user, now)
			if err != nil {
				return err
			}
			live = slices.DeleteFunc(live, func(s auth.Session) bool { return slices.Contains(keep, s.ID) })
			if more = len(live) > revokeBatch; more {
				live = live[:revokeBatch]
			}
			for _, s := range live {
				if err := r.revoke(ctx, tx, s, by, now); err != nil {
					return err
				}
			}
			if more {
				return nil
			}
			return r.revokeApps(ctx, tx, user, keep, by, now)
		})
		if err != nil {
			return done, err
		}
		done.Sessions, done.Apps = append(done.Sessions, last.ended...), append(done.Apps, last.apps...)
	}
	done.Effect = r.effectOf(ctx, last)
	return done, nil
}

// revoke ends one session that was read in tx, if it has not ended.
func (r *Room) revoke(ctx context.Context, tx *noting, s auth.Session, by by, now time.Time) error {
	if s.EndReason == auth.EndSuperseded {
		next, found, err := successor(ctx, tx, s, now)
		if err != nil {
			return err
		}
		if err := r.endSuperseded(ctx, tx, s.UserID, now); err != nil {
			return err
		}
		if found {
			s = next
		}
	}
	switch {
	case !s.EndedAt.IsZero():
		tx.before = s.EndedAt
		return nil
	case !s.AbsoluteEnd.After(now):
		tx.before = s.AbsoluteEnd
		return nil
	}
	if by.reason == "" {
		by.reason, by.event = auth.EndRevoked, auth.EventSessionRevoked
	}
	if err := r.end(ctx, tx, s.ID, s.UserID, s.AbsoluteEnd.Unix(), by.reason, now); err != nil {
		return err
	}
	tx.ended = append(tx.ended, s.ID)
	return tx.AppendEvent(ctx, by.record(s.UserID, s.ID, now))
}

// successor is the live session that has taken the place of one which was given
// another ID (see rotate): what was fixed at sign-in is the same. Whoever ends a
// session by the ID that a list showed a moment ago means this one.
func successor(ctx context.Context, tx store.Tx, s auth.Session, now time.Time) (auth.Session, bool, error) {
	live, err := tx.ListSessions(ctx, s.UserID, now)
	at := slices.IndexFunc(live, func(l auth.Session) bool {
		return l.Mount == s.Mount && l.CreatedAt.Equal(s.CreatedAt) && l.AbsoluteEnd.Equal(s.AbsoluteEnd)
	})
	if err != nil || at < 0 {
		return s, false, err
	}
	return live[at], true, nil
}

// revokeUser voids everything handed out for the user.
func (r *Room) revokeUser(ctx context.Context, tx *noting, user auth.UserID, by by, now time.Time) error {
	live, err := tx.ListSessions(ctx, user, now)
	if err != nil {
		return err
	}
	families, err := tx.ListFamilies(ctx, user, now)
	if err != nil {
		return err
	}
	if _, err := r.EndAll(ctx, tx, user, now); err != nil {
		return err
	}
	for _, s := range live {
		tx.ended = append(tx.ended, s.ID)
	}
	for _, f := range families {
		if f.Offline {
			tx.apps = append(tx.apps, f.ID)
		}
	}
	by.event = auth.EventSessionRevoked
	return tx.AppendEvent(ctx, by.record(user, "", now)) // one for all: there may be a thousand
}

func (b by) record(user auth.UserID, id auth.SessionID, now time.Time) auth.Event {
	return auth.Event{
		ID: auth.NewEventID(now), At: now, Type: b.event, Actor: b.actor,
		UserID: user, SessionID: id, Subject: b.subject, Address: b.from.Address, Agent: useragent.Family(b.from.UserAgent), Detail: b.why,
	}
}

// noting is a transaction that notes what it ends.
type noting struct {
	store.Tx
	ended []auth.SessionID
	apps  []auth.FamilyID
	// before is when what was asked for had ended already.
	before time.Time
	// feed are the rows of the feed, once they are committed.
	feed *revocation.Noted
}

// revoking runs do in a transaction.
func (r *Room) revoking(ctx context.Context, do func(tx *noting, now time.Time) error) (noted *noting, err error) {
	ctx, feed := revocation.Note(ctx)
	now := r.Now()
	err = r.Store.InTx(ctx, func(tx store.Tx) error {
		noted = &noting{Tx: tx, feed: feed}
		return do(noted, now)
	})
	if err != nil {
		return nil, refusal("revoke sessions", err)
	}
	return noted, nil
}

// revokeOnce is revoking, and says what became of it.
func (r *Room) revokeOnce(ctx context.Context, do func(tx *noting, now time.Time) error) (Revoked, error) {
	noted, err := r.revoking(ctx, do)
	if err != nil {
		return Revoked{}, err
	}
	return Revoked{Sessions: noted.ended, Apps: noted.apps, Effect: r.effectOf(ctx, noted)}, nil
}

// effectOf says how far it has come. What had ended before may not have come
// everywhere yet either; where there was nothing to end, there is nothing to
// hear of.
func (r *Room) effectOf(ctx context.Context, noted *noting) revocation.Effect {
	switch {
	case len(noted.feed.Seqs()) > 0:
		return r.effect(ctx, noted.feed)
	case noted.before.IsZero():
		return revocation.Effect{Effective: revocation.Everywhere}
	}
	return r.effectSince(noted.before)
}

// refusal is what a room says of an error of the store.
func refusal(doing string, err error) error {
	var refused *auth.Error
	if errors.As(err, &refused) {
		return err
	}
	return auth.Unavailable(fmt.Errorf("%s: %w", doing, err))
}
