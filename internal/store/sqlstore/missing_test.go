package sqlstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

func mustExist(t *testing.T, path string) error {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: path, Migrate: true, MustExist: true})
	if err != nil {
		return err
	}
	return db.Close()
}

// killed is a database whose server ended without closing it: what was written
// last is in the log alone.
func killed(t *testing.T) (path string) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "gatehouse.db")
	db := openAt(t, from)
	if err := db.CreateUser(t.Context(), auth.User{ID: "usr_1", Email: "ada@example.org"}); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "gatehouse.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func absent(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v, want no such file", filepath.Base(path), err)
	}
}

func TestOpen_mustExistMakesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	var missing *sqlstore.MissingError
	if err := mustExist(t, path); !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) ||
		err.Error() != "there is no database at "+path+"; correct database.path, or start the server once" {
		t.Errorf("got %v, want a MissingError", err)
	}
	absent(t, path)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if err := errors.Join(open(link, true), mustExist(t, link)); !errors.As(err, &missing) || missing.Path != link {
		t.Errorf("a link that leads nowhere: %v", err)
	}
	absent(t, path)
	if err := errors.Join(open(path, true), mustExist(t, path), mustExist(t, link)); err != nil {
		t.Errorf("it exists: %v", err)
	}
}

// A database is moved away while its server runs, something else opens the
// path, the server is killed, and the file moved back: nothing is lost.
func TestOpen_leavesTheLogOfAMovedDatabaseAlone(t *testing.T) {
	path := killed(t)
	away := path + ".away"
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	if err := mustExist(t, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a command: %v", err)
	}
	_, migrated := sqlstore.Migrate(t.Context(), sqlstore.Options{Path: path})
	for what, err := range map[string]error{"open": open(path, true), "migrate": migrated} {
		if err == nil || !strings.Contains(err.Error(), path+"-wal lies there without its database: put the database back, or move the -wal away") {
			t.Errorf("%s: %v", what, err)
		}
	}
	absent(t, path)

	if err := os.WriteFile(path, nil, 0o600); err != nil { // as touch would
		t.Fatal(err)
	}
	for what, err := range map[string]error{"open": open(path, true), "must exist": mustExist(t, path)} {
		if err == nil || !strings.Contains(err.Error(), "is empty, and the "+path+"-wal beside it is not") {
			t.Errorf("%s of an empty file: %v", what, err)
		}
	}

	if err := os.Rename(away, path); err != nil {
		t.Fatal(err)
	}
	if u, err := openAt(t, path).User(t.Context(), "usr_1"); err != nil || u.Email != "ada@example.org" {
		t.Errorf("moved back: %+v, %v, want what was written last", u, err)
	}
}

func TestOpen_refusesToCreateBesideRemains(t *testing.T) {
	for _, suffix := range []string{"-wal", "-journal", "-shm"} {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		if err := os.WriteFile(path+suffix, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := open(path, true); err == nil || !strings.Contains(err.Error(), "move the "+suffix+" away") {
			t.Errorf("beside %s: %v", suffix, err)
		}
		absent(t, path)
	}
}

// What a server opens anew while it runs must not make a stray file either.
func TestOpenFeed_makesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	db := openAt(t, path)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	feed, err := db.OpenFeed(t.Context())
	if err == nil {
		err = feed.Load(t.Context(), func(auth.Change) {})
		_ = feed.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "check that the file is where database.path says") {
		t.Errorf("got %v, want a refusal", err)
	}
	absent(t, path)
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
}

// SQLITE_IOERR_SHORT_READ (522) is what a moved file looks like to SQLite.
func TestFailure_ofTheDiskNamesMovedFilesToo(t *testing.T) {
	if got := sqlstore.Plain(522); !strings.Contains(got, "or the file was moved or replaced while it was open: see gatehouse doctor") {
		t.Errorf("code 522: %q", got)
	}
}
