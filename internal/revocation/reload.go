package revocation

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// reload compares what a whole reading of the feed says with what the index
// held before it. A database that came back from a backup, or a standby that
// was promoted without having everything, lacks what was acknowledged; the
// nodes may still hold it (guarantees R2).
type reload struct {
	index *Index
	// read is what the feed says; nil when the index was empty, and so nothing
	// can be missing.
	read *Index
}

func newReload(x *Index) *reload {
	if x.Len() == 0 {
		return &reload{}
	}
	return &reload{index: x, read: NewIndexOf(math.MaxInt)}
}

func (r *reload) saw(c auth.Change) {
	if r.read != nil {
		r.read.Apply(c)
	}
}

// missing returns what the index holds and the feed does not say, nil when
// there is none. What this node commits meanwhile is in the index and not in
// what was read: only the next look can tell it from what was lost.
func (r *reload) missing(now time.Time) *missing {
	if r.read == nil {
		return nil
	}
	m := &missing{}
	// A row is removed at its until: near it, it is not missed.
	least := seconds(now.Add(time.Minute))
	r.index.each(func(t table, have record) {
		if have.until < least || r.read.covers(t, have) {
			return
		}
		if m.lost == nil {
			m.lost = make(map[named]*lost)
		}
		m.of(t, have.key).said[t] = have
	})
	if m.lost == nil {
		return nil
	}
	m.later = NewIndexOf(math.MaxInt)
	return m
}

// missing is what may have to be written back.
type missing struct {
	lost  map[named]*lost
	later *Index // what the look after the reload brought
}

type named struct {
	noun noun
	key  [16]byte
}

func (m *missing) of(t table, key [16]byte) *lost {
	name := named{t.noun(), key}
	if m.lost[name] == nil {
		m.lost[name] = &lost{named: name}
	}
	return m.lost[name]
}

// found takes a row of the look that follows the reload.
func (m *missing) found(c auth.Change) {
	if m != nil {
		m.later.Apply(c)
	}
}

// rest returns what is missing after that look.
func (m *missing) rest() (all []lost) {
	for _, l := range m.lost {
		still := false
		for t := range l.said {
			if r := &l.said[t]; r.until != 0 && m.later.covers(table(t), *r) {
				*r = record{}
			}
			still = still || l.said[t].until != 0
		}
		if still {
			all = append(all, *l)
		}
	}
	return all
}

// lost is a session, user, family or API key of which the index says what the rows of the
// store do not any more; a statement without until is none.
type lost struct {
	named
	said [tableCount]record
}

// changes makes rows of it: as strong, and lasting a second longer at most. What
// the rows had beside that (who did it, and why) is not known here.
func (l lost) changes(now time.Time) (rows []auth.Change) {
	at := now.UTC()
	for _, r := range l.said {
		if r.at != 0 {
			at = time.Unix(int64(r.at), 0).UTC()
		}
	}
	for t, r := range l.said {
		if r.until == 0 {
			continue
		}
		c := auth.Change{Value: int64(r.value), At: at, Until: time.Unix(int64(r.until)+1, 0).UTC()}
		switch table(t) {
		case tableEnded:
			c.Kind, c.SessionID, c.Value = auth.ChangeSessionEnded, auth.SessionIDFromUUID(l.key), 0
			if r.value == superseded {
				c.Value = 1
			}
		case tableChanged:
			c.Kind, c.SessionID = auth.ChangeSessionChanged, auth.SessionIDFromUUID(l.key)
		case tableEpochs:
			c.Kind, c.UserID = auth.ChangeUserEpoch, auth.UserIDFromUUID(l.key)
		case tableVersions:
			c.Kind, c.UserID = auth.ChangeUserVersion, auth.UserIDFromUUID(l.key)
		case tableFamilies:
			c.Kind, c.FamilyID, c.Value = auth.ChangeFamilyEnded, auth.FamilyIDFromUUID(l.key), 0
		case tableAPIKeysEnded:
			c.Kind, c.KeyID, c.Value = auth.ChangeAPIKeyEnded, string(auth.APIKeyIDFromUUID(l.key)), 0
		case tableAPIKeysChanged:
			c.Kind, c.KeyID = auth.ChangeAPIKeyChanged, string(auth.APIKeyIDFromUUID(l.key))
		}
		rows = append(rows, c)
	}
	return rows
}

// restoreDeadline bounds the writing back of what is lost of one.
const restoreDeadline = 5 * time.Second

