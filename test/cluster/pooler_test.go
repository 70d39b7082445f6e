//go:build linux

package cluster_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// Three servers behind a pooler that has four connections for them all; each
// reads the change feed past it.
func TestCluster_behindAPooler(t *testing.T) {
	c := alone(t, pgtest.Start(t))
	through := c.database.Pooler(t, 4)
	direct := c.database.URL(c.data)
	for range 3 {
		c.newNode(fmt.Sprintf("url: %q, feed_url: %q", through(direct), direct))
	}
	c.serve()
	all, enough := c.newJournal("person"), int64(150)
	if soaking() {
		enough = 3000
	}
	all.use(6, func() bool { return all.told.Load() >= enough })
	for _, f := range report20(all.verify()) {
		t.Error(f)
	}
	for at, n := range c.nodes {
		if got := all.refusals[at].Load(); got > 0 {
			t.Errorf("%s could not answer %d times, beside a database that was never away", n.name, got)
		}
	}
	t.Logf("told: %v", all.count)
}
