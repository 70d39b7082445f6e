package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// conn is what the nouns ask of a database: one connection, used by one
// goroutine at a time. [connection] is SQLite's, [pgConn] PostgreSQL's. The
// texts of the nouns are good in both, but for a few wordings.
type conn interface {
	// exec runs a statement and returns how many rows it changed.
	exec(ctx context.Context, query string, args ...any) (int, error)
	query(ctx context.Context, query string, args ...any) (rows, error)
	// translate turns what a statement returned into the contract's words.
	translate(doing string, err error) error
	// word chooses between the two texts of a statement.
	word(w *wording) string
}

// rows are the rows of one query, as *sql.Rows has them.
type rows interface {
	scanner
	Next() bool
	Close() error
	Err() error
}

// wording is a statement that the two databases want told differently.
type wording struct{ sqlite, postgres string }

// purging removes up to $2 rows of a table that one of the conditions on an
// indexed time meets, each as "column < $1" and perhaps more. PostgreSQL is
// given the order of the index, or it would rather read the whole table, and
// an array, or it would join with the whole table.
func purging(table, key string, conditions ...purge) *wording {
	sqlite, postgres := "", ""
	for i, c := range conditions {
		if i > 0 {
			sqlite += " OR "
			postgres += " UNION ALL "
		}
		condition := c.column + " < $1" + c.more
		sqlite += condition
		postgres += "(SELECT " + key + " FROM " + table + " WHERE " + condition + " ORDER BY " + c.column + " LIMIT $2)"
	}
	if len(conditions) > 1 {
		postgres = "(SELECT " + key + " FROM (" + postgres + ") AS past LIMIT $2)"
	}
	return &wording{
		sqlite:   "DELETE FROM " + table + " WHERE " + key + " IN (SELECT " + key + " FROM " + table + " WHERE " + sqlite + " LIMIT $2)",
		postgres: "DELETE FROM " + table + " WHERE " + turn(table) + " AND " + key + " = ANY (ARRAY" + postgres + ")",
	}
}

// turn is true for one node at a time, to the end of its transaction: several
// would purge the same rows, and stand in each other's way.
func turn(table string) string {
	var number int32
	for _, letter := range "purge " + table {
		number = 31*number + letter
	}
	return fmt.Sprintf("(SELECT pg_try_advisory_xact_lock(%d, %d))", advisoryLocks, number)
}

// advisoryLocks is the first half of the names of all our advisory locks:
// "GATE".
const advisoryLocks = 0x47415445

type purge struct{ column, more string }

func (t *tx) purge(ctx context.Context, doing string, w *wording, before time.Time, limit int, more ...any) (int, error) {
	return t.exec(ctx, doing, t.conn.word(w), append([]any{micros(before), max(limit, 0)}, more...)...)
}

// backend is what the methods outside InTx need of a database.
type backend interface {
	// reader returns a handle outside any transaction; done gives it back.
	reader(ctx context.Context) (*tx, error)
	done(t *tx)
	// again says whether a read that failed is worth another try at once.
	again(t *tx, tries int) bool
	// write runs one method as a transaction of its own.
	write(ctx context.Context, method func(*tx) error) error
	// beside runs fn in a transaction that stands in no other one's way, and sees
	// what others commit meanwhile: its statements say themselves on what
	// condition they hold.
	beside(ctx context.Context, fn func(*tx) error) error
	InTx(ctx context.Context, fn func(store.Tx) error) error
}

// read runs fn outside any transaction.
func read[T any](ctx context.Context, b backend, fn func(*tx) (T, error)) (value T, err error) {
	for tries := 1; ; tries++ {
		t, err := b.reader(ctx)
		if err != nil {
			var none T
			return none, err
		}
		value, err = fn(t)
		again := err != nil && b.again(t, tries)
		t.end()
		b.done(t)
		if !again {
			return value, err
		}
	}
}

// write runs one method as a transaction of its own and returns its value
// after the commit.
func write[T any](ctx context.Context, b backend, method func(*tx) (T, error)) (T, error) {
	var value T
	err := b.write(ctx, func(t *tx) (err error) {
		value, err = method(t)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return value, nil
}
