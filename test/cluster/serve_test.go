//go:build linux

package cluster_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// alone is a cluster to which servers are added one by one.
func alone(t *testing.T, database *pgtest.Server) *cluster {
	t.Helper()
	return &cluster{t: t, database: database, data: databaseName(t, database), origin: "http://localhost:" + strconv.Itoa(freePort(t))}
}

// at is the setting of the database, reached by some name and with some query.
func (c *cluster) at(role, host, query string) string {
	return fmt.Sprintf(`url: "postgres://%s@%s:%d/%s?%s"`, role, host, c.database.Port(), c.data, query)
}

// ends waits until a server that cannot go on has ended, and returns what it
// said.
func (n *node) ends(within time.Duration) string {
	n.t.Helper()
	select {
	case <-n.done:
	case <-time.After(within):
		n.t.Fatalf("%s goes on after %v:\n%s", n.name, within, n.said.String())
	}
	if n.cmd.ProcessState.ExitCode() == 0 {
		n.t.Errorf("%s ended as if all were well:\n%s", n.name, n.said.String())
	}
	return n.said.String()
}

func TestServe_reachesItsDatabaseByTLSAndSaysWhenItDoesNot(t *testing.T) {
	database, authority, other := pgtest.Start(t), pgtest.NewAuthority(t), pgtest.NewAuthority(t)
	c := alone(t, database)
	database.Exec(t, "postgres", "CREATE ROLE gatehouse LOGIN", "ALTER DATABASE "+c.data+" OWNER TO gatehouse")
	database.UseTLS(t, authority, "127.0.0.1")
	const clear = "without TLS: whoever is on the way"
	for _, tt := range []struct {
		name, database string
		warns          bool
	}{
		{"over TLS", c.at("gatehouse", "127.0.0.1", "sslmode=verify-full&sslrootcert="+authority.File), false},
		{"in the clear on this machine", c.at(pgtest.Superuser, "127.0.0.1", "sslmode=disable"), false},
		// The one address of this machine that does not look like it.
		{"in the clear to an address of the network", c.at(pgtest.Superuser, "0.0.0.0", "sslmode=disable"), true},
		{"its feed alone in the clear", c.at("gatehouse", "127.0.0.1", "sslmode=verify-full&sslrootcert="+authority.File) +
			", feed_" + c.at(pgtest.Superuser, "0.0.0.0", "sslmode=disable"), true},
	} {
		n := c.newNode(tt.database)
		n.start()
		n.until("is ready", n.ready)
		if said := n.said.String(); strings.Contains(said, clear) != tt.warns {
			t.Errorf("%s: it said\n%s", tt.name, said)
		}
		_ = n.cmd.Process.Kill()
		<-n.done
	}
	for _, tt := range []struct{ name, database, says string }{
		{"another authority", c.at("gatehouse", "127.0.0.1", "sslmode=verify-full&sslrootcert="+other.File), "name its certificate with sslrootcert"},
		{"another name", c.at("gatehouse", "0.0.0.0", "sslmode=verify-full&sslrootcert="+authority.File), "for another name than the host"},
		{"no TLS", c.at("gatehouse", "127.0.0.1", "sslmode=disable"), "set sslmode=verify-full"},
	} {
		n := c.newNode(tt.database)
		n.start()
		if said := n.ends(20 * time.Second); !strings.Contains(said, tt.says) {
			t.Errorf("%s: it said\n%s", tt.name, said)
		}
	}
}

// The database may start after us, as after a power cut.
func TestServe_waitsForItsDatabaseAndSaysSo(t *testing.T) {
	for _, tt := range []struct {
		name        string
		leave, come func(*pgtest.Server)
	}{
		{"nobody listens", func(s *pgtest.Server) { s.Stop(t, pgtest.Fast) }, func(s *pgtest.Server) { s.Start(t) }},
		{"nobody answers", (*pgtest.Server).Freeze, (*pgtest.Server).Thaw},
	} {
		t.Run(tt.name, func(t *testing.T) {
			database := pgtest.Start(t)
			c := alone(t, database)
			n := c.newNode(c.at(pgtest.Superuser, "127.0.0.1", "sslmode=disable"))
			tt.leave(database)
			n.start()
			n.until("says that it waits", func() error {
				if said := n.said.String(); !strings.Contains(said, "the database cannot be reached yet; trying again") {
					return fmt.Errorf("it said %q", said)
				}
				return nil
			})
			hasty := http.Client{Timeout: 200 * time.Millisecond} // callers wait in the queue of the listener
			if a, err := hasty.Get(n.ops + "/readyz"); err == nil {
				a.Body.Close()
				t.Errorf("without its database it answers %d", a.StatusCode)
			}
			tt.come(database)
			n.until("is ready", n.ready)
			if _, err := n.newBrowser("ada@example.com", true); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whoever starts it is told at last, by what it says and by its exit code.
func TestServe_givesUpOnADatabaseThatDoesNotCome(t *testing.T) {
	if !soaking() {
		t.Skip("it waits for a minute; the bound itself is tested in cmd/gatehouse (GATEHOUSE_SOAK)")
	}
	database := pgtest.Start(t)
	c := alone(t, database)
	n := c.newNode(c.at(pgtest.Superuser, "127.0.0.1", "sslmode=disable"))
	database.Stop(t, pgtest.Fast)
	n.start()
	if said := n.ends(2 * patience); !strings.Contains(said, "nothing listens there: is PostgreSQL running?") {
		t.Errorf("it said\n%s", said)
	}
}
