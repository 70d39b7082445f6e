package sqlstore

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// PostgresState is what [InspectPostgres] found beside the tables.
type PostgresState struct {
	// SynchronousStandbys is the server's synchronous_standby_names: empty when
	// commits wait for no standby.
	SynchronousStandbys string
	// Encrypted: this connection uses TLS. Remote: its other end is another
	// machine.
	Encrypted, Remote bool
	// OpenSchemas are those of our search path in which everybody may create
	// functions and operators: whoever does so has them run by us.
	OpenSchemas []string
	// Servers are the names of those that work on the database: that have been
	// heard of lately enough to answer.
	Servers []string
}

// InspectPostgres looks at the database and changes nothing.
func InspectPostgres(ctx context.Context, o PostgresOptions) (found Inspection, state PostgresState, err error) {
	o.MaxConns = 1
	found.Program = newest(forPostgres)
	db, err := connectPostgres(ctx, o)
	if err != nil {
		return found, state, err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := db.pool.Acquire(ctx)
	if err != nil {
		return found, state, describePostgres("inspect "+db.away.where, err)
	}
	state.see(c.Conn().PgConn())
	err = c.QueryRow(ctx, "SELECT current_setting('synchronous_standby_names')").Scan(&state.SynchronousStandbys)
	c.Release()
	if err == nil {
		state.OpenSchemas, err = db.openSchemas(ctx)
	}
	if err != nil {
		return found, state, describePostgres("inspect "+db.away.where, err)
	}
	if found.Version, err = db.version(ctx); err != nil {
		found.Foreign = strings.Contains(err.Error(), "tables of another program")
		if found.Foreign {
			err = nil
		}
		return found, state, err
	}
	if found.Version != found.Program {
		return found, state, nil // its tables are not those that this program knows
	}
	nodes, err := db.Nodes(ctx)
	if err != nil {
		return found, state, err
	}
	for _, n := range nodes {
		state.Servers = append(state.Servers, n.Name)
	}
	if found.Keys, err = db.ListKeys(ctx); err != nil {
		return found, state, err
	}
	return found, state, describePostgres("inspect "+db.away.where, found.lookAtPostgres(ctx, db))
}

// openSchemas are those of the search path in which PUBLIC may create. It was the
// default of the schema public before PostgreSQL 15, and is kept by upgrades.
func (db *Postgres) openSchemas(ctx context.Context) (names []string, err error) {
	rows, err := db.pool.Query(ctx, "SELECT s FROM unnest(current_schemas(false)) AS s WHERE has_schema_privilege('public', s, 'CREATE')")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (s *PostgresState) see(c *pgconn.PgConn) {
	_, s.Encrypted = c.Conn().(*tls.Conn)
	if a, ok := c.Conn().RemoteAddr().(*net.TCPAddr); ok {
		s.Remote = !a.IP.IsLoopback()
	}
}

func (found *Inspection) lookAtPostgres(ctx context.Context, db *Postgres) error {
	var newest *int64
	if err := db.pool.QueryRow(ctx, "SELECT max(at) FROM events").Scan(&newest); err != nil {
		return err
	}
	if newest != nil {
		found.Newest = fromMicros(*newest)
	}
	var err error
	if found.OldIDs, err = db.countOf(ctx, "SELECT mount, count(*) FROM old_ids GROUP BY 1"); err != nil {
		return err
	}
	found.Peppers, err = db.countOf(ctx, `SELECT substr(hash, 20, 12), count(*) FROM passwords WHERE hash LIKE '$hmac-sha256$keyid=____________$%' GROUP BY 1`)
	return err
}

func (db *Postgres) countOf(ctx context.Context, query string) (map[string]int, error) {
	rows, err := db.pool.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	all := make(map[string]int)
	var of string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&of, &n}, func() error { all[of] = n; return nil })
	return all, err
}

// Unencrypted names the hosts of a URL, other than this machine, to which a
// connection may go without TLS.
func Unencrypted(u auth.Secret) (hosts []string) {
	config, err := pgconn.ParseConfig(u.Reveal())
	if err != nil {
		return nil
	}
	see := func(host string, encrypted bool) {
		ip := net.ParseIP(host)
		if !encrypted && !slices.Contains(hosts, host) && !strings.HasPrefix(host, "/") && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			hosts = append(hosts, host)
		}
	}
	see(config.Host, config.TLSConfig != nil)
	for _, f := range config.Fallbacks {
		see(f.Host, f.TLSConfig != nil)
	}
	return hosts
}
