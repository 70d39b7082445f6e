package failclosed_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seam/faults"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// node is one of two servers on one database. A second server on one SQLite file
// is refused by a lock, so each has a file of its own to lock, and the store of
// both is the first one's.
type node struct {
	*site
	folder string
	shared string // the database of both
	rows   *mirror

	// Of the model: what is wrong with it now, since when nothing is, and when it
	// was started.
	wrong             trouble
	wellSince, bornAt time.Time
}

// trouble is what can be wrong with a node.
type trouble string

const (
	well      trouble = ""
	deaf      trouble = "deaf"      // its feed cannot be read
	away      trouble = "away"      // its database does not answer at all
	deposed   trouble = "deposed"   // its database answers reads with what once was, and commits nothing
	forgetful trouble = "forgetful" // commits succeed and their answers are lost
	suspended trouble = "suspended" // the process stands still
)

var troubles = []trouble{deaf, away, deposed, forgetful, suspended}

// newNodes makes both. data is a folder outside the bubble.
func newNodes(t *testing.T, data string) (two [2]*node, err error) {
	for i, name := range []string{"a", "b"} {
		folder := filepath.Join(data, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return two, err
		}
		two[i] = &node{site: unopened(t, folder), folder: folder, shared: filepath.Join(data, "a", "gatehouse.db")}
		if err := two[i].start(); err != nil {
			return two, err
		}
	}
	return two, nil
}

// start opens the node, and brings it into service unless its database keeps it
// from that.
func (n *node) start() error {
	log, line := n.log, n.line
	n.site = unopened(n.t, n.folder)
	n.log, n.line = log, line
	n.instead = func(own store.Store) store.Store {
		n.rows = &mirror{Store: own}
		if filepath.Join(n.folder, "gatehouse.db") == n.shared {
			return n.rows
		}
		db, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: n.shared, Migrate: true})
		if err != nil {
			n.t.Fatal(err)
		}
		n.rows = &mirror{Store: db, own: own}
		return n.rows
	}
	err := n.open(context.Background(), func(cfg *gatehouse.Config) { cfg.Session.MaxPerUser = 1000 })
	if err != nil {
		return err
	}
	n.run()
	n.bornAt = time.Now()
	n.wellSince = n.bornAt
	time.Sleep(recovery)
	return nil
}

// end takes it down.
func (n *node) end() error {
	n.halt()
	return n.Close()
}

// afflict makes the node unwell.
func (n *node) afflict(what trouble) {
	n.wrong = what
	switch what {
	case deposed:
		n.rows.freeze()
	case suspended, deaf:
		what = deaf
	}
	n.line.set(func(ctx context.Context, name string, do func() error) error {
		onFeed := name == "OpenFeed" || strings.HasPrefix(name, "feed.")
		switch {
		case name == "Close", name == "feed.Close", name == "feed.Wait":
			return do()
		case what == forgetful && name == "InTx":
			_ = do()
			return faults.ErrInjected
		case what == away || what == deaf && onFeed:
			return faults.ErrInjected
		case what == deposed && onFeed: // the beat's commit waits for a standby that went elsewhere
			<-ctx.Done()
			return ctx.Err()
		case what == deposed && name == "InTx":
			time.Sleep(300 * time.Millisecond)
			return context.DeadlineExceeded
		}
		return do()
	})
}

// heal makes it well.
func (n *node) heal() {
	n.wrong, n.wellSince = well, time.Now()
	n.rows.thaw()
	n.line.set(nil)
}

// mirror answers reads of users with what they were when it was frozen, as a
// primary does that was deposed, or a standby whose replay is paused.
type mirror struct {
	store.Store
	own store.Store // to be closed too

	mu    sync.Mutex
	old   map[auth.UserID]auth.User
	muted bool
}

// mute makes the feed answer that there is nothing new, whatever there is: a
// fault that no node could know of, and tests must see.
func (m *mirror) mute() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.muted = true
}

// OpenFeed implements store.Store.
func (m *mirror) OpenFeed(ctx context.Context) (store.Feed, error) {
	f, err := m.Store.OpenFeed(ctx)
	return mutable{f, m}, err
}

// mutable is the feed of a mirror.
type mutable struct {
	store.Feed
	of *mirror
}

// Poll implements store.Feed.
func (f mutable) Poll(ctx context.Context, beat auth.Node) (store.Round, error) {
	r, err := f.Feed.Poll(ctx, beat)
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	if f.of.muted {
		r.Changes = nil
	}
	return r, err
}

func (m *mirror) freeze() {
	old := map[auth.UserID]auth.User{}
	list, err := m.ListUsers(context.Background(), "", 1000)
	if err != nil {
		panic(err)
	}
	for _, u := range list {
		old[u.ID] = u
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.old = old
}

func (m *mirror) thaw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.old = nil
}

// User implements store.Users.
func (m *mirror) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	m.mu.Lock()
	old := m.old
	m.mu.Unlock()
	if old == nil {
		return m.Store.User(ctx, id)
	}
	if u, there := old[id]; there {
		return u, nil
	}
	return auth.User{}, store.ErrNotFound
}

// Close implements store.Store.
func (m *mirror) Close() error {
	err := m.Store.Close()
	if m.own != nil {
		err = errors.Join(err, m.own.Close())
	}
	return err
}
