//go:build linux

package cluster_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// pair is a cluster on a primary with a standby. The servers know both, each
// behind a wire, and look for the one that takes writes.
type pair struct {
	*cluster
	standby *pgtest.Server
	// first leads to the primary and second to the standby, until they change
	// places.
	first, second *wire
}

func newPair(t *testing.T, synchronous bool) *pair {
	t.Helper()
	primary := pgtest.Start(t)
	c := &cluster{t: t, database: primary, data: databaseName(t, primary), origin: "http://localhost:" + strconv.Itoa(freePort(t))}
	p := &pair{cluster: c, standby: primary.Standby(t, synchronous)}
	p.first, p.second = newWire(t, at(primary)), newWire(t, at(p.standby))
	for range 3 {
		c.newNode(fmt.Sprintf(`url: "postgres://%s@%s,%s/%s?sslmode=disable&target_session_attrs=read-write"`,
			pgtest.Superuser, p.first.address(), p.second.address(), c.data))
	}
	c.serve()
	return p
}

func at(s *pgtest.Server) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port())) }

// promote lets the standby take the place of the primary, which is gone.
func (p *pair) promote() {
	p.t.Helper()
	p.standby.Promote(p.t)
	p.database, p.standby = p.standby, nil
	p.first, p.second = p.second, p.first
}

// renew makes a standby of the new primary, where the old one was.
func (p *pair) renew() {
	p.t.Helper()
	p.standby = p.database.Standby(p.t, true)
	p.second.target.Store(at(p.standby))
	p.second.drop()
	p.second.cut.Store(false)
}

// failovers is how many there are.
func failovers() int {
	if n, err := strconv.Atoi(os.Getenv("GATEHOUSE_SOAK")); err == nil && n > 0 {
		return max(2, n/20)
	}
	return 2
}

// The primary dies while people register, sign in, sign out, revoke and refresh,
// and the standby takes its place. What anybody was told is so on all three
// servers, none of which was restarted; meanwhile nobody was told that they are
// not signed in.
//
// proves: ASVS 7.4.1
func TestFailover_losesNothingThatWasAcknowledged(t *testing.T) {
	p := newPair(t, true)
	all := p.newJournal("person")
	for round := range failovers() {
		// A program that dies leaves a machine that says so. A machine that dies
		// says nothing, and connections to it stay open.
		vanishes := round%2 == 0
		back := p.failOver(all, vanishes)
		t.Logf("round %d (says nothing: %t): served again %v after the promotion; told so far: %v", round+1, vanishes, back.Round(10*time.Millisecond), all.count)
		for _, f := range report20(all.verify()) {
			t.Error(f)
		}
		if t.Failed() {
			return
		}
		if round+1 < failovers() {
			p.renew()
		}
	}
	for at := range p.nodes {
		if all.refusals[at].Load() == 0 {
			t.Errorf("%s has refused nothing: the rounds show nothing", p.nodes[at].name)
		}
	}
}

// failOver kills the primary under load and promotes the standby once every
// server has had to say that it cannot answer; it returns how long after the
// promotion all of them took writes again. The load ends some time later.
func (p *pair) failOver(all *journal, vanishes bool) (back time.Duration) {
	t := p.t
	t.Helper()
	var end atomic.Bool
	var load sync.WaitGroup
	load.Go(func() { all.use(6, end.Load) })
	defer load.Wait()
	defer end.Store(true)

	more := int64(60)
	if soaking() {
		more = 600
	}
	told := func(n int64) {
		t.Helper()
		p.nodes[0].until("and the others go on", func() error {
			if all.told.Load() < n {
				return fmt.Errorf("%d answers, want %d", all.told.Load(), n)
			}
			return nil
		})
	}
	told(all.told.Load() + more)
	p.first.cut.Store(vanishes)
	p.database.Kill9()
	for _, n := range p.nodes { // past max_staleness: what is asked of memory alone is refused, too
		n.until("closes", func() error { return n.status(http.StatusServiceUnavailable) })
	}
	p.promote()
	promoted := time.Now()
	for i, n := range p.nodes {
		n.until("takes writes again", func() error {
			if err := n.ready(); err != nil {
				return err
			}
			return all.newcomer(i)
		})
	}
	back = time.Since(promoted)
	told(all.told.Load() + more)
	return back
}

