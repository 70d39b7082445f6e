package redisstore_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/redistest"
)

// The master of a third of the keys dies and its replica takes over: decisions go
// there, though nobody has named it in the settings.
func TestSource_inAClusterAReplicaTakesOver(t *testing.T) {
	cluster := redistest.StartCluster(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bus := l.Addr().(*net.TCPAddr).Port
	l.Close()
	replica := redistest.Start(t, "--cluster-enabled", "yes", "--cluster-port", fmt.Sprint(bus), "--cluster-node-timeout", "1000",
		"--cluster-config-file", filepath.Join(t.TempDir(), "nodes.conf"))
	first := cluster.Servers[0]
	first.Ask(t, "CONFIG SET repl-diskless-sync-delay 0")
	master := first.Ask(t, "CLUSTER MYID")
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(60 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not in time: %s", what, replica.Log())
			}
		}
	}
	id := replica.Ask(t, "CLUSTER MYID")
	cluster.Servers[1].Ask(t, fmt.Sprintf("CLUSTER MEET 127.0.0.1 %d %d", replica.Port(), bus))
	await("meeting", func() bool { return replica.Ask(t, "CLUSTER REPLICATE "+master) == "OK" })
	await("replication", func() bool { return strings.Contains(replica.Ask(t, "INFO replication"), "master_link_status:up") })
	for _, server := range cluster.Servers {
		await("being known", func() bool {
			for line := range strings.Lines(server.Ask(t, "CLUSTER NODES")) {
				if strings.HasPrefix(line, id) {
					return strings.Contains(line, "slave")
				}
			}
			return false
		})
	}
	s := open(t, cluster.Addresses()[:2])
	first.Kill9()
	await("the end of what was", func() bool {
		for i := range 30 {
			_, _ = s.Take(t.Context(), fmt.Sprint(i), perHour, 1, time.Now())
		}
		up, _ := s.Up()
		return !up
	})
	awaitUp(t, s, true)
	for i := range 30 {
		if _, err := s.Take(t.Context(), fmt.Sprint(i), perHour, 1, time.Now()); err != nil {
			t.Error(err)
		}
	}
	if replica.Ask(t, "DBSIZE") == "0" {
		t.Error("nothing is on the server that took over")
	}
}
