package failclosed_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// onServers is the pace where time is real and the machine has other work: nobody
// is held to a poll, and everybody to max_staleness. make soak holds them to it.
func onServers() pace {
	p := pace{
		staleness: 3 * time.Second, promptly: 3 * time.Second, recovery: 3 * time.Second, busy: true,
		waits: []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond},
	}
	if os.Getenv("GATEHOUSE_SOAK") != "" {
		p.promptly = 1200 * time.Millisecond // twice the bound: looks wait for a core
	}
	return p
}

// pair is a primary and its standby.
type pair struct {
	t                *testing.T
	primary, standby *pgtest.Server
	lagging          int // nodes that are led to the standby
}

// onServer is what a node on a PostgreSQL server has beside.
type onServer struct {
	of       *pair
	wire     *wire
	database string
	// home is where its wire leads when it is well.
	home *pgtest.Server
}

// newServerNodes makes two nodes on a new database, each at the end of a wire of
// its own.
func (p *pair) newServerNodes(t *testing.T) (two [2]*node, err error) {
	u, err := url.Parse(p.primary.NewDatabase(t))
	if err != nil {
		return two, err
	}
	for i := range two {
		two[i] = &node{
			site: unopened(t, t.TempDir()), pace: onServers(), troubles: []trouble{deaf, away, forgetful, suspended, lagging},
			onServer: &onServer{of: p, wire: newWire(t, p.primary.Port()), database: strings.TrimPrefix(u.Path, "/"), home: p.primary},
		}
		if err := two[i].start(); err != nil {
			return two, err
		}
	}
	return two, nil
}

func (n *node) startOnServer() error {
	at := fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", pgtest.Superuser, n.onServer.wire.address(), n.onServer.database)
	err := n.open(context.Background(), func(cfg *gatehouse.Config) {
		ofNodes(cfg)
		cfg.Session.MaxStaleness = n.pace.staleness
		cfg.Database = gatehouse.Database{URL: auth.Secret(at), StatementTimeout: 2 * time.Second}
	})
	if err != nil {
		return err
	}
	n.run()
	if err := n.isBack(); err != nil {
		return err
	}
	n.bornAt = time.Now()
	n.wellSince = n.bornAt
	return nil
}

// isBack waits until the node is ready.
func (n *node) isBack() (err error) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err = n.Ready(ctx)
		cancel()
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("a node that is well again is not ready after a minute: %w", err)
}

// lag leads the node to the standby, whose replay stands still from now on.
func (s *onServer) lag() {
	if s.of.lagging++; s.of.lagging == 1 {
		s.of.standby.Exec(s.of.t, "postgres", "SELECT pg_wal_replay_pause()")
	}
	s.wire.lead(s.of.standby.Port())
}

// backOnServer leads the node home and waits until it is there.
func (n *node) backOnServer(was trouble) error {
	s := n.onServer
	if was == lagging {
		if s.of.lagging--; s.of.lagging == 0 {
			s.of.standby.Exec(s.of.t, "postgres", "SELECT pg_wal_replay_resume()")
		}
		s.wire.lead(s.home.Port())
	}
	return n.isBack()
}

// led is what each walk begins with: one node is led to the standby, and the
// other one ends a session meanwhile.
var led = []step{
	{"sign in", 0, 0, 0}, {"sign in", 0, 1, 1}, {"tokens", 0, 0, 0}, {"tokens", 0, 1, 0}, {"check", 1, 0, 0}, {"check", 1, 1, 0}, {"bearer", 1, 0, 0},
	{"afflict", 1, 0, 4}, {"sign out", 0, 0, 0}, {"check", 1, 0, 0}, {"check", 1, 1, 0}, {"bearer", 1, 0, 0},
	{"wait", 1, 0, 5}, {"check", 1, 0, 0}, {"check", 1, 1, 0}, {"bearer", 1, 0, 0}, {"refresh", 1, 1, 0},
	{"heal", 1, 0, 0}, {"check", 1, 0, 0}, {"check", 1, 1, 0}, {"bearer", 1, 0, 0}, {"refresh", 1, 1, 0},
}

