package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// pgVersionTable keeps the schema's version. It has a name of its own, so that
// a schema of another program that uses goose is known as such.
const pgVersionTable = "gatehouse_migrations"

// migrationLock is the number of the lock under which one process migrates.
const migrationLock = 0x67617465686f7573

// MigratePostgres is [Migrate] for PostgreSQL.
func MigratePostgres(ctx context.Context, o PostgresOptions) ([]Migration, error) {
	o.Migrate = true
	db, err := connectPostgres(ctx, o)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	before, err := db.version(ctx)
	if err != nil {
		return nil, err
	}
	if err := db.checkSchema(ctx); err != nil {
		return nil, err
	}
	return appliedSince(forPostgres, before), nil
}

// StatusPostgres is [Status] for PostgreSQL.
func StatusPostgres(ctx context.Context, o PostgresOptions) ([]Migration, error) {
	db, err := connectPostgres(ctx, o)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	at, err := db.version(ctx)
	if err != nil {
		return nil, err
	}
	return status(forPostgres, db.away.where, at)
}

func (db *Postgres) checkSchema(ctx context.Context) error {
	at, err := db.version(ctx)
	newest := newest(forPostgres)
	switch {
	case err != nil:
		return err
	case at > newest:
		return &NewerError{db.away.where, at, newest}
	case at == newest:
		return nil
	case at == 0 && db.o.MustExist:
		return &MissingError{Path: db.away.where, Tables: true}
	case !db.o.Migrate:
		return &OutdatedError{db.away.where, at, newest}
	}
	if err := db.applyMigrations(ctx); err != nil {
		return describePostgres("bring the schema of "+db.away.where+" up to date", err)
	}
	db.o.Logger.Info("database schema brought up to date", "from", at, "to", newest)
	return nil
}

// applyMigrations runs them one process at a time. The lock is a transaction's,
// which a pooler cannot leave behind.
func (db *Postgres) applyMigrations(ctx context.Context) (err error) {
	turn, err := db.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = turn.Rollback(ctx) }()
	if _, err := turn.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
		return err
	}
	pool := stdlib.OpenDB(*db.pool.Config().ConnConfig)
	defer func() { err = errors.Join(err, pool.Close()) }()
	files, err := fs.Sub(migrations, forPostgres)
	if err != nil {
		return err
	}
	versions, err := database.NewStore(database.DialectPostgres, pgVersionTable)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider("", pool, files, goose.WithStore(versions),
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// version returns the schema's version, zero for an empty one. Somebody else's
// tables are refused.
func (db *Postgres) version(ctx context.Context) (at int64, err error) {
	doing := "read the schema of " + db.away.where
	var schema *string
	var tables int
	var ours bool
	err = db.pool.QueryRow(ctx, `SELECT current_schema(), count(*), coalesce(bool_or(tablename = '`+pgVersionTable+`'), false)
		FROM pg_tables WHERE schemaname = current_schema()`).Scan(&schema, &tables, &ours)
	switch {
	case err != nil:
		return 0, describePostgres(doing, err)
	case schema == nil:
		return 0, fmt.Errorf("sqlstore: %s: the schema that search_path names does not exist, or the user may not use it", doing)
	case tables == 0:
		return 0, nil
	case !ours:
		return 0, fmt.Errorf("sqlstore: the schema %q of %s holds the tables of another program; give Gatehouse a database or a schema of its own (search_path in database.url)", *schema, db.away.where)
	}
	err = db.pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+pgVersionTable).Scan(&at)
	return at, describePostgres(doing, err)
}
