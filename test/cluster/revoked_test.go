//go:build linux

package cluster_test

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// revocations is how many there are in a measurement.
func revocations() int {
	if n, err := strconv.Atoi(os.Getenv("GATEHOUSE_SOAK")); err == nil && n > 0 {
		return 10 * n
	}
	return 10
}

// soaking: a server that does nothing else is held to more than the bound.
func soaking() bool { return os.Getenv("GATEHOUSE_SOAK") != "" }

// people registers as many as are needed and signs them in, at the servers in
// turn.
func (c *cluster) people(prefix string, n int) []*browser {
	c.t.Helper()
	list := make([]*browser, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				b, err := c.nodes[i%len(c.nodes)].newBrowser(fmt.Sprintf("%s%d@example.com", prefix, i), true)
				if err != nil {
					c.t.Error(err)
					return
				}
				list[i] = b
			}
		})
	}
	all.Wait()
	if c.t.Failed() {
		c.t.FailNow()
	}
	return list
}

// revokeAll signs everybody out, each at one server while the others are asked
// all the time, and returns how long after the acknowledgement the first refusal
// was asked for, for each of the other servers.
func (c *cluster) revokeAll(list []*browser) (delays distribution) {
	c.t.Helper()
	for i, b := range list {
		at := c.nodes[i%len(c.nodes)]
		var told atomic.Pointer[time.Time]
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, n := range c.nodes {
			if n == at {
				continue
			}
			if v, err := n.check(b); v != accepted || err != nil {
				c.t.Fatalf("%s, before: %d, %v", n.name, v, err)
			}
			all.Go(func() {
				for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
					asked := time.Now()
					v, err := n.check(b)
					if err != nil {
						c.t.Error(err)
						return
					}
					if when := told.Load(); v != accepted && when != nil {
						mu.Lock()
						delays = append(delays, max(0, asked.Sub(*when)))
						mu.Unlock()
						return
					}
				}
				c.t.Errorf("%s goes on accepting", n.name)
			})
		}
		if err := at.signOut(b); err != nil {
			c.t.Fatal(err)
		}
		now := time.Now()
		told.Store(&now)
		if v, err := at.check(b); v != refused || err != nil {
			c.t.Errorf("%s, which ended it, says %d, %v", at.name, v, err)
		}
		all.Wait()
	}
	return delays
}

// load asks the servers for sessions that live, and signs people in, until the
// returned function is called; it returns how many checks there were.
func (c *cluster) load(list []*browser) (stop func() int64) {
	end := make(chan struct{})
	var checks atomic.Int64
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-end:
					return
				default:
				}
				if i == 0 && k%50 == 49 {
					_, _ = c.nodes[k%3].newBrowser(list[k%len(list)].email, false)
				}
				if v, err := c.nodes[(i+k)%3].check(list[k%len(list)]); v == refused {
					c.t.Errorf("a session that lives is refused: %v", err)
					return
				}
				checks.Add(1)
			}
		})
	}
	return func() int64 {
		close(end)
		all.Wait()
		return checks.Load()
	}
}

// proves: ASVS 7.4.1
func TestCluster_refusesWhatAnotherServerRevoked(t *testing.T) {
	c := newCluster(t)
	lasting := c.people("lasting", 3)
	for _, mode := range []struct {
		name string
		deaf bool
	}{{"notifications on", false}, {"notifications off", true}} {
		for _, n := range c.nodes {
			n.wire.deaf.Store(mode.deaf)
		}
		list := c.people(fmt.Sprintf("%t", mode.deaf), revocations())
		stop, late := c.load(lasting), lateness()
		delays := c.revokeAll(list)
		judge(t, mode.name, mode.deaf, delays, late())
		t.Logf("%s: %d checks beside; the feed, since the start:\n%s", mode.name, stop(), c.looks())
	}
	for _, b := range lasting {
		for _, n := range c.nodes {
			if v, err := n.check(b); v != accepted {
				t.Errorf("%s refuses somebody of whom nothing was revoked: %d, %v", n.name, v, err)
			}
		}
	}
}

// await waits until the node says v of the browser and returns how long it took.
func (n *node) await(b *browser, v verdict) time.Duration {
	n.t.Helper()
	begun := time.Now()
	n.until(fmt.Sprintf("says %d", v), func() error {
		got, err := n.check(b)
		if err == nil && got != v {
			err = fmt.Errorf("it says %d", got)
		}
		if err == errCookieDeleted {
			n.t.Fatal(err)
		}
		return err
	})
	return time.Since(begun)
}

