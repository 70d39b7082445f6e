package sqlstore

import (
	"context"
	"database/sql"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

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
	if unstorable(args) {
		if strings.HasPrefix(query, "INSERT") {
			return 0, errUnstorable
		}
		return 0, nil // no row has it
	}
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
	if unstorable(args) {
		return noRows{}, nil
	}
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

// unstorable says whether PostgreSQL has no place for one of the texts: it keeps
// none with a zero byte or that is no UTF-8, as SQLite does. The rooms let no
// such text through; whoever looks for one finds nothing.
func unstorable(args []any) bool {
	for _, a := range args {
		text, is := a.(string)
		if !is {
			if v := reflect.ValueOf(a); v.Kind() == reflect.String {
				text = v.String()
			} else if p, is := a.(*string); is && p != nil {
				text = *p
			}
		}
		if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
			return true
		}
	}
	return false
}

// noRows are the rows of a query for what cannot be there.
type noRows struct{}

func (noRows) Scan(...any) error { return sql.ErrNoRows }
func (noRows) Next() bool        { return false }
func (noRows) Close() error      { return nil }
func (noRows) Err() error        { return nil }

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
