package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

const eventColumns = `id, at, type, actor, user_id, session_id, address, detail`

func scanEvent(row scanner) (e auth.Event, err error) {
	var at int64
	var from string
	if err := row.Scan(&e.ID, &at, &e.Type, &e.Actor, &e.UserID, &e.SessionID, &from, &e.Detail); err != nil {
		return e, err
	}
	e.At = fromMicros(at)
	e.Address, err = fromAddress(from)
	return e, err
}

func (t *tx) AppendEvent(ctx context.Context, e auth.Event) error {
	_, err := t.exec(ctx, "append event",
		`INSERT INTO events (`+eventColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, micros(e.At), string(e.Type), e.Actor, e.UserID, e.SessionID, address(e.Address), e.Detail)
	return err
}

func (t *tx) ListEvents(ctx context.Context, user auth.UserID, limit int) ([]auth.Event, error) {
	if user == "" {
		return all(ctx, t, "list events", scanEvent,
			`SELECT `+eventColumns+` FROM events ORDER BY at DESC, id DESC LIMIT $1`, max(limit, 0))
	}
	return all(ctx, t, "list events", scanEvent,
		`SELECT `+eventColumns+` FROM events WHERE user_id = $1 AND user_id <> '' ORDER BY at DESC, id DESC LIMIT $2`,
		user, max(limit, 0))
}

var purgeEvents = purging("events", "id", purge{column: "at"})

func (t *tx) PurgeEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge events", purgeEvents, before, limit)
}
