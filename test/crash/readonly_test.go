//go:build linux

package crash_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// somebody is a user who owns nothing and may do nothing special.
const somebody = 65534

// unprivileged makes the site run as somebody to whom modes of files mean
// something, and gives them its files.
func (s *site) unprivileged(files ...string) {
	s.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	s.as = &syscall.Credential{Uid: somebody, Gid: somebody}
	for _, name := range append(files, s.settings, filepath.Dir(s.settings)) {
		if err := os.Chown(name, somebody, somebody); err != nil {
			s.t.Fatal(err)
		}
	}
}

// contents are the files of a folder, by name.
func contents(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = b
	}
	return all
}

// Where the database may only be read, everything that would have to write says
// so, names the file and what to look at, and leaves it as it is. Once it may be
// written, all works.
func TestReadOnly_isAnErrorThatNamesFileAndCure(t *testing.T) {
	chmod := func(t *testing.T, name string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		killed bool // the last server left its log behind
		lock   func(t *testing.T, data string) (unlock func())
	}{
		"the file": {false, func(t *testing.T, data string) func() {
			chmod(t, filepath.Join(data, "gatehouse.db"), 0o444)
			return func() { chmod(t, filepath.Join(data, "gatehouse.db"), 0o600) }
		}},
		"the file, after a kill": {true, func(t *testing.T, data string) func() {
			chmod(t, filepath.Join(data, "gatehouse.db"), 0o444)
			return func() { chmod(t, filepath.Join(data, "gatehouse.db"), 0o600) }
		}},
		"the folder": {false, func(t *testing.T, data string) func() {
			chmod(t, data, 0o555)
			return func() { chmod(t, data, 0o755) }
		}},
		"the disk":               {false, remounted},
		"the disk, after a kill": {true, remounted},
	} {
		t.Run(name, func(t *testing.T) {
			data := folder(t)
			if strings.HasPrefix(name, "the disk") {
				data = smallDisk(t, "16m")
			}
			s := newSite(t, data)
			s.unprivileged(data)
			s.createUser("first@crash.test", "seven blue lanterns in rain")
			s.start()
			if tt.killed {
				s.createUser("second@crash.test", "seven blue lanterns in rain")
				s.server.kill()
			} else {
				s.end()
			}
			unlock := tt.lock(t, data)
			before := contents(t, data)
			s.launch()
			said, code := s.ended()
			namesFileAndCure(t, s, "serve", said, code)
			_, said, code = s.command("seven blue lanterns in rain\n", "user", "create", "c1@crash.test", "--password-stdin")
			namesFileAndCure(t, s, "user create", said, code)
			out, said, code := s.command(importLines, "user", "import", "-")
			namesFileAndCure(t, s, "user import", out+said, code)
			for name, was := range before {
				if now := contents(t, data)[name]; !strings.HasSuffix(name, ".lock") && !strings.HasSuffix(name, "-shm") && !bytes.Equal(was, now) {
					t.Errorf("%s was changed", name)
				}
			}
			unlock()
			s.start()
			s.createUser("last@crash.test", "seven blue lanterns in rain")
			none(t, s, "c1@crash.test", "i1@crash.test", "i2@crash.test")
		})
	}
}

// remounted makes a disk read-only.
func remounted(t *testing.T, disk string) func() {
	t.Helper()
	again := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	again(unix.MS_RDONLY)
	return func() { again(0) }
}

func namesFileAndCure(t *testing.T, s *site, what, said string, code int) {
	t.Helper()
	if code != 1 || !strings.Contains(said, s.database) || !strings.Contains(said, "check ") && !strings.Contains(said, "must be able to write") {
		t.Errorf("%s: exit code %d: %s", what, code, said)
	}
}
