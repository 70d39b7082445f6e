package session_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// node is another server on the same database, with an index of its own that
// hears of the feed when it is told to.
type node struct {
	*mount.Mount
	index *revocation.Index
	rows  *watched
}

// watched counts the reads of stored sessions, and can hold them back after they
// were made.
type watched struct {
	store.Store
	reads atomic.Int64
	hold  chan struct{} // nil: nothing is held
	held  chan struct{}
}

func (w *watched) SessionAndUser(ctx context.Context, id auth.SessionID) (auth.Session, auth.User, error) {
	w.reads.Add(1)
	s, u, err := w.Store.SessionAndUser(ctx, id)
	if w.hold != nil {
		w.held <- struct{}{}
		<-w.hold
	}
	return s, u, err
}

func newNode(t *testing.T, r *roomtest.Rooms) node {
	t.Helper()
	n := node{index: revocation.NewIndex(), rows: &watched{Store: r.Faults}}
	o := r.SessionOptions()
	o.Index, o.Store = n.index, revocation.Applying(n.rows, n.index)
	room, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	n.Mount = r.Carried(t, room, "stored")
	n.hear(t, r)
	return n
}

// hear brings the index up to the feed's present.
func (n node) hear(t *testing.T, r *roomtest.Rooms) {
	t.Helper()
	for _, c := range r.Feed(t) {
		n.index.Apply(c)
	}
	n.index.MarkFresh(r.Clock.Now())
}

func TestStored_aHitAsksNoDatabaseAndAMissAsksOnce(t *testing.T) {
	r := roomtest.New(t)
	here, there := newNode(t, r), newNode(t, r)
	begun, token := r.Begin(t, here.Mount, r.NewUser(t, "ann"), nil)
	for range 3 {
		if s := roomtest.Check(t, here.Mount, token.Text); s.Verdict != session.Live {
			t.Fatalf("verdict %d", s.Verdict)
		}
	}
	if n := here.rows.reads.Load(); n != 0 {
		t.Errorf("%d reads where it was begun, want none", n)
	}
	for range 3 {
		if s := roomtest.Check(t, there.Mount, token.Text); s.Verdict != session.Live || s.SessionID() != begun.SessionID() {
			t.Fatalf("verdict %d", s.Verdict)
		}
	}
	if n := there.rows.reads.Load(); n != 1 {
		t.Errorf("%d reads at another server, want one", n)
	}
	r.Faults.Away(true)
	for name, n := range map[string]node{"here": here, "there": there} {
		if s := roomtest.Check(t, n.Mount, token.Text); s.Verdict != session.Live {
			t.Errorf("%s with the database away: verdict %d", name, s.Verdict)
		}
	}
	third := newNode2(t, r)
	if _, err := third.Sessions.Check(t.Context(), token.Text, auth.Device{}); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("first sight with the database away: %v, want unavailable", err)
	}
	r.Faults.Away(false)
	if s := roomtest.Check(t, third.Mount, token.Text); s.Verdict != session.Live {
		t.Errorf("with the database back: verdict %d", s.Verdict)
	}
}

// newNode2 is newNode that reads no feed: the database is away.
func newNode2(t *testing.T, r *roomtest.Rooms) node {
	t.Helper()
	r.Faults.Away(false)
	defer r.Faults.Away(true)
	return newNode(t, r)
}

// Secrets that nobody was given cost no read, however many are tried.
func TestStored_madeUpSecretsNeverReachTheDatabase(t *testing.T) {
	r := roomtest.New(t)
	n := newNode(t, r)
	ann, bob := r.NewUser(t, "ann"), r.NewUser(t, "bob")
	_, one := r.Begin(t, r.Carried(t, r.Sessions, "stored"), ann, nil)
	_, two := r.Begin(t, r.Carried(t, r.Sessions, "stored"), bob, nil)
	id, secret, _ := strings.Cut(one.Text, ".")
	_, foreign, _ := strings.Cut(two.Text, ".")
	for _, text := range []string{
		id + "." + foreign, id + "." + strings.Repeat("A", len(secret)), id + "." + secret[1:] + "A", string(auth.NewSessionID(r.Clock.Now())) + "." + secret,
		id + "." + secret + "=", id + "," + secret, id, "." + secret, strings.ToUpper(id) + "." + secret, "",
	} {
		if s := roomtest.Check(t, n.Mount, text); s.Verdict != session.Void {
			t.Errorf("%s: verdict %d", text, s.Verdict)
		}
	}
	if reads := n.rows.reads.Load(); reads != 0 {
		t.Errorf("%d reads, want none", reads)
	}
	if s := roomtest.Check(t, n.Mount, one.Text); s.Verdict != session.Live || n.rows.reads.Load() != 1 {
		t.Errorf("the true one: verdict %d after %d reads", s.Verdict, n.rows.reads.Load())
	}
}

