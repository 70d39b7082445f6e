package redistest_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/redistest"
)

func TestServer_forgetsWhenItIsKilledAndKeepsItsPort(t *testing.T) {
	s := redistest.Start(t)
	s.Ask(t, "SET kept 1")
	if got := s.Ask(t, "GET kept"); got != "1" {
		t.Fatalf("kept is %q", got)
	}
	port := s.Port()
	s.Kill9()
	s.Start(t)
	if got := s.Ask(t, "GET kept"); got != "" || s.Port() != port {
		t.Errorf("kept is %q, on port %d, before %d", got, s.Port(), port)
	}
}

func TestStartCluster_dividesTheKeys(t *testing.T) {
	c := redistest.StartCluster(t)
	redirected := 0
	for _, s := range c.Servers {
		if got := s.Ask(t, "SET a 1"); strings.HasPrefix(got, "MOVED") {
			redirected++
		}
	}
	if redirected != 2 {
		t.Errorf("%d of 3 servers have the key not", redirected)
	}
}

// TestNoServerOutlivesItsTests runs this binary once more and kills it while
// its servers run, one of them frozen.
func TestNoServerOutlivesItsTests(t *testing.T) {
	if os.Getenv("REDISTEST_LEAVE") != "" {
		running, frozen := redistest.Start(t), redistest.Start(t)
		frozen.Freeze()
		os.Stdout.WriteString("folders " + running.Dir() + " " + frozen.Dir() + "\n")
		select {}
	}
	redistest.Start(t) // skips where there is none
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoServerOutlivesItsTests$")
	cmd.Env = append(os.Environ(), "REDISTEST_LEAVE=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	folders := strings.Fields(line)
	if len(folders) != 3 || folders[0] != "folders" {
		t.Fatalf("the other binary said %q", line)
	}
	if left := living(folders[1:]); len(left) != 2 {
		t.Fatalf("servers that run before: %v, want 2", left)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := living(folders[1:])
		for _, dir := range folders[1:] {
			if _, err := os.Stat(dir); err == nil {
				left = append(left, dir)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v", left)
		}
	}
}

// living are the servers that run in one of the folders.
func living(folders []string) (found []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, path := range all {
		at, _ := os.Readlink(path)
		for _, dir := range folders {
			if at == dir {
				found = append(found, path)
			}
		}
	}
	return found
}
