package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// On SQLite a command asks whether the one server has heard of its change.
func TestReach_ofTheOneServerOnAFile(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "gatehouse.db")
	server, command := openAt(t, path), openAt(t, path)
	note := auth.Change{Kind: auth.ChangeUserVersion, UserID: auth.NewUserID(start), Value: 1, At: start, Until: start}
	write := func() int64 {
		t.Helper()
		seq, err := command.AppendChange(ctx, note)
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	want := func(when string, names int, seq int64) {
		t.Helper()
		r, err := command.Reach(ctx, "", []int64{seq})
		if err != nil || len(r.Behind) != names {
			t.Errorf("%s: behind are %v, %v", when, r.Behind, err)
		}
	}
	seq := write()
	want("no server runs", 0, seq)
	release, err := sqlstore.LockServer(path)
	if err != nil {
		t.Fatal(err)
	}
	want("a server has the lock and has said nothing yet", 1, seq)

	f, err := server.OpenFeed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Load(ctx, func(auth.Change) {}); err != nil {
		t.Fatal(err)
	}
	n := nodeCalled("server")
	look := func() {
		t.Helper()
		if _, err := f.Poll(ctx, n); err != nil {
			t.Fatal(err)
		}
		sqlstore.AwaitBeat(f)
	}
	look()
	want("it has told that it has loaded the row", 0, seq)
	seq = write()
	want("a new row", 1, seq)
	look()
	want("read, and not told", 1, seq)
	look()
	want("told", 0, seq)
	if r, err := server.Reach(ctx, n.ID, []int64{write()}); err != nil || len(r.Behind) != 0 {
		t.Errorf("asked by the server itself: %+v, %v", r, err)
	}
	look()
	look()
	if nodes, err := command.Nodes(ctx); err != nil || len(nodes) != 1 || nodes[0].Name != "server" || nodes[0].MaxStaleness != 30*time.Second {
		t.Errorf("the nodes are %+v, %v", nodes, err)
	}

	// It is killed, and another one starts: the row of the dead one counts as
	// nobody's, and then as one that is behind.
	if err := release(); err != nil {
		t.Fatal(err)
	}
	seq = write()
	want("the server is dead", 0, seq)
	if release, err = sqlstore.LockServer(path); err != nil {
		t.Fatal(err)
	}
	defer release()
	want("the next one has the lock", 1, seq)
	n = nodeCalled("next")
	look()
	look()
	want("the next one has told", 0, seq)
	if nodes, err := command.Nodes(ctx); err != nil || len(nodes) != 1 || nodes[0].Name != "next" {
		t.Errorf("the nodes are %+v, %v", nodes, err)
	}
}

// A look that finds nothing new writes nothing, however often it comes.
func TestFeed_writesItsServersRowOnlyWhenSomethingIsNew(t *testing.T) {
	ctx, commits := t.Context(), 0
	db, err := sqlstore.Open(ctx, sqlstore.Options{
		Path: filepath.Join(t.TempDir(), "gatehouse.db"), Migrate: true,
		Watch: func(int, time.Duration, error) { commits++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f, err := db.OpenFeed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Load(ctx, func(auth.Change) {}); err != nil {
		t.Fatal(err)
	}
	n := nodeCalled("server")
	look := func() {
		n.BeatAt = n.BeatAt.Add(time.Second)
		if _, err := f.Poll(ctx, n); err != nil {
			t.Fatal(err)
		}
		sqlstore.AwaitBeat(f)
	}
	for range 50 {
		look()
	}
	if commits != 1 {
		t.Errorf("%d commits in fifty looks at nothing, want the first one's", commits)
	}
	n.Keys = append(n.Keys, "k3")
	look()
	look()
	if commits != 2 {
		t.Errorf("%d commits after the server has learnt a key, want one more", commits)
	}
}
