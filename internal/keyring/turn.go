package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// retiredValue is the Value of a Change whose key is retired.
const retiredValue = 1

// turn is one transaction that changes keys.
type turn struct {
	store.Tx
	ctx    context.Context
	now    time.Time
	linger time.Duration
}

// change runs fn in a transaction and reads the keys anew. That another node was
// first is no error: what it did is read then.
func (r *Ring) change(ctx context.Context, fn func(t *turn) error) error {
	err := r.o.Store.InTx(ctx, func(tx store.Tx) error {
		return fn(&turn{Tx: tx, ctx: ctx, now: r.now(), linger: r.o.Linger})
	})
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("change signing keys: %w", err)
	}
	return r.Load(ctx)
}

// insert adds a key, tells the other nodes, and writes it down.
func (t *turn) insert(actor string, row auth.Key) error {
	if err := t.InsertKey(t.ctx, row); err != nil {
		return err
	}
	return t.tell(actor, row.ID, row.State, auth.EventKeyCreated)
}

// move changes the state of a key that is still in the one that was read.
func (t *turn) move(actor string, row auth.Key, to auth.KeyState) error {
	if err := t.MoveKey(t.ctx, row.ID, row.State, to, t.now); err != nil {
		return err
	}
	event := auth.EventKeyRotated
	if to == auth.KeyRetired {
		event = auth.EventKeyRetired
	}
	if to == auth.KeyRetiring {
		event = "" // its successor's says so
	}
	return t.tell(actor, row.ID, to, event)
}

// tell writes the change for the other nodes, and the audit record.
func (t *turn) tell(actor, kid string, state auth.KeyState, event auth.EventType) error {
	c := auth.Change{Kind: auth.ChangeKeys, KeyID: kid, At: t.now, Until: t.now.Add(t.linger)}
	if state == auth.KeyRetired {
		c.Value = retiredValue
	}
	if _, err := t.AppendChange(t.ctx, c); err != nil {
		return err
	}
	if event == "" {
		return nil
	}
	return t.AppendEvent(t.ctx, auth.Event{ID: auth.NewEventID(t.now), At: t.now, Type: event, Actor: actor, Subject: auth.SubjectOf(auth.SubjectKey, kid)})
}
