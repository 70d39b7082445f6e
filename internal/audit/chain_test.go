package audit_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// times is how often a test repeats itself: more often with "make soak".
func times(often, soak int) int {
	if os.Getenv("GATEHOUSE_SOAK") != "" {
		return soak
	}
	return often
}

func TestRound_chainsWhatIsCommittedInOrderOfItsIDs(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		good(t, r, 0)
		g.write(t, 300) // more than a round takes
		if got := chain(t, r); got != 300 {
			t.Fatalf("%d events were chained, want 300", got)
		}
		report := good(t, r, 300)
		if report.First != 1 || report.Last != 300 || report.Head != head(t, r) || report.Unchained != 0 {
			t.Errorf("got %+v", report)
		}
		g.write(t, 2)
		if report := good(t, r, 300); report.Unchained != 2 || report.Oldest.IsZero() {
			t.Errorf("got %d without a place, oldest %v; want 2", report.Unchained, report.Oldest)
		}
	})
}

// A transaction that commits late has an old ID: it stands behind younger events,
// and is not forgotten, however old it is.
func TestRound_eventsThatComeLateAreChainedLater(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		began := g.clock.Now()
		g.write(t, 3)
		chain(t, r)
		for _, late := range []time.Duration{0, 20 * time.Minute} {
			g.clock.Advance(late)
			e := auth.Event{ID: auth.NewEventID(began), At: began, Type: auth.EventSignedOut}
			if err := g.AppendEvent(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			g.clock.Advance(11 * time.Minute) // the next look at all of them
			if got := chain(t, r); got != 1 {
				t.Errorf("%d were chained, want the late one", got)
			}
		}
		good(t, r, 5)
	})
}

// Several servers chain the same rows at the same time, while others are written:
// no place is empty and none is there twice.
func TestRound_severalServersLeaveNoGapAndNoDuplicate(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		const servers = 3
		each := times(60, 3000)
		var all sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for range servers {
			s := g.open(t)
			r := g.roomOn(t, s)
			writers.Go(func() {
				for range each {
					now := g.clock.Now()
					if err := s.AppendEvent(t.Context(), auth.Event{ID: auth.NewEventID(now), At: now, Type: auth.EventSignedOut}); err != nil {
						t.Error(err)
						return
					}
				}
			})
			all.Go(func() {
				for ctx.Err() == nil {
					_, _ = r.Round(context.WithoutCancel(ctx)) // that another one was faster is no failure of the test's
				}
			})
		}
		writers.Wait()
		stop()
		all.Wait()
		r := g.room(t)
		chain(t, r)
		report := good(t, r, int64(servers*each))
		if report.Last != int64(servers*each) || report.Unchained != 0 {
			t.Errorf("the last place is %d with %d events left, want %d and none", report.Last, report.Unchained, servers*each)
		}
	})
}

// A server that is killed between an event's commit and its round leaves it for the
// next one.
func TestRound_whatAKilledServerLeftIsChainedByTheNext(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		g.write(t, 3)
		chain(t, g.room(t))
		g.write(t, 2) // and here it ends
		g.clock.Advance(time.Hour)
		next := g.roomOn(t, g.open(t))
		if got := chain(t, next); got != 2 {
			t.Errorf("%d were chained, want 2", got)
		}
		good(t, next, 5)
	})
}

// A backup is a whole chain; that it is an older one, a kept head tells.
func TestVerify_restoredBackup(t *testing.T) {
	g := onSQLite(t)
	r := g.room(t)
	g.write(t, 4)
	chain(t, r)
	backup := filepath.Join(t.TempDir(), "backup.db")
	g.edit(t, `VACUUM INTO '`+backup+`'`)
	g.write(t, 4)
	chain(t, r)
	late := head(t, r)

	db, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: backup, MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	restored := g.roomOn(t, db)
	good(t, restored, 4)
	if got := summary(verify(t, restored, late)); got != "cut_off 5-8" {
		t.Errorf("got %q, want what was lost", got)
	}
}

