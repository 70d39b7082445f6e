package sqlstore

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Raw runs a statement on the transaction's connection behind the handle's
// back, as a failing disk would.
func Raw(t store.Tx, query string) error {
	_, err := t.(*tx).conn.exec(context.Background(), query)
	return err
}

// Queued says how many transactions wait for the next batch.
func Queued(db *DB) int {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return len(db.writer.queue)
}

// BreakWriter closes the writing connection under the store.
func BreakWriter(db *DB) error {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return db.writer.conn.conn.Close()
}

// Newest is the schema version of this program.
func Newest() int64 { return newest() }
