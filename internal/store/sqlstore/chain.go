package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

func (t *tx) unchained(ctx context.Context, after auth.EventID, limit int) ([]auth.Event, error) {
	return all(ctx, t, "read unchained events", scanEvent,
		`SELECT `+eventColumns+` FROM events WHERE seq IS NULL AND id > $1 ORDER BY id LIMIT $2`, string(after), max(limit, 0))
}

func (t *tx) chainedEvents(ctx context.Context, after int64, limit int) ([]store.ChainedEvent, error) {
	return all(ctx, t, "read the audit chain", scanChained,
		`SELECT `+chainedColumns+` FROM events WHERE seq > $1 ORDER BY seq LIMIT $2`, after, max(limit, 0))
}

const markColumns = `name, seq, mac, at, sign, chain_key`

func scanMark(row scanner) (m store.Mark, err error) {
	var at int64
	err = row.Scan(&m.Name, &m.Seq, &m.MAC, &at, &m.Sign, &m.Key)
	m.At = timeOfMark(at)
	return m, err
}

func (t *tx) marks(ctx context.Context) ([]store.Mark, error) {
	return all(ctx, t, "read the marks of the audit chain", scanMark, `SELECT `+markColumns+` FROM event_marks ORDER BY name`)
}

func (t *tx) setMark(ctx context.Context, m store.Mark) error {
	return t.change(ctx, store.ErrConflict, "set a mark of the audit chain",
		`UPDATE event_marks SET seq = $2, mac = $3, at = $4, sign = $5, chain_key = $6 WHERE name = $1`,
		string(m.Name), m.Seq, m.MAC, micros(m.At), m.Sign, m.Key)
}

// takePlaces reads seq, mac and key from a JSON list: one statement for them all.
var takePlaces = &wording{
	sqlite: `UPDATE events SET seq = c.value ->> 1, mac = c.value ->> 2, chain_key = c.value ->> 3
		FROM json_each($1) AS c WHERE events.id = c.value ->> 0 AND events.seq IS NULL`,
	postgres: `UPDATE events SET seq = (c ->> 1)::bigint, mac = c ->> 2, chain_key = c ->> 3
		FROM json_array_elements($1::text::json) AS c WHERE events.id = c ->> 0 AND events.seq IS NULL`,
}

// chainEvents moves the head first: of several nodes that do the same, the others
// wait here, and find that it is elsewhere.
func (t *tx) chainEvents(ctx context.Context, head store.Mark, events []store.ChainedEvent, marks []store.Mark) error {
	if err := t.change(ctx, store.ErrConflict, "move the head of the audit chain",
		`UPDATE event_marks SET seq = seq WHERE name = $1 AND seq = $2 AND mac = $3 AND sign = $4`,
		string(head.Name), head.Seq, head.MAC, head.Sign); err != nil {
		return err
	}
	places := make([][4]any, len(events))
	for i, e := range events {
		places[i] = [4]any{e.ID, e.Seq, e.MAC, e.Key}
	}
	list, err := json.Marshal(places)
	if err != nil {
		return fmt.Errorf("sqlstore: chain events: %w", err)
	}
	n, err := t.exec(ctx, "chain events", t.conn.word(takePlaces), string(list))
	if err != nil {
		return err
	}
	if n != len(events) {
		return store.ErrConflict
	}
	for _, m := range marks {
		if err := t.setMark(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) cutEvents(ctx context.Context, m store.Mark) (int, error) {
	if err := t.change(ctx, store.ErrConflict, "set the checkpoint of the audit chain",
		`UPDATE event_marks SET seq = $2, mac = $3, at = $4, sign = $5, chain_key = $6 WHERE name = $1 AND seq < $2`,
		string(m.Name), m.Seq, m.MAC, micros(m.At), m.Sign, m.Key); err != nil {
		return 0, err
	}
	return t.exec(ctx, "remove old events", `DELETE FROM events WHERE seq <= $1`, m.Seq)
}

// Unchained implements store.Chain.
func (d direct) Unchained(ctx context.Context, after auth.EventID, limit int) ([]auth.Event, error) {
	return read(ctx, d.backend, func(t *tx) ([]auth.Event, error) { return t.unchained(ctx, after, limit) })
}

// ChainedEvents implements store.Chain.
func (d direct) ChainedEvents(ctx context.Context, after int64, limit int) ([]store.ChainedEvent, error) {
	return read(ctx, d.backend, func(t *tx) ([]store.ChainedEvent, error) { return t.chainedEvents(ctx, after, limit) })
}

// Marks implements store.Chain.
func (d direct) Marks(ctx context.Context) ([]store.Mark, error) {
	return read(ctx, d.backend, func(t *tx) ([]store.Mark, error) { return t.marks(ctx) })
}

// ChainEvents implements store.Chain.
func (d direct) ChainEvents(ctx context.Context, head store.Mark, events []store.ChainedEvent, marks []store.Mark) error {
	return d.beside(ctx, func(t *tx) error { return t.chainEvents(ctx, head, events, marks) })
}

// CutEvents implements store.Chain.
func (d direct) CutEvents(ctx context.Context, checkpoint store.Mark) (n int, err error) {
	err = d.beside(ctx, func(t *tx) (err error) {
		n, err = t.cutEvents(ctx, checkpoint)
		return err
	})
	return n, err
}

// FindEvents implements store.Tx outside a transaction.
func (d direct) FindEvents(ctx context.Context, f store.EventFilter, limit int) ([]store.ChainedEvent, error) {
	return read(ctx, d.backend, func(t *tx) ([]store.ChainedEvent, error) { return t.FindEvents(ctx, f, limit) })
}
