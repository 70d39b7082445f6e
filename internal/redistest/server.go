package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait for a server.
const patience = 60 * time.Second

// Server is one Redis server, running or not. It keeps nothing on the disk: one
// that was killed comes back empty, on the same port. Its methods belong to one
// goroutine at a time.
type Server struct {
	program string
	dir     string
	port    int
	bus     int // the port of the cluster's bus; 0 outside a cluster
	args    []string
	leash   *leash
	running *process
}

// Start returns a server whose end comes with the test's. The arguments are
// settings as redis-server takes them: "--maxmemory", "10mb".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s := newServer(t, settings)
	s.Start(t)
	return s
}

func newServer(t testing.TB, settings []string) *Server {
	t.Helper()
	s := &Server{program: find(t), args: settings}
	var err error
	if s.dir, err = os.MkdirTemp("", "gatehouse-redis-"); err != nil {
		t.Fatal(err)
	}
	if s.leash, err = keep(s.dir); err != nil {
		os.RemoveAll(s.dir)
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	if s.port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Port is where the server listens on 127.0.0.1, over restarts too.
func (s *Server) Port() int { return s.port }

// Address is its address with the port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL names the server as settings do.
func (s *Server) URL() string { return "redis://" + s.Address() }

// Dir is a folder that lives as long as the server.
func (s *Server) Dir() string { return s.dir }

// Start starts a server that does not run, and returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	args := append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.dir, "--save", "", "--appendonly", "no", "--io-threads", "1"}, s.args...)
	cmd := exec.Command(s.program, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.Stdout, cmd.Stderr = log, log
	if s.running, err = begin(cmd); err != nil {
		t.Fatalf("start Redis: %v", err)
	}
	s.leash.holds(s.running.pid)
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		answer, err := s.ask("PING")
		if err == nil && (answer == "PONG" || strings.HasPrefix(answer, "NOAUTH")) {
			return
		}
		if !s.running.alive() || time.Now().After(deadline) {
			t.Fatalf("Redis does not answer: %v, %q: %s", err, answer, s.Log())
		}
	}
}

// Kill9 kills the server at once, as the kernel would, and all it knew is gone.
func (s *Server) Kill9() {
	if s.running != nil {
		s.running.kill()
		s.running = nil
		s.leash.holds(0)
	}
}

// Freeze stops the server where it stands: connections stay open and nothing
// answers.
func (s *Server) Freeze() {
	if s.running != nil {
		s.running.freeze()
	}
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() {
	if s.running != nil {
		s.running.thaw()
	}
}

// Ask sends one command, its words divided by blanks, and returns the answer: a
// text, a number, or the elements of a list of texts, one a line.
func (s *Server) Ask(t testing.TB, command string) string {
	t.Helper()
	answer, err := s.ask(command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return answer
}

func (s *Server) ask(command string) (string, error) {
	c, err := net.DialTimeout("tcp", s.Address(), time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(c, "%s\r\n", command); err != nil {
		return "", err
	}
	return read(bufio.NewReader(c))
}

// read reads one answer of the protocol (RESP2).
func read(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if err != nil || line == "" {
		return "", errors.Join(errors.New("no answer"), err)
	}
	kind, rest := line[0], line[1:]
	if kind != '$' && kind != '*' {
		return rest, nil
	}
	n, err := strconv.Atoi(rest)
	if err != nil || n < 0 {
		return "", err
	}
	if kind == '*' {
		lines := make([]string, n)
		for i := range lines {
			if lines[i], err = read(r); err != nil {
				return "", err
			}
		}
		return strings.Join(lines, "\n"), nil
	}
	b := make([]byte, n+2)
	for at := 0; at < len(b); {
		m, err := r.Read(b[at:])
		if err != nil {
			return "", err
		}
		at += m
	}
	return string(b[:n]), nil
}

// Log is all that the server has said.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(b)
}

// remove ends the server and takes its folder away.
func (s *Server) remove() {
	s.Kill9()
	os.RemoveAll(s.dir)
	s.leash.letGo()
}

// Cluster is three servers, each of which has a third of the keys.
type Cluster struct{ Servers []*Server }

// slots is how many parts a cluster's keys have.
const slots = 16384

// StartCluster returns a cluster of three masters without replicas, whose end
// comes with the test's. A server that does not answer is noticed by the others
// after a second.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{}
	for range 3 {
		s := newServer(t, nil)
		var err error
		if s.bus, err = freePort(); err != nil {
			t.Fatal(err)
		}
		s.args = []string{
			"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(s.bus), "--cluster-node-timeout", "1000",
			"--cluster-config-file", filepath.Join(s.dir, "nodes.conf"),
		}
		s.Start(t)
		c.Servers = append(c.Servers, s)
	}
	for i, s := range c.Servers {
		s.Ask(t, fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", i*slots/3, (i+1)*slots/3-1))
		if i > 0 {
			s.Ask(t, fmt.Sprintf("CLUSTER MEET 127.0.0.1 %d %d", c.Servers[0].port, c.Servers[0].bus))
		}
	}
	c.Await(t)
	return c
}

// Await returns when every server that runs says that the cluster is whole.
func (c *Cluster) Await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		whole := true
		for _, s := range c.Servers {
			answer, err := s.ask("CLUSTER INFO")
			whole = whole && err == nil && strings.Contains(answer, "cluster_state:ok") && strings.Contains(answer, "cluster_known_nodes:3")
		}
		if whole {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no cluster after %v: %s", patience, c.Servers[0].Log())
		}
	}
}

// Addresses are those of the servers.
func (c *Cluster) Addresses() (list []string) {
	for _, s := range c.Servers {
		list = append(list, s.Address())
	}
	return list
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// find returns the installed program, or ends the test.
func find(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err == nil {
		err = usable
	} else {
		err = errors.New("redis-server is not installed (Debian: redis-server)")
	}
	switch {
	case err == nil:
		return program
	case os.Getenv("CI") == "true":
		t.Fatalf("Redis: %v", err)
	}
	t.Skipf("skipped: Redis: %v", err)
	return ""
}
