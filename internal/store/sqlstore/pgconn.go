package sqlstore

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pgConn is a connection to PostgreSQL, inside a transaction or outside any.
//
// A statement that fails ends its transaction there, but a caller may go on
// after a refusal. So inside a transaction every statement that can be refused
// by a constraint stands behind a savepoint, which is sent along with it.
type pgConn struct {
	conn *pgxpool.Conn
	// limit is how long one statement may take. The server is told the same;
	// this is for a server that does not answer.
	limit time.Duration
	// guard: go behind savepoints.
	guard bool
	// stepping: there is one already, that of tx.wholly.
	stepping bool
}

// grace is what the server's own limit gets before the connection is given up.
const grace = time.Second

func (c *pgConn) exec(ctx context.Context, query string, args ...any) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit+grace)
	defer cancel()
	if c.guarded(query) {
		return c.execGuarded(ctx, query, args)
	}
	tag, err := c.conn.Exec(ctx, query, args...)
	switch {
	case err != nil:
	case query == "SAVEPOINT step":
		c.stepping = true
	case query == "RELEASE step":
		c.stepping = false
	}
	return int(tag.RowsAffected()), err
}

// guarded says whether a constraint may refuse the statement: rows that come,
// and the states of keys, of which each may be held once.
func (c *pgConn) guarded(query string) bool {
	return c.guard && !c.stepping && (strings.HasPrefix(query, "INSERT") || strings.HasPrefix(query, "UPDATE keys"))
}

func (c *pgConn) execGuarded(ctx context.Context, query string, args []any) (n int, err error) {
	var b pgx.Batch
	b.Queue("SAVEPOINT row")
	b.Queue(query, args...)
	b.Queue("RELEASE row")
	results := c.conn.SendBatch(ctx, &b)
	if _, err = results.Exec(); err == nil {
		tag, failed := results.Exec()
		n, err = int(tag.RowsAffected()), failed
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	if err != nil && constraint(err) {
		if _, back := c.conn.Exec(ctx, "ROLLBACK TO row; RELEASE row"); back != nil {
			return 0, back
		}
	}
	return n, err
}

// query is for statements that no constraint refuses.
func (c *pgConn) query(ctx context.Context, query string, args ...any) (rows, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit+grace)
	found, err := c.conn.Query(ctx, query, args...)
	if err != nil {
		cancel()
		return nil, err
	}
	return pgRows{found, cancel}, nil
}

// translate makes no refusal of what ended the transaction: the caller would go
// on in vain.
func (c *pgConn) translate(doing string, err error) error {
	translated := translatePostgres(doing, err)
	if err != nil && c.guard && !c.stepping && refusal(translated) && c.conn.Conn().PgConn().TxStatus() == 'E' {
		return describePostgres(doing, err)
	}
	return translated
}

func (c *pgConn) word(w *wording) string { return w.postgres }

// pgRows ends its time limit with the rows.
type pgRows struct {
	pgx.Rows
	cancel context.CancelFunc
}

func (r pgRows) Close() error {
	r.Rows.Close()
	r.cancel()
	return r.Rows.Err()
}
