package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

// importHome is a folder with settings, for commands without a server.
func importHome(t *testing.T) *running {
	t.Helper()
	s := &running{t: t, dir: t.TempDir()}
	for name, content := range map[string]string{
		"own": newSecret() + "\n", "app": newSecret() + "\n",
		"gatehouse.yaml": "public_origin: " + testOrigin + "\nsecrets_file: own\nmounts:\n  - secrets_file: app\ndatabase: {path: gatehouse.db}\n",
	} {
		must(t, os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600))
	}
	return s
}

// userLines are n users of whom each hundredth is refused.
func userLines(n int) string {
	var b strings.Builder
	for i := range n {
		if i%100 == 99 {
			fmt.Fprintf(&b, `{"email":"user%d@example.org","rôle":"x"}`+"\n", i)
			continue
		}
		fmt.Fprintf(&b, `{"old_id":%d,"email":"user%d@example.org","username":"user%d","name":"User %d","roles":["a"],"verified":true,"account_ids":["gh%d"]}`+"\n", i, i, i, i, i)
	}
	return b.String()
}

func (s *running) users() int {
	s.t.Helper()
	out, err := s.command("user", "list", "--json").Output()
	if err != nil {
		return 0 // no database yet
	}
	return bytes.Count(out, []byte("\n"))
}

// begin starts an import and gives it the lines, but not the end of the file.
// It returns when users have been imported.
func (s *running) begin(lines string, more int) (c *exec.Cmd, shown *safeBuffer) {
	s.t.Helper()
	c, shown = s.command("user", "import", "-"), new(safeBuffer)
	c.Stdout, c.Stderr = shown, shown
	stdin, err := c.StdinPipe()
	must(s.t, err)
	before := s.users()
	must(s.t, c.Start())
	s.t.Cleanup(func() { stdin.Close() })
	_, err = io.WriteString(stdin, lines)
	must(s.t, err)
	for deadline := time.Now().Add(time.Minute); s.users() < before+more; {
		if time.Now().After(deadline) {
			s.t.Fatalf("nothing was imported: %s", shown)
		}
	}
	return c, shown
}

// An import that was killed is run again, as often as it takes: every user is
// there once and whole, and nobody who is there already is refused.
func TestImport_killedAndRunAgainBringsEveryUserOnce(t *testing.T) {
	s := importHome(t)
	const n = 400
	whole := userLines(n)
	for round, lines := range []int{70, 140, 310} {
		c, _ := s.begin(strings.Join(strings.SplitAfterN(whole, "\n", lines+1)[:lines], ""), 32*(round%2))
		must(t, c.Process.Kill())
		_ = c.Wait()
	}
	there := s.users()
	c := s.command("user", "import", "-", "--json")
	c.Stdin = strings.NewReader(whole)
	out, err := c.Output()
	if err == nil {
		t.Error("lines were refused, and the exit code is 0")
	}
	var sum struct{ Imported, Present, Refused int }
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	must(t, json.Unmarshal(lines[len(lines)-1], &sum))
	if sum.Refused != n/100 || sum.Imported+sum.Present != n-n/100 || sum.Present != there || there == 0 {
		t.Errorf("%+v with %d there before", sum, there)
	}
	if got := s.users(); got != n-n/100 {
		t.Errorf("%d users", got)
	}
	exported, err := s.command("user", "export").Output()
	must(t, err)
	for _, member := range []string{`"old_id":`, `"account_ids":`, `"roles":["a"]`} {
		if got := bytes.Count(exported, []byte(member)); got != n-n/100 {
			t.Errorf("%d of %s", got, member)
		}
	}
}

// Ctrl-C ends it also while nothing comes out of the pipe, with the numbers and
// a word on how to go on.
func TestImport_interruptedSaysHowToGoOn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no interrupts can be sent")
	}
	s := importHome(t)
	c, shown := s.begin(userLines(70), 32)
	must(t, c.Process.Signal(os.Interrupt))
	if err := c.Wait(); err == nil || c.ProcessState.ExitCode() != exitFailed {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{" imported, 0 there already, 0 refused.", "Run the same command again to go on", "gatehouse: interrupted"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("no %q in %s", want, shown)
		}
	}
}

// A reader that goes away is told of, with exit code 1 and not by a signal.
func TestExport_saysThatItsReaderHasGone(t *testing.T) {
	s := importHome(t)
	s.run(strings.ReplaceAll(userLines(99), "User ", "User "+strings.Repeat("👩‍🔬", 30)), "user", "import", "-")
	whole, err := s.command("user", "export").Output()
	must(t, err)
	if n := bytes.Count(whole, []byte("\n")); n != 99 {
		t.Fatalf("%d users", n)
	}
	r, w, err := os.Pipe()
	must(t, err)
	must(t, r.Close())
	c := s.command("user", "export")
	var said bytes.Buffer
	c.Stdout, c.Stderr = w, &said
	_ = c.Run()
	must(t, w.Close())
	if c.ProcessState.ExitCode() != exitFailed || !strings.Contains(said.String(), "cannot write the users: whoever read them has gone; what was written is not whole") {
		t.Errorf("%v: %s", c.ProcessState, &said)
	}
}

// generator writes user lines as long as it is read, and looks at the heap.
type generator struct {
	t       *testing.T
	n, size int
	rest    []byte
	live    []uint64
}

func (g *generator) Read(b []byte) (int, error) {
	if len(g.rest) == 0 {
		if g.n == g.size {
			return 0, io.EOF
		}
		if g.n++; g.n%(g.size/4) == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			g.live = append(g.live, m.HeapAlloc)
		}
		g.rest = fmt.Appendf(nil, `{"old_id":%d,"email":"user%d@example.org","name":"User %d","nonsense%d":1}`+"\n", g.n, g.n, g.n, g.n%2)
		if g.n%2 == 0 {
			g.rest = bytes.Replace(g.rest, []byte(`,"nonsense0":1`), nil, 1)
		}
	}
	n := copy(b, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// Half of the lines are refused: neither they nor the others may pile up.
// GATEHOUSE_SOAK makes the file a hundred times as long.
func TestImport_memoryDoesNotGrowWithTheFile(t *testing.T) {
	size := 4000
	if os.Getenv("GATEHOUSE_SOAK") != "" {
		size *= 100
	}
	dir := t.TempDir()
	g, err := gatehouse.New(t.Context(), gatehouse.Config{
		PublicOrigin: testOrigin, Secrets: []auth.Secret{auth.Secret(newSecret())},
		Mounts:   []gatehouse.Mount{{Secrets: []auth.Secret{auth.Secret(newSecret())}}},
		Database: gatehouse.Database{Path: filepath.Join(dir, "gatehouse.db")},
	})
	must(t, err)
	defer g.Close()
	file := &generator{t: t, size: size}
	in, err := transfer.NewReader(file, transfer.JSONLines)
	must(t, err)
	o := user.ImportOptions{Actor: actor, Mounts: []string{"/api/auth"}, Plain: []string{"/api/auth"}}
	run := &importRun{program: &program{ctx: t.Context(), stdout: io.Discard, stderr: io.Discard}, in: in, into: g.Users().NewImport(o), o: o}
	if err := run.whole(filepath.Join(dir, "refused.jsonl")); err == nil || run.imported != size/2 || run.refused != size/2 {
		t.Errorf("%d imported, %d refused, %v", run.imported, run.refused, err)
	}
	// In the first quarter there is still what the beginning left behind.
	if half, whole := file.live[1], file.live[3]; whole > half+100<<10 {
		t.Errorf("what is held grows")
	}
	t.Logf("bytes that are held, from quarter to quarter: %d", file.live)
}
