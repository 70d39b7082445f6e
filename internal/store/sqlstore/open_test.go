package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// rawExec changes a database file past the store.
func rawExec(t *testing.T, path, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

func rawString(t *testing.T, path, query string) (s string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func open(path string, migrate bool) error {
	db, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: path, Migrate: migrate})
	if err != nil {
		return err
	}
	return db.Close()
}

func TestOpen_filesAreTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes are not Windows's")
	}
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	openAt(t, path)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(name), info.Mode())
		}
	}
}

func TestOpen_nameWithEverySignIsOneFile(t *testing.T) {
	dir := t.TempDir()
	name := "a b?mode=memory&c#d%41+ü.db"
	if runtime.GOOS == "windows" {
		name = "a b&c#d%41+ü.db"
	}
	if err := open(filepath.Join(dir, name), true); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Name() != name {
		t.Errorf("got files %v, want %s alone", files, name)
	}
}

func TestOpen_settingsOfEveryConnection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	openAt(t, path)
	if got := rawString(t, path, "PRAGMA journal_mode"); got != "wal" {
		t.Errorf("journal mode is %q, want wal", got)
	}
	for query, want := range map[string]string{
		"PRAGMA synchronous": "2", "PRAGMA foreign_keys": "1", "PRAGMA busy_timeout": "5000", "PRAGMA trusted_schema": "0",
	} {
		for who, got := range sqlstore.Ask(t.Context(), openAt(t, path), query) {
			if got != want {
				t.Errorf("%s of the %s is %s, want %s", query, who, got, want)
			}
		}
	}
	if got := sqlstore.Ask(t.Context(), openAt(t, path), "PRAGMA query_only"); got["reader"] != "1" || got["writer"] != "0" {
		t.Errorf("query_only is %v, want the reader alone", got)
	}
}

func TestOpen_missingFolderSaysSo(t *testing.T) {
	err := open(filepath.Join(t.TempDir(), "none", "gatehouse.db"), true)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "folder does not exist") {
		t.Errorf("got %v, want a missing folder", err)
	}
}

func TestOpen_refusesNewerDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	if err := open(path, true); err != nil {
		t.Fatal(err)
	}
	rawExec(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (4711, 1)")
	_, migrated := sqlstore.Migrate(t.Context(), sqlstore.Options{Path: path})
	_, status := sqlstore.Status(t.Context(), sqlstore.Options{Path: path})
	for doing, err := range map[string]error{"open": open(path, false), "open and migrate": open(path, true), "migrate": migrated, "status": status} {
		var newer *sqlstore.NewerError
		if !errors.As(err, &newer) || newer.Database != 4711 || newer.Program != sqlstore.Newest() {
			t.Errorf("%s: got %v, want a NewerError with both versions", doing, err)
		}
	}
}

func TestOpen_refusesOutdatedDatabaseUnlessToldToMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	var old *sqlstore.OutdatedError
	if err := open(path, false); !errors.As(err, &old) || old.Database != 0 || old.Program != sqlstore.Newest() {
		t.Errorf("got %v, want an OutdatedError with both versions", err)
	}
	if err := open(path, true); err != nil {
		t.Errorf("with Migrate: %v", err)
	}
	if err := open(path, false); err != nil {
		t.Errorf("migrated: %v", err)
	}
}

func TestOpen_refusesForeignFiles(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.db")
	rawExec(t, other, "CREATE TABLE users (id)")
	if err := open(other, true); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("another program's database: got %v", err)
	}
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(text, true); err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("a text file: got %v", err)
	}
}

// The file of a new database may be opened by a server and a tool at once.
func TestOpen_atOnceOnOneNewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = open(path, true) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got := rawString(t, path, "SELECT count(*) FROM goose_db_version WHERE version_id = 1"); got != "1" {
		t.Errorf("the first migration is written down %s times, want once", got)
	}
}

func TestMigrate_saysWhatItApplied(t *testing.T) {
	o := sqlstore.Options{Path: filepath.Join(t.TempDir(), "gatehouse.db")}
	if _, err := sqlstore.Status(t.Context(), o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("status of no file: got %v, want %v", err, fs.ErrNotExist)
	}
	applied, err := sqlstore.Migrate(t.Context(), o)
	if err != nil || len(applied) == 0 || applied[len(applied)-1].Version != sqlstore.Newest() || applied[0].Name != "00001_first_tables" || !applied[0].Applied {
		t.Errorf("got %v, %v; want all migrations", applied, err)
	}
	again, err := sqlstore.Migrate(t.Context(), o)
	if err != nil || len(again) != 0 {
		t.Errorf("second time: got %v, %v; want none", again, err)
	}
	status, err := sqlstore.Status(t.Context(), o)
	if err != nil || len(status) != len(applied) || !status[len(status)-1].Applied {
		t.Errorf("status: got %v, %v; want all applied", status, err)
	}
}

// Every query of the nouns is answered by an index: none may read or sort a
// whole table that grows.
func TestSchema_hasAnIndexForEveryQuery(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	db := openAt(t, path)
	for query, plan := range sqlstore.Plans(t, db) {
		for _, step := range plan {
			if step == "SCAN keys" || step == "SCAN roles" || step == "SCAN holders" || step == "SCAN naming" {
				continue // there are some keys and roles, never many; holders and API keys naming a role are those that were found
			}
			if step == "SCAN event_marks" || strings.Contains(step, "VIRTUAL TABLE") {
				continue // three marks; and the list that a statement was given
			}
			if strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "USING INDEX") && !strings.Contains(step, "USING COVERING INDEX") && !strings.Contains(step, "CONSTANT ROW") {
				t.Errorf("%s\n reads a whole table: %s", query, step)
			}
		}
	}
}

// BenchmarkOpen is the start-up of a migrated database.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "gatehouse.db")
	if err := open(path, true); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := open(path, true); err != nil {
			b.Fatal(err)
		}
	}
}
