package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// Some guarantees are between processes: the test program starts itself again
// with this variable set to one of the roles below.
const childRole = "GATEHOUSE_TEST_CHILD"

var roles = map[string]func(path string) error{
	"disable": childDisables,
	"sign-in": childSignsIn,
	"serve":   childServes,
}

func TestMain(m *testing.M) {
	if role := roles[os.Getenv(childRole)]; role != nil {
		if err := role(os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a process in one of the roles. It ends when its standard input does.
func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, path)
	c.Env = append(os.Environ(), childRole+"="+role)
	c.Stderr = os.Stderr
	return c
}

// childDisables is a command-line tool beside a running server.
func childDisables(path string) error {
	ctx := context.Background()
	db, err := sqlstore.Open(ctx, sqlstore.Options{Path: path})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.InTx(ctx, func(tx store.Tx) error {
		u, err := tx.UserByIdentifier(ctx, "ann@example.com")
		if err != nil {
			return err
		}
		if u, err = tx.UpdateUser(ctx, u.ID, store.UserUpdate{DisabledAt: &start}, start); err != nil {
			return err
		}
		_, err = tx.AppendChange(ctx, auth.Change{Kind: auth.ChangeUserVersion, UserID: u.ID, Value: u.Version, At: start, Until: start.Add(time.Hour)})
		return err
	})
}

func TestFeed_seesWhatAnotherProcessWrites(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "gatehouse.db"), t.Context()
	db := openAt(t, path)
	u := auth.User{ID: auth.NewUserID(start), Email: "ann@example.com", Version: 1}
	if err := db.CreateUser(ctx, u); err != nil {
		t.Fatal(err)
	}
	f, err := db.OpenFeed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Load(ctx, func(auth.Change) {}); err != nil {
		t.Fatal(err)
	}
	if out, err := child(t, "disable", path).Output(); err != nil {
		t.Fatalf("the tool: %v %s", err, out)
	}
	round, err := f.Poll(ctx, auth.Node{})
	got := round.Changes
	if err != nil || len(got) != 1 || got[0].UserID != u.ID || got[0].Value != 2 {
		t.Errorf("got %v, %v; want the other process's change", got, err)
	}
	if u, err = db.User(ctx, u.ID); err != nil || !u.Disabled() {
		t.Errorf("got %+v, %v; want a disabled user", u, err)
	}
}

// childServes takes the server's lock and holds it until it is killed.
func childServes(path string) error {
	if _, err := sqlstore.LockServer(path); err != nil {
		return err
	}
	fmt.Println("serving")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func TestLockServer_anotherProcessIsNamedAndItsDeathFreesTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	c := child(t, "serve", path)
	in, _ := c.StdinPipe()
	defer in.Close()
	out, _ := c.StdoutPipe()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "serving\n" {
		t.Fatalf("the server said %q, %v", line, err)
	}
	_, err := sqlstore.LockServer(path)
	var running *sqlstore.ServerRunningError
	if !errors.As(err, &running) || running.PID != strconv.Itoa(c.Process.Pid) {
		t.Errorf("got %v, want a ServerRunningError that names process %d", err, c.Process.Pid)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	release, err := sqlstore.LockServer(path)
	if err != nil {
		t.Fatalf("after the other server was killed: %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// childSignsIn makes users and sessions from several goroutines, and writes a
// user's ID to standard output once the store has acknowledged it.
func childSignsIn(path string) error {
	ctx := context.Background()
	db, err := sqlstore.Open(ctx, sqlstore.Options{Path: path, Migrate: true})
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				u, err := signUp(ctx, db)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				if _, err := os.Stdout.WriteString(string(u) + "\n"); err != nil {
					os.Exit(0) // nobody listens any more
				}
			}
		})
	}
	all.Wait()
	return nil
}

// signUp writes a user with a session, an event and a change, in one
// transaction; the session has the user's ID for its mount.
func signUp(ctx context.Context, db store.Store) (auth.UserID, error) {
	now := time.Now()
	u := auth.User{ID: auth.NewUserID(now), Epoch: 1, CreatedAt: now, UpdatedAt: now}
	u.Username = string(u.ID)
	err := db.InTx(ctx, func(tx store.Tx) error {
		if err := tx.CreateUser(ctx, u); err != nil {
			return err
		}
		n := auth.Session{ID: auth.NewSessionID(now), UserID: u.ID, Epoch: 1, AbsoluteEnd: now.Add(time.Hour)}
		if err := tx.InsertSession(ctx, n); err != nil {
			return err
		}
		if err := tx.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(now), At: now, UserID: u.ID, SessionID: n.ID}); err != nil {
			return err
		}
		_, err := tx.AppendChange(ctx, auth.Change{Kind: auth.ChangeUserVersion, UserID: u.ID, At: now, Until: now})
		return err
	})
	return u.ID, err
}

// killRounds is how often the durability test kills: GATEHOUSE_SOAK, or five.
func killRounds(t *testing.T) int {
	text := os.Getenv("GATEHOUSE_SOAK")
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("GATEHOUSE_SOAK is %q, want a number of rounds", text)
	}
	return n
}

func TestDurability_nothingAcknowledgedIsLostToAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	acknowledged := make(map[auth.UserID]bool)
	for range killRounds(t) {
		killAtRandom(t, path, acknowledged)
		checkRows(t, path, acknowledged)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d acknowledged transactions were kept", len(acknowledged))
}

// killAtRandom runs the child and kills it after some acknowledgements, at a
// moment of its own.
func killAtRandom(t *testing.T, path string, acknowledged map[auth.UserID]bool) {
	t.Helper()
	c := child(t, "sign-in", path)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	after := 1 + rand.IntN(400)
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		// Every line that came through whole was acknowledged, also those
		// that lay in the pipe when the child died.
		if id, err := auth.ParseUserID(strings.TrimSpace(lines.Text())); err == nil {
			acknowledged[id] = true
		}
		if n == after {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
}

// checkRows opens the database as the next process would.
func checkRows(t *testing.T, path string, acknowledged map[auth.UserID]bool) {
	t.Helper()
	ctx := t.Context()
	db, err := sqlstore.Open(ctx, sqlstore.Options{Path: path})
	if err != nil {
		t.Fatalf("open after the kill: %v", err)
	}
	defer db.Close()
	for id := range acknowledged {
		sessions, err := db.ListSessions(ctx, id, time.Unix(0, 0))
		if err != nil || len(sessions) != 1 {
			t.Errorf("acknowledged user %s: got %d sessions, %v; want one", id, len(sessions), err)
		}
	}
	if got := rawString(t, path, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
	for _, table := range []string{"sessions", "events", "changes", "identifiers"} {
		half := rawString(t, path, "SELECT (SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM "+table+")) + (SELECT count(*) FROM "+table+" WHERE user_id NOT IN (SELECT id FROM users))")
		if half != "0" {
			t.Errorf("%s half-done transactions by table %s", half, table)
		}
	}
}