// newcomer registers somebody at a server.
func (j *journal) newcomer(at int) error {
	p := j.newPerson(nil)
	if p.register(at); p.exists != surely {
		return fmt.Errorf("a registration is refused")
	}
	return nil
}

// status asks for a session that is none.
func (n *node) status(want int) error {
	r, _, err := n.exchange(http.MethodGet, "/session", nil, map[string]string{"next-auth.session-token": "none"})
	if err == nil && r.status != want {
		err = fmt.Errorf("status %d", r.status)
	}
	return err
}

func report20(findings []string) []string {
	if len(findings) > 20 {
		return append(findings[:20:20], fmt.Sprintf("and %d more", len(findings)-20))
	}
	return findings
}

// forget kills the primary after its standby has stopped following, and promotes
// that: what is acknowledged between is lost, as with a standby that lags.
func (p *pair) forget(between func()) {
	p.t.Helper()
	p.standby.Stop(p.t, pgtest.Fast)
	between()
	p.database.Kill9()
	p.standby.Start(p.t)
	p.promote()
}

// The control of the test above, and what an asynchronous standby means: commits
// do not wait for it, and what it had not received is gone. The servers that
// still know of a revocation write it back. Nobody else knows of the
// registration.
func TestFailover_toAStandbyThatLaggedIsNoticed(t *testing.T) {
	p := newPair(t, false)
	all := p.newJournal("person")
	before, after := all.visitor(), all.newPerson(nil)
	p.forget(func() {
		before.signOut(0, before.visits[0])
		if before.visits[0].live != never {
			t.Fatalf("no sign-out: %v", all.findings)
		}
		for _, n := range p.nodes[1:] {
			n.until("hears of the sign-out", func() error { return refuses(n, before.visits[0], before.email) })
		}
		after.register(1)
	})
	for i, n := range p.nodes {
		n.until("takes writes again", func() error { return errorsOf(n.ready(), all.newcomer(i)) })
	}
	if got := all.verify(); !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, "lost: the registration of "+after.email) }) {
		t.Errorf("a registration was lost, and what is noticed is %q", got)
	} else if slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, "back") }) {
		t.Errorf("what the servers knew has come back: %q", got)
	}
	p.nodes[0].until("writes the revocation back", func() error {
		if n := p.database.Ask(t, p.data, "SELECT count(*) FROM changes WHERE kind = 'session_ended'"); n == "0" {
			return fmt.Errorf("no row of it")
		}
		return nil
	})
}

// The same with the servers gone as well: nobody knows of the revocation any
// more, and the session is back. This is what the test with a synchronous
// standby would find.
func TestFailover_aLostRevocationIsNoticed(t *testing.T) {
	p := newPair(t, false)
	all := p.newJournal("person")
	victim := all.visitor()
	p.forget(func() {
		victim.signOut(0, victim.visits[0])
		for _, n := range p.nodes {
			_ = n.cmd.Process.Kill()
			<-n.done
		}
	})
	p.serve()
	if got := all.verify(); !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, "back") }) {
		t.Errorf("a revocation was lost, and what is noticed is %q", got)
	}
}

// visitor is somebody who is signed in.
func (j *journal) visitor() *person {
	j.t.Helper()
	p := j.newPerson(nil)
	p.register(0)
	p.signIn(0)
	if len(p.visits) != 1 {
		j.t.Fatalf("nobody is signed in: %q", j.findings)
	}
	return p
}

func refuses(n *node, v *visit, email string) error {
	r, _, err := n.exchange(http.MethodGet, "/session", nil, v.cookies)
	if err == nil && (r.status != http.StatusOK || strings.Contains(r.body, email)) {
		err = fmt.Errorf("%d %s", r.status, r.body)
	}
	return err
}

func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
