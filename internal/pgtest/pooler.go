package pgtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var errNoPooler = errors.New("pgbouncer is not installed (Debian: pgbouncer)")

// Pooler starts a pgbouncer in front of a running server, which hands out one of
// size connections for each transaction, and returns what turns the URL of a
// database into the one behind it. Where pgbouncer is missing the test is
// skipped by name, but fails where CI is set.
func (s *Server) Pooler(t testing.TB, size int) (through func(url string) string) {
	t.Helper()
	dir, err := s.install.folder("gatehouse-pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pgbouncer.ini")
	err = s.install.put(file, fmt.Appendf(nil, `[databases]
* = host=127.0.0.1 port=%d user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 500
logfile = %s
`, s.port, Superuser, port, size, filepath.Join(dir, "log")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.install.pool(file)
	if errors.Is(err, errNoPooler) && os.Getenv("CI") != "true" {
		t.Skipf("skipped: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	await(t, "pgbouncer to listen", func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	direct := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	return func(url string) string { return strings.Replace(url, direct, address, 1) }
}
