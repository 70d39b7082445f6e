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
	dice, n, unanswered := chance(t), rounds(t), 0
	for done := 0; done < n; done += onOneDatabase {
		unanswered += killRounds(t, min(onOneDatabase, n-done), dice)
		if t.Failed() {
			return
		}
	}
	if n >= 10 && unanswered == 0 {
		t.Error("no kill met a request under way: the rounds show nothing")
	}
}

// killRounds returns how many requests were not answered.
func killRounds(t *testing.T, n int, dice *rand.Rand) int {
	t.Helper()
	s := newSite(t, folder(t))
	s.start()
	clients := newLoad(s, dice)
	for round := range n {
		killUnderLoad(s, clients, dice)
		if dice.IntN(4) == 0 {
			killWhileStarting(s, dice)
		}
		s.start()
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

// killUnderLoad lets the clients work and kills the server after some
// acknowledgements, at a moment of its own: counting them, and not the time,
// makes a round worth the same on a slow machine.
func killUnderLoad(s *site, clients []*client, dice *rand.Rand) {
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
		s.server.kill()
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
