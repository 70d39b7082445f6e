package revocation_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

// A first reading of the feed that hangs keeps the server refusing for some
// seconds and not for minutes: it is given up and begun anew.
func TestFollower_givesUpAReadingOfTheFeedThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := auth.NewSessionID(start)
		s := &script{rows: []auth.Change{ended(id, 0, start, start.Add(time.Hour))}}
		s.load = func(ctx context.Context, number int, row func()) error {
			row() // some of it arrives
			if number == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		r := run(t, s, nil)
		defer r.stop()
		after(3 * time.Second)
		if r.Stats().Loads != 0 || r.Index.Staleness(time.Now()) != revocation.Never {
			t.Fatal("fresh without having read the feed: the experiment shows nothing")
		}
		after(3 * time.Second)
		if n := r.Stats().Loads; n != 1 || r.Index.Staleness(time.Now()) > time.Second || !isVoid(t, r.Index, id) {
			t.Errorf("after six seconds: %d whole readings, last fresh %v ago", n, r.Index.Staleness(time.Now()))
		}
		if log := r.log.String(); !strings.Contains(log, "no row has arrived for too long") {
			t.Errorf("the log does not have the cause: %s", log)
		}
	})
}

// As long as rows arrive the reading goes on: a big feed needs its time.
func TestFollower_readsABigFeedToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{load: func(ctx context.Context, _ int, row func()) error {
			for range 100 {
				select {
				case <-time.After(3 * time.Second):
				case <-ctx.Done():
					return ctx.Err()
				}
				row()
			}
			return nil
		}}
		r := run(t, s, nil)
		defer r.stop()
		after(301 * time.Second)
		if st := r.Stats(); st.Loads != 1 || st.Failures != 0 {
			t.Errorf("a reading of five minutes: %d succeeded, %d failures: %s", st.Loads, st.Failures, r.log.String())
		}
	})
}

// A database that is slow to give its first row is given more time with each
// reading, so that it is read in the end; and no more once that has succeeded.
func TestFollower_hasMorePatienceWithADatabaseThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := 21 * time.Second
		var given []time.Duration
		s := &script{}
		s.load = func(ctx context.Context, _ int, row func()) error {
			begun := time.Now()
			select {
			case <-time.After(first):
				return nil
			case <-ctx.Done():
				given = append(given, time.Since(begun))
				return ctx.Err()
			}
		}
		r := run(t, s, nil)
		defer r.stop()
		after(65 * time.Second)
		if n := r.Stats().Loads; n != 1 || len(given) != 3 {
			t.Fatalf("read %d times after readings that were given up after %v", n, given)
		}
		r.s.set(func() { first, given, r.s.fail = time.Hour, nil, context.Canceled })
		after(time.Second)
		r.s.set(func() { r.s.fail = nil })
		after(400 * time.Second)
		want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 75 * time.Second, 75 * time.Second, 75 * time.Second}
		for i := range min(len(given), len(want)) {
			if given[i] < want[i]*4/5 || given[i] > want[i] {
				t.Errorf("reading %d was given up after %v, want at most %v", i, given[i], want[i])
			}
		}
		if len(given) < 6 {
			t.Errorf("in 400 seconds it was tried %d times: %v", len(given), given)
		}
	})
}
