//go:build unix

package sqlstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Run by root on a database that a killed server left behind, it leaves no file
// that the server's account could not write.
func TestInspect_leavesNothingOfRootsBehind(t *testing.T) {
	dir := t.TempDir()
	live, path := filepath.Join(dir, "live.db"), filepath.Join(dir, "gatehouse.db")
	openAt(t, live)
	rawExec(t, live, "UPDATE users SET name = name")
	for _, end := range []string{"", "-wal"} { // as after kill -9, with the shared memory gone
		content, err := os.ReadFile(live + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+end, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path+end, 4321, 4321); err != nil {
			t.Skip(err)
		}
	}
	if got := inspect(t, path); got.Version == 0 {
		t.Errorf("%+v", got)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + end)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if s, ok := info.Sys().(*syscall.Stat_t); err != nil || !ok || s.Uid != 4321 {
			t.Errorf("%s: %v, %+v", end, err, info.Sys())
		}
	}
}
