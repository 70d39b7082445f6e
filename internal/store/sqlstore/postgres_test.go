package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

func postgresAt(t testing.TB, o sqlstore.PostgresOptions) *sqlstore.Postgres {
	t.Helper()
	o.Migrate = true
	db, err := sqlstore.OpenPostgres(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func newAnn(t testing.TB, s store.Users) auth.User {
	t.Helper()
	u := auth.User{ID: auth.NewUserID(start), Username: "ann", Epoch: 1, Version: 1, CreatedAt: start, UpdatedAt: start}
	if err := s.CreateUser(context.Background(), u); err != nil {
		t.Fatal(err)
	}
	return u
}

func annsSession(u auth.User) auth.Session {
	return auth.Session{ID: auth.NewSessionID(start), UserID: u.ID, Mount: "/api/auth", Epoch: u.Epoch, CreatedAt: start, LastSeenAt: start, AbsoluteEnd: start.Add(time.Hour)}
}

// A commit whose wait for the standby somebody ended answers "success" with a
// warning. The row is there, and the standby may never get it.
func TestPostgres_aCommitWithAWarningIsNotAcknowledged(t *testing.T) {
	s := pgtest.Start(t)
	db := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(s.NewDatabase(t)), StatementTimeout: 20 * time.Second})
	if err := db.RaiseBacklog(t.Context(), "before", time.Minute, start); err != nil {
		t.Fatal(err) // without a standby that is waited for
	}
	s.Exec(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	until(t, "the server to have read the setting", func() bool {
		return s.Ask(t, "postgres", "SHOW synchronous_standby_names") == "nobody"
	})
	// Commits wait from when another process of the server has read it too.
	result := make(chan error, 1)
	var cancelled atomic.Bool
	go func() {
		for {
			if err := db.RaiseBacklog(context.Background(), "key", time.Minute, start); err != nil || cancelled.Load() {
				result <- err
				return
			}
		}
	}()
	until(t, "the commit to wait for the standby", func() bool {
		return s.Ask(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "1"
	})
	cancelled.Store(true)
	s.Exec(t, "postgres", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
	if err := <-result; err == nil || !strings.Contains(err.Error(), "not known whether") {
		t.Errorf("got %v, want that it is not known whether the change was kept", err)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// What dies before COMMIT was sent has left nothing, and is done again.
func TestPostgres_aTransactionOutlivesTheServerThatBeganIt(t *testing.T) {
	s := pgtest.Start(t)
	db := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(s.NewDatabase(t))})
	runs := 0
	err := db.InTx(t.Context(), func(tx store.Tx) error {
		if runs++; runs == 1 {
			if err := tx.RaiseBacklog(t.Context(), "key", time.Minute, start); err != nil {
				return err
			}
			s.Kill9()
			s.Start(t)
		}
		_, err := tx.RaiseFailure(t.Context(), "key2", time.Hour, start)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if runs != 2 || failures(t, db, "key2") != 1 {
		t.Errorf("%d runs, %d failures", runs, failures(t, db, "key2"))
	}
	if b, err := db.Backlog(t.Context(), "key", start); err != nil || !b.Until.IsZero() {
		t.Errorf("the first run left %v, %v", b, err)
	}
}

// proves: ASVS 7.4.1
func TestPostgres_noSessionIsBornBesideARaisedEpoch(t *testing.T) {
	db := openPostgres(t, newPostgres(t))
	ctx := t.Context()
	for range 20 {
		u := auth.User{ID: auth.NewUserID(start), Epoch: 1, Version: 1, CreatedAt: start, UpdatedAt: start}
		if err := db.CreateUser(ctx, u); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := db.InsertSession(ctx, annsSession(u)); err != nil && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			err := db.InTx(ctx, func(tx store.Tx) error {
				if _, err := tx.RaiseEpoch(ctx, u.ID, start); err != nil {
					return err
				}
				_, err := tx.EndUserSessions(ctx, u.ID, "", auth.EndRevoked, start)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		live, err := db.ListSessions(ctx, u.ID, start)
		if err != nil {
			t.Fatal(err)
		}
		if len(live) > 0 {
			t.Fatalf("%d sessions of the old epoch live on", len(live))
		}
	}
}

// Two transactions that each read what the other writes: one of them must see
// the other, as on a database with one writer.
func TestPostgres_whatWasReadHolds(t *testing.T) {
	db := openPostgres(t, newPostgres(t))
	ctx := t.Context()
	onlyIfAlone := func(own, other string) error {
		return db.InTx(ctx, func(tx store.Tx) error {
			c, err := tx.Counter(ctx, other, time.Hour, start)
			if err != nil {
				return err
			}
			if c.Failures > 0 {
				return store.ErrConflict
			}
			_, err = tx.RaiseFailure(ctx, own, time.Hour, start)
			return err
		})
	}
	for range 30 {
		var all sync.WaitGroup
		for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
			all.Go(func() {
				if err := onlyIfAlone(pair[0], pair[1]); err != nil && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if a, b := failures(t, db, "a"), failures(t, db, "b"); a+b != 1 {
			t.Fatalf("%d and %d, want one of them alone", a, b)
		}
		for _, key := range []string{"a", "b"} {
			if err := db.ForgetFailures(ctx, key); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestPostgres_textsItCannotKeepAreRefusedAndNeverFound(t *testing.T) {
	db := openPostgres(t, newPostgres(t))
	ctx := t.Context()
	for _, bad := range []string{"a\x00b", "a\xffb"} {
		err := db.InTx(ctx, func(tx store.Tx) error {
			u := auth.User{ID: auth.NewUserID(start), Name: bad, Epoch: 1}
			if err := tx.CreateUser(ctx, u); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%q as a name: %v", bad, err)
			}
			if _, err := tx.UserByIdentifier(ctx, bad); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q as an identifier: %v", bad, err)
			}
			if err := tx.EndSession(ctx, auth.SessionID(bad), auth.EndRevoked, start); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q as a session: %v", bad, err)
			}
			return count(bad[:1])(tx)
		})
		if err != nil {
			t.Error(err)
		}
	}
	if failures(t, db, "a") != 2 {
		t.Error("the transactions did not go on")
	}
}

func TestPostgres_frozenServerIsGivenUpAndComesBack(t *testing.T) {
	s := pgtest.Start(t)
	db := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(s.NewDatabase(t)), StatementTimeout: time.Second})
	newAnn(t, db)
	s.Freeze()
	begun := time.Now()
	_, err := db.UserByIdentifier(t.Context(), "ann")
	if err == nil || errors.Is(err, store.ErrNotFound) || time.Since(begun) > 30*time.Second {
		t.Errorf("of a frozen server: %v after %v", err, time.Since(begun))
	}
	if err := db.ForgetFailures(t.Context(), "key"); err == nil {
		t.Error("a frozen server took a write")
	}
	s.Thaw()
	until(t, "the database to be back", func() bool { _, err := db.UserByIdentifier(t.Context(), "ann"); return err == nil })
}

func TestOpenPostgres_saysPlainlyWhatIsWrong(t *testing.T) {
	s := pgtest.Start(t)
	s.NewRole(t, "poor", "right-password")
	foreign, none := s.NewDatabase(t), s.NewDatabase(t)
	s.Exec(t, foreign[strings.LastIndex(foreign, "/")+1:strings.Index(foreign, "?")], "CREATE TABLE things (n int)")
	standby := s.Standby(t, false)
	for want, o := range map[string]sqlstore.PostgresOptions{
		"the user or the password": {URL: auth.Secret(s.URLAs("poor", "wrong-password", "postgres"))},
		"no such database":         {URL: auth.Secret(s.URL("nowhere"))},
		"nothing listens there":    {URL: "postgres://ann:wrong-password@127.0.0.1:1/x"},
		"another program":          {URL: auth.Secret(foreign), Migrate: true},
		"run: gatehouse migrate":   {URL: auth.Secret(none)},
		"no tables of Gatehouse":   {URL: auth.Secret(none), MustExist: true, Migrate: true},
		"lacks a right":            {URL: auth.Secret(s.URLAs("poor", "right-password", none[strings.LastIndex(none, "/")+1:strings.Index(none, "?")])), Migrate: true},
		"which may only be read":   {URL: auth.Secret(standby.URL("postgres"))},
	} {
		db, err := sqlstore.OpenPostgres(t.Context(), o)
		if err == nil {
			db.Close()
			t.Errorf("%q: it opened", want)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if strings.Contains(err.Error(), "-password") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}

func TestOpenPostgres_severalAtOnceMigrateOnce(t *testing.T) {
	url := pgtest.Shared(t).NewDatabase(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			db, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{URL: auth.Secret(url), Migrate: true, MaxConns: 2})
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	all.Wait()
}

// A server may run as a role that can change rows and nothing else.
func TestOpenPostgres_rowsAreEnoughForAServer(t *testing.T) {
	s := pgtest.Start(t)
	url := s.NewDatabase(t)
	name := url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
	postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(url)})
	s.NewRole(t, "server", "right-password")
	s.Exec(t, name, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO server")
	db, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{URL: auth.Secret(s.URLAs("server", "right-password", name))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, u := t.Context(), newAnn(t, db)
	var all sync.WaitGroup
	for range 8 { // which overtake each other, and take turns
		all.Go(func() {
			err := db.InTx(ctx, func(tx store.Tx) error {
				if _, err := tx.RaiseEpoch(ctx, u.ID, start); err != nil {
					return err
				}
				_, err := tx.AppendChange(ctx, auth.Change{Kind: auth.ChangeUserEpoch, UserID: u.ID, Value: 2, At: start, Until: start})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	f, err := db.OpenFeed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := 0
	if err := f.Load(ctx, func(auth.Change) { rows++ }); err != nil || rows != 8 {
		t.Errorf("%d rows, %v", rows, err)
	}
	if _, err := f.Poll(ctx, auth.Node{ID: "node"}); err != nil {
		t.Error(err)
	}
}
