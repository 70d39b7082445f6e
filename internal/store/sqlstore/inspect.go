package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Inspection is what [Inspect] found.
type Inspection struct {
	// Version is the schema's, Program the newest known here. Version is zero
	// for an empty file.
	Version, Program int64
	// Foreign: the tables are another program's.
	Foreign bool
	// Damage is what SQLite's own check found, a few lines at most; empty when
	// the file is whole.
	Damage []string
	// Newest is when the newest event was recorded; zero when there is none.
	Newest time.Time
	// Peppers counts the password hashes that need each pepper, by its ID.
	Peppers map[string]int
	// OldIDs counts the IDs of a migration at each mount that has any.
	OldIDs map[string]int
	// Keys are the rows of the signing keys, the oldest first, their private parts
	// sealed.
	Keys []auth.Key
}

// maxDamage is how many lines of the check are kept.
const maxDamage = 3

// Inspect looks at the database and changes nothing: no file is made, no schema
// migrated. It may be called beside a running server. A file that does not
// exist is an error that wraps fs.ErrNotExist.
func Inspect(ctx context.Context, path string) (found Inspection, err error) {
	found.Program = newest(forSQLite)
	info, err := os.Stat(path)
	if err != nil {
		return found, fmt.Errorf("sqlstore: inspect: %w", err)
	}
	if info.Size() == 0 {
		return found, nil
	}
	query := url.Values{"mode": {"ro"}, "_dqs": {"0"}, "_pragma": {"busy_timeout(5000)", "query_only(ON)", "trusted_schema(OFF)"}}
	if log, err := os.Stat(path + "-wal"); err != nil || log.Size() == 0 {
		// All of it is in the one file, and nobody writes: SQLite would make its
		// other files only to have somewhere to lock.
		if _, err := os.Stat(path + "-shm"); err != nil {
			query.Set("immutable", "1")
		}
	}
	pool, err := openPool(path, query)
	if err != nil {
		return found, describe("inspect "+path, err)
	}
	defer pool.Close()
	c, err := connect(ctx, pool)
	if err == nil {
		defer c.close()
		err = found.look(ctx, c)
	}
	if damaged(err) {
		found.Damage = append(found.Damage, err.Error())
		return found, nil
	}
	return found, describe("inspect "+path, err)
}

func (found *Inspection) look(ctx context.Context, c *connection) error {
	lines, err := collect(ctx, c, scanString, fmt.Sprintf("PRAGMA quick_check(%d)", maxDamage))
	if err != nil {
		return err
	}
	if len(lines) != 1 || lines[0] != "ok" {
		found.Damage = lines
		return nil
	}
	names, err := collect(ctx, c, scanString, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name = '"+versionTable+"'")
	if err != nil || len(names) == 0 {
		return err
	}
	if names[len(names)-1] != versionTable {
		found.Foreign = true
		return nil
	}
	at, err := collect(ctx, c, scanInt64, "SELECT coalesce(max(version_id), 0) FROM "+versionTable)
	if err != nil {
		return err
	}
	if found.Version = at[0]; found.Version != found.Program {
		return nil // its tables are not those that this program knows
	}
	newest, err := collect(ctx, c, func(row scanner) (at sql.NullInt64, err error) { return at, row.Scan(&at) }, "SELECT max(at) FROM events")
	if err == nil && newest[0].Valid {
		found.Newest = time.UnixMicro(newest[0].Int64).UTC()
	}
	if err != nil {
		return err
	}
	if found.OldIDs, err = countOf(ctx, c, "SELECT mount, count(*) FROM old_ids GROUP BY 1"); err != nil {
		return err
	}
	if found.Keys, err = collect(ctx, c, scanKey, listKeys); err != nil {
		return err
	}
	found.Peppers, err = countOf(ctx, c, countPeppers)
	return err
}

// countPeppers knows the beginning of a hash with a pepper, which is package
// password's: "$hmac-sha256$keyid=" and an ID of twelve digits.
const countPeppers = `SELECT substr(hash, 20, 12), count(*) FROM passwords WHERE hash GLOB '$hmac-sha256$keyid=????????????$*' GROUP BY 1`

func countOf(ctx context.Context, c *connection, query string) (map[string]int, error) {
	type count struct {
		of string
		n  int
	}
	counts, err := collect(ctx, c, func(row scanner) (x count, err error) { return x, row.Scan(&x.of, &x.n) }, query)
	all := make(map[string]int, len(counts))
	for _, x := range counts {
		all[x.of] = x.n
	}
	return all, err
}

// damaged says whether SQLite gave the file up.
func damaged(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// ServerHolds says whether a server has the database at path, and its process
// as it wrote it down. It makes no file. It takes the lock for an instant where
// nobody has it.
func ServerHolds(path string) (held bool, pid string, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.Open(path + ".lock")
	if errors.Is(err, os.ErrNotExist) {
		return false, "", nil
	}
	if err != nil {
		return false, "", fmt.Errorf("sqlstore: look at the lock: %w", err)
	}
	defer f.Close() // gives the lock back
	switch err := tryLock(f); {
	case errors.Is(err, errHeld):
		text, _ := io.ReadAll(io.LimitReader(f, 32))
		return true, strings.TrimSpace(string(text)), nil
	case err != nil:
		return false, "", fmt.Errorf("sqlstore: look at the lock: %w", err)
	}
	return false, "", nil
}
