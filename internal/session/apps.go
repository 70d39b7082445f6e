package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// An app is a program that needs no session: it has a family of refresh tokens
// that was asked for with offline_access. Signing out leaves it alone, so it
// stands in the list of where somebody is signed in (guarantees R21).

// Apps returns the apps of the Principal's user at all mounts, the one used last
// first. Codes: signed_out, unavailable.
func (r *Room) Apps(ctx context.Context, who auth.Principal) ([]auth.Family, error) {
	if who.UserID == "" {
		return nil, auth.NewError(auth.CodeSignedOut, nil)
	}
	return r.apps(ctx, who.UserID)
}

// apps leaves out what can no longer be refreshed.
func (r *Room) apps(ctx context.Context, user auth.UserID) ([]auth.Family, error) {
	now := r.Now()
	list, err := r.Store.ListFamilies(ctx, user, now)
	if err != nil {
		return nil, refusal("list apps", err)
	}
	list = slices.DeleteFunc(list, func(f auth.Family) bool {
		return !f.Offline || r.FamilyIdle > 0 && now.Sub(f.RotatedAt) >= r.FamilyIdle
	})
	slices.SortStableFunc(list, func(a, b auth.Family) int { return b.RotatedAt.Compare(a.RotatedAt) })
	return list, nil
}

// RevokeApp ends an app of the Principal's user, at whichever mount it is. One
// that is over already is no error and nothing is written. Codes: not_found, also
// for somebody else's; signed_out; unavailable.
func (r *Room) RevokeApp(ctx context.Context, who auth.Principal, id auth.FamilyID, from auth.Device) (Revoked, error) {
	return r.revokeOnce(ctx, func(tx *noting, now time.Time) error {
		if err := r.mayRevoke(ctx, tx, who, now); err != nil {
			return err
		}
		f, err := tx.Family(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && f.UserID != who.UserID {
			return auth.NewError(auth.CodeNotFound, err)
		}
		if err != nil {
			return err
		}
		return r.revokeApp(ctx, tx, f, by{actor: string(who.UserID), from: from}, now)
	})
}

// Apps returns the user's apps at all mounts, the one used last first; none for a
// user who does not exist. Code: unavailable.
func (o *Operator) Apps(ctx context.Context, user auth.UserID) ([]auth.Family, error) {
	return o.room.apps(ctx, user)
}

// RevokeApp ends one app. One that is over already is no error. Codes: not_found,
// unavailable.
func (o *Operator) RevokeApp(ctx context.Context, actor string, id auth.FamilyID) (Revoked, error) {
	return o.room.revokeOnce(ctx, func(tx *noting, now time.Time) error {
		f, err := tx.Family(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return auth.NewError(auth.CodeNotFound, err)
		}
		if err != nil {
			return err
		}
		return o.room.revokeApp(ctx, tx, f, by{actor: actor}, now)
	})
}

// revokeApp ends an app that was read in tx, if it has not ended.
func (r *Room) revokeApp(ctx context.Context, tx *noting, f auth.Family, by by, now time.Time) error {
	switch {
	case !f.EndedAt.IsZero():
		tx.before = f.EndedAt
		return nil
	case !f.AbsoluteEnd.After(now):
		tx.before = f.AbsoluteEnd
		return nil
	}
	if err := tx.EndFamily(ctx, f.ID, auth.EndRevoked, now); err != nil {
		return fmt.Errorf("end app: %w", err)
	}
	if err := voidFamily(ctx, tx, f, now); err != nil {
		return fmt.Errorf("end app: %w", err)
	}
	if err := r.FamilyEnded(ctx, tx, f, now); err != nil {
		return fmt.Errorf("end app: %w", err)
	}
	by.event, by.why, by.subject = auth.EventFamilyEnded, string(auth.EndRevoked), auth.SubjectOf(auth.SubjectFamily, string(f.ID))
	return tx.AppendEvent(ctx, by.record(f.UserID, f.SessionID, now))
}

// revokeApps ends the user's apps but those of the sessions to keep: also such
// whose session ended long ago.
func (r *Room) revokeApps(ctx context.Context, tx *noting, user auth.UserID, keep []auth.SessionID, by by, now time.Time) error {
	live, err := tx.ListFamilies(ctx, user, now)
	if err != nil {
		return fmt.Errorf("list apps: %w", err)
	}
	for _, f := range live {
		if !f.Offline || slices.Contains(keep, f.SessionID) {
			continue
		}
		if err := r.revokeApp(ctx, tx, f, by, now); err != nil {
			return err
		}
	}
	return nil
}

// voidFamily writes the feed.
func voidFamily(ctx context.Context, tx store.Tx, f auth.Family, now time.Time) error {
	_, err := tx.AppendChange(ctx, auth.Change{Kind: auth.ChangeFamilyEnded, FamilyID: f.ID, At: now, Until: f.AbsoluteEnd.Add(tolerance)})
	return err
}

// EndFamily notes what ends: rooms end by it one app at a time, and what hangs
// from a session otherwise.
func (n *noting) EndFamily(ctx context.Context, id auth.FamilyID, reason auth.EndReason, now time.Time) error {
	err := n.Tx.EndFamily(ctx, id, reason, now)
	if err == nil {
		n.apps = append(n.apps, id)
	}
	return err
}
