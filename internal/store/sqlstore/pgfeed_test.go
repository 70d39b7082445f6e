package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// These are the experiments of guarantees R1 and R2, each on a real server. The
// rows are written by plain connections, so that a transaction can take its
// number, wait, and end in whatever order the experiment wants.

// line is a database with the tables of Gatehouse, as a plain connection has it.
type line struct {
	t    *testing.T
	conn *pgx.Conn
}

func connectPlain(t *testing.T, url string) line {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c.Close(ctx)
	})
	return line{t, c}
}

func (l line) do(text string, args ...any) {
	l.t.Helper()
	if _, err := l.conn.Exec(l.t.Context(), text, args...); err != nil {
		l.t.Fatalf("%s: %v", text, err)
	}
}

func (l line) ask(text string, args ...any) (answer string) {
	l.t.Helper()
	if err := l.conn.QueryRow(l.t.Context(), text, args...).Scan(&answer); err != nil {
		l.t.Fatalf("%s: %v", text, err)
	}
	return answer
}

const insertChange = `INSERT INTO changes (kind, session_id, user_id, family_id, key_id, value, at, until)
	VALUES ('user_version', '', 'usr_x', '', '', $1, 0, 9000000000000000) RETURNING seq::text`

// change inserts a row that carries the value and returns its seq.
func (l line) change(value int) string { l.t.Helper(); return l.ask(insertChange, value) }

// openPG opens a feed on the database, and loads it.
func openPG(t *testing.T, url string) *feedAt {
	t.Helper()
	f := &feedAt{t: t, Feed: openUnread(t, url), limit: 30 * time.Second}
	if err := f.Load(t.Context(), func(c auth.Change) { f.loaded = append(f.loaded, c.Value) }); err != nil {
		t.Fatal(err)
	}
	return f
}

