package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// On SQLite one server at most follows the feed: the one that holds the lock.
// Its row says how far it has come; a row without a holder of the lock is what
// a killed server left behind.

const nodeColumns = `id, name, started_at, beat_at, max_staleness, keys, secrets`

// nodeRow is a node and the greatest number of a row that it has applied.
type nodeRow struct {
	auth.Node
	applied int64
}

// scanNode reads nodeColumns and what comes behind them.
func scanNode(row scanner, more ...any) (n auth.Node, err error) {
	var started, beat, staleness int64
	var keys string
	to := append([]any{(*string)(&n.ID), &n.Name, &started, &beat, &staleness, &keys, &n.Secrets}, more...)
	if err := row.Scan(to...); err != nil {
		return n, err
	}
	n.StartedAt, n.BeatAt = fromMicros(started), fromMicros(beat)
	n.MaxStaleness = time.Duration(staleness) * time.Microsecond
	n.Keys, err = fromList(keys)
	return n, err
}

func scanNodeRow(row scanner) (n nodeRow, err error) {
	n.Node, err = scanNode(row, &n.applied)
	return n, err
}

// writeNode keeps the row of the one server; whatever was there before it has
// ended.
func (db *DB) writeNode(ctx context.Context, n auth.Node, applied int64) error {
	keys, err := list(n.Keys)
	if err != nil {
		return err
	}
	return db.writer.do(&member{ctx: ctx, fn: func(t *tx) error {
		if _, err := t.exec(ctx, "forget ended servers", `DELETE FROM nodes WHERE id <> $1`, n.ID); err != nil {
			return err
		}
		_, err := t.exec(ctx, "write the server's row",
			`INSERT INTO nodes (`+nodeColumns+`, applied) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (id) DO UPDATE SET beat_at = $4, max_staleness = $5, keys = $6, secrets = $7, applied = $8`,
			n.ID, n.Name, micros(n.StartedAt), micros(n.BeatAt), n.MaxStaleness.Microseconds(), keys, n.Secrets, applied)
		return err
	}})
}

func (db *DB) nodeRows(ctx context.Context) ([]nodeRow, error) {
	return read(ctx, db, func(t *tx) ([]nodeRow, error) {
		return all(ctx, t, "list servers", scanNodeRow, `SELECT `+nodeColumns+`, applied FROM nodes ORDER BY id`)
	})
}

// Nodes implements store.Store: the server that holds the lock, if one does.
func (db *DB) Nodes(ctx context.Context) (nodes []auth.Node, err error) {
	if !served(db.path) {
		return nil, nil
	}
	rows, err := db.nodeRows(ctx)
	for _, n := range rows {
		nodes = append(nodes, n.Node)
	}
	return nodes, err
}

// RemoveNode implements store.Store.
func (db *DB) RemoveNode(ctx context.Context, id auth.NodeID) error {
	return db.write(ctx, func(t *tx) error { return t.removeNode(ctx, id) })
}

func (t *tx) removeNode(ctx context.Context, id auth.NodeID) error {
	_, err := t.exec(ctx, "forget a node", `DELETE FROM nodes WHERE id = $1`, id)
	return err
}

// Reach implements store.Store. A server that holds the lock and has no row
// yet may have loaded the feed before the rows were there: it counts as behind,
// and nothing is known of how long.
func (db *DB) Reach(ctx context.Context, self auth.NodeID, seqs []int64) (store.Reach, error) {
	var last int64
	for _, seq := range seqs {
		if _, err := read(ctx, db, func(t *tx) (int64, error) {
			return one(ctx, t, "find a change", scanInt64, `SELECT seq FROM changes WHERE seq = $1`, seq)
		}); err != nil {
			return store.Reach{}, err
		}
		last = max(last, seq)
	}
	if !served(db.path) {
		return store.Reach{}, nil
	}
	rows, err := db.nodeRows(ctx)
	if err != nil {
		return store.Reach{}, err
	}
	if len(rows) == 0 {
		return store.Reach{Behind: []auth.Node{{}}}, nil
	}
	var r store.Reach
	for _, n := range rows {
		if n.ID != self && n.applied < last {
			r.Behind = append(r.Behind, n.Node)
			r.Within = max(r.Within, n.MaxStaleness)
		}
	}
	return r, nil
}
