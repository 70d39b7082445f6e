package audit_test

import (
	"log/slog"
	"testing"
	"time"
)

var discard = slog.New(slog.DiscardHandler)

// Retention removes the beginning and leaves a checkpoint, at which a look begins.
//
// proves: ASVS 14.2.7
func TestCut_leavesACheckpoint(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		g.write(t, 6) // a second apart
		before := g.clock.Now().Add(-time.Second)
		chain(t, r)
		early := head(t, r)
		g.write(t, 1)

		for _, want := range []int{3, 1, 0} { // the last two are not old enough
			if n, err := r.Cut(t.Context(), before, 3); err != nil || n != want {
				t.Fatalf("got %d cut and error %v, want %d", n, err, want)
			}
		}
		chain(t, r)
		report := good(t, r, 3, early)
		if report.First != 5 || report.Last != 7 || report.Cut != 4 || report.CutAt.IsZero() {
			t.Errorf("got %+v, want 5 to 7 behind 4", report)
		}
		// All that has a place may go; what has none may not.
		g.write(t, 2)
		if n, err := r.Cut(t.Context(), g.clock.Now().Add(time.Hour), 100); err != nil || n != 3 {
			t.Fatalf("got %d cut and error %v, want 3", n, err)
		}
		good(t, r, 0)
		chain(t, r)
		report = good(t, r, 2)
		if report.First != 8 || report.Last != 9 {
			t.Errorf("got %d to %d, want 8 to 9", report.First, report.Last)
		}
		if report := verify(t, r, early); len(report.Uncompared) != 1 || !report.OK() {
			t.Errorf("a head from before the cut: got %+v, want it named as not compared", report)
		}
		// What goes beside retention is still missed.
		g.edit(t, `DELETE FROM events WHERE seq = 8`)
		if got := summary(verify(t, r)); got != "missing 8" {
			t.Errorf("got %q, want the first one missed", got)
		}
	})
}

// A checkpoint that somebody made up is not built on, and so not covered up.
func TestCut_refusesBehindAForgedCheckpoint(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		g.write(t, 5)
		chain(t, r)
		old := g.clock.Now().Add(time.Hour)
		g.edit(t, `UPDATE event_marks SET seq = 2, mac = 'x', sign = 'x', chain_key = (SELECT chain_key FROM events WHERE seq = 1) WHERE name = 'checkpoint'`)
		if n, err := r.Cut(t.Context(), old, 3); err == nil || n != 0 {
			t.Errorf("got %d cut and error %v, want none and an error", n, err)
		}
		g.edit(t, `UPDATE event_marks SET chain_key = '1.AAAAAAAA' WHERE name = 'checkpoint'`)
		if n, err := r.Cut(t.Context(), old, 3); err != nil || n != 0 {
			t.Errorf("under an unknown key: got %d cut and error %v, want none until a round has decided", n, err)
		}
	})
}
