package sqlstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

func TestLockServer_refusesSecondServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	openAt(t, path)
	release, err := sqlstore.LockServer(path)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{path, link} {
		_, err := sqlstore.LockServer(name)
		var running *sqlstore.ServerRunningError
		if !errors.As(err, &running) {
			t.Fatalf("%s: got %v, want a ServerRunningError", name, err)
		}
		for _, part := range []string{path + " ", path + ".lock", strconv.Itoa(os.Getpid()), "stop it", "database.path"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
		if strings.Contains(err.Error(), "sqlstore") {
			t.Errorf("%q names a package, and operators read it", err)
		}
	}
	openAt(t, path) // a tool needs no lock
	if err := errors.Join(release(), release()); err != nil {
		t.Error(err)
	}
	release, err = sqlstore.LockServer(path)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	_ = release()
}

func TestLockServer_missingFolderSaysSo(t *testing.T) {
	_, err := sqlstore.LockServer(filepath.Join(t.TempDir(), "none", "gatehouse.db"))
	var running *sqlstore.ServerRunningError
	if err == nil || errors.As(err, &running) {
		t.Errorf("got %v, want a failure to make the file", err)
	}
}
