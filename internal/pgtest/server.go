package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds every wait for a server.
const patience = 60 * time.Second

// Superuser is the role of [Server.URL]. It needs no password.
const Superuser = "postgres"

// Modes of [Server.Stop], as pg_ctl calls them.
const (
	// Smart waits for clients to leave.
	Smart = "smart"
	// Fast ends clients and writes a checkpoint.
	Fast = "fast"
	// Immediate ends everything at once; the next start recovers, as after a
	// crash.
	Immediate = "immediate"
)

// Server is one PostgreSQL server, running or not. Its methods belong to one
// goroutine at a time.
type Server struct {
	install install
	dir     string // holds data, log and socket
	port    int
	name    string // as its primary knows it; of a standby
	leash   *leash

	mu       sync.Mutex
	running  *process
	sequence int
	// ends says that the server ends with the test that began it.
	ends bool
}

// shared is the server that [Shared] started.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared returns the one server of this test binary, which nobody may stop. It
// ends with the process.
func Shared(t testing.TB) *Server {
	t.Helper()
	in := find(t)
	shared.once.Do(func() {
		shared.server, shared.err = start(in)
	})
	if shared.err != nil {
		t.Fatalf("the shared PostgreSQL: %v", shared.err)
	}
	return shared.server
}

// Start returns a server for this test alone; its end comes with the test's.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := start(find(t))
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	s.ends = true
	t.Cleanup(s.remove)
	return s
}

