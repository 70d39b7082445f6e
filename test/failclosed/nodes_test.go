package failclosed_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

	// pace and troubles are what the model may expect of it.
	pace     pace
	troubles []trouble
	// Of the model: what is wrong with it now and since when, since when nothing
	// is, and when it was started.
	wrong                         trouble
	wrongSince, wellSince, bornAt time.Time
	// onServer: the database is a PostgreSQL server, at the end of a wire.
	onServer *onServer
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
	lagging   trouble = "lagging"   // its database is a standby now, whose replay is paused
)

var onSQLite = []trouble{deaf, away, deposed, forgetful, suspended}

// ofNodes are the settings of every node: the second mount has stored sessions,
// and there are tokens.
func ofNodes(cfg *gatehouse.Config) {
	withTokens(cfg)
	cfg.Session.MaxPerUser = 1000
	cfg.Mounts[1].Carrier = "stored"
}

// newNodes makes both. data is a folder outside the bubble.
func newNodes(t *testing.T, data string) (two [2]*node, err error) {
	for i, name := range []string{"a", "b"} {
		folder := filepath.Join(data, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return two, err
		}
		two[i] = &node{site: unopened(t, folder), folder: folder, shared: filepath.Join(data, "a", "gatehouse.db"), pace: inBubbles, troubles: onSQLite}
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
	if n.onServer != nil {
		return n.startOnServer()
	}
	n.instead = func(own store.Store) store.Store {
		n.rows = &mirror{Store: own, path: n.shared}
		if filepath.Join(n.folder, "gatehouse.db") == n.shared {
			return n.rows
		}
		db, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: n.shared, Migrate: true})
		if err != nil {
			n.t.Fatal(err)
		}
		n.rows = &mirror{Store: db, own: own, path: n.shared}
		return n.rows
	}
	if err := n.open(context.Background(), ofNodes); err != nil {
		return err
	}
	n.run()
	n.bornAt = time.Now()
	n.wellSince = n.bornAt
	time.Sleep(n.pace.recovery)
	return nil
}

// end takes it down.
func (n *node) end() error {
	n.halt()
	return n.Close()
}

// afflict makes the node unwell.
func (n *node) afflict(what trouble) {
	n.wrong, n.wrongSince = what, time.Now()
	switch what {
	case lagging:
		n.onServer.lag()
		return
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
		case what == deposed && writes(name):
			time.Sleep(300 * time.Millisecond)
			return context.DeadlineExceeded
		}
		return do()
	})
}

// writes says whether the call commits something.
func writes(name string) bool {
	for _, verb := range []string{"InTx", "Append", "Touch", "Purge", "End", "Insert", "Create", "Update", "Rotate", "Retry"} {
		if strings.HasPrefix(name, verb) {
			return true
		}
	}
	return false
}

// heal makes it well.
func (n *node) heal() error {
	was := n.wrong
	n.line.set(nil)
	if n.onServer != nil {
		if err := n.backOnServer(was); err != nil {
			return err
		}
	} else {
		n.rows.thaw()
	}
	n.wrong, n.wellSince = well, time.Now()
	return nil
}

// mirror answers the reads that decide about credentials with what was there when
// it was frozen, as a primary does that was deposed, or a standby whose replay is
// paused.
type mirror struct {
	store.Store
	own  store.Store // to be closed too
	path string      // of the database, and of what it once was

	mu    sync.Mutex
	times int
	past  store.Store // nil: the present
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
	m.times++
	past := fmt.Sprintf("%s.past-%p-%d", m.path, m, m.times)
	db, err := sql.Open("sqlite", m.path)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	if _, err := db.Exec("VACUUM INTO '" + past + "'"); err != nil {
		panic(err)
	}
	old, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: past})
	if err != nil {
		panic(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.past = old
}

func (m *mirror) thaw() {
	m.mu.Lock()
	past := m.past
	m.past = nil
	m.mu.Unlock()
	if past != nil {
		if err := past.Close(); err != nil {
			panic(err)
		}
	}
}

// at is the store that is read.
func (m *mirror) at() store.Store {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.past != nil {
		return m.past
	}
	return m.Store
}

// User implements store.Users.
func (m *mirror) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	return m.at().User(ctx, id)
}

// Session implements store.Sessions.
func (m *mirror) Session(ctx context.Context, id auth.SessionID) (auth.Session, error) {
	return m.at().Session(ctx, id)
}

// SessionAndUser implements store.Sessions.
func (m *mirror) SessionAndUser(ctx context.Context, id auth.SessionID) (auth.Session, auth.User, error) {
	return m.at().SessionAndUser(ctx, id)
}

// Family implements store.Families.
func (m *mirror) Family(ctx context.Context, id auth.FamilyID) (auth.Family, error) {
	return m.at().Family(ctx, id)
}

// Close implements store.Store.
func (m *mirror) Close() error {
	err := m.Store.Close()
	if m.own != nil {
		err = errors.Join(err, m.own.Close())
	}
	return err
}
