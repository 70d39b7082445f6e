package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Defaults of [PostgresOptions].
const (
	DefaultMaxConns         = 16
	DefaultStatementTimeout = 5 * time.Second
)

// leastPostgres is the oldest version that is taken: pg_current_xact_id, and
// predicate locks that hold on an index alone.
const leastPostgres = 14_00_00

// PostgresOptions say which PostgreSQL database to use, and how.
type PostgresOptions struct {
	// URL is a postgres:// URL with everything that libpq's connection strings
	// know. It holds a password, perhaps: no error and no log line shows it.
	// Several hosts may be named; the one that is the primary is used.
	URL auth.Secret
	// FeedURL, if not empty, is where the change feed is read: the same database,
	// past any pooler (guarantees R2). Empty means URL.
	FeedURL auth.Secret
	// MustExist creates nothing: a database without our tables is a
	// [*MissingError].
	MustExist bool
	// Migrate brings the schema up to this program's version. Without it an
	// older schema is refused with an [*OutdatedError].
	Migrate bool
	// MaxConns is how many connections there are at most, beside the feed's.
	// Zero means DefaultMaxConns.
	MaxConns int
	// StatementTimeout is how long one statement may take, and how long a call
	// waits for a connection. Zero means DefaultStatementTimeout.
	StatementTimeout time.Duration
	// Watch, if not nil, is told of every commit as in [Options], from several
	// goroutines at once.
	Watch func(members int, took time.Duration, err error)
	// Logger hears of applied migrations, of panics, and when the database goes
	// away and comes back. Nil means silence.
	Logger *slog.Logger

	// tracer sees every statement, in tests.
	tracer pgx.QueryTracer
}

// Postgres is the PostgreSQL backend. It is safe for concurrent use, and by
// several processes at once.
type Postgres struct {
	direct
	o       PostgresOptions
	pool    *pgxpool.Pool
	away    outage
	closing sync.Once
	// announcer tells the nodes of new rows in the change feed.
	announcer *announcer
}

var _ store.Store = (*Postgres)(nil)

// OpenPostgres connects and looks at the schema. It returns [*NewerError],
// [*OutdatedError] as [Open] does, and for whatever else stands in the way one
// plain sentence without the password.
func OpenPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	db, err := connectPostgres(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := db.checkSchema(ctx); err != nil {
		db.Close()
		return nil, err
	}
	if open, err := db.openSchemas(ctx); err == nil && len(open) > 0 {
		db.o.Logger.Warn("every role of the database server may create functions where ours are looked for, and have them run with our rights; "+
			"REVOKE CREATE ON SCHEMA ... FROM PUBLIC", "database", db.away.where, "schemas", strings.Join(open, ","))
	}
	return db, nil
}

func (o PostgresOptions) withDefaults() PostgresOptions {
	if o.MaxConns <= 0 {
		o.MaxConns = DefaultMaxConns
	}
	if o.StatementTimeout <= 0 {
		o.StatementTimeout = DefaultStatementTimeout
	}
	if o.FeedURL.Reveal() == "" {
		o.FeedURL = o.URL
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Watch == nil {
		o.Watch = func(int, time.Duration, error) {}
	}
	return o
}

// connectPostgres opens the pool and looks whether the server is one to work
// with. Nothing of the schema is read.
func connectPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	o = o.withDefaults()
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	db := &Postgres{o: o, away: outage{log: o.Logger, where: Where(o.URL)}}
	db.direct = direct{db}
	config.ShouldPing = db.stale
	if db.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, describePostgres("open the database", err)
	}
	db.announcer = newAnnouncer(config.ConnConfig)
	if err := db.checkServer(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// config reads the URL. Statements are described once for each connection and
// parsed at each use: nothing of a session's state is relied on, so a pooler
// may hand every transaction to another connection of its own. A direct
// connection may ask for prepared statements in the URL,
// default_query_exec_mode=cache_statement.
func (o PostgresOptions) config() (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(o.URL.Reveal())
	if err != nil {
		return nil, badURL(err)
	}
	if config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement && !namesExecMode(o.URL.Reveal()) {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	config.MaxConns = int32(o.MaxConns)
	config.ConnConfig.Tracer = o.tracer
	prepare(&config.ConnConfig.Config)
	return config, nil
}

// connectTimeout is for all hosts together: each has its share, because the
// first may be a machine that is gone and answers nothing.
const connectTimeout = 5 * time.Second

// hosts are the servers that a URL names, in order.
func hosts(c *pgconn.Config) []string {
	list := []string{net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))}
	for _, f := range c.Fallbacks {
		host := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port)))
		if host != list[len(list)-1] { // one host with TLS and without is one
			list = append(list, host)
		}
	}
	return list
}

// prepare sets what every connection of ours has, the feed's too.
func prepare(c *pgconn.Config) {
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout / time.Duration(len(hosts(c)))
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "gatehouse"
	}
	if c.ValidateConnect == nil {
		c.ValidateConnect = refuseStandby
	}
	c.AfterConnect = func(_ context.Context, c *pgconn.PgConn) error {
		c.CustomData()[warningsKey] = new(warnings)
		return nil
	}
	c.OnNotice = func(c *pgconn.PgConn, n *pgconn.Notice) {
		if w, ok := c.CustomData()[warningsKey].(*warnings); ok && n.SeverityUnlocalized == "WARNING" {
			w.last = n.Message
		}
	}
}

