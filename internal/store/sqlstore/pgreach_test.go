package sqlstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

func nodeCalled(name string) auth.Node {
	return auth.Node{ID: auth.NewNodeID(start), Name: name, MaxStaleness: 30 * time.Second, Keys: []string{"k1", "k2"}, Secrets: 7}
}

// behind returns the names of the nodes that may still accept what the rows
// void.
func behind(t *testing.T, s store.Store, self auth.NodeID, seqs ...int64) string {
	t.Helper()
	r, err := s.Reach(t.Context(), self, seqs)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range r.Behind {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	if (r.Within > 0) != (len(names) > 0) || r.Within > 31*time.Second {
		t.Errorf("behind are %v, within %v", names, r.Within)
	}
	return strings.Join(names, " ")
}

func TestPostgres_knowsWhichNodesHaveHeardOfAChange(t *testing.T) {
	ctx, url := t.Context(), newPostgres(t)
	db := openPostgres(t, url)
	one, two := nodeCalled("one"), nodeCalled("two")
	first, second := openPG(t, url), openPG(t, url)
	beat := func(f *feedAt, n auth.Node) {
		t.Helper()
		if _, err := f.poll(n); err != nil {
			t.Fatal(err)
		}
	}
	write := func() int64 {
		t.Helper()
		seq, err := db.AppendChange(ctx, auth.Change{Kind: auth.ChangeUserVersion, UserID: auth.NewUserID(start), Value: 1, At: start, Until: start})
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	want := func(when, names string, seqs ...int64) {
		t.Helper()
		if got := behind(t, db, "", seqs...); got != names {
			t.Errorf("%s: behind are %q, want %q", when, got, names)
		}
	}
	alone := write()
	want("no node at all", "", alone)
	beat(first, one)
	beat(second, two)
	want("both loaded before it was written, and have not told yet what they read", "one two", alone)
	beat(first, one)
	want("the first has told", "two", alone)
	beat(second, two)
	want("both have told", "", alone)

	seq := write()
	want("a new one", "one two", alone, seq)
	if got := behind(t, db, one.ID, seq); got != "two" {
		t.Errorf("asked by the first node itself: behind are %q", got)
	}
	if _, err := first.poll(one); err != nil { // its beat says what it had read before
		t.Fatal(err)
	}
	want("the first has read it and not told", "one two", seq)
	beat(first, one)
	want("the first has told of the new one", "two", seq)

	// A transaction that is open when a node looks is not among what it has read,
	// whatever its row is called.
	w := connectPlain(t, url)
	w.do("BEGIN")
	w.change(1)
	late := write()
	beat(first, one)
	beat(second, two)
	w.do("COMMIT")
	open := mustNumber(t, w.ask("SELECT max(seq)::text FROM changes WHERE value = 1 AND user_id = 'usr_x'"))
	beat(first, one)
	beat(second, two)
	want("the row that came while another was open", "", late)
	want("the other one: both have read it in their last look, and told nothing yet", "one two", open)

	if err := db.RemoveNode(ctx, two.ID); err != nil {
		t.Fatal(err)
	}
	want("the second has ended", "one", open)
	nodes, err := db.Nodes(ctx)
	if err != nil || len(nodes) != 1 || nodes[0].Name != "one" || len(nodes[0].Keys) != 2 || nodes[0].Secrets != 7 || nodes[0].BeatAt.Before(nodes[0].StartedAt) {
		t.Errorf("the nodes are %+v, %v", nodes, err)
	}
	w.do("UPDATE nodes SET beat_at = beat_at - 32000000")
	want("the first was heard of longer ago than it may accept", "", open)
	if nodes, err := db.Nodes(ctx); err != nil || len(nodes) != 0 {
		t.Errorf("a node that has lapsed is listed: %v, %v", nodes, err)
	}
	if _, err := db.Reach(ctx, "", []int64{open, 1 << 40}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a row that is not there: %v", err)
	}
}

func mustNumber(t *testing.T, text string) (n int64) {
	t.Helper()
	for _, c := range text {
		n = 10*n + int64(c-'0')
	}
	return n
}

// After a crash a node's snapshot may name transactions that are given out
// again: it says nothing until the node is heard of in the server's new life.
func TestPostgres_takesNoSnapshotOfAnotherLifeForAnAnswer(t *testing.T) {
	server := pgtest.Start(t)
	url := newPGTables(t, server)
	f, one := openPG(t, url), nodeCalled("one")
	for range 2 {
		if _, err := f.poll(one); err != nil {
			t.Fatal(err)
		}
	}
	w := connectPlain(t, url)
	w.do("UPDATE nodes SET applied = '5000:5000:'") // as a snapshot that reached far ahead
	server.Stop(t, pgtest.Immediate)
	server.Start(t)
	db := openPostgres(t, url)
	seq, err := db.AppendChange(t.Context(), auth.Change{Kind: auth.ChangeUserVersion, UserID: "usr_x", Value: 1, At: start, Until: start})
	if err != nil {
		t.Fatal(err)
	}
	if got := behind(t, db, "", seq); got != "one" {
		t.Errorf("behind are %q, want the node that was not heard of since", got)
	}
	again := openPG(t, url)
	if _, err := again.poll(one); err != nil {
		t.Fatal(err)
	}
	if got := behind(t, db, "", seq); got != "" {
		t.Errorf("behind are %q after the node has loaded the feed anew", got)
	}
}

// Each commit to the feed wakes the followers, at most once in 20 ms for all
// that one process commits, and it is no part of the transaction.
func TestPostgres_announcesItsCommits(t *testing.T) {
	ctx, url := t.Context(), newPostgres(t)
	db, f := openPostgres(t, url), openPG(t, url)
	f.want("before")
	awake := func() error {
		short, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		return f.Wait(short)
	}
	note := auth.Change{Kind: auth.ChangeUserVersion, UserID: "usr_x", Value: 1, At: start, Until: start}
	err := db.InTx(ctx, func(tx store.Tx) error {
		_, err := tx.AppendChange(ctx, note)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := awake(); err != nil {
		t.Fatalf("a commit in a transaction woke nobody: %v", err)
	}
	f.want("woken", 1)

	begun, woken := time.Now(), 0
	const commits = 60
	for range commits {
		if _, err := db.AppendChange(ctx, note); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil { // sends what is still to be told
		t.Fatal(err)
	}
	most := int(time.Since(begun)/(20*time.Millisecond)) + 2
	for rows := 0; rows < commits; {
		if err := awake(); err != nil {
			t.Fatalf("%d of %d rows came, and nothing wakes any more: %v", rows, commits, err)
		}
		round, err := f.poll(self)
		if err != nil {
			t.Fatal(err)
		}
		rows += len(round.Changes)
		woken += round.Woken
	}
	if woken == 0 || woken > most {
		t.Errorf("%d notifications for %d commits, want at most %d", woken, commits, most)
	}
}

// Whoever writes has what it wrote in its index already.
func TestPostgres_itsOwnAnnouncementsWakeNobody(t *testing.T) {
	ctx, url := t.Context(), newPostgres(t)
	db, other := openPostgres(t, url), openPostgres(t, url)
	own, err := db.OpenFeed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if err := own.Load(ctx, func(auth.Change) {}); err != nil {
		t.Fatal(err)
	}
	heard := openPG(t, url)
	note := auth.Change{Kind: auth.ChangeUserVersion, UserID: "usr_x", Value: 1, At: start, Until: start}
	waits := func(f store.Feed, limit time.Duration) error {
		short, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return f.Wait(short)
	}
	if _, err := db.AppendChange(ctx, note); err != nil {
		t.Fatal(err)
	}
	if err := waits(heard, 20*time.Second); err != nil {
		t.Fatalf("it woke nobody else: %v", err)
	}
	if err := waits(own, 200*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it woke its own feed: %v", err)
	}
	if _, err := other.AppendChange(ctx, note); err != nil {
		t.Fatal(err)
	}
	if err := waits(own, 20*time.Second); err != nil {
		t.Errorf("another server's did not: %v", err)
	}
}

func TestPostgres_announcesNothingThatIsNoChange(t *testing.T) {
	ctx, url := t.Context(), newPostgres(t)
	db, f := openPostgres(t, url), openPG(t, url)
	f.want("before")
	refused := errors.New("refused")
	err := db.InTx(ctx, func(tx store.Tx) error {
		if _, err := tx.AppendChange(ctx, auth.Change{Kind: auth.ChangeUserVersion, UserID: "usr_x"}); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if err := db.ForgetFailures(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f.want("nothing was written")
	round, err := f.poll(self)
	if err != nil || round.Woken != 0 {
		t.Errorf("woken %d times, %v", round.Woken, err)
	}
}

// Several nodes purge the same tables: one of them at a time.
func TestPostgres_purgesInTurns(t *testing.T) {
	ctx, url := t.Context(), newPostgres(t)
	db, other := openPostgres(t, url), openPostgres(t, url)
	for range 3 {
		if _, err := db.AppendChange(ctx, auth.Change{Kind: auth.ChangeUserVersion, UserID: "usr_x", At: start, Until: start}); err != nil {
			t.Fatal(err)
		}
	}
	err := db.InTx(ctx, func(tx store.Tx) error {
		if n, err := tx.PurgeChanges(ctx, start.Add(time.Hour), 2); err != nil || n != 2 {
			t.Errorf("the first purged %d, %v", n, err)
		}
		second := make(chan struct{})
		go func() {
			defer close(second)
			if n, err := other.PurgeChanges(ctx, start.Add(time.Hour), 2); err != nil || n != 0 {
				t.Errorf("the second purged %d meanwhile, %v", n, err)
			}
		}()
		<-second
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := other.PurgeChanges(ctx, start.Add(time.Hour), 2); err != nil || n != 1 {
		t.Errorf("afterwards the second purged %d, %v", n, err)
	}
}

// A look tells of the secrets of the servers that live: the greatest ordinal, and
// when one with a lesser one was heard of last.
func TestPostgres_tellsOfServersWithOtherSecrets(t *testing.T) {
	url := newPostgres(t)
	older, newer := openPG(t, url), openPG(t, url)
	look := func(f *feedAt, n auth.Node) store.Round {
		t.Helper()
		r, err := f.poll(n)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	o, n := nodeCalled("older"), nodeCalled("newer")
	o.Secrets, n.Secrets = 1, 2
	if r := look(older, o); r.Secrets != 1 || !r.Unaware.IsZero() {
		t.Errorf("alone: %d, %v", r.Secrets, r.Unaware)
	}
	first := look(newer, n)
	if first.Secrets != 2 || first.Unaware.IsZero() || !first.Unaware.Before(first.DatabaseTime) {
		t.Errorf("the newer one's first look: %d, %v at %v", first.Secrets, first.Unaware, first.DatabaseTime)
	}
	if r := look(older, o); r.Secrets != 2 || !r.Unaware.IsZero() {
		t.Errorf("the older one's next look: %d, %v", r.Secrets, r.Unaware)
	}
	if r := look(newer, n); !r.Unaware.After(first.DatabaseTime) {
		t.Errorf("the older one has looked at %v, the newer one began before %v", r.Unaware, first.DatabaseTime)
	}
	// One that has not been heard of for as long as it accepts counts no more.
	connectPlain(t, url).ask(`UPDATE nodes SET beat_at = beat_at - 120000000 WHERE secrets = 2 RETURNING id`)
	if r := look(older, o); r.Secrets != 1 {
		t.Errorf("after the newer one has ended: %d", r.Secrets)
	}
}
