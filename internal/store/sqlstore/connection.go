package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// The page caches, in KiB. They grow with use; an idle process has little of
// them.
const (
	writerCache = "-16384"
	readerCache = "-4096"
)

// pragmas are the settings of every connection. The waiting time comes first,
// because the others may have to wait. None makes the file: SQLite would take
// the write-ahead log of a database that was moved away for a stray one of the
// new, empty database, and delete it.
func pragmas(more ...string) url.Values {
	return url.Values{
		"mode":       {"rw"},
		"_dqs":       {"0"}, // a misspelt column must not become a string
		"_defensive": {"1"},
		"_pragma": append([]string{
			"busy_timeout(5000)",
			"foreign_keys(ON)",
			"synchronous(FULL)",
			"trusted_schema(OFF)",
			"temp_store(MEMORY)",
		}, more...),
	}
}

// openPool returns the driver's pool for the file. Nothing is opened yet, and
// connections given back are closed: the store keeps its own.
func openPool(path string, query url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // file:///C:/…
	}
	name := url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxIdleConns(-1)
	return pool, nil
}

// connection is one SQLite connection with its prepared statements. It is used
// by one goroutine at a time.
type connection struct {
	conn *sql.Conn
	// pool is set on a connection that is alone in its pool and ends with it.
	pool  *sql.DB
	stmts map[string]*sql.Stmt
}

func connect(ctx context.Context, pool *sql.DB) (*connection, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, stmts: make(map[string]*sql.Stmt)}, nil
}

// prepared returns the statement of a query text. Texts are constants, so the
// set of them is small and never shrinks.
func (c *connection) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *connection) exec(ctx context.Context, query string, args ...any) (int, error) {
	s, err := c.prepared(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

func (c *connection) query(ctx context.Context, query string, args ...any) (rows, error) {
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	found, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, err // a nil *sql.Rows would be rows
	}
	return found, nil
}

func (c *connection) translate(doing string, err error) error { return translate(doing, err) }

func (c *connection) word(w *wording) string { return w.sqlite }

func (c *connection) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	err := c.conn.Close()
	if c.pool != nil {
		err = errors.Join(err, c.pool.Close())
	}
	return err
}