// With the database away the servers accept as long as they may and then say
// nothing; no cookie is deleted, and when it is back everybody is signed in as
// before, and nobody who was signed out.
func TestCluster_closesWhenTheDatabaseIsAway(t *testing.T) {
	c := newCluster(t)
	list, visitor := c.people("person", 4), c.newJournal("visitor").visitor()
	visitor.tokens(1, visitor.visits[0])
	alive, revoked := list[0], list[1]
	if err := c.nodes[0].signOut(revoked); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.nodes {
		n.await(revoked, refused)
	}
	for _, away := range []struct {
		name        string
		leave, back func()
	}{
		{"stopped", func() { c.database.Stop(t, pgtest.Immediate) }, func() { c.database.Start(t) }},
		{"frozen", c.database.Freeze, c.database.Thaw},
		{"cut off", func() {
			for _, n := range c.nodes {
				n.wire.cut.Store(true)
			}
		}, func() {
			for _, n := range c.nodes {
				n.wire.cut.Store(false)
				n.wire.drop()
			}
		}},
	} {
		away.leave()
		for _, n := range c.nodes {
			took := n.await(alive, unavailable)
			t.Logf("%s: %s says nothing any more after %v", away.name, n.name, took.Round(10*time.Millisecond))
			if took > staleness+5*time.Second {
				t.Errorf("%s: %s went on accepting for %v", away.name, n.name, took)
			}
		}
		c.refusesAllWork(away.name, visitor)
		away.back()
		for _, n := range c.nodes {
			took := n.await(alive, accepted)
			t.Logf("%s: %s is back after %v", away.name, n.name, took.Round(10*time.Millisecond))
			n.until("signs people in again", func() error { _, err := n.newBrowser(alive.email, false); return err })
			if v, err := n.check(revoked); v == accepted {
				t.Errorf("%s: %s accepts what was revoked before: %v", away.name, n.name, err)
			}
		}
	}
}

// refusesAllWork sees that whatever needs the database is answered 503 with a
// time to try again, keeps cookies, and does not hang.
func (c *cluster) refusesAllWork(when string, p *person) {
	c.t.Helper()
	before, begun := p.told.Load(), time.Now()
	var all sync.WaitGroup
	for at := range c.nodes {
		copies := []*person{{}, {}, {}, {}, {}} // what is not answered is nothing the person has to remember
		for _, one := range copies {
			*one = *p
		}
		lost := p.newPerson(nil)
		v, f := *p.visits[0], *p.families[0]
		f.of = &v
		for _, do := range []func(){
			func() { lost.register(at) }, func() { copies[0].signIn(at) }, func() { copies[1].tokens(at, &v) }, func() { copies[2].refresh(at, &f) },
			func() {
				_, _ = copies[3].ask(at, "revocation", "POST", "/sessions/revoke-all", struct{}{}, v.cookies, 200)
			},
		} {
			all.Go(do)
		}
	}
	all.Wait()
	if took := time.Since(begun); took > 20*time.Second {
		c.t.Errorf("%s: it took %v to refuse", when, took)
	}
	if p.told.Load() != before {
		c.t.Errorf("%s: something was acknowledged", when)
	}
	for _, f := range p.findings {
		c.t.Errorf("%s: %s", when, f)
	}
}

// A server that alone cannot reach the database accepts for max_staleness at
// most what others have revoked meanwhile; it never hears of it, and closes.
func TestCluster_aServerThatIsCutOffCloses(t *testing.T) {
	c := newCluster(t)
	list := c.people("person", 2)
	lonely := c.nodes[2]
	lonely.wire.cut.Store(true)
	if err := c.nodes[0].signOut(list[0]); err != nil {
		t.Fatal(err)
	}
	told := time.Now()
	c.nodes[1].await(list[0], refused)
	if v, err := lonely.check(list[0]); v == refused {
		t.Fatalf("the server that is cut off has heard of it: the experiment shows nothing (%v)", err)
	}
	lonely.await(list[0], unavailable)
	if took := time.Since(told); took > staleness+5*time.Second {
		t.Errorf("it accepted for %v", took)
	}
	lonely.wire.cut.Store(false)
	lonely.wire.drop()
	lonely.await(list[1], accepted)
	if v, err := lonely.check(list[0]); v != refused || err != nil {
		t.Errorf("back again it says %d, %v of what was revoked", v, err)
	}
}
