package sqlstore

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// pgFeed reads the change feed on a connection of its own.
//
// Its floor is the oldest transaction that was still open when it last looked:
// everything below has been read, everything from there on is read again
// (guarantees R1). seq is no order here.
type pgFeed struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn
	floor  int64
	// seen are the rows from the floor on that were returned already.
	seen map[int64]bool
}

func openPGFeed(ctx context.Context, config *pgx.ConnConfig) (*pgFeed, error) {
	f := &pgFeed{config: config}
	if err := f.connect(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *pgFeed) connect(ctx context.Context) (err error) {
	f.floor, f.seen = 0, nil
	f.conn, err = pgx.ConnectConfig(ctx, f.config)
	return describePostgres("open the change feed", err)
}

func (f *pgFeed) Load(ctx context.Context, fn func(auth.Change)) error {
	f.floor, f.seen = 0, nil
	return f.read(ctx, fn)
}

func (f *pgFeed) Poll(ctx context.Context, _ auth.Node) (round store.Round, err error) {
	if err := f.read(ctx, func(c auth.Change) { round.Changes = append(round.Changes, c) }); err != nil {
		return store.Round{}, err
	}
	return round, nil
}

func (f *pgFeed) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// read takes the floor and the rows in one statement, and so in one snapshot.
func (f *pgFeed) read(ctx context.Context, fn func(auth.Change)) error {
	if f.conn.IsClosed() {
		if err := f.connect(ctx); err != nil {
			return err
		}
	}
	rows, err := f.conn.Query(ctx, `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, coalesce(c.xid::text::bigint, 0), `+
		`coalesce(seq, 0), coalesce(kind, ''), coalesce(session_id, ''), coalesce(user_id, ''), coalesce(family_id, ''), coalesce(key_id, ''),
		coalesce(value, 0), coalesce(at, 0), coalesce(until, 0)
		FROM (SELECT 1) AS one LEFT JOIN changes c ON c.xid >= $1::text::xid8 ORDER BY seq`, strconv.FormatInt(f.floor, 10))
	if err != nil {
		return describePostgres("poll the change feed", err)
	}
	defer rows.Close()
	var floor, xid int64
	seen := make(map[int64]bool)
	var row changeRow
	for rows.Next() {
		if err := row.scan(behind{rows, []any{&floor, &xid}}); err != nil {
			return describePostgres("poll the change feed", err)
		}
		if row.Seq == 0 {
			continue // no change at all
		}
		if xid >= floor {
			seen[row.Seq] = true
		}
		if !f.seen[row.Seq] {
			fn(row.Change)
		}
	}
	if err := rows.Err(); err != nil {
		return describePostgres("poll the change feed", err)
	}
	f.floor, f.seen = floor, seen
	return nil
}

func (f *pgFeed) Close() error { return f.conn.Close(context.Background()) }
