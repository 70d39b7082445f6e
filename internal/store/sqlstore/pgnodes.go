package sqlstore

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// lapsed is how long after its own limit a node is waited for: clocks do not
// run alike to the microsecond.
const lapsed = time.Second

// heard is a node that may be answering, and what is known of it.
type heard struct {
	auth.Node
	left int64 // microseconds until it refuses everything unless it is heard of again
	seen bool  // it has applied what was asked for
}

func scanHeard(row scanner) (h heard, err error) {
	h.Node, err = scanNode(row, &h.left, &h.seen)
	return h, err
}

// hearing asks, by the database's clock alone, which nodes may be answering. $1
// is lapsed in microseconds.
const hearing = `SELECT ` + nodeColumns + `, beat_at + max_staleness + $1 - ` + databaseMicros + ` AS remaining, `

// Nodes implements store.Store.
func (db *Postgres) Nodes(ctx context.Context) (nodes []auth.Node, err error) {
	found, err := read(ctx, db, func(t *tx) ([]heard, error) {
		return all(ctx, t, "list nodes", scanHeard,
			hearing+`true FROM nodes WHERE beat_at + max_staleness + $1 > `+databaseMicros+` ORDER BY id`, lapsed.Microseconds())
	})
	for _, h := range found {
		nodes = append(nodes, h.Node)
	}
	return nodes, err
}

// RemoveNode implements store.Store.
func (db *Postgres) RemoveNode(ctx context.Context, id auth.NodeID) error {
	return db.write(ctx, func(t *tx) error { return t.removeNode(ctx, id) })
}

// Reach implements store.Store. A node has a row when the snapshot it has
// applied sees the transaction that wrote it; a snapshot of the server's last
// life says nothing, because numbers may have been used again since.
func (db *Postgres) Reach(ctx context.Context, self auth.NodeID, seqs []int64) (r store.Reach, err error) {
	found, err := read(ctx, db, func(t *tx) ([]heard, error) {
		there, err := one(ctx, t, "find changes", scanInt64, `SELECT count(*) FROM changes WHERE seq = ANY ($1)`, seqs)
		if err != nil {
			return nil, err
		}
		if there < int64(distinct(seqs)) {
			return nil, store.ErrNotFound
		}
		return all(ctx, t, "ask how far changes have come", scanHeard,
			hearing+`incarnation = `+incarnation+` AND NOT EXISTS (
				SELECT FROM changes WHERE seq = ANY ($2) AND NOT pg_visible_in_snapshot(xid, applied))
			FROM nodes WHERE id <> $3 AND beat_at + max_staleness + $1 > `+databaseMicros+` ORDER BY id`,
			lapsed.Microseconds(), seqs, string(self))
	})
	for _, h := range found {
		if !h.seen {
			r.Behind = append(r.Behind, h.Node)
			r.Within = max(r.Within, time.Duration(h.left)*time.Microsecond)
		}
	}
	return r, err
}

func distinct(seqs []int64) int {
	set := make(map[int64]struct{}, len(seqs))
	for _, seq := range seqs {
		set[seq] = struct{}{}
	}
	return len(set)
}
