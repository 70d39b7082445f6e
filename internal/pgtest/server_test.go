package pgtest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

func TestShared_isOneServerWithADatabaseForEach(t *testing.T) {
	s := pgtest.Shared(t)
	if pgtest.Shared(t) != s {
		t.Error("two servers")
	}
	if one, two := s.NewDatabase(t), s.NewDatabase(t); one == two {
		t.Errorf("two databases are %s", one)
	}
}

func TestServer_keepsItsRowsOverEveryEnd(t *testing.T) {
	s := pgtest.Start(t)
	s.Exec(t, "postgres", "CREATE TABLE kept (n int)")
	port := s.Port()
	for i, end := range []func(){
		func() { s.Stop(t, pgtest.Fast) }, func() { s.Stop(t, pgtest.Immediate) }, s.Kill9,
	} {
		s.Exec(t, "postgres", "INSERT INTO kept VALUES (1)")
		end()
		if _, err := pgx.Connect(t.Context(), s.URL("postgres")); err == nil {
			t.Fatal("a server that has ended answers")
		}
		s.Start(t)
		if got := s.Ask(t, "postgres", "SELECT count(*) FROM kept"); got != string(rune('1'+i)) {
			t.Errorf("after end %d: %s rows", i, got)
		}
	}
	if s.Port() != port {
		t.Error("the port has changed")
	}
}

func TestFreeze_keepsConnectionsAndAnswersNothing(t *testing.T) {
	s := pgtest.Start(t)
	c, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	s.Freeze()
	answered := make(chan error, 1)
	go func() { _, err := c.Exec(context.Background(), "SELECT 1"); answered <- err }()
	select {
	case err := <-answered:
		t.Errorf("a frozen server answered: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	s.Thaw()
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestStandby_isPromotedWithAllThatWasAcknowledged(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.Standby(t, true)
	primary.Exec(t, "postgres", "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)")
	primary.Kill9()
	standby.Promote(t)
	standby.Exec(t, "postgres", "INSERT INTO kept VALUES (2)")
	if got := standby.Ask(t, "postgres", "SELECT count(*) FROM kept"); got != "2" {
		t.Errorf("%s rows", got)
	}
}

func TestNewRole_needsItsPassword(t *testing.T) {
	s := pgtest.Shared(t)
	s.NewRole(t, "ann", "right")
	for password, good := range map[string]bool{"right": true, "wrong": false} {
		c, err := pgx.Connect(t.Context(), s.URLAs("ann", password, "postgres"))
		if (err == nil) != good {
			t.Errorf("with the %s password: %v", password, err)
		}
		if err == nil {
			c.Close(t.Context())
		}
	}
}

// TestNoServerOutlivesItsTests runs this binary once more and kills it while
// its servers run, one of them frozen.
func TestNoServerOutlivesItsTests(t *testing.T) {
	if os.Getenv("PGTEST_LEAVE") != "" {
		shared, frozen, stopped := pgtest.Shared(t), pgtest.Start(t), pgtest.Start(t)
		frozen.Freeze()
		stopped.Stop(t, pgtest.Fast)
		os.Stdout.WriteString("folders " + filepath.Dir(shared.Data()) + " " + filepath.Dir(frozen.Data()) + " " + filepath.Dir(stopped.Data()) + "\n")
		select {}
	}
	pgtest.Shared(t) // skips where there is none
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoServerOutlivesItsTests$")
	cmd.Env = append(os.Environ(), "PGTEST_LEAVE=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, _ := out.Read(buffer)
	folders := strings.Fields(string(buffer[:n]))
	if len(folders) != 4 || folders[0] != "folders" {
		t.Fatalf("the other binary said %q", buffer[:n])
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

// living are the servers' first processes that run in one of the folders.
func living(folders []string) (found []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		b, _ := os.ReadFile(path)
		for _, dir := range folders {
			if strings.Contains(string(b), "postgres\x00-D\x00"+dir+"/") {
				found = append(found, path)
			}
		}
	}
	return found
}
