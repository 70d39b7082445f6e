//go:build linux

package crash_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk is a file system of that size, for as long as the test runs. Only
// root may mount; the test of a limit on the size of files runs for everybody.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := folder(t)
	if err := unix.Mount("gatehouse-crash", dir, "tmpfs", 0, "mode=0777,size="+size); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill leaves so many bytes on the disk and returns what gives the rest back.
func fill(t *testing.T, disk string, leave int) (empty func()) {
	t.Helper()
	name := filepath.Join(disk, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if leave > 0 {
		info, err := f.Stat()
		if err == nil {
			err = f.Truncate(max(0, info.Size()-int64(leave)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		t.Helper()
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// A full disk refuses what must be written and nothing else: who is signed in
// stays so. It is over when there is room again, without a restart.
func TestFullDisk_refusesWhatMustBeWrittenAndLeavesNothingHalfDone(t *testing.T) {
	dice, disk := chance(t), smallDisk(t, "16m")
	s := newSite(t, disk)
	s.forgetful = true
	s.start()
	clients := newClients(s, 4, dice)
	enough(clients, 30)

	empty := fill(t, disk, 0)
	said := len(s.server.said.String())
	starve(t, s, clients)
	if status, body := s.readiness(); status != http.StatusOK { // as docs/operating.md says: it answers, and sessions are checked
		t.Errorf("not ready: %d %s", status, body)
	}
	causesOf(t, s.server.said.String()[said:], "the disk is full")
	commandsOnFullDisk(t, s)
	empty()
	enough(clients, 20)
	report(t, verify(s, clients, dice))
	if t.Failed() {
		t.Fatal("after there was room again")
	}

	// Killed while it is full, and started again before there is room.
	empty = fill(t, disk, 0)
	starve(t, s, clients)
	s.server.kill()
	s.start()
	starve(t, s, clients)
	empty()
	enough(clients, 5)
	report(t, verify(s, clients, dice))
	all := together(clients)
	t.Logf("acknowledged: %v; refused: %v", all.acknowledged, all.refused)
}

// starve asks for everything that must be written, on a server that cannot, and
// sees that it is refused and that sessions are checked all the same.
func starve(t *testing.T, s *site, clients []*client) {
	t.Helper()
	c := clients[0]
	for n := 0; ; n++ { // what is left in the log's own pages may be used up first
		before := c.refused["registration, unavailable"]
		if !c.register() {
			t.Fatal("the server is gone")
		}
		if c.refused["registration, unavailable"] > before {
			break
		}
		if n == 200 {
			t.Fatal("a full disk takes everything")
		}
	}
	a := &account{email: "u" + c.aWord() + "@crash.test"}
	for _, known := range c.accounts {
		if len(known.live()) > 0 {
			a = known
		}
	}
	if len(a.visits) == 0 {
		t.Fatal("nobody is signed in")
	}
	before := together(clients).acknowledged
	for range 3 {
		v := a.live()[0]
		_ = c.register() && c.signIn(a) && c.signIn(a) && c.guess(a) && c.change(a, v) && c.signOut(a, v)
	}
	after := together(clients)
	for _, what := range []string{"registration", "password change", "sign-out"} {
		if after.refused[what+", unavailable"] == 0 || after.acknowledged[what] != before[what] {
			t.Errorf("%s on a full disk: %d acknowledged, %v", what, after.acknowledged[what]-before[what], after.refused)
		}
	}
	// A wrong password is not judged where it cannot be counted.
	if after.refused["wrong password "+v4.base+", unavailable"]+after.refused["wrong password "+v5.base+", unavailable"] == 0 {
		t.Errorf("wrong passwords on a full disk: %v", after.refused)
	}
	v := &verification{site: s, all: after}
	v.cookies()
	report(t, append(v.findings, after.findings...))
	for _, c := range clients {
		c.findings = nil
	}
}

var otherLine = regexp.MustCompile(`(?m)^.*level=(WARN|ERROR) msg=([^r]|r[^e]|re[^q]).*$`)

// causesOf sees that the log names the cause with each failed request, in an
// operator's words, and is not flooded beside that.
func causesOf(t *testing.T, log, cause string) {
	t.Helper()
	failed := 0
	for line := range strings.Lines(log) {
		if strings.Contains(line, "status=503") {
			failed++
			if !strings.Contains(line, cause) {
				t.Errorf("the log does not name the cause: %s", line)
			}
		}
	}
	if failed == 0 {
		t.Errorf("the log has no failed request:\n%s", log)
	}
	if more := otherLine.FindAllString(log, -1); len(more) > 3 {
		t.Errorf("%d further lines in the log:\n%s", len(more), strings.Join(more[:3], "\n"))
	}
}

const importLines = `{"email":"i1@crash.test","password_hash":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"}
{"email":"i2@crash.test","password_hash":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"}
`

// commandsOnFullDisk are those an operator may think of at that moment.
func commandsOnFullDisk(t *testing.T, s *site) {
	t.Helper()
	_, said, code := s.command("seven blue lanterns in rain\n", "user", "create", "c1@crash.test", "--password-stdin")
	if code != 1 || !strings.Contains(said, "the disk is full") {
		t.Errorf("user create: exit code %d: %s", code, said)
	}
	out, said, code := s.command(importLines, "user", "import", "-")
	if code == 0 || !strings.Contains(out+said, "the disk is full") {
		t.Errorf("user import: exit code %d: %s%s", code, out, said)
	}
	if _, said, code := s.command("", "migrate"); code != 0 { // there is nothing to be done
		t.Errorf("migrate: exit code %d: %s", code, said)
	}
	if out, said, _ := s.command("", "doctor"); !strings.Contains(out+said, "disk-full") {
		t.Errorf("doctor does not name the cause:\n%s%s", out, said)
	}
	none(t, s, "c1@crash.test", "i1@crash.test", "i2@crash.test")
}

// none sees that there is nothing of what was refused.
func none(t *testing.T, s *site, emails ...string) {
	t.Helper()
	db, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := readRows(db)
	if err != nil {
		t.Fatal(err)
	}
	for _, email := range emails {
		if _, there := found[email]; there {
			t.Errorf("%s was refused and is there", email)
		}
	}
}

// Where the schema does not fit on the disk, there is an error that names both;
// and whatever lies there then is in nobody's way once there is room.
func TestFullDisk_atTheFirstStartIsAnErrorThatNamesIt(t *testing.T) {
	for _, leave := range []int{0, 8 << 10, 24 << 10, 80 << 10, 144 << 10, 200 << 10} {
		t.Run(fmt.Sprintf("%d KiB", leave>>10), func(t *testing.T) {
			disk := smallDisk(t, "2m")
			s := newSite(t, disk)
			empty := fill(t, disk, leave)
			refused := func(what, said string, code int) {
				t.Helper()
				if code != 1 || !strings.Contains(said, "disk is full") || !strings.Contains(said, s.database) {
					t.Errorf("%s: exit code %d: %s", what, code, said)
				}
			}
			_, said, code := s.command("", "migrate")
			if code != 0 {
				refused("migrate", said, code)
				p := s.launch()
				<-p.done
				refused("serve", p.said.String(), p.cmd.ProcessState.ExitCode())
				_, said, code := s.command("seven blue lanterns in rain\n", "user", "create", "c1@crash.test", "--password-stdin")
				refused("user create", said, code)
			} else if leave == 0 {
				t.Error("a full disk takes everything")
			}
			empty()
			s.start()
			s.createUser("c2@crash.test", "seven blue lanterns in rain")
			none(t, s, "c1@crash.test")
		})
	}
}

// The same for who may not mount: the log of the database may not grow beyond
// what it is. A limit of a service manager and a quota look so too.
//
// proves: ASVS 16.5.1, ASVS 16.5.2, ASVS 16.5.3
func TestLimitOnFiles_refusesWhatMustBeWrittenAndLeavesNothingHalfDone(t *testing.T) {
	dice, s := chance(t), newSite(t, folder(t))
	s.forgetful = true
	s.start()
	clients := newClients(s, 4, dice)
	enough(clients, 20)
	s.limit(s.logSize())
	said := len(s.server.said.String())
	starve(t, s, clients)
	causesOf(t, s.server.said.String()[said:], "a limit on the size of files is reached")
	s.limit(unix.RLIM_INFINITY)
	enough(clients, 20)
	report(t, verify(s, clients, dice))
	s.server.kill()
	s.start()
	report(t, verify(s, clients, dice))
}

// The disk has room for one more page, for two, for three: wherever the end of
// it meets what is being written, all of it is there or nothing. An operation
// that were two commits would be cut between them.
//
// proves: ASVS 2.3.3
func TestLimitOnFiles_cutsNothingInTwo(t *testing.T) {
	dice, s := chance(t), newSite(t, folder(t))
	s.forgetful = true
	s.start()
	c := newClients(s, 1, dice)[0]
	const frame = 4096 + 24 // a page in the log, with its head
	do := func(pages uint64, what func() bool) {
		t.Helper()
		s.limit(s.logSize() + pages*frame)
		if !what() {
			t.Fatal("the server is gone")
		}
		s.limit(unix.RLIM_INFINITY)
	}
	for pages := range uint64(18) {
		a := &account{email: "u" + c.aWord() + "@crash.test", password: c.aWord(), exists: surely, fresh: true}
		if r, err := c.json(v4.base+"/register", map[string]string{"email": a.email, "password": a.password}, nil); err != nil || r.status != http.StatusCreated {
			t.Fatalf("register: %d, %v", r.status, err)
		}
		c.accounts = append(c.accounts, a)
		for range 2 {
			if !c.signIn(a) {
				t.Fatal("the server is gone")
			}
		}
		do(pages, c.register)
		do(pages, func() bool { return c.signIn(a) })
		do(pages, func() bool { return c.change(a, a.live()[0]) })
		do(pages, func() bool { return c.signOut(a, a.live()[0]) })
	}
	for _, what := range []string{"registration", "password change", "sign-out"} {
		if c.acknowledged[what] == 0 || c.refused[what+", unavailable"] == 0 {
			t.Errorf("%s: %d acknowledged, %d unavailable: the end of the disk was not met", what, c.acknowledged[what], c.refused[what+", unavailable"])
		}
	}
	report(t, verify(s, []*client{c}, dice))
	s.server.kill()
	s.start()
	report(t, verify(s, []*client{c}, dice))
	t.Logf("acknowledged: %v; refused: %v", c.acknowledged, c.refused)
}

// logSize is how large the database's log is now, in bytes.
func (s *site) logSize() uint64 {
	s.t.Helper()
	info, err := os.Stat(s.database + "-wal")
	if err != nil {
		s.t.Fatal(err)
	}
	return uint64(info.Size())
}

// limit lets no file of the server grow beyond so many bytes (RLIMIT_FSIZE).
func (s *site) limit(bytes uint64) {
	s.t.Helper()
	var now unix.Rlimit
	process := s.server.cmd.Process.Pid
	err := unix.Prlimit(process, unix.RLIMIT_FSIZE, nil, &now)
	if err == nil {
		now.Cur = min(bytes, now.Max)
		err = unix.Prlimit(process, unix.RLIMIT_FSIZE, &now, nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