// liftLimit is how many steps a user's epoch and version are raised at most to
// where the index has them.
const liftLimit = 1000

// restore writes back what was lost, beside the following: there may be much
// of it. Several nodes may do the same; rows may be there twice.
func (f *Follower) restore(ctx context.Context, m *missing) {
	if all := m.rest(); len(all) > 0 {
		f.restoring.Go(func() { f.restoreAll(ctx, all) })
	}
}

func (f *Follower) restoreAll(ctx context.Context, all []lost) {
	written := 0
	for _, l := range all {
		if ctx.Err() != nil {
			return
		}
		if err := f.restoreOne(ctx, l); err != nil {
			f.Logger.Error("a revocation that the database lacks could not be written back; this server goes on refusing what it voids", "err", err)
			continue
		}
		written++
	}
	f.restored.Add(uint64(written))
	f.Logger.Error("the database lacks revocations that were in force, as after a restored backup or a failover that lost commits; they were written back. "+
		"What else was lost with them is not known here", "revocations", written, "failed", len(all)-written)
}

// restoreOne writes the rows of one entry, brings the rows they speak of as far
// as it can, and records it, in one transaction.
func (f *Follower) restoreOne(ctx context.Context, l lost) error {
	ctx, cancel := context.WithTimeout(ctx, restoreDeadline)
	defer cancel()
	now := f.Now()
	return f.Store.InTx(ctx, func(tx store.Tx) error {
		event := auth.Event{ID: auth.NewEventID(now), At: now, Type: auth.EventRevocationRestored, Actor: auth.ActorSystem}
		for _, c := range l.changes(now) {
			if _, err := tx.AppendChange(ctx, c); err != nil {
				return err
			}
			event.SessionID, event.UserID = c.SessionID, c.UserID
			if c.FamilyID != "" {
				event.Subject = auth.SubjectOf(auth.SubjectFamily, string(c.FamilyID))
			}
			if c.KeyID != "" {
				event.Detail = c.KeyID
			}
		}
		if err := l.lift(ctx, tx, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, event)
	})
}

// lift makes the rows agree with what the feed says of them again: a session
// that ended has ended, and a user's next session is not void at its birth.
func (l lost) lift(ctx context.Context, tx store.Tx, now time.Time) (err error) {
	switch l.noun {
	case nounSession:
		if how := l.said[tableEnded].value; how != 0 {
			reason := auth.EndRevoked
			if how == superseded {
				reason = auth.EndSuperseded
			}
			err = tx.EndSession(ctx, auth.SessionIDFromUUID(l.key), reason, now)
		}
	case nounFamily:
		err = tx.EndFamily(ctx, auth.FamilyIDFromUUID(l.key), auth.EndRevoked, now)
	case nounUser:
		err = l.liftUser(ctx, tx, now)
	case nounAPIKey:
		err = l.liftAPIKey(ctx, tx, now)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (l lost) liftUser(ctx context.Context, tx store.Tx, now time.Time) error {
	id, epoch, version := auth.UserIDFromUUID(l.key), int64(l.said[tableEpochs].value), int64(l.said[tableVersions].value)
	u, err := tx.User(ctx, id)
	if err == nil && (epoch-u.Epoch > liftLimit || version-u.Version > liftLimit) {
		return nil // a user who was deleted, and is back: nothing is good for them until an operator decides
	}
	for err == nil && u.Epoch < epoch {
		u, err = tx.RaiseEpoch(ctx, id, now)
	}
	for err == nil && u.Version < version {
		u, err = tx.UpdateUser(ctx, id, store.UserUpdate{}, now)
	}
	return err
}

// liftAPIKey ends a key that was revoked. One of which a change was lost ends
// too: the change may have taken rights from it, or put another key in its place,
// and which it was is not known here. A key that is refused is noticed, and one
// that can do more than was said is not.
func (l lost) liftAPIKey(ctx context.Context, tx store.Tx, now time.Time) error {
	id := auth.APIKeyIDFromUUID(l.key)
	if l.said[tableAPIKeysEnded].value == 0 {
		k, err := tx.APIKey(ctx, id)
		if err != nil || k.Version >= int64(l.said[tableAPIKeysChanged].value) {
			return err
		}
		until := k.ExpiresAt.Add(5 * time.Minute)
		if _, err := tx.AppendChange(ctx, auth.Change{Kind: auth.ChangeAPIKeyEnded, KeyID: string(id), At: now, Until: until}); err != nil {
			return err
		}
	}
	return tx.RevokeAPIKey(ctx, id, now)
}