func openUnread(t *testing.T, url string) store.Feed {
	t.Helper()
	f, err := sqlstore.OpenPGFeed(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

type feedAt struct {
	t *testing.T
	store.Feed
	loaded []int64
	// limit is the deadline of a look; the follower's is 500 ms.
	limit time.Duration
}

var self = auth.Node{ID: auth.NewNodeID(start), Name: "test", MaxStaleness: 30 * time.Second}

// look polls and returns the values of the rows that came.
func (f *feedAt) look() (values []int64) {
	f.t.Helper()
	round, err := f.poll(self)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, c := range round.Changes {
		values = append(values, c.Value)
	}
	slices.Sort(values)
	return values
}

func (f *feedAt) poll(beat auth.Node) (store.Round, error) {
	ctx, cancel := context.WithTimeout(context.Background(), f.limit)
	defer cancel()
	return f.Poll(ctx, beat)
}

func (f *feedAt) want(when string, values ...int64) {
	f.t.Helper()
	if got := f.look(); !slices.Equal(got, values) {
		f.t.Errorf("%s: the feed brought %v, want %v", when, got, values)
	}
}

// Cursors that look right and are wrong: the controls. Each returns the values
// it brings.
type cursor struct {
	line
	text string
	last int64
}

// horizonCursor reads in order of seq what is older than every transaction
// under way: "read up to the snapshot horizon".
func horizonCursor(l line) *cursor {
	return &cursor{line: l, text: `SELECT seq, value FROM changes WHERE seq > $1 AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY seq`}
}

func (c *cursor) look() (values []int64) {
	c.t.Helper()
	rows, err := c.conn.Query(c.t.Context(), c.text, c.last)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var value int64
		if err := rows.Scan(&c.last, &value); err != nil {
			c.t.Fatal(err)
		}
		values = append(values, value)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return values
}

// The smallest case in which the numbers of rows are in another order than
// those of transactions.
func TestPGFeed_seesARowThatCommitsBehindAGreaterNumber(t *testing.T) {
	url := newPGTables(t, pgtest.Shared(t))
	f, broken := openPG(t, url), horizonCursor(connectPlain(t, url))
	first, second := connectPlain(t, url), connectPlain(t, url)
	first.do("BEGIN")
	first.ask("SELECT pg_current_xact_id()::text") // its number is the lower one
	second.do("BEGIN")
	second.change(1) // its row is the lower one
	first.change(2)
	first.do("COMMIT")
	f.want("while the second is open", 2)
	brokenSaw := broken.look()
	second.do("COMMIT")
	f.want("after both", 1)
	f.want("later")
	if saw := append(brokenSaw, broken.look()...); slices.Contains(saw, 1) {
		t.Errorf("the control, a cursor at the horizon, saw %v: the experiment shows nothing", saw)
	}
}

// proves: ASVS 7.4.1
func TestPGFeed_seesARowWhoseTransactionTookItsNumberAfterwards(t *testing.T) {
	url := newPGTables(t, pgtest.Shared(t))
	f := openPG(t, url)
	first, second := connectPlain(t, url), connectPlain(t, url)
	first.do("BEGIN")
	seq := first.ask("SELECT nextval(pg_get_serial_sequence('changes', 'seq'))::text") // a row's number, and none of a transaction
	second.change(2)
	f.want("while the first is open", 2)
	first.do(strings.Replace(strings.Replace(insertChange, "(kind", "(seq, kind", 1), "VALUES (", "OVERRIDING SYSTEM VALUE VALUES ("+seq+", ", 1), 1)
	f.want("written and not committed")
	first.do("COMMIT")
	f.want("after both", 1)
}

// The row carries the outermost transaction's number; the system's own column
// carries the savepoint's, which no snapshot lists.
func TestPGFeed_seesRowsOfSavepoints(t *testing.T) {
	url := newPGTables(t, pgtest.Shared(t))
	f, w := openPG(t, url), connectPlain(t, url)
	w.do("BEGIN")
	w.ask("SELECT pg_current_xact_id()::text")
	w.do("SAVEPOINT a")
	w.change(1)
	w.do("SAVEPOINT b")
	w.change(2)
	w.do("ROLLBACK TO b")
	w.change(3)
	other := connectPlain(t, url)
	other.change(4)
	f.want("while it is open", 4)
	w.do("COMMIT")
	f.want("after it", 1, 3)
	if n := w.ask("SELECT count(*)::text FROM changes WHERE xid::text <> xmin::text"); n != "2" {
		t.Errorf("%s rows carry another number than the system's: the savepoints made no difference", n)
	}
}

func TestPGFeed_seesNothingOfWhatWasRolledBack(t *testing.T) {
	url := newPGTables(t, pgtest.Shared(t))
	f, w := openPG(t, url), connectPlain(t, url)
	w.do("BEGIN")
	w.change(1)
	f.want("while it is open")
	w.do("ROLLBACK")
	w.change(2)
	f.want("after it", 2)
	f.want("later")
}

// A transaction under way holds nothing up, wherever on the server it is, and
// rows that are visible come once.
func TestPGFeed_waitsForNoTransactionThatIsUnderWay(t *testing.T) {
	server := pgtest.Shared(t)
	url, elsewhere := newPGTables(t, server), server.NewDatabase(t)
	for name, open := range map[string]func() line{
		"a writer in another database": func() line {
			idle := connectPlain(t, elsewhere)
			idle.do("BEGIN")
			idle.ask("SELECT pg_current_xact_id()::text")
			return idle
		},
		"a row lock": func() line {
			idle := connectPlain(t, url)
			idle.do("BEGIN")
			idle.do("SELECT FROM installation FOR UPDATE")
			return idle
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, w := openPG(t, url), connectPlain(t, url)
			broken := horizonCursor(connectPlain(t, url))
			broken.look()
			idle := open()
			w.change(7)
			f.want("at once", 7)
			f.want("again, and it came before")
			if saw := broken.look(); len(saw) != 0 {
				t.Errorf("the control, a cursor at the horizon, saw %v: the experiment shows nothing", saw)
			}
			idle.do("COMMIT")
			f.want("after it")
		})
	}
}

func TestPGFeed_seesAPreparedTransactionWhenItIsCommitted(t *testing.T) {
	server := pgtest.Start(t)
	server.Exec(t, "postgres", "ALTER SYSTEM SET max_prepared_transactions = 4")
	server.Stop(t, pgtest.Fast)
	server.Start(t)
	url := newPGTables(t, server)
	f, w, other := openPG(t, url), connectPlain(t, url), connectPlain(t, url)
	w.do("BEGIN")
	w.change(1)
	w.do("PREPARE TRANSACTION 'held'")
	other.change(2)
	f.want("while it is prepared", 2)
	f.want("again")
	w.do("COMMIT PREPARED 'held'")
	f.want("committed", 1)
}

// After a crash transaction numbers are used again: those of transactions of
// which nothing had reached the disk (guarantees R2). A position that is kept
// passes over what is written then.
func TestPGFeed_noticesThatItsServerWasStartedAgain(t *testing.T) {
	server := pgtest.Start(t)
	server.Exec(t, "postgres", "ALTER SYSTEM SET wal_writer_delay = '10s'", "SELECT pg_reload_conf()")
	url := newPGTables(t, server)
	f, w := openPG(t, url), connectPlain(t, url)
	f.want("before")
	for i := range 40 {
		w.do("BEGIN")
		w.change(100 + i)
		w.do("ROLLBACK")
	}
	if _, err := f.poll(auth.Node{}); err != nil { // a look without a beat leaves the disk alone
		t.Fatal(err)
	}
	floor := sqlstore.FeedFloor(f.Feed)
	server.Stop(t, pgtest.Immediate)
	server.Start(t)
	w = connectPlain(t, url)
	w.change(1)
	if xid := w.ask("SELECT xid::text FROM changes"); !less(t, xid, floor) {
		t.Fatalf("the first transaction after the crash has number %s, the floor was %d: the experiment shows nothing", xid, floor)
	}
	if _, err := f.poll(self); err == nil || !strings.Contains(err.Error(), "the connection is gone") {
		t.Fatalf("a look through the old connection: %v", err)
	}
	again := openPG(t, url)
	if !slices.Equal(again.loaded, []int64{1}) {
		t.Errorf("a feed opened after the crash loads %v, want what was written after it", again.loaded)
	}
	sqlstore.SetFeedConn(f.Feed, again.Feed) // as a pooler would do it
	if _, err := f.poll(self); err == nil || !strings.Contains(err.Error(), "must be read whole") {
		t.Errorf("the old position on the server's new life: %v", err)
	}
}

func less(t *testing.T, text string, than uint64) bool {
	t.Helper()
	var n uint64
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n < than
}

func TestPGFeed_noticesAPoolerUnderneath(t *testing.T) {
	url := newPGTables(t, pgtest.Shared(t))
	f, other := openPG(t, url), openPG(t, url)
	f.want("before")
	sqlstore.SetFeedConn(f.Feed, other.Feed)
	if _, err := f.poll(self); err == nil || !strings.Contains(err.Error(), "database.feed_url") {
		t.Errorf("got %v, want to be told which setting leads past a pooler", err)
	}
}

func TestPGFeed_isWokenByNotificationsAndNeedsNone(t *testing.T) {
	url := newPGTables(t, pgtest.Shared(t))
	f, w := openPG(t, url), connectPlain(t, url)
	f.want("before")
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("woken by nothing: %v", err)
	}
	w.change(1)
	f.want("without a notification", 1)
	w.change(2)
	w.do("NOTIFY gatehouse_changes")
	long, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	if err := f.Wait(long); err != nil {
		t.Fatalf("not woken: %v", err)
	}
	round, err := f.poll(self)
	if err != nil || len(round.Changes) != 1 || round.Woken == 0 {
		t.Errorf("after waking: %+v, %v", round, err)
	}
	// One that comes during a look is not lost.
	w.do("NOTIFY gatehouse_changes")
	f.want("with a notification under way")
	if err := f.Wait(long); err != nil {
		t.Errorf("the notification during the look woke nobody: %v", err)
	}
}

