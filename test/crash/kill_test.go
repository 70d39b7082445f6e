//go:build linux

package crash_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rounds is how often the program is killed: GATEHOUSE_SOAK, or ten times.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GATEHOUSE_SOAK")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("GATEHOUSE_SOAK is %q, want a number of rounds", text)
	}
	return n
}

// newLoad are six people and one who guesses.
func newLoad(s *site, dice *rand.Rand) []*client {
	clients := newClients(s, 7, dice)
	clients[6].guesser = true
	return clients
}

// onOneDatabase is how many rounds follow each other on one database. All that
// was ever said is verified after each, so a later round costs more.
const onOneDatabase = 20

// Killed again and again, on one database: every answer ever given is true after
// the last start. Sign-outs and changes of password void sessions also in the
// memory of a server that was not there.
//
// proves: ASVS 7.4.1, ASVS 7.4.3
func TestKill_nothingAcknowledgedIsLostAndNothingRefusedCameTrue(t *testing.T) {
	manyRounds(t, rounds(t), func() *site { return newSite(t, folder(t)) }, func(s *site, clients []*client, dice *rand.Rand) {
		killUnderLoad(s, clients, dice, s.server.kill)
		if dice.IntN(4) == 0 {
			killWhileStarting(s, dice)
		}
		s.start()
	})
}

// On PostgreSQL there are two programs that may die: ours, or the database's,
// after which ours goes on by itself. Each has a quarter of the rounds.
//
// proves: ASVS 7.4.1, ASVS 7.4.3
func TestKill_onPostgresNothingAcknowledgedIsLostAndNothingRefusedCameTrue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		killed func(s *site, clients []*client, dice *rand.Rand)
	}{
		{"gatehouse", func(s *site, clients []*client, dice *rand.Rand) {
			killUnderLoad(s, clients, dice, s.server.kill)
			if dice.IntN(4) == 0 {
				killWhileStarting(s, dice)
			}
			s.start()
		}},
		{"the database", func(s *site, clients []*client, dice *rand.Rand) {
			s.mortal, s.forgetful = true, true
			defer func() { s.mortal = false }()
			process := s.server.cmd.Process.Pid
			killUnderLoad(s, clients, dice, s.postgres.Kill9)
			s.postgres.Start(s.t)
			s.awaitReady(s.server)
			if s.server.cmd.Process.Pid != process {
				s.t.Error("it was restarted")
			}
		}},
		{"both", func(s *site, clients []*client, dice *rand.Rand) {
			s.mortal, s.forgetful = true, true
			defer func() { s.mortal = false }()
			killUnderLoad(s, clients, dice, func() {
				s.postgres.Kill9()
				s.server.kill()
			})
			p := s.launch() // waits for the database
			s.postgres.Start(s.t)
			s.awaitReady(p)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			manyRounds(t, max(1, rounds(t)/4), func() *site { return newPostgresSite(t) }, tt.killed)
		})
	}
}

// manyRounds are n in all, on several databases one after the other.
func manyRounds(t *testing.T, n int, open func() *site, killed func(*site, []*client, *rand.Rand)) {
	t.Helper()
	dice, unanswered := chance(t), 0
	for done := 0; done < n; done += onOneDatabase {
		unanswered += killRounds(t, min(onOneDatabase, n-done), dice, open(), killed)
		if t.Failed() {
			return
		}
	}
	if unanswered == 0 {
		t.Error("no kill met a request under way: the rounds show nothing")
	}
}

// killRounds returns how many requests were not answered.
func killRounds(t *testing.T, n int, dice *rand.Rand, s *site, killed func(*site, []*client, *rand.Rand)) int {
	t.Helper()
	s.start()
	clients := newLoad(s, dice)
	for round := range n {
		killed(s, clients, dice)
		report(t, verify(s, clients, dice))
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	s.end()
	all := together(clients)
	t.Logf("%d rounds; %d accounts; acknowledged: %v; refused: %v; not answered: %d, of which had happened: %d",
		n, len(all.accounts), all.acknowledged, all.refused, all.unanswered, all.cameTrue())
	for what := range all.refused {
		if strings.HasSuffix(what, ", unavailable") {
			t.Errorf("%s, which a healthy server has no reason to be", what)
		}
	}
	return all.unanswered
}

// killUnderLoad lets the clients work and kills something after some
// acknowledgements, at a moment of its own: counting them, and not the time,
// makes a round worth the same on a slow machine.
func killUnderLoad(s *site, clients []*client, dice *rand.Rand, kill func()) {
	s.t.Helper()
	until := clients[0].answered.Load() + int64(5+dice.IntN(50))
	jitter := time.Duration(dice.IntN(40_000)) * time.Microsecond
	if dice.IntN(2) == 0 { // near a commit, which others share
		jitter /= 20
	}
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(patience); clients[0].answered.Load() < until && time.Now().Before(deadline); {
			<-tick.C
		}
		<-time.After(jitter)
		kill()
	}()
	runAll(clients, func() bool { return false })
	<-killed
}

// killWhileStarting kills a server that reads what the last one has left.
func killWhileStarting(s *site, dice *rand.Rand) {
	p := s.launch()
	<-time.After(time.Duration(dice.IntN(60_000)) * time.Microsecond)
	p.kill()
}

func report(t *testing.T, findings []finding) {
	t.Helper()
	for i, f := range findings {
		if i == 20 {
			t.Errorf("and %d more", len(findings)-i)
			return
		}
		t.Errorf("%s: %s", f.kind, f.text)
	}
}