// A server that has just started reads a session once, however many ask.
func TestStored_manyAtOnceAreOneRead(t *testing.T) {
	r := roomtest.New(t)
	n := newNode(t, r)
	_, token := r.Begin(t, r.Carried(t, r.Sessions, "stored"), r.NewUser(t, "ann"), nil)
	n.rows.hold, n.rows.held = make(chan struct{}), make(chan struct{}, 1)
	var wg sync.WaitGroup
	var live atomic.Int64
	for range 64 {
		wg.Go(func() {
			if s, err := n.Sessions.Check(context.Background(), token.Text, auth.Device{}); err == nil && s.Verdict == session.Live {
				live.Add(1)
			}
		})
	}
	<-n.rows.held
	close(n.rows.hold)
	wg.Wait()
	if live.Load() != 64 {
		t.Errorf("%d of 64 are signed in", live.Load())
	}
	// Who comes when the read is done and the copy not yet kept reads again; that
	// is a moment, and not once for each.
	if reads := n.rows.reads.Load(); reads > 8 {
		t.Errorf("%d reads", reads)
	}
}

// The row is read while it is good; then the session ends, and the feed says so;
// then what was read arrives. It must not count, now or ever (guarantees R8).
func TestStored_aRowReadBeforeItsEndDoesNotCount(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, r *roomtest.Rooms, s session.Checked) (over bool){
		"signed out": func(t *testing.T, r *roomtest.Rooms, s session.Checked) bool {
			if err := r.Sessions.SignOut(t.Context(), s, auth.Device{}); err != nil {
				t.Error(err)
			}
			return true
		},
		"everything ended": func(t *testing.T, r *roomtest.Rooms, s session.Checked) bool {
			endAll(t, r, s.UserID())
			return true
		},
		"role taken": func(t *testing.T, r *roomtest.Rooms, s session.Checked) bool {
			if _, err := r.Users.SetRoles(t.Context(), "test", s.UserID(), []string{"user"}); err != nil {
				t.Error(err)
			}
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := roomtest.New(t)
			n := newNode(t, r)
			begun, token := r.Begin(t, r.Carried(t, r.Sessions, "stored"), r.NewUser(t, "ann", "admin", "user"), nil)
			n.rows.hold, n.rows.held = make(chan struct{}), make(chan struct{}, 8)
			got := make(chan session.Checked)
			go func() {
				s, err := n.Sessions.Check(context.Background(), token.Text, auth.Device{})
				if err != nil {
					t.Error(err)
				}
				got <- s
			}()
			<-n.rows.held
			over := change(t, r, begun)
			n.hear(t, r)
			close(n.rows.hold)
			first := <-got
			for i, s := range []session.Checked{first, roomtest.Check(t, n.Mount, token.Text)} {
				if over && s.Verdict.SignedIn() {
					t.Errorf("check %d: verdict %d, want nobody", i, s.Verdict)
				}
				if !over && (s.Verdict != session.Live || len(s.Roles) != 1) {
					t.Errorf("check %d: verdict %d with roles %v, want live with one", i, s.Verdict, s.Roles)
				}
			}
		})
	}
}

// A store that lags behind the feed is not believed, and what it says is not
// kept.
func TestStored_aRowOlderThanTheFeedIsNotBelieved(t *testing.T) {
	r := roomtest.New(t)
	n := newNode(t, r)
	begun, token := r.Begin(t, r.Carried(t, r.Sessions, "stored"), r.NewUser(t, "ann"), nil)
	for name, c := range map[string]auth.Change{
		"of the session": {Kind: auth.ChangeSessionChanged, SessionID: begun.SessionID(), Value: 2, Until: begun.End()},
		"of the user":    {Kind: auth.ChangeUserVersion, UserID: begun.UserID(), Value: 99, Until: begun.End()},
	} {
		before := n.rows.reads.Load()
		n.index.Apply(c)
		for range 2 {
			if _, err := n.Sessions.Check(t.Context(), token.Text, auth.Device{}); !errors.Is(err, auth.CodeUnavailable) {
				t.Errorf("a newer version %s: %v, want unavailable", name, err)
			}
		}
		if reads := n.rows.reads.Load() - before; reads != 4 {
			t.Errorf("a newer version %s: %d reads, want two for each check", name, reads)
		}
	}
}

