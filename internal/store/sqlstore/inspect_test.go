package sqlstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

func inspect(t *testing.T, path string) sqlstore.Inspection {
	t.Helper()
	found, err := sqlstore.Inspect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestInspect_tellsTheStateOfTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	if _, err := sqlstore.Inspect(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it was made")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := inspect(t, path); got.Version != 0 || got.Foreign || len(got.Damage) > 0 {
		t.Errorf("an empty file: %+v", got)
	}
	if err := open(path, true); err != nil {
		t.Fatal(err)
	}
	if got := inspect(t, path); got.Version != got.Program || got.Version == 0 || !got.Newest.IsZero() {
		t.Errorf("a new database: %+v", got)
	}
	at := time.Date(2026, 11, 21, 12, 0, 0, 5000, time.UTC)
	rawExec(t, path, "INSERT INTO events (id, at, type, actor, user_id, session_id, address, detail) VALUES ('e', ?, 't', '', '', '', '', '')", at.UnixMicro())
	if got := inspect(t, path); !got.Newest.Equal(at) {
		t.Errorf("the newest record is of %v", got.Newest)
	}
	rawExec(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
	if got := inspect(t, path); got.Version != 999 || got.Program >= 999 {
		t.Errorf("of a newer program: %+v", got)
	}
}

func TestInspect_worksBesideTheServerAndChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	openAt(t, path)
	if got := inspect(t, path); got.Version == 0 || len(got.Damage) > 0 {
		t.Errorf("%+v", got)
	}
	rawExec(t, path, "UPDATE users SET name = name") // can still be written
}

func TestServerHolds_asksWithoutMakingTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	if held, _, err := sqlstore.ServerHolds(path); held || err != nil {
		t.Errorf("nothing is there: %v, %v", held, err)
	}
	if _, err := os.Stat(path + ".lock"); err == nil {
		t.Error("the lock file was made")
	}
	release, err := sqlstore.LockServer(path)
	if err != nil {
		t.Fatal(err)
	}
	if held, pid, err := sqlstore.ServerHolds(path); !held || pid != strconv.Itoa(os.Getpid()) || err != nil {
		t.Errorf("held: %v, %q, %v", held, pid, err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if held, _, err := sqlstore.ServerHolds(path); held || err != nil {
		t.Errorf("released: %v, %v", held, err)
	}
	if release, err = sqlstore.LockServer(path); err != nil {
		t.Errorf("the question kept the lock: %v", err)
	} else {
		_ = release()
	}
}
