//go:build linux

package crash_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// enough lets the clients work until so many more requests were acknowledged.
func enough(clients []*client, n int64) {
	until := clients[0].answered.Load() + n
	runAll(clients, func() bool { return clients[0].answered.Load() >= until })
}

// kinds are the different kinds of findings, in order.
func kinds(findings []finding) (all []string) {
	for _, f := range findings {
		all = append(all, f.kind)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Who has written down something else than happened, is told so: each of the
// claims that the other tests rest on can fail.
func TestVerify_seesEachClaimThatIsNotSo(t *testing.T) {
	dice, s := chance(t), newSite(t, folder(t))
	s.start()
	clients := newClients(s, 2, dice)
	enough(clients, 10)
	c := clients[0]
	honest := func(d *dialect) *account { // signed in, signed out, and with a former password
		t.Helper()
		a := &account{email: fmt.Sprintf("h%s@crash.test", c.aWord()), password: c.aWord(), exists: surely, fresh: true}
		if r, err := c.json(d.base+"/register", map[string]string{"email": a.email, "password": a.password}, nil); err != nil || r.status != 201 {
			t.Fatalf("register: %d, %v", r.status, err)
		}
		more := c.signIn(a) && c.change(a, a.live()[0]) && c.signIn(a) && c.signIn(a) && c.signOut(a, a.live()[0])
		if !more || len(a.live()) != 2 {
			t.Fatalf("%d live sessions, want two: %v", len(a.live()), c.findings)
		}
		c.accounts = append(c.accounts, a)
		return a
	}
	one, other := honest(v4), honest(v5)
	if found := verify(s, clients, dice); len(found) > 0 {
		t.Fatalf("before anything was falsified: %v", found)
	}
	for name, tt := range map[string]struct {
		want    string
		falsify func() (undo func())
	}{
		"a registration that never was": {"registration lost", func() func() {
			c.accounts = append(c.accounts, &account{email: "nobody@crash.test", exists: surely})
			return func() { c.accounts = c.accounts[:len(c.accounts)-1] }
		}},
		"a refused registration that was not refused": {"refusal came true", func() func() {
			one.exists = never
			return func() { one.exists = surely }
		}},
		"an account nobody asked for": {"refusal came true", func() func() {
			all := c.accounts
			c.accounts = c.accounts[:len(c.accounts)-1]
			return func() { c.accounts = all }
		}},
		"a session that was ended": {"session lost", func() func() {
			gone := other.visits[slices.IndexFunc(other.visits, func(v *visit) bool { return v.live == never })]
			gone.live = surely
			return func() { gone.live = never }
		}},
		"a sign-out that never was": {"session back", func() func() {
			gone := one.live()[0]
			gone.live = never
			return func() { gone.live = surely }
		}},
		"a password that was never set": {"password lost", func() func() {
			right := one.password
			one.password, one.open = "a password of nobody", true
			return func() { one.password = right }
		}},
		"a former password that is the present one": {"password wrong", func() func() {
			other.wrong, other.open = append(other.wrong, other.password), true
			return func() { other.wrong = other.wrong[:len(other.wrong)-1] }
		}},
		"a hash that nobody changed": {"refusal came true", func() func() {
			right := one.hash
			one.hash = "another"
			return func() { one.hash = right }
		}},
		"failures that never were": {"count", func() func() {
			one.failures = span{least: 3, most: 3}
			return func() { one.failures = span{} }
		}},
		"a sign-in more": {"count", func() func() {
			one.ins.sure()
			return func() {}
		}},
		"failures that were forgotten": {"throttle", func() func() {
			for range free - 1 { // so that a try more is let through
				c.guess(one)
			}
			if !c.signIn(one) { // which ends the run
				t.Fatal("no answer")
			}
			one.victim, one.fresh, one.failures = true, true, span{least: free, most: free}
			all := c.accounts
			c.accounts = []*account{one}
			clients = clients[:1]
			return func() { c.accounts, one.victim = all, false }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			every := clients
			undo := tt.falsify()
			found := verify(s, clients, dice)
			undo()
			clients = every
			if !slices.Contains(kinds(found), tt.want) {
				t.Errorf("got %v, want one of the kind %q", found, tt.want)
			}
			// The tries above are counted; what else was falsified is mended.
			one.failures, other.failures = span{most: 100}, span{most: 100}
		})
	}
}

// A database that is older than what was acknowledged is what a program gives
// that answers before it has written. The rounds would not pass with it.
func TestVerify_seesADatabaseThatIsOlderThanTheAnswers(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		s := newSite(t, folder(t))
		var before []byte
		older(t, s, func() (err error) {
			before, err = os.ReadFile(s.database)
			return err
		}, func() error {
			return errors.Join(os.Remove(s.database+"-wal"), os.Remove(s.database+"-shm"), os.WriteFile(s.database, before, 0o600))
		})
	})
	t.Run("postgres", func(t *testing.T) {
		s := newPostgresSite(t)
		name, before := databaseOf(t, s.database), ""
		older(t, s, func() error {
			before = databaseOf(t, s.postgres.NewDatabase(t, name))
			return nil
		}, func() error {
			s.postgres.Exec(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)", "ALTER DATABASE "+before+" RENAME TO "+name)
			return nil
		})
	})
}

func databaseOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// older copies the database with the server stopped, and puts the copy in the
// place of the one that has more.
func older(t *testing.T, s *site, keep, putBack func() error) {
	t.Helper()
	dice := chance(t)
	s.start()
	clients := newLoad(s, dice)
	enough(clients, 25)
	s.end()
	if err := keep(); err != nil {
		t.Fatal(err)
	}
	s.start()
	if found := verify(s, clients, dice); len(found) > 0 {
		t.Fatalf("before anything was lost: %v", found)
	}
	enough(clients, 15)
	s.server.kill()
	if err := putBack(); err != nil {
		t.Fatal(err)
	}
	s.start()
	found := verify(s, clients, dice)
	if len(found) == 0 {
		t.Error("nothing is missed")
	}
	t.Logf("%d findings, of the kinds %v", len(found), kinds(found))
}
