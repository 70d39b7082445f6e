package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

// AdoptFunc judges the claims of a cookie that carries no facts, nil for one that
// does not even open. Live means that the session goes on as the one whose Facts
// it returns; every other verdict is final. An error is an *auth.Error of
// KindUnavailable.
type AdoptFunc func(ctx context.Context, claims []byte, now time.Time, from auth.Device) (Checked, error)

// AdoptOldIDs takes cookies without facts, until the given time, for sessions of
// users who were imported with the ID that the cookie names.
//
// NextAuth itself sealed them, or an application's callback that gives back only
// the claims it knows. Such a cookie has no identity that lasts, so it names a
// user and no session (guarantees R5): it is taken for the session that this
// user has by adoption at this mount today, and sealed with facts from then on.
// The user is found by the imported ID and never by an address. Once any session
// of theirs was ended in whatever way, no such cookie is taken any more: which
// copies belong to the ended session, nobody can tell.
//
// It asks the database, each time; what is sealed with facts never comes here.
//
// Until then a cookie that does not open, or that names nobody who was imported,
// is nobody's and left alone: with a secret copied wrongly, or an import
// forgotten, every visit would destroy a session that could still be saved. The
// log says so, once a minute.
func (m *Mount) AdoptOldIDs(until time.Time) AdoptFunc {
	left := &leftAlone{mount: m}
	return func(ctx context.Context, claims []byte, now time.Time, from auth.Device) (Checked, error) {
		if !now.Before(until) {
			return Checked{}, nil
		}
		if claims == nil {
			return left.note(now, 1, 0)
		}
		subject, ok := adoptable(claims, now)
		if !ok {
			return Checked{}, nil
		}
		s, err := m.adopt(ctx, subject, now, from)
		if errors.Is(err, store.ErrNotFound) {
			return left.note(now, 0, 1)
		}
		return s, err
	}
}

// leftAlone counts cookies that are none of ours and not deleted either.
type leftAlone struct {
	mount *Mount

	mu                    sync.Mutex
	said                  time.Time
	unopened, notImported int
}

func (l *leftAlone) note(now time.Time, unopened, notImported int) (Checked, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unopened += unopened
	l.notImported += notImported
	if now.Sub(l.said) >= time.Minute {
		l.mount.Logger.Warn("cookies of the application name nobody here, and were left as they are; those that do not open were sealed with another secret than this mount has, or are junk",
			"mount", l.mount.name, "unopened", l.unopened, "not_imported", l.notImported)
		l.said, l.unopened, l.notImported = now, 0, 0
	}
	return Checked{Verdict: JustEnded}, nil
}

// adopt returns store.ErrNotFound for a subject that nobody was imported with.
func (m *Mount) adopt(ctx context.Context, subject string, now time.Time, from auth.Device) (Checked, error) {
	a, err := m.Store.UserByOldID(ctx, m.name, subject)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Checked{}, err
	case err != nil:
		return Checked{}, auth.Unavailable(fmt.Errorf("find the user of a cookie to adopt: %w", err))
	case !a.RefusedAt.IsZero():
		return Checked{Verdict: ended(a.RefusedAt, now)}, nil
	}
	row, err := m.Store.Session(ctx, adoptedID(m.name, subject, now))
	if errors.Is(err, store.ErrNotFound) {
		row, err = m.beginAdopted(ctx, subject, now, from)
	}
	switch {
	case errors.Is(err, errNotAdopted):
		return Checked{Verdict: JustEnded}, nil
	case err != nil:
		return Checked{}, auth.Unavailable(fmt.Errorf("adopt a session: %w", err))
	case !row.EndedAt.IsZero():
		return Checked{Verdict: ended(row.EndedAt, now)}, nil
	case a.User.Disabled() || row.Epoch != a.User.Epoch:
		return Checked{Verdict: JustEnded}, nil
	}
	f, err := factsOf(row, a.User)
	f.IdleEnd = min(now.Add(m.Idle).Unix(), f.AbsoluteEnd)
	return Checked{Verdict: Live, Facts: f, current: &a.User}, err
}

// ended is the verdict on what ended at the given time.
func ended(at, now time.Time) Verdict {
	if now.Sub(at) < auth.SupersededGrace {
		return JustEnded
	}
	return Void
}

// adoptable returns whom the cookie names. It must have an end of its own: that
// is as long as it is taken.
func adoptable(claims []byte, now time.Time) (subject string, ok bool) {
	if seal.CheckTimes(claims, now) != nil {
		return "", false
	}
	if _, found := claim(claims, "exp"); !found {
		return "", false
	}
	raw, _ := claim(claims, subClaim)
	text, ok := seal.String(raw)
	if !ok || auth.CheckOldID(string(text)) != nil {
		return "", false
	}
	return string(text), true
}

// errNotAdopted: between two reads somebody ended what was to be adopted.
var errNotAdopted = errors.New("session: no longer to be adopted")

// beginAdopted inserts the row of an adopted session, or returns the one that
// somebody else has just inserted.
func (m *Mount) beginAdopted(ctx context.Context, subject string, now time.Time, from auth.Device) (auth.Session, error) {
	var row auth.Session
	err := m.Store.InTx(ctx, func(tx store.Tx) error {
		a, err := tx.UserByOldID(ctx, m.name, subject)
		if errors.Is(err, store.ErrNotFound) || err == nil && (!a.RefusedAt.IsZero() || a.User.Disabled()) {
			return errNotAdopted
		}
		if err != nil {
			return err
		}
		id := adoptedID(m.name, subject, now)
		if row, err = tx.Session(ctx, id); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		row = auth.Session{
			ID: id, UserID: a.User.ID, Mount: m.name, Subject: subject, Epoch: a.User.Epoch,
			CreatedAt: now, LastSeenAt: now, AbsoluteEnd: now.Add(m.Absolute),
			Address: from.Address, UserAgent: from.UserAgent, Version: 1,
		}
		if err := tx.InsertSession(ctx, row); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, auth.Event{
			ID: auth.NewEventID(now), At: now, Type: auth.EventSessionAdopted, Actor: string(a.User.ID),
			UserID: a.User.ID, SessionID: id, Client: m.name, Address: from.Address, Agent: useragent.Family(from.UserAgent),
		})
	})
	return row, err
}

// adoptedID names the session by adoption of a subject at a mount on one day
// (UTC). However many copies of a cookie come, they make one row a day.
func adoptedID(mount, subject string, now time.Time) auth.SessionID {
	day := now.UTC().Truncate(24 * time.Hour)
	sum := sha256.Sum256(fmt.Appendf(nil, "gatehouse adopted session v1\x00%s\x00%s\x00%d", mount, subject, day.Unix()))
	id := [16]byte(sum[:16])
	ms := uint64(day.UnixMilli()) // in front, as in every ID, so that rows of a day lie together
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x80 // version 8 of RFC 9562: of our own making
	id[8] = id[8]&0x3f | 0x80
	return auth.SessionIDFromUUID(id)
}
