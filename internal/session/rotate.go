package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// rotate gives the session another ID, because its user has come to a role since
// it began: whoever got hold of the cookie before then shall have no part in it
// (guarantees R14; OWASP ASVS 7.2.4). It is called where a Set-Cookie reaches
// the browser and nowhere else: a session that was rotated for somebody who drops
// the cookie would end half a minute later.
//
// The row is copied under the new ID with everything that was fixed at sign-in,
// and the old one superseded, in one transaction: requests under way go on for
// [auth.SupersededGrace] with the lesser privileges. Of several at once one wins,
// and the others see a superseded session. Nothing of it is an end for the user:
// families of refresh tokens move along.
func (m *Mount) rotate(ctx context.Context, s *Checked, c Claims, now time.Time) error {
	old := s.SessionID()
	var next Begun
	var u auth.User
	var verdict Verdict
	err := m.Store.InTx(ctx, func(tx store.Tx) (err error) {
		var row auth.Session
		if row, u, err = tx.SessionAndUser(ctx, old); err != nil {
			return err
		}
		if verdict = standing(row, u, now); verdict != Live {
			return errNotRotated
		}
		if err := tx.EndSession(ctx, old, auth.EndSuperseded, now); err != nil {
			return err
		}
		row.ID, row.LastSeenAt, row.Version = auth.NewSessionID(now), now, 1
		next = Begun{Session: row}
		m.carrier.begin(&next, u, c.kept())
		if err := tx.InsertSession(ctx, next.Session); err != nil {
			return err
		}
		if err := tx.MoveFamilies(ctx, old, row.ID); err != nil {
			return err
		}
		if _, err := tx.AppendChange(ctx, auth.Change{
			Kind: auth.ChangeSessionEnded, SessionID: old, Value: 1, At: now, Until: row.AbsoluteEnd.Add(tolerance),
		}); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, auth.Event{
			ID: auth.NewEventID(now), At: now, Type: auth.EventSessionRotated, Actor: string(u.ID), UserID: u.ID, SessionID: row.ID, Client: m.name,
		})
	})
	switch {
	case errors.Is(err, errNotRotated):
		s.Verdict = verdict // it ended, or somebody else was faster
		return nil
	case errors.Is(err, store.ErrNotFound):
		s.Verdict = Void
		return nil
	case err != nil:
		return auth.Unavailable(fmt.Errorf("rotate session: %w", err))
	}
	fresh, err := m.checkedOf(next, u)
	if err != nil {
		return fmt.Errorf("rotate session: %w", err)
	}
	fresh.Shown = s.Shown
	s.Facts, s.stored, s.gained = fresh.Facts, fresh.stored, false
	return nil
}

// errNotRotated: the session is no longer one to be rotated.
var errNotRotated = errors.New("session: ended before it was rotated")

// adopted says whether the ID is one of adoption, which is made of a day and not
// by chance: every copy of a foreign cookie finds it again, so it is not changed.
func adopted(id [16]byte) bool { return id[6]>>4 == 8 }