// What update() has put in is in the row, and every server shows it once it has
// heard of it.
func TestStored_dataIsSeenByEveryServer(t *testing.T) {
	r := roomtest.New(t)
	here, there := newNode(t, r), newNode(t, r)
	_, token := r.Begin(t, here.Mount, r.NewUser(t, "ann"), nil)
	theme := func(n node) string {
		s := roomtest.Check(t, n.Mount, token.Text)
		c := s.Claims()
		raw, _ := c.Get("theme")
		return string(raw)
	}
	if theme(here)+theme(there) != "" {
		t.Fatal("a theme before there is one")
	}
	put := func(n node, value string) error {
		s := roomtest.Check(t, n.Mount, token.Text)
		next, err := n.Sessions.Renew(t.Context(), &s, func(c *session.Claims) { c.SetString("theme", value) })
		if err == nil && next.Text != token.Text {
			t.Error("the cookie's text has changed")
		}
		return err
	}
	if err := put(there, "dark"); err != nil {
		t.Fatal(err)
	}
	if got := theme(there); got != `"dark"` {
		t.Errorf("where it was put in: %s", got)
	}
	if here.hear(t, r); theme(here) != `"dark"` {
		t.Errorf("elsewhere: %s", theme(here))
	}
	written := r.WatchWrites(t)
	if err := put(here, "dark"); err != nil || written() {
		t.Errorf("the same again: %v, written %v", err, written())
	}
	if err := put(here, strings.Repeat("x", 5000)); !errors.Is(err, auth.CodeInvalidRequest) {
		t.Errorf("too much: %v", err)
	}
	r.Faults.Away(true)
	if err := put(here, "light"); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("with the database away: %v", err)
	}
	r.Faults.Away(false)
	if got := theme(here); got != `"dark"` {
		t.Errorf("after what could not be kept: %s", got)
	}
}

// Who is used at one server is not idle at another one, which reads the row
// before it refuses (guarantees R15); and nobody writes for a check.
func TestStored_useAtOneServerCountsAtTheOther(t *testing.T) {
	r := roomtest.New(t)
	here, there := newNode(t, r), newNode(t, r)
	_, token := r.Begin(t, here.Mount, r.NewUser(t, "ann"), nil)
	_, left := r.Begin(t, here.Mount, r.NewUser(t, "bob"), nil)
	roomtest.Check(t, there.Mount, token.Text)
	written := r.WatchWrites(t)
	for range 12 {
		r.Advance(roomtest.Idle / 8)
		here.hear(t, r)
		if s := roomtest.Check(t, here.Mount, token.Text); s.Verdict != session.Live {
			t.Fatalf("in use: verdict %d", s.Verdict)
		}
		if written() {
			t.Error("a check has written")
		}
		if err := here.Sessions.FlushSeen(t.Context()); err != nil {
			t.Fatal(err)
		}
		written()
	}
	there.hear(t, r)
	if s := roomtest.Check(t, there.Mount, token.Text); s.Verdict != session.Live {
		t.Errorf("used elsewhere: verdict %d", s.Verdict)
	}
	for name, n := range map[string]node{"here": here, "there": there} {
		if s := roomtest.Check(t, n.Mount, left.Text); s.Verdict != session.Void {
			t.Errorf("%s, not used: verdict %d", name, s.Verdict)
		}
	}
}

// Idleness is refused at the idle time and a tenth, not before the idle time.
func TestStored_idlenessIsJudgedToATenth(t *testing.T) {
	for after, want := range map[time.Duration]session.Verdict{
		roomtest.Idle - time.Second:                                    session.Live,
		roomtest.Idle + roomtest.Idle/10 + session.FlushInterval:       session.Void,
		roomtest.Idle + roomtest.Idle/10 + session.FlushInterval + 1e9: session.Void,
	} {
		r := roomtest.New(t)
		m := r.Carried(t, r.Sessions, "stored")
		_, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
		r.Advance(after)
		if s := roomtest.Check(t, m, token.Text); s.Verdict != want {
			t.Errorf("after %s: verdict %d, want %d", after, s.Verdict, want)
		}
	}
}

// Neither what the database holds nor Gatehouse's own secret makes a cookie of a
// stored session.
//
// proves: NEXT-25
func TestStored_theDatabaseMakesNoCookie(t *testing.T) {
	r := roomtest.New(t)
	m := r.Carried(t, r.Sessions, "stored")
	begun, token := r.Begin(t, m, r.NewUser(t, "ann"), nil)
	row, err := r.DB.Session(t.Context(), begun.SessionID())
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(token.Text, ".")
	var dump string
	r.Query(t, `SELECT id || '|' || user_id || '|' || mount || '|' || methods || '|' || secret_hash || '|' || data || '|' || subject FROM sessions`, &dump)
	for n := range len(secret) - 8 {
		if strings.Contains(dump, secret[n:n+8]) {
			t.Fatal("a part of the secret is in the database")
		}
	}
	n := newNode(t, r)
	for _, text := range []string{row.SecretHash, row.SecretHash[:64], string(row.ID), strings.Repeat("0", 64)} {
		if s := roomtest.Check(t, n.Mount, string(row.ID)+"."+text); s.Verdict.SignedIn() {
			t.Errorf("%s: verdict %d", text, s.Verdict)
		}
	}
	// Gatehouse's secret marks a secret as one of ours; the row does not know it.
	forged := session.ForgeStored(t, m.Sessions, begun.SessionID())
	for name, at := range map[string]*mount.Mount{"with a copy": m, "without": n.Mount} {
		if s := roomtest.Check(t, at, forged); s.Verdict != session.Void {
			t.Errorf("%s: verdict %d", name, s.Verdict)
		}
	}
	if s := roomtest.Check(t, n.Mount, token.Text); s.Verdict != session.Live {
		t.Errorf("the true one: verdict %d", s.Verdict)
	}
}
