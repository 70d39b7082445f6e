package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// The folders of each database's migrations.
const (
	forSQLite   = "migrations/sqlite"
	forPostgres = "migrations/postgres"
)

// versionTable is goose's.
const versionTable = "goose_db_version"

// NewerError says that a newer program has changed the database. Going on
// could destroy what this program does not know of.
type NewerError struct {
	// Path is the file, or host and name of a PostgreSQL database.
	Path string
	// Database is the version it has, Program the newest known here.
	Database, Program int64
}

// Error names both versions and the cure.
func (e *NewerError) Error() string {
	return fmt.Sprintf("sqlstore: %s has schema version %d, this program knows only up to %d; use the newer program, or restore a backup made before it", e.Path, e.Database, e.Program)
}

// OutdatedError says that the schema must be brought up to date first.
type OutdatedError struct {
	// Path is the file, or host and name of a PostgreSQL database.
	Path string
	// Database is the version it has, Program the one needed.
	Database, Program int64
}

// Error names both versions and the cure.
func (e *OutdatedError) Error() string {
	return fmt.Sprintf("sqlstore: %s has schema version %d, this program needs %d; run: gatehouse migrate", e.Path, e.Database, e.Program)
}

// Migration is one step of the schema.
type Migration struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
	// Applied says whether the database has it.
	Applied bool `json:"applied"`
}

// Migrate creates the database if need be, brings its schema up to this
// program's version, and returns the migrations it applied: none when there
// was nothing to do. It returns [*NewerError] as [Open] does.
func Migrate(ctx context.Context, o Options) ([]Migration, error) {
	o = o.withDefaults()
	if err := o.prepare(); err != nil {
		return nil, err
	}
	db, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	before, err := db.version(ctx)
	if err != nil {
		return nil, err
	}
	o.Migrate = true
	if err := db.checkSchema(ctx, o); err != nil {
		return nil, err
	}
	return appliedSince(forSQLite, before), nil
}

func appliedSince(of string, before int64) (applied []Migration) {
	for _, m := range known(of) {
		if m.Version > before {
			m.Applied = true
			applied = append(applied, m)
		}
	}
	return applied
}

// Status returns every migration this program knows and whether the database
// has it. It changes no schema, and returns [*NewerError] as [Open] does. A
// file that does not exist is a [*MissingError].
func Status(ctx context.Context, o Options) ([]Migration, error) {
	o = o.withDefaults()
	o.MustExist = true
	if err := o.prepare(); err != nil {
		return nil, err
	}
	db, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	at, err := db.version(ctx)
	if err != nil {
		return nil, err
	}
	return status(forSQLite, o.Path, at)
}

func status(of, path string, at int64) ([]Migration, error) {
	all := known(of)
	if at > newest(of) {
		return nil, &NewerError{path, at, newest(of)}
	}
	for i := range all {
		all[i].Applied = all[i].Version <= at
	}
	return all, nil
}

// checkSchema refuses or migrates. goose is slow beside two small queries, so
// it is asked only when something is to be applied.
func (db *DB) checkSchema(ctx context.Context, o Options) error {
	const attempts = 20
	for attempt := 1; ; attempt++ {
		at, err := db.version(ctx)
		switch {
		case err != nil:
			return err
		case at > newest(forSQLite):
			return &NewerError{o.Path, at, newest(forSQLite)}
		case at == newest(forSQLite):
			return nil
		case !o.Migrate:
			return &OutdatedError{o.Path, at, newest(forSQLite)}
		}
		// Another process may be doing the same at this moment: each step is a
		// transaction, so one of the two fails and looks again.
		err = applyMigrations(ctx, o)
		if err == nil {
			o.Logger.Info("database schema brought up to date", "from", at, "to", newest(forSQLite))
			continue
		}
		if attempt == attempts || ctx.Err() != nil || !raced(err) {
			return describe("bring the schema of "+db.path+" up to date", err)
		}
	}
}

// raced says whether a migration failed because somebody else did it first.
func raced(err error) bool {
	return busy(err) || strings.Contains(err.Error(), "already exists") || strings.Contains(err.Error(), "duplicate column name") || strings.Contains(err.Error(), "locked")
}

func applyMigrations(ctx context.Context, o Options) (err error) {
	query := pragmas()
	query.Set("_txlock", "immediate")
	pool, err := openPool(o.Path, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetMaxIdleConns(1)
	files, err := fs.Sub(migrations, forSQLite)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, files,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// version returns the schema's version, zero for a new file. A database with
// somebody else's tables is refused.
func (db *DB) version(ctx context.Context) (int64, error) {
	type tables struct {
		count int64
		ours  sql.NullInt64
	}
	found, err := collect(ctx, db.writer.conn, func(row scanner) (t tables, err error) {
		return t, row.Scan(&t.count, &t.ours)
	}, "SELECT count(*), max(name = '"+versionTable+"') FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
	if err != nil {
		return 0, describe("read the schema of "+db.path, err)
	}
	switch {
	case found[0].count == 0:
		return 0, nil
	case found[0].ours.Int64 == 0:
		return 0, fmt.Errorf("sqlstore: %s is the database of another program; give Gatehouse a file of its own", db.path)
	}
	at, err := collect(ctx, db.writer.conn, scanInt64, "SELECT coalesce(max(version_id), 0) FROM "+versionTable)
	if err != nil {
		return 0, describe("read the schema version of "+db.path, err)
	}
	return at[0], nil
}

// known returns the embedded migrations of a database in order of their
// numbers.
func known(of string) []Migration {
	files, err := migrations.ReadDir(of)
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	var all []Migration
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic(err) // embedded: a test reads every name
		}
		all = append(all, Migration{Version: version, Name: strings.TrimSuffix(path.Base(f.Name()), ".sql")})
	}
	return all
}

func newest(of string) int64 {
	all := known(of)
	return all[len(all)-1].Version
}
