//go:build linux

package cluster_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

// The promise (docs/sessions.md): with notifications 99 of 100 are refused
// within usually, and all within a poll and as much again.
const (
	usually = 100 * time.Millisecond
	atMost  = revocation.ServerPollInterval + usually
)

// distribution is what was measured, in order.
type distribution []time.Duration

func (d distribution) at(p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[min(len(d)-1, int(p*float64(len(d))))].Round(100 * time.Microsecond)
}

func (d distribution) String() string {
	return fmt.Sprintf("%d: p50 %v, p90 %v, p99 %v, p99.9 %v, greatest %v", len(d), d.at(0.5), d.at(0.9), d.at(0.99), d.at(0.999), d.at(1))
}

// histogram draws how many fell into each range.
func (d distribution) histogram() string {
	var text strings.Builder
	from := 0
	for _, ms := range []int{5, 10, 20, 50, 100, 200, 300, 400, 500, 600, 800, 1000, 2000, 5000} {
		to, _ := slices.BinarySearch(d, time.Duration(ms)*time.Millisecond)
		if to > from {
			fmt.Fprintf(&text, "  under %4d ms %6d  %s\n", ms, to-from, strings.Repeat("#", (to-from)*60/len(d)))
		}
		from = to
	}
	if from < len(d) {
		fmt.Fprintf(&text, "  more          %6d\n", len(d)-from)
	}
	return text.String()
}

// tick is what the control waits for.
const tick = 10 * time.Millisecond

// lateness is the control of a measurement: how late a timer of ten milliseconds
// fires in this process, until the returned function is called. It is what a
// process here has to wait for a core, and no fault of the servers'.
func lateness() (stop func() distribution) {
	end, result := make(chan struct{}), make(chan distribution)
	go func() {
		var d distribution
		for {
			begun := time.Now()
			select {
			case <-end:
				slices.Sort(d)
				result <- d
				return
			case <-time.After(tick):
			}
			d = append(d, max(0, time.Since(begun)-tick))
		}
	}()
	return func() distribution {
		close(end)
		return <-result
	}
}

// judge prints what was measured, and holds it to the promise. A revocation
// comes to another server through six turns of processes: the one that tells, its
// session at the database, the session of the one that hears, that server, its
// session again, and the server again. Each may have to wait for a core; how long
// is known from the control.
func judge(t *testing.T, what string, deaf bool, delays, late distribution) {
	t.Helper()
	slices.Sort(delays)
	if len(delays) == 0 || len(late) == 0 {
		t.Fatal("nothing was measured")
	}
	t.Logf("%s: refusals, %v\n%s  a timer of %v was late, %v", what, delays, delays.histogram(), tick, late)
	if worst := delays.at(1); worst > staleness+time.Second {
		t.Errorf("%s: accepted %v after the acknowledgement", what, worst)
	}
	if !soaking() {
		return
	}
	const turns = 6
	if bound := usually + turns*late.at(0.99); !deaf && delays.at(0.99) > bound {
		t.Errorf("%s: p99 is %v, want at most %v and %d times the %v by which timers are late: %v", what, delays.at(0.99), usually, turns, late.at(0.99), bound)
	}
	if bound := atMost + turns*late.at(0.99); delays.at(0.99) > bound {
		t.Errorf("%s: p99 is %v, want at most %v and %d times the %v by which timers are late: %v", what, delays.at(0.99), atMost, turns, late.at(0.99), bound)
	}
	if bound := atMost + turns*late.at(1); delays.at(1) > bound {
		t.Errorf("%s: the greatest is %v, want at most %v and %d times the %v by which a timer was late: %v", what, delays.at(1), atMost, turns, late.at(1), bound)
	}
}

// looks is what the servers say of their looks at the feed: the counts of
// failed looks, of whole readings, of looks and of notifications.
func (c *cluster) looks() string {
	c.t.Helper()
	var text strings.Builder
	for _, n := range c.nodes {
		a, err := client.Get(n.ops + "/metrics")
		if err != nil {
			c.t.Fatal(err)
		}
		all, err := io.ReadAll(a.Body)
		a.Body.Close()
		if err != nil {
			c.t.Fatal(err)
		}
		fmt.Fprintf(&text, "  %s:", n.name)
		for line := range strings.Lines(string(all)) {
			for _, name := range []string{"errors_total", "loads_total", "rounds_total", "notifications_total"} {
				if value, found := strings.CutPrefix(line, "gatehouse_revocation_feed_"+name+" "); found {
					fmt.Fprintf(&text, " %s %s", strings.TrimSuffix(name, "_total"), strings.TrimSpace(value))
				}
			}
		}
		text.WriteString("\n")
	}
	return text.String()
}
