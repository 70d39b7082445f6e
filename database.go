package gatehouse

import (
	"context"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
)

// openStore opens the database that the settings name.
func openStore(ctx context.Context, cfg Config, mustExist bool, watch *telemetry.Telemetry) (store.Store, error) {
	if cfg.Database.URL != "" {
		o := cfg.Database.postgres(cfg)
		o.MustExist, o.Migrate, o.Watch = mustExist, !cfg.Database.SkipMigrate, watch.Commit()
		db, err := sqlstore.OpenPostgres(ctx, o)
		if err != nil {
			return nil, err
		}
		cfg.warnUnencrypted()
		return db, nil
	}
	db, err := sqlstore.Open(ctx, sqlstore.Options{
		Path: cfg.Database.Path, MustExist: mustExist, Migrate: !cfg.Database.SkipMigrate, Watch: watch.Commit(), Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	return db, nil
}

// warnUnencrypted says, once the database is open, that what goes there can be
// read on the way.
func (c Config) warnUnencrypted() {
	hosts := sqlstore.Unencrypted(c.Database.URL)
	if c.Database.FeedURL != "" {
		hosts = append(hosts, sqlstore.Unencrypted(c.Database.FeedURL)...)
	}
	slices.Sort(hosts)
	if hosts = slices.Compact(hosts); len(hosts) > 0 {
		c.Logger.Warn("the database is reached over the network without TLS: whoever is on the way reads hashes and addresses, and can take the server's place; "+
			"set sslmode=verify-full and sslrootcert in database.url, and in database.feed_url", "database", strings.Join(hosts, ","))
	}
}

func (d Database) postgres(cfg Config) sqlstore.PostgresOptions {
	return sqlstore.PostgresOptions{
		URL: d.URL, FeedURL: d.FeedURL, MaxConns: d.MaxConnections, StatementTimeout: d.StatementTimeout, Logger: cfg.Logger,
	}
}

// migrate brings the schema up to date and returns what was done, and all that
// there is.
func (d Database) migrate(ctx context.Context, cfg Config) (done, all []sqlstore.Migration, err error) {
	if d.URL != "" {
		o := d.postgres(cfg)
		if done, err = sqlstore.MigratePostgres(ctx, o); err != nil {
			return nil, nil, err
		}
		all, err = sqlstore.StatusPostgres(ctx, o)
		return done, all, err
	}
	o := sqlstore.Options{Path: d.Path, Logger: cfg.Logger}
	if done, err = sqlstore.Migrate(ctx, o); err != nil {
		return nil, nil, err
	}
	all, err = sqlstore.Status(ctx, o)
	return done, all, err
}

// Inspect looks at the database and changes nothing; see [InspectDatabase].
func (d Database) Inspect(ctx context.Context) (state DatabaseState, err error) {
	if d.URL == "" {
		return InspectDatabase(ctx, d.Path)
	}
	state.Postgres = new(sqlstore.PostgresState)
	state.Inspection, *state.Postgres, err = sqlstore.InspectPostgres(ctx, d.postgres(Config{}))
	return state, err
}

// Where names the database for people: the file, or host, port and name of a
// PostgreSQL database. It shows no password.
func (d Database) Where() string {
	if d.URL != "" {
		return sqlstore.Where(d.URL)
	}
	return d.Path
}

// DatabaseAway says whether an error of [New] means that the database server
// could not be reached or is still starting, so that trying again may help.
func DatabaseAway(err error) bool { return sqlstore.Away(err) }
