package sqlstore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

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
	db       *DB
	conn     *connection
	position int64
	// seen is the data_version the rows were read under: SQLite changes it
	// for this connection when another one, of any process, has committed.
	seen int64

	// told is the beat that was written last and toldTo the position it named;
	// they belong to the goroutine that writes while telling is set.
	told    auth.Node
	toldTo  int64
	telling atomic.Bool
	tellers sync.WaitGroup
}

// OpenFeed opens the reader of the change feed. It counts as no reader and is
// closed by its owner, before the store.
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
	return &feed{db: db, conn: conn}, nil
}

func (f *feed) Load(ctx context.Context, fn func(auth.Change)) error {
	f.position, f.seen = 0, 0
	return f.read(ctx, fn)
}

// Poll tells how far this server has come only when that has changed, and
// behind its own back: a look costs no write, and waits for nobody's.
func (f *feed) Poll(ctx context.Context, beat auth.Node) (round store.Round, err error) {
	f.tell(ctx, beat)
	if err := f.read(ctx, func(c auth.Change) { round.Changes = append(round.Changes, c) }); err != nil {
		return store.Round{}, err
	}
	return round, nil
}

// Wait hears nobody: the look itself costs microseconds.
func (f *feed) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// tell writes the server's row if it has something new to say. That it cannot
// be written (the disk is full) makes nobody accept more than before: whoever
// asks for the reach of a change goes on hearing that this server is behind.
func (f *feed) tell(ctx context.Context, beat auth.Node) {
	if beat.ID == "" || !f.telling.CompareAndSwap(false, true) {
		return
	}
	if f.toldTo == f.position && sameFacts(f.told, beat) {
		f.telling.Store(false)
		return
	}
	ctx, position := context.WithoutCancel(ctx), f.position
	f.tellers.Go(func() {
		defer f.telling.Store(false)
		if f.db.writeNode(ctx, beat, position) == nil {
			f.told, f.toldTo = beat, position
		}
	})
}

func sameFacts(a, b auth.Node) bool {
	return a.ID == b.ID && a.Secrets == b.Secrets && a.MaxStaleness == b.MaxStaleness && slices.Equal(a.Keys, b.Keys)
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

func (f *feed) Close() error {
	f.tellers.Wait()
	return f.conn.close()
}
