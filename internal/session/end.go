package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

// SignOut ends the session of a checked cookie, for good and everywhere. A
// session that is over already is no error. When it returns an error nothing
// is acknowledged: copies of the cookie may still be good.
func (r *Room) SignOut(ctx context.Context, s Checked, device auth.Device) error {
	now := r.Now()
	return r.Store.InTx(ctx, func(tx store.Tx) error {
		if err := r.end(ctx, tx, s.SessionID(), s.UserID(), s.AbsoluteEnd, auth.EndSignOut, now); err != nil {
			return err
		}
		if err := r.endSuperseded(ctx, tx, s.UserID(), now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, auth.Event{
			ID: auth.NewEventID(now), At: now, Type: auth.EventSignedOut, Actor: string(s.UserID()),
			UserID: s.UserID(), SessionID: s.SessionID(), Address: device.Address, Agent: useragent.Family(device.UserAgent),
		})
	})
}

// endSuperseded takes the grace from sessions that a later sign-in superseded:
// whoever signs out expects that no cookie of theirs goes on for another half
// minute.
func (r *Room) endSuperseded(ctx context.Context, tx store.Tx, user auth.UserID, now time.Time) error {
	ended, err := tx.RevokeSuperseded(ctx, user, now.Add(-auth.SupersededGrace))
	if err != nil {
		return fmt.Errorf("end superseded sessions: %w", err)
	}
	for _, s := range ended {
		if err := r.end(ctx, tx, s.ID, s.UserID, s.AbsoluteEnd.Unix(), auth.EndRevoked, now); err != nil {
			return err
		}
	}
	return nil
}

// end marks the row and writes the feed. The feed row is written also when the
// session's row is gone or ended: the cookie may be alive where it was not
// heard of. And from now on no cookie without facts is taken for the user's.
func (r *Room) end(ctx context.Context, tx store.Tx, id auth.SessionID, user auth.UserID, absoluteEnd int64, reason auth.EndReason, now time.Time) error {
	if err := tx.RefuseAdoption(ctx, user, now); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	if err := tx.EndSession(ctx, id, reason, now); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("end session: %w", err)
	}
	change := auth.Change{
		Kind: auth.ChangeSessionEnded, SessionID: id, At: now,
		Until: time.Unix(absoluteEnd, 0).Add(tolerance),
	}
	if reason == auth.EndSuperseded {
		change.Value = 1
	}
	if _, err := tx.AppendChange(ctx, change); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return r.endFamilies(ctx, tx, id, user, reason, now)
}

// endFamilies ends the families of refresh tokens that hang from the session.
// Those asked for with offline_access outlive a sign-out (guarantees R21), and
// not a revocation: whoever ends a lost phone's session means the phone.
func (r *Room) endFamilies(ctx context.Context, tx store.Tx, id auth.SessionID, user auth.UserID, reason auth.EndReason, now time.Time) error {
	ended, err := tx.EndSessionFamilies(ctx, id, reason, now)
	if err != nil {
		return fmt.Errorf("end families of session: %w", err)
	}
	if reason == auth.EndRevoked {
		live, err := tx.ListFamilies(ctx, user, now)
		if err != nil {
			return fmt.Errorf("list families: %w", err)
		}
		for _, f := range live {
			if f.SessionID != id {
				continue
			}
			if err := tx.EndFamily(ctx, f.ID, reason, now); err != nil {
				return fmt.Errorf("end families of session: %w", err)
			}
			ended = append(ended, f)
		}
	}
	for _, f := range ended {
		if err := voidFamily(ctx, tx, f, now); err != nil {
			return fmt.Errorf("end families of session: %w", err)
		}
	}
	return nil
}

// FamilyEnded ends, in tx, the session that a family hung from when it was begun
// for tokens alone and no other family is left: nobody has a cookie of it, and in
// the list of sessions it would be a program that is signed in.
func (r *Room) FamilyEnded(ctx context.Context, tx store.Tx, f auth.Family, now time.Time) error {
	s, err := tx.Session(ctx, f.SessionID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read the session of a family: %w", err)
	case !s.TokensOnly || !s.EndedAt.IsZero():
		return nil
	}
	live, err := tx.ListFamilies(ctx, s.UserID, now)
	if err != nil {
		return fmt.Errorf("list families: %w", err)
	}
	if slices.ContainsFunc(live, func(other auth.Family) bool { return other.SessionID == s.ID && other.ID != f.ID }) {
		return nil
	}
	return r.end(ctx, tx, s.ID, s.UserID, s.AbsoluteEnd.Unix(), auth.EndRevoked, now)
}

// EndAll voids everything handed out for the user, in tx: it raises the epoch,
// marks sessions, families and API keys ended and writes the feed, where the
// epoch speaks for all of them. It returns the row as it is now.
func (r *Room) EndAll(ctx context.Context, tx store.Tx, user auth.UserID, now time.Time) (auth.User, error) {
	u, err := tx.RaiseEpoch(ctx, user, now)
	if err != nil {
		return u, fmt.Errorf("raise epoch: %w", err)
	}
	if _, err := tx.EndUserSessions(ctx, user, "", auth.EndRevoked, now); err != nil {
		return u, fmt.Errorf("end sessions: %w", err)
	}
	if _, err := tx.EndUserFamilies(ctx, user, auth.EndRevoked, now); err != nil {
		return u, fmt.Errorf("end families: %w", err)
	}
	if _, err := tx.RevokeUserAPIKeys(ctx, user, now); err != nil {
		return u, fmt.Errorf("end API keys: %w", err)
	}
	if err := tx.RefuseAdoption(ctx, user, now); err != nil {
		return u, fmt.Errorf("end sessions: %w", err)
	}
	if err := r.voidBelow(ctx, tx, user, u.Epoch, now); err != nil {
		return u, err
	}
	return u, r.Changed(ctx, tx, u, now)
}

// EndForever voids everything handed out for a user who is about to be
// deleted; no epoch will ever be high enough again.
func (r *Room) EndForever(ctx context.Context, tx store.Tx, user auth.UserID, now time.Time) error {
	return r.voidBelow(ctx, tx, user, math.MaxInt64, now)
}

func (r *Room) voidBelow(ctx context.Context, tx store.Tx, user auth.UserID, epoch int64, now time.Time) error {
	_, err := tx.AppendChange(ctx, auth.Change{
		Kind: auth.ChangeUserEpoch, UserID: user, Value: epoch, At: now,
		Until: now.Add(MaxAbsoluteLifetime + tolerance),
	})
	if err != nil {
		return fmt.Errorf("void below epoch: %w", err)
	}
	return nil
}

// Changed tells every node, in tx, that copies of the user older than u are
// out of date: roles, name, address. Sessions go on (guarantees R8).
func (r *Room) Changed(ctx context.Context, tx store.Tx, u auth.User, now time.Time) error {
	_, err := tx.AppendChange(ctx, auth.Change{
		Kind: auth.ChangeUserVersion, UserID: u.ID, Value: u.Version, At: now,
		Until: now.Add(MaxAbsoluteLifetime + tolerance),
	})
	if err != nil {
		return fmt.Errorf("announce changed user: %w", err)
	}
	return nil
}