func start(in install) (*Server, error) {
	s, err := newServer(in)
	if err != nil {
		return nil, err
	}
	if err := in.fill(s.data()); err != nil {
		s.remove()
		return nil, err
	}
	if err := s.start(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// newServer makes an empty folder that the server's user owns.
func newServer(in install) (*Server, error) {
	dir, err := in.folder("gatehouse-pg-")
	if err != nil {
		return nil, err
	}
	held, err := keep(dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &Server{install: in, dir: dir, leash: held}, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
func (s *Server) log() string  { return filepath.Join(s.dir, "log") }

// Port is where the server listens on 127.0.0.1. It stays the same over
// restarts.
func (s *Server) Port() int { return s.port }

// Data is the folder of its data, for looking at what lies on the disk.
func (s *Server) Data() string { return s.data() }

// URL names a database of this server, as [Superuser], without TLS.
func (s *Server) URL(database string) string { return s.URLAs(Superuser, "", database) }

// URLAs is URL for another role. Roles that are members of needs_password, see
// [Server.NewRole], must give their password; all others are trusted.
func (s *Server) URLAs(role, password, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: "sslmode=disable",
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))}
	if password != "" {
		u.User = url.UserPassword(role, password)
	}
	return u.String()
}

// NewDatabase makes an empty database, or a copy of another one that nobody is
// connected to, and returns its URL. It is dropped with the test, with whoever
// is still connected, or goes with its server.
func (s *Server) NewDatabase(t testing.TB, template ...string) string {
	t.Helper()
	s.mu.Lock()
	s.sequence++
	name := fmt.Sprintf("test_%d", s.sequence)
	s.mu.Unlock()
	statement := "CREATE DATABASE " + name
	if len(template) > 0 {
		statement += " TEMPLATE " + template[0]
	}
	s.Exec(t, "postgres", statement)
	if s.ends { // with its databases, and a commit may be waiting for a standby
		return s.URL(name)
	}
	t.Cleanup(func() {
		if s.alive() {
			_ = s.exec("postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}
	})
	return s.URL(name)
}

// NewRole makes a role that may log in, with the password, and no other right.
func (s *Server) NewRole(t testing.TB, name, password string) {
	t.Helper()
	s.Exec(t, "postgres",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'needs_password') THEN CREATE ROLE needs_password; END IF; END $$",
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s' IN ROLE needs_password", name, password))
}

// Exec runs statements, one after the other, each in a transaction of its own.
func (s *Server) Exec(t testing.TB, database string, statements ...string) {
	t.Helper()
	if err := s.exec(database, statements...); err != nil {
		t.Fatal(err)
	}
}

// Ask returns the first column of the first row as text; empty without a row.
func (s *Server) Ask(t testing.TB, database, query string) string {
	t.Helper()
	text, err := s.ask(database, query)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (s *Server) exec(database string, statements ...string) error {
	return s.connected(database, func(ctx context.Context, c *pgx.Conn) error {
		for _, text := range statements {
			if _, err := c.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
}

func (s *Server) ask(database, query string) (text string, err error) {
	err = s.connected(database, func(ctx context.Context, c *pgx.Conn) error {
		results, err := c.PgConn().Exec(ctx, query).ReadAll()
		if err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		if len(results) > 0 && len(results[0].Rows) > 0 {
			text = string(results[0].Rows[0][0])
		}
		return nil
	})
	return text, err
}

func (s *Server) connected(database string, fn func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	return fn(ctx, c)
}

// Start starts a server that is stopped, on its old port, and returns when it
// answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatalf("start PostgreSQL again: %v", err)
	}
}

// start finds a port if there is none yet. Another process may take it between
// the look and the use, so it tries some.
func (s *Server) start() error {
	if s.alive() {
		return errors.New("it is running")
	}
	fixed := s.port != 0
	for attempt := 1; ; attempt++ {
		if !fixed {
			port, err := freePort()
			if err != nil {
				return err
			}
			s.port = port
		}
		err := s.launch()
		if err == nil || attempt == 5 || !strings.Contains(err.Error(), "could not bind") && !strings.Contains(err.Error(), "could not create any TCP") {
			return err
		}
		if fixed {
			time.Sleep(200 * time.Millisecond) // a connection's last state holds the port for a moment
		}
	}
}

func (s *Server) launch() error {
	p, err := s.install.serve(s)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.running = p
	s.mu.Unlock()
	for deadline := time.Now().Add(patience); ; {
		if _, err = s.ask("postgres", "SELECT 1"); err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the server ended at once: %s", s.tail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server does not answer: %w: %s", err, s.tail())
		}
	}
}

// tail is the end of the server's log.
func (s *Server) tail() string {
	b, _ := os.ReadFile(s.log())
	if len(b) > 2000 {
		b = b[len(b)-2000:]
	}
	return string(bytes.TrimSpace(b))
}

// Log is all that the server has logged.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.log())
	return string(b)
}

// Stop stops the server in the given mode and returns when it has ended. One
// that is stopped already stays so.
func (s *Server) Stop(t testing.TB, mode string) {
	t.Helper()
	p := s.current()
	if p == nil {
		return
	}
	if err := p.stop(mode); err != nil {
		t.Fatalf("stop PostgreSQL: %v: %s", err, s.tail())
	}
	s.forget()
}

// Kill9 kills every process of the server at once, as the kernel would.
func (s *Server) Kill9() {
	if p := s.current(); p != nil {
		p.kill()
		s.forget()
	}
}

// Freeze stops every process of the server where it stands: connections stay
// open and nothing answers.
func (s *Server) Freeze() {
	if p := s.current(); p != nil {
		p.freeze()
	}
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() {
	if p := s.current(); p != nil {
		p.thaw()
	}
}

func (s *Server) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

func (s *Server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = nil
	s.leash.holds(0)
}

func (s *Server) alive() bool {
	p := s.current()
	if p == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// remove ends the server and takes its folder away.
func (s *Server) remove() {
	s.Kill9()
	os.RemoveAll(s.dir)
	s.leash.letGo()
}

// Standby makes a streaming standby of this server and returns it when it
// follows. With synchronous, commits on this server wait for it, so its death
// stops them.
func (s *Server) Standby(t testing.TB, synchronous bool) *Server {
	t.Helper()
	s.mu.Lock()
	s.sequence++
	number := s.sequence
	s.mu.Unlock()
	b, err := newServer(s.install)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.remove)
	b.name = fmt.Sprintf("standby_%d", number)
	source := fmt.Sprintf("host=127.0.0.1 port=%d user=%s application_name=%s sslmode=disable", s.port, Superuser, b.name)
	if err := s.install.run("pg_basebackup", "-D", b.data(), "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync"); err != nil {
		t.Fatal(err)
	}
	// The last line counts: a standby of a primary that waits for another one
	// must not wait itself when it is promoted.
	if err := appendTo(filepath.Join(b.data(), "postgresql.auto.conf"), "synchronous_standby_names = ''\n"); err != nil {
		t.Fatal(err)
	}
	if err := b.start(); err != nil {
		t.Fatalf("start the standby: %v", err)
	}
	want := "async"
	if synchronous {
		s.Exec(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '"+b.name+"'", "SELECT pg_reload_conf()")
		want = "sync"
	}
	await(t, "the standby to follow as "+want, func() bool {
		state, err := s.ask("postgres", "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming' AND application_name = '"+b.name+"'")
		return err == nil && state == want
	})
	return b
}

// Promote makes a standby a primary and returns when it takes writes.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	s.Exec(t, "postgres", "SELECT pg_promote(true, 60)")
	await(t, "the standby to be a primary", func() bool {
		in, err := s.ask("postgres", "SELECT pg_is_in_recovery()")
		return err == nil && in == "f"
	})
}

func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// find returns the newest installed server, or ends the test.
func find(t testing.TB) install {
	t.Helper()
	in, err := installed()
	if err == nil {
		return in
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("PostgreSQL: %v", err)
	}
	t.Skipf("skipped: PostgreSQL: %v", err)
	return in
}

// binaries looks where Debian, Red Hat and the path have them.
func binaries() (string, error) {
	var best string
	var version int
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		found, _ := filepath.Glob(pattern)
		for _, dir := range found {
			parent := filepath.Base(filepath.Dir(dir))
			n, err := strconv.Atoi(strings.TrimPrefix(parent, "pgsql-"))
			if err == nil && n > version {
				if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
					best, version = dir, n
				}
			}
		}
	}
	if best != "" {
		return best, nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", errors.New("postgres is not installed (Debian: postgresql)")
	}
	return filepath.Dir(path), nil
}
