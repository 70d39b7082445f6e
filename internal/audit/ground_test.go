package audit_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

const (
	oneSecret   auth.Secret = "one-secret-of-more-than-32-characters"
	otherSecret auth.Secret = "other-secret-of-more-than-32-characters"
)

// ground is a database, and what somebody can do to it who has it.
type ground struct {
	store.Store
	clock *roomtest.Clock
	// open opens it once more, as another server does.
	open func(t testing.TB) store.Store
	// edit runs statements with the triggers off.
	edit func(t testing.TB, statements ...string)
	path string // of a file
	url  string // of a database of a server
}

func onSQLite(t testing.TB) *ground {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	g := &ground{path: path, clock: roomtest.NewClock(), open: func(t testing.TB) store.Store {
		db, err := sqlstore.Open(context.Background(), sqlstore.Options{Path: path, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}}
	g.Store = g.open(t)
	g.edit = func(t testing.TB, statements ...string) {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, s := range append([]string{"DROP TRIGGER IF EXISTS events_unchanged", "DROP TRIGGER IF EXISTS events_kept"}, statements...) {
			if _, err := db.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	return g
}

var migrated struct {
	once sync.Once
	err  error
}

func onPostgres(t testing.TB) *ground {
	s := pgtest.Shared(t)
	migrated.once.Do(func() {
		s.Exec(t, "postgres", "CREATE DATABASE audit_template")
		_, migrated.err = sqlstore.MigratePostgres(context.Background(), sqlstore.PostgresOptions{URL: auth.Secret(s.URL("audit_template"))})
	})
	if migrated.err != nil {
		t.Fatal(migrated.err)
	}
	url := s.NewDatabase(t, "audit_template")
	g := &ground{url: url, clock: roomtest.NewClock(), open: func(t testing.TB) store.Store {
		db, err := sqlstore.OpenPostgres(context.Background(), sqlstore.PostgresOptions{URL: auth.Secret(url)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}}
	g.Store = g.open(t)
	g.edit = func(t testing.TB, statements ...string) {
		c, err := pgx.Connect(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		for _, s := range append([]string{"SET session_replication_role TO replica"}, statements...) {
			if _, err := c.Exec(context.Background(), s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	return g
}

// onBoth runs a test on each database.
func onBoth(t *testing.T, test func(t *testing.T, g *ground)) {
	t.Run("SQLite", func(t *testing.T) { test(t, onSQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, onPostgres(t)) })
}

// roomOn is a server's room on a handle of the database.
func (g *ground) roomOn(t testing.TB, s store.Store, secrets ...auth.Secret) *audit.Room {
	t.Helper()
	installation, err := s.Installation(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(secrets) == 0 {
		secrets = []auth.Secret{oneSecret}
	}
	r, err := audit.New(audit.Options{
		Store: s, Secrets: secrets, Installation: installation, Retention: 400 * 24 * time.Hour, Now: g.clock.Now,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (g *ground) room(t testing.TB, secrets ...auth.Secret) *audit.Room {
	return g.roomOn(t, g.Store, secrets...)
}

// write appends n events, a second apart.
func (g *ground) write(t testing.TB, n int) {
	t.Helper()
	for range n {
		g.clock.Advance(time.Second)
		now := g.clock.Now()
		e := auth.Event{
			ID: auth.NewEventID(now), At: now, Type: auth.EventSessionRevoked, Actor: "cli", UserID: auth.NewUserID(now), SessionID: auth.NewSessionID(now),
			Subject: "role:editor", Client: "/api/auth", Agent: "Firefox on Windows", Detail: "one",
		}
		if err := g.AppendEvent(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// chain runs rounds until nothing is left.
func chain(t testing.TB, r *audit.Room) (total int) {
	t.Helper()
	for {
		n, err := r.Round(context.Background())
		if err != nil {
			t.Fatalf("round: %v", err)
		}
		if total += n; n == 0 {
			return total
		}
	}
}

func verify(t testing.TB, r *audit.Room, heads ...audit.Head) audit.Report {
	t.Helper()
	report, err := r.Verify(context.Background(), heads, nil)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return report
}

// good fails unless the chain is whole and has so many events.
func good(t testing.TB, r *audit.Room, events int64, heads ...audit.Head) audit.Report {
	t.Helper()
	report := verify(t, r, heads...)
	if !report.OK() || report.Events != events {
		t.Fatalf("got %d events and findings %v, want %d and none", report.Events, report.Findings, events)
	}
	return report
}

// summary is what findings say in short: "changed 4, missing 7-8".
func summary(report audit.Report) string {
	var parts []string
	for _, f := range report.Findings {
		s := string(f.Kind)
		switch {
		case f.First == 0:
		case f.First == f.Last:
			s += fmt.Sprintf(" %d", f.First)
		default:
			s += fmt.Sprintf(" %d-%d", f.First, f.Last)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func head(t testing.TB, r *audit.Room) audit.Head {
	t.Helper()
	h, err := r.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return h
}
