package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Options say which database to open.
type Options struct {
	// Path is the database file. It is created with mode 0600 if it does not
	// exist; its folder must exist. SQLite keeps two more files beside it
	// while it is open (-wal, -shm); all three belong together, so no database
	// is created where one of them lies alone.
	Path string
	// MustExist creates nothing: a file that does not exist is a
	// [*MissingError].
	MustExist bool
	// Migrate brings the schema up to this program's version. Without it an
	// older schema is refused with an [*OutdatedError].
	Migrate bool
	// Readers is how many reads run at once. Zero means four, or twice the
	// number of processors if that is more.
	Readers int
	// Watch, if not nil, is told of every commit, one after the other: how many
	// transactions shared it, how long it took from its beginning to the disk,
	// and the failure that kept it from happening. It measures, and must be
	// quick: the next commit waits for it.
	Watch func(members int, took time.Duration, err error)
	// Logger hears of applied migrations and of panics. Nil means silence.
	Logger *slog.Logger
}

// DB is the SQLite backend: one writing connection with group commit and some
// that only read. It is safe for concurrent use, and by several processes at
// once; see [LockServer] for servers.
type DB struct {
	direct
	path    string
	writer  *writer
	readers *readers
	closing sync.Once
	closed  error
}

var _ store.Store = (*DB)(nil)

// Open opens the database. It returns [*NewerError] if a newer program has
// changed the schema, [*OutdatedError] if the schema is older than this
// program and o.Migrate is not set, and [*MissingError] if there is no file and
// o.MustExist is set.
func Open(ctx context.Context, o Options) (*DB, error) {
	o = o.withDefaults()
	if err := o.prepare(); err != nil {
		return nil, err
	}
	db, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := db.checkSchema(ctx, o); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

func (o Options) withDefaults() Options {
	if o.Readers <= 0 {
		o.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Watch == nil {
		o.Watch = func(int, time.Duration, error) {}
	}
	return o
}

// create makes the file, readable by its owner alone. SQLite gives its other
// files the same mode. A file that exists is not opened here: closing it again
// would drop the locks of every connection this process has on it.
func create(path string) error {
	if err := refuseRemains(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("sqlstore: create %s: its folder does not exist; make it first: %w", path, err)
	case err != nil:
		return fmt.Errorf("sqlstore: create the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("sqlstore: create the database: %w", err)
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// syncFolder makes a new file's name as durable as its content. Not every file
// system can, and those that cannot need it not.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// open connects the writer; readers connect when they are first wanted.
func open(ctx context.Context, o Options) (*DB, error) {
	doing := "open " + o.Path
	writing, err := openPool(o.Path, pragmas("cache_size("+writerCache+")", "journal_size_limit(67108864)"))
	if err != nil {
		return nil, describe(doing, err)
	}
	reading, err := openPool(o.Path, pragmas("cache_size("+readerCache+")", "query_only(ON)"))
	if err != nil {
		return nil, describe(doing, err)
	}
	db := &DB{
		path:    o.Path,
		writer:  &writer{pool: writing, log: o.Logger, watch: o.Watch, drained: make(chan struct{})},
		readers: newReaders(reading, o.Readers),
	}
	db.direct = direct{db}
	if err := db.useLog(ctx); err != nil {
		db.Close()
		return nil, describe(doing, err)
	}
	return db, nil
}

// useLog connects the writer and turns the write-ahead log on. On a new file
// that needs the file for itself for a moment, and SQLite does not always wait
// for it by itself.
func (db *DB) useLog(ctx context.Context) (err error) {
	w := db.writer
	if w.conn, err = connect(ctx, w.pool); err != nil {
		return err
	}
	for wait := time.Millisecond; ; wait *= 2 {
		mode, err := collect(ctx, w.conn, scanString, "PRAGMA journal_mode = WAL")
		if err == nil && (len(mode) != 1 || mode[0] != "wal") {
			return fmt.Errorf("its file system cannot hold a write-ahead log (journal mode is %q); use a local disk", mode)
		}
		if err == nil || !busy(err) || wait > 2*time.Second {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// Ping reads a row through a reading connection.
func (db *DB) Ping(ctx context.Context) error {
	_, err := read(ctx, db, func(t *tx) (int64, error) {
		return one(ctx, t, "ping", scanInt64, "SELECT max(version_id) FROM "+versionTable)
	})
	return err
}

// InTx runs fn as one member of a group commit. It refuses to be called inside
// a transaction's function.
func (db *DB) InTx(ctx context.Context, fn func(store.Tx) error) error {
	return db.writer.do(&member{ctx: ctx, fn: func(t *tx) error { return fn(t) }})
}

// Close waits for transactions and reads under way and closes the database.
// Feeds are closed by whoever opened them. It may be called more than once.
func (db *DB) Close() error {
	if insideMember() {
		return errNested
	}
	db.closing.Do(func() {
		db.closed = errors.Join(db.writer.close(), db.readers.close())
	})
	return db.closed
}

func scanString(row scanner) (s string, err error) { return s, row.Scan(&s) }

// readers is a fixed number of reading connections, each opened when it is
// first wanted.
type readers struct {
	pool    *sql.DB
	size    int
	free    chan *connection // nil: not open yet
	closing chan struct{}
}

func newReaders(pool *sql.DB, size int) *readers {
	r := &readers{pool: pool, size: size, free: make(chan *connection, size), closing: make(chan struct{})}
	for range size {
		r.free <- nil
	}
	return r
}

// take returns a connection, waiting for one as long as the context lasts.
func (r *readers) take(ctx context.Context) (*connection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-r.closing:
		return nil, errClosed
	default:
	}
	select {
	case c := <-r.free:
		if c != nil {
			return c, nil
		}
		c, err := connect(ctx, r.pool)
		if err != nil {
			r.free <- nil
			return nil, describe("open a reading connection", err)
		}
		return c, nil
	case <-r.closing:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// put gives a connection back; one that failed is opened anew next time.
func (r *readers) put(c *connection, failed error) {
	if failed != nil {
		c.close()
		c = nil
	}
	r.free <- c
}

func (r *readers) close() error {
	close(r.closing)
	for range r.size {
		if c := <-r.free; c != nil {
			c.close()
		}
	}
	return r.pool.Close()
}

// reader takes a reading connection.
func (db *DB) reader(ctx context.Context) (*tx, error) {
	c, err := db.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	return &tx{conn: c}, nil
}

func (db *DB) done(t *tx) { db.readers.put(t.conn.(*connection), t.failed) }

// again: what SQLite could not read it cannot read the next instant either.
func (db *DB) again(*tx, int) bool { return false }

// write is one member of a group commit.
func (db *DB) write(ctx context.Context, method func(*tx) error) error {
	return db.writer.do(&member{ctx: ctx, fn: method, atomic: true})
}

// beside is as any other transaction: there is one at a time.
func (db *DB) beside(ctx context.Context, fn func(*tx) error) error {
	return db.writer.do(&member{ctx: ctx, fn: fn})
}