// The chain of one installation is none in another, even with the same secret.
func TestVerify_theKeyIsOfOneInstallation(t *testing.T) {
	a, b := onSQLite(t), onSQLite(t)
	a.write(t, 2)
	chain(t, a.room(t))
	installation, err := b.Installation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.New(audit.Options{
		Store: a, Secrets: []auth.Secret{oneSecret}, Installation: installation, Retention: time.Hour, Logger: discard, Now: a.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := summary(verify(t, r)); got != "unknown_key, unknown_key, unknown_key 1-2" {
		t.Errorf("got %q, want keys that are not known", got)
	}
}

// While the old secret is listed everything can be verified; afterwards the report
// says which places it says nothing of.
func TestVerify_rotationOfTheSecret(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		g.write(t, 3)
		chain(t, g.room(t, oneSecret))
		both := g.room(t, otherSecret, oneSecret)
		chain(t, both) // signs the marks anew
		g.write(t, 2)
		chain(t, both)
		good(t, both, 5)

		alone := g.room(t, otherSecret)
		report := verify(t, alone)
		if got := summary(report); got != "unknown_key 1-3" || report.Events != 5 {
			t.Errorf("without the old secret: got %q of %d events, want 1 to 3 unknown of 5", got, report.Events)
		}
		g.write(t, 1)
		chain(t, alone)
		if got := summary(verify(t, alone)); got != "unknown_key 1-3" {
			t.Errorf("and later: got %q, want nothing else", got)
		}
		// A changed row among those known is found all the same.
		g.edit(t, `UPDATE events SET detail = 'x' WHERE seq = 5`)
		if got := summary(verify(t, alone)); got != "unknown_key 1-3, changed 5" {
			t.Errorf("with a changed row: got %q", got)
		}
	})
}

// A secret that was exchanged at once cannot vouch for the head. Events get places
// again after a while, and the chain says where.
func TestRound_goesOnBehindAnUnknownKeyAndSaysSo(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		g.write(t, 3)
		chain(t, g.room(t, oneSecret))
		r := g.room(t, otherSecret)
		g.write(t, 2)
		if _, err := r.Round(t.Context()); err == nil {
			t.Error("a round went on at once; another server may be further with the secrets")
		}
		g.clock.Advance(time.Minute)
		chain(t, r)
		report := verify(t, r)
		if report.Events != 7 || report.Findings[0].Kind != audit.FindingUnknownKey || report.Findings[len(report.Findings)-1].Kind != audit.FindingContinued {
			t.Errorf("got %d events and %q, want 7, unknown keys and where it went on", report.Events, summary(report))
		}
	})
}

// Events of a release without a chain get places in its first round; the report
// says that nobody can tell what they were until then. Those that this release has
// written before its first round are events like all others.
func TestVerify_eventsFromBeforeTheChain(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		g.write(t, 3)
		// As the release before writes them.
		for i := range 4 {
			id := string(auth.NewEventID(g.clock.Now()))
			g.edit(t, `INSERT INTO events (id, at, type, actor, user_id, session_id, address, detail) VALUES ('`+id+`', `+strconv.FormatInt(g.clock.Now().UnixMicro()+int64(i), 10)+`, 'signin.succeeded', '', '', '', '', '')`)
		}
		g.clock.Advance(time.Hour)
		r := g.room(t)
		chain(t, r)
		g.write(t, 2)
		chain(t, r)
		if report := good(t, r, 9); report.Earlier != 4 || report.Begun.IsZero() {
			t.Errorf("got %d from before, begun %v; want 4", report.Earlier, report.Begun)
		}
	})
}

// Run chains while it runs, and once more at its end.
func TestRun_chainsAtItsEnd(t *testing.T) {
	g := onSQLite(t)
	r := g.room(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.write(t, 3)
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	good(t, r, 3)
	if s := r.Stats(); s.Chained != 3 || s.Head != 3 || s.Lag != 0 {
		t.Errorf("got %+v, want 3 chained and no lag", s)
	}
}