// The same on PostgreSQL, where time is real: two servers at the end of wires,
// which may lead to a standby that has not heard of anything for a while; and a
// primary that is deposed and goes on answering.
//
// proves: ASVS 7.4.1, ASVS 16.5.3
func TestInterleavingsPostgres_acceptNothingLaterThanPromised(t *testing.T) {
	if *update {
		t.Skip("nothing is written here")
	}
	t.Parallel()
	primary := pgtest.Start(t)
	p := &pair{t: t, primary: primary, standby: primary.Standby(t, false)}
	seeds, count := []uint64{7}, 160
	if n, err := strconv.Atoi(os.Getenv("GATEHOUSE_SOAK")); err == nil {
		for i := range max(1, n/20) {
			seeds = append(seeds, uint64(time.Now().UnixNano())+uint64(i))
		}
		count = 1000
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			nodes, err := p.newServerNodes(t)
			if err != nil {
				t.Fatal(err)
			}
			list := slices.Concat(led, steps(seed, count))
			m, err := walkOn(nodes, list)
			if err != nil {
				t.Fatalf("%v\n%v\n%s", err, list[:m.taken], nodes[0].log.take()+nodes[1].log.take())
			}
			t.Logf("seed %d: %v", seed, m.counts)
			for _, name := range []string{
				"accepted", "accepted after an end elsewhere", "refused", "unavailable", "stored accepted", "stored unavailable",
				"token accepted", "token refused", "token unavailable", "refresh accepted", "refresh unavailable",
			} {
				if m.counts[name] == 0 {
					t.Errorf("it never came to %q", name)
				}
			}
		})
	}
	t.Run("deposed", p.deposed)
}

// deposed promotes the standby while one node stays with the old primary. That
// one answers every read, and no commit of it will ever count: what the other
// node ends is accepted by the first for max_staleness at most, and then nothing.
func (p *pair) deposed(t *testing.T) {
	standby := p.primary.Standby(t, true) // what is committed is there too
	nodes, err := p.newServerNodes(t)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(nodes)
	defer func() {
		if err := m.end(); err != nil {
			t.Error(err)
		}
	}()
	there, left := nodes[0], nodes[1]
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%v\n%s", err, left.log.take())
		}
	}
	for i, a := range m.accounts { // each has a session of either kind, and tokens
		fail(m.signIn(there, a, m.browser(there, a), []string{v4, v5}[i%2]))
		fail(m.getTokens(there, nil, m.credentials[i]))
		fail(m.check(left, m.credentials[i], false))
		fail(m.bearer(left, m.families[i], false))
	}
	if m.counts["accepted"] != 4 || m.counts["token accepted"] != 4 {
		t.Fatalf("nothing is tried here: %v", m.counts)
	}
	changes := func(s *pgtest.Server) string {
		return s.Ask(t, there.onServer.database, "SELECT count(*) FROM changes")
	}

	standby.Promote(t)
	left.wrong, left.wrongSince = deposed, time.Now()
	there.onServer.home = standby
	there.onServer.wire.lead(standby.Port())
	fail(there.isBack())
	before := changes(p.primary)
	m.signOut(there, m.credentials[0])
	m.signOut(there, m.credentials[1])
	m.revokeTokens(there, m.families[2])
	if _, err := there.Users().Disable(t.Context(), "test", m.accounts[3].ID); err != nil {
		t.Fatal(err)
	}
	m.accounts[3].disabled = true
	m.endAll(m.accounts[3], there, true)
	for i, f := range []fact{m.credentials[0].ended, m.credentials[1].ended, m.families[2].ended, m.credentials[3].ended} {
		if f.acknowledged.IsZero() {
			t.Fatalf("%d was not acknowledged by the new primary: %s", i, there.log.take())
		}
	}
	fail(m.signIn(there, m.accounts[0], m.browser(there, m.accounts[0]), v5)) // the old primary will never hear of it
	if after := changes(p.primary); after != before || changes(standby) == before {
		t.Errorf("the old primary answers reads with %s changes, had %s, and the new one has %s: it is not deposed", after, before, changes(standby))
	}
	closed := false
	for end := time.Now().Add(3 * left.pace.staleness); time.Now().Before(end) && !closed; time.Sleep(50 * time.Millisecond) {
		was := m.counts["unavailable"]
		for _, c := range m.credentials {
			fail(m.check(left, c, false))
		}
		closed = m.counts["unavailable"]-was == len(m.credentials)
		for _, f := range m.families {
			fail(m.bearer(left, f, false))
		}
	}
	if !closed {
		t.Error("the node that stayed with the old primary goes on answering")
	}

	left.onServer.home = standby
	left.onServer.wire.lead(standby.Port())
	fail(left.heal())
	accepted := m.counts["accepted"]
	for _, c := range m.credentials {
		fail(m.check(left, c, false))
	}
	p.primary.Kill9() // nothing that it still begins would end
	if m.counts["accepted"] != accepted+2 {
		t.Errorf("of two sessions that nobody ended %d are accepted once it is over", m.counts["accepted"]-accepted)
	}
}