// warnings keeps what the server warned of last; nothing that matters is
// acknowledged beside a warning.
type warnings struct{ last string }

const warningsKey = "gatehouse"

// refuseStandby is asked of every new connection: what a standby says is true
// of some time ago, and it takes no writes. Of several hosts the next is tried.
func refuseStandby(ctx context.Context, c *pgconn.PgConn) error {
	results, err := c.Exec(ctx, "SELECT pg_is_in_recovery()").ReadAll()
	if err != nil {
		return err
	}
	if string(results[0].Rows[0][0]) == "t" {
		return errStandby
	}
	return nil
}

// checkServer refuses what cannot work, in plain words.
func (db *Postgres) checkServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, db.o.StatementTimeout+5*time.Second)
	defer cancel()
	var version int
	var encoding string
	err := db.pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')").Scan(&version, &encoding)
	switch {
	case err != nil:
		return describePostgres("connect to "+db.away.where, err)
	case version < leastPostgres:
		return fmt.Errorf("sqlstore: the server at %s is PostgreSQL %d; Gatehouse needs %d or newer", db.away.where, version/10000, leastPostgres/10000)
	case encoding != "UTF8":
		return fmt.Errorf("sqlstore: the database at %s keeps its text as %s; make one for Gatehouse with: CREATE DATABASE gatehouse ENCODING 'UTF8' TEMPLATE template0", db.away.where, encoding)
	}
	return nil
}

// OpenFeed opens the reader of the change feed. Its connection counts to no
// pool and is closed by its owner.
func (db *Postgres) OpenFeed(ctx context.Context) (store.Feed, error) {
	config, err := pgx.ParseConfig(db.o.FeedURL.Reveal())
	if err != nil {
		return nil, badURL(err)
	}
	prepare(&config.Config)
	if until, bounded := ctx.Deadline(); bounded {
		if n := len(hosts(&config.Config)); n > 1 { // and a share for what is to be done there
			config.ConnectTimeout = min(config.ConnectTimeout, time.Until(until)/time.Duration(n+1))
		}
	}
	f, err := openPGFeed(ctx, config, db.announcer.name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Ping asks whether the schema can be read.
func (db *Postgres) Ping(ctx context.Context) error {
	_, err := db.Installation(ctx)
	return err
}

// Close waits for transactions and reads under way and closes every connection
// but the feeds'. It may be called more than once.
func (db *Postgres) Close() error {
	if insideMember() {
		return errNested
	}
	db.closing.Do(func() {
		db.pool.Close()
		db.announcer.close()
	})
	return nil
}

// acquire takes a connection from the pool; waiting for one is bounded.
func (db *Postgres) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, db.o.StatementTimeout)
	defer cancel()
	c, err := db.pool.Acquire(waiting)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) && db.pool.Stat().AcquiredConns() >= int32(db.o.MaxConns):
		err = describePostgres("connect to "+db.away.where, fmt.Errorf("all %d connections are busy (database.max_connections): %w", db.o.MaxConns, err))
		db.away.note(err)
		return nil, err
	}
	err = describePostgres("connect to "+db.away.where, err)
	db.away.note(err)
	return nil, err
}

// stale looks at a connection that nobody has used for a while before it is
// handed out. Where one does not answer, what is behind the others has gone the
// same way: they are dropped, and not each found out by another caller, one limit
// after the other. What it returns makes the pool look again, and find it closed.
func (db *Postgres) stale(ctx context.Context, p pgxpool.ShouldPingParams) bool {
	if p.IdleDuration <= time.Second {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.o.StatementTimeout/5)
	defer cancel()
	if p.Conn.Ping(ctx) == nil {
		return false
	}
	db.pool.Reset()
	return true
}

// reader takes a connection for statements that are each a transaction by
// themselves.
func (db *Postgres) reader(ctx context.Context) (*tx, error) {
	c, err := db.acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &tx{conn: &pgConn{conn: c, limit: db.o.StatementTimeout}}, nil
}

func (db *Postgres) done(t *tx) {
	c := t.conn.(*pgConn)
	if t.failed == nil {
		db.away.over()
	} else if c.conn.Conn().IsClosed() && !errors.Is(t.failed, context.Canceled) { // a caller who leaves breaks the connection
		db.away.note(t.failed)
	}
	c.conn.Release()
}

// again: a connection of the pool may have died unseen; the others have too,
// then.
func (db *Postgres) again(t *tx, tries int) bool {
	if tries > 1 || t.failed == nil || !lost(t.failed) {
		return false
	}
	db.pool.Reset()
	return true
}

// outage says once that the database is away, and once that it is back.
type outage struct {
	log   *slog.Logger
	where string
	mu    sync.Mutex
	since time.Time
}

func (a *outage) note(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		a.since = time.Now()
		a.log.Error("the database cannot be reached; requests that need it are refused until it can", "database", a.where, "err", err)
	}
}

func (a *outage) over() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.since.IsZero() {
		a.log.Info("the database can be reached again", "database", a.where, "after", time.Since(a.since).Round(time.Millisecond))
		a.since = time.Time{}
	}
}