func TestPGFeed_failsWhenItsConnectionIsCut(t *testing.T) {
	url := newPGTables(t, pgtest.Shared(t))
	f, w := openPG(t, url), connectPlain(t, url)
	f.want("before")
	w.ask("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%terminate%'")
	if err := f.Wait(t.Context()); err == nil {
		t.Error("waiting on a connection that was cut")
	}
	if _, err := f.poll(self); err == nil {
		t.Error("a look through a connection that was cut succeeds")
	}
}

func TestPGFeed_givesUpOnAFrozenServer(t *testing.T) {
	server := pgtest.Start(t)
	url := newPGTables(t, server)
	f := openPG(t, url)
	f.want("before")
	server.Freeze()
	defer server.Thaw()
	f.limit = 500 * time.Millisecond
	begun := time.Now()
	if _, err := f.poll(self); err == nil {
		t.Error("a frozen server answers")
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("given up after %v only", took)
	}
}

func TestPGFeed_comparesClocks(t *testing.T) {
	url := newPGTables(t, pgtest.Shared(t))
	f := openPG(t, url)
	before := time.Now()
	round, err := f.poll(self)
	if err != nil {
		t.Fatal(err)
	}
	if at := round.DatabaseTime; at.Before(before.Add(-time.Millisecond)) || at.After(time.Now().Add(time.Millisecond)) {
		t.Errorf("the database's clock says %v, ours %v and later", at, before)
	}
}

func text(n uint64) string { return strconv.FormatUint(n, 10) }

// A dump that is read into another server brings rows whose transactions have
// not been there yet: no snapshot sees them. They come once, as all others.
func TestPGFeed_bringsRowsOfAnotherServerOnce(t *testing.T) {
	s := pgtest.Shared(t)
	url := newPGTables(t, s)
	w := connectPlain(t, url)
	for value := range 3 {
		w.do(`INSERT INTO changes (kind, session_id, user_id, family_id, key_id, value, at, until, xid)
			VALUES ('user_version', '', 'usr_x', '', '', $1, 0, 9000000000000000, '900000000000')`, value)
	}
	open := connectPlain(t, url)
	open.do("BEGIN")
	open.change(3) // is no such row, though its transaction is younger than what the look sees
	f, other := openPG(t, url), openPG(t, url)
	for _, one := range []*feedAt{f, other} {
		if slices.Sort(one.loaded); !slices.Equal(one.loaded, []int64{0, 1, 2}) {
			t.Errorf("loaded %v", one.loaded)
		}
		one.want("after that")
	}
	open.do("COMMIT")
	f.want("when the other one has committed", 3)
	f.want("after that")
	other.want("of another node", 3)
}
