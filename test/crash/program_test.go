//go:build linux

package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// site is an installation: settings, a database, and now and then a server.
type site struct {
	t        *testing.T
	settings string // the file
	database string // the file, or the URL
	origin   string // also where the server itself is reached
	ops      string
	// as is who runs the program; nil is whoever runs the tests.
	as *syscall.Credential

	// forgetful: a refusal may go unrecorded, as the disk is full.
	forgetful bool
	// postgres is the database's server, nil for a file. While it is mortal, an
	// answer that nothing can be said means that nobody knows.
	postgres *pgtest.Server
	mortal   bool

	server *server // the one of now, or the last
	csrf   map[string]token
}

// free is how many wrong passwords in a row an account takes before it must
// wait.
const free = 5

// newSite writes the settings of an installation with its database in the given
// folder. The settings lie elsewhere: they are never what is full or read-only.
func newSite(t *testing.T, data string) *site {
	t.Helper()
	file := filepath.Join(data, "gatehouse.db")
	return newSiteOn(t, file, fmt.Sprintf("path: %q", file))
}

// newPostgresSite is one whose database is a PostgreSQL server's own.
func newPostgresSite(t *testing.T) *site {
	t.Helper()
	server := pgtest.Start(t)
	database := server.NewDatabase(t)
	s := newSiteOn(t, database, fmt.Sprintf("url: %q", database))
	s.postgres = server
	return s
}

// newSiteOn says setting of the database.
func newSiteOn(t *testing.T, database, setting string) *site {
	t.Helper()
	port, ops := freePort(t), freePort(t)
	s := &site{
		t: t, settings: filepath.Join(folder(t), "gatehouse.yaml"), database: database,
		origin: fmt.Sprintf("http://127.0.0.1:%d", port), ops: fmt.Sprintf("http://127.0.0.1:%d", ops),
		csrf: map[string]token{},
	}
	// The least that argon2id may cost, so that much happens in a second; a
	// queue in which nobody is refused; callers without an address, so that one
	// machine may register and guess as much as it likes.
	write(t, s.settings, fmt.Sprintf(`
public_origin: %s
listen: 127.0.0.1:%d
ops_listen: 127.0.0.1:%d
secrets: ["t5Hk2XvQ8mRz7LcW4pNd9YbJ6gFs3EuA-own"]
database: {%s}
registration: {mode: open}
password: {memory_kib: 19456, passes: 2, queue: 1000}
session: {max_per_user: 1000}
limits: {account_failures: %d, unknown_failures: 1048576}
mounts:
  - secrets: ["Qm7xW2vK9sTf4RbYc6HjN8zLd3GpEu5A-app"]
  - {dialect: v5, base_path: /v5/auth, secrets: ["Zk4pT8wN2rVy6XcJ9bMf3HsQ7gLd5EuA-app"]}
`, s.origin, port, ops, setting, free))
	return s
}

// folder is a new one that everybody may enter.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm()&0o055 != 0o055 {
			_ = os.Chmod(d, 0o755) // t.TempDir's own parent is private
		}
	}
	return dir
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freePort finds one below those that the system hands out by itself, so that no
// connection of ours takes it while the server is down.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10000 + rand.IntN(20000)
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// output gathers what a program says.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// server is one process that serves.
type server struct {
	cmd  *exec.Cmd
	said output
	done chan struct{} // closed when it has ended
}

func (s *site) program(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, append(arguments, "--config", s.settings)...)
	cmd.Env = environ()
	cmd.Dir = "/"
	// It ends with us, however we end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: s.as}
	return cmd
}

// launch starts the server and does not wait for it.
func (s *site) launch() *server {
	s.t.Helper()
	p := &server{cmd: s.program(context.Background(), "serve"), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	s.server = p
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Logf("the server said at last:\n%s", tail(p.said.String()))
		}
	})
	return p
}

func tail(text string) string { return text[max(0, len(text)-4000):] }

// start starts the server and waits until it is ready.
func (s *site) start() {
	s.t.Helper()
	s.awaitReady(s.launch())
}

// awaitReady waits until a server that was started can answer.
func (s *site) awaitReady(p *server) {
	s.t.Helper()
	s.until("the server is ready", func() error {
		select {
		case <-p.done:
			s.t.Fatalf("the server ended: %v\n%s", p.cmd.ProcessState, p.said.String())
		default:
		}
		if status, body := s.readiness(); status != http.StatusOK {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
}

// readiness is the answer of /readyz; zero when there was none.
func (s *site) readiness() (status int, body string) {
	r, err := plain.Get(s.ops + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	var b bytes.Buffer
	_, _ = b.ReadFrom(r.Body)
	return r.StatusCode, b.String()
}

// kill is kill -9. It may be called more than once.
func (p *server) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	plain.CloseIdleConnections()
}

// end is what an operator does.
func (s *site) end() {
	s.t.Helper()
	if err := s.server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.server.done:
	case <-time.After(patience):
		s.t.Fatal("the server did not end")
	}
	plain.CloseIdleConnections()
}

// ended waits for a server that cannot run, and returns what it said.
func (s *site) ended() (said string, code int) {
	s.t.Helper()
	select {
	case <-s.server.done:
	case <-time.After(patience):
		s.t.Fatalf("the server goes on:\n%s", s.server.said.String())
	}
	return s.server.said.String(), s.server.cmd.ProcessState.ExitCode()
}

// command runs one of the program's commands.
func (s *site) command(stdin string, arguments ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	cmd := s.program(ctx, arguments...)
	var out, complaints strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaints
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
}

// createUser makes a user by the command line and fails the test if it cannot.
func (s *site) createUser(email, password string) {
	s.t.Helper()
	if _, said, code := s.command(password+"\n", "user", "create", email, "--password-stdin"); code != 0 {
		s.t.Fatalf("user create: exit code %d: %s", code, said)
	}
}

// until repeats ask until it is content. The last complaint is the failure.
func (s *site) until(what string, ask func() error) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: still not after %s: %v", what, patience, err)
		}
		<-tick.C
	}
}

// plain is a client that follows no redirect and keeps no cookie.
var plain = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 32},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// inJSON is v as a JSON body.
func inJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings alone are given
	}
	return string(b)
}
