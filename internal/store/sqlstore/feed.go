package sqlstore

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// feed reads the change feed on a connection of its own.
//
// "seq > position" is enough here, although it is wrong on a database with
// several writers (guarantees R1): SQLite gives out seq inside a transaction
// that began with the write lock of the whole file, so transactions take their
// numbers in the order in which they commit, in whatever process they run.
type feed struct {
	conn     *connection
	position int64
	// seen is the data_version the rows were read under: SQLite changes it
	// for this connection when another one, of any process, has committed.
	seen int64
}

// OpenFeed opens the reader of the change feed. It counts as no reader and is
// closed by its owner, before or after the store.
func (db *DB) OpenFeed(ctx context.Context) (store.Feed, error) {
	pool, err := openPool(db.path, pragmas("cache_size(-512)", "query_only(ON)"))
	if err != nil {
		return nil, describe("open the change feed", err)
	}
	conn, err := connect(ctx, pool)
	if err != nil {
		pool.Close()
		return nil, describe("open the change feed", err)
	}
	conn.pool = pool
	return &feed{conn: conn}, nil
}

func (f *feed) Load(ctx context.Context, fn func(auth.Change)) error {
	f.position, f.seen = 0, 0
	return f.read(ctx, fn)
}

func (f *feed) Poll(ctx context.Context) (changes []auth.Change, err error) {
	if err := f.read(ctx, func(c auth.Change) { changes = append(changes, c) }); err != nil {
		return nil, err
	}
	return changes, nil
}

// read calls fn with what lies behind the position. When it fails the position
// stays, so that what fn had is read again.
func (f *feed) read(ctx context.Context, fn func(auth.Change)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	version, err := collect(ctx, f.conn, scanInt64, `PRAGMA data_version`)
	if err != nil {
		return describe("poll the change feed", err)
	}
	if version[0] == f.seen {
		return nil
	}
	// A commit between the two statements is read now and asked for again
	// next time; none is passed over.
	row := changeRow{Change: auth.Change{Seq: f.position}}
	err = each(ctx, f.conn, func(r scanner) error {
		err := row.scan(r)
		if err == nil {
			fn(row.Change)
		}
		return err
	}, `SELECT `+changeColumns+` FROM changes WHERE seq > $1 ORDER BY seq`, f.position)
	if err != nil {
		return describe("poll the change feed", err)
	}
	f.position, f.seen = row.Seq, version[0]
	return nil
}

func (f *feed) Close() error { return f.conn.close() }
