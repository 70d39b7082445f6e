package sqlstore_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// databaseOf is the name at the end of a database's URL.
func databaseOf(url string) string {
	name, _, _ := strings.Cut(url[strings.LastIndex(url, "/")+1:], "?")
	return name
}

// A standby may lag, and answers all the same: it is refused. When it is
// promoted it goes on from what it has received: numbers are lower than the
// ones the old primary gave out, and a follower that keeps its position hears
// of nothing more (guarantees R2). Several hosts may be named: the feed finds
// the primary among them.
//
// proves: ASVS 7.4.1
func TestPGFeed_followsThePrimaryOverAPromotion(t *testing.T) {
	primary := pgtest.Start(t)
	primary.Exec(t, "postgres", "ALTER SYSTEM SET wal_writer_delay = '10s'", "SELECT pg_reload_conf()")
	url := newPGTables(t, primary)
	standby := primary.Standby(t, true)
	heir := standby.URL(databaseOf(url))
	both := "host=127.0.0.1,127.0.0.1 port=" + text(uint64(standby.Port())) + "," + text(uint64(primary.Port())) +
		" user=" + pgtest.Superuser + " dbname=" + databaseOf(url) + " sslmode=disable"

	if f, err := sqlstore.OpenPGFeed(t.Context(), heir); err == nil {
		f.Close()
		t.Error("a feed follows a standby")
	}
	f, w := openPG(t, both), connectPlain(t, url)
	w.change(1) // acknowledged: the standby has it
	f.want("at the primary, which is named second", 1)
	for i := range 40 {
		w.do("BEGIN")
		w.change(100 + i)
		w.do("ROLLBACK")
	}
	if _, err := f.poll(auth.Node{}); err != nil {
		t.Fatal(err)
	}
	floor := sqlstore.FeedFloor(f.Feed)
	primary.Kill9()
	standby.Promote(t)

	if _, err := f.poll(self); err == nil {
		t.Fatal("a look through the old connection succeeds")
	}
	n := connectPlain(t, heir)
	n.change(2)
	if xid := n.ask("SELECT max(xid::text::bigint)::text FROM changes"); !less(t, xid, floor) {
		t.Fatalf("the first transaction after the promotion has number %s, the floor was %d: the experiment shows nothing", xid, floor)
	}
	if got := n.ask("SELECT count(*)::text FROM changes WHERE xid >= $1::text::xid8", text(floor)); got != "0" {
		t.Errorf("the control, a position that is kept, sees %s rows: the experiment shows nothing", got)
	}
	again := openPG(t, both)
	if slices.Sort(again.loaded); !slices.Equal(again.loaded, []int64{1, 2}) {
		t.Errorf("the new primary's feed loads %v, want everything acknowledged", again.loaded)
	}
	sqlstore.SetFeedConn(f.Feed, again.Feed)
	if _, err := f.poll(self); err == nil || !strings.Contains(err.Error(), "must be read whole") {
		t.Errorf("the old position on the new primary: %v", err)
	}
}

// A primary whose commits nobody confirms has perhaps been deposed: plain reads
// go on succeeding there, and what others write elsewhere is not seen. The beat
// finds out (guarantees R7). A wait for the standby that is cancelled is
// reported as success, with a warning: the beat of such a round says nothing
// (guarantees R18).
func TestPGFeed_isNotFreshOnADeposedPrimary(t *testing.T) {
	primary := pgtest.Start(t)
	url := newPGTables(t, primary)
	standby := primary.Standby(t, true)
	defer primary.Exec(t, "postgres", "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	f, patient := openPG(t, url), openPG(t, url)
	f.want("before")
	patient.want("before")
	standby.Kill9() // from here on the primary cannot know whether there is another one

	if _, err := f.poll(auth.Node{}); err != nil {
		t.Fatalf("the control, a look without a beat, fails: %v", err)
	}
	begun := time.Now()
	f.limit = 500 * time.Millisecond
	if _, err := f.poll(self); err == nil {
		t.Error("a look succeeds although nobody confirms commits")
	} else if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v to find out", took)
	}

	ended := make(chan error, 1)
	go func() {
		_, err := patient.Poll(t.Context(), auth.Node{ID: auth.NewNodeID(start)}) // without a deadline
		ended <- err
	}()
	w := connectPlain(t, url)
	for {
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(err.Error(), "warns") {
				t.Errorf("after the wait was cancelled: %v", err)
			}
			return
		case <-time.After(20 * time.Millisecond):
			w.ask("SELECT count(pg_cancel_backend(pid))::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
		}
	}
}
