package gatehouse_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
)

// readinessLog may be read while Run writes to it.
type readinessLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *readinessLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *readinessLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// readinessLines are what the log says of readiness, without times.
func readinessLines(log *readinessLog) []string {
	return regexp.MustCompile(`level=\w+ msg="(not ready|ready again)"`).FindAllString(log.String(), -1)
}

var lostAndBack = []string{`level=ERROR msg="not ready"`, `level=INFO msg="ready again"`}

func TestReady_logsEachChangeOnce(t *testing.T) {
	var log readinessLog
	cfg := config(t)
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	g := open(t, cfg)
	if err := g.Ready(t.Context()); err == nil || err.Error() != "the change feed was never read" {
		t.Errorf("before Run: %v", err)
	}
	stop := start(t, g)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if g.Ready(gone) == nil {
		t.Error("ready without an answer of the database")
	}
	if got := readinessLines(&log); got != nil {
		t.Errorf("a start, and somebody who left: %q, want nothing", got)
	}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for range 3 {
		if g.Ready(late) == nil {
			t.Error("ready without an answer of the database")
		}
	}
	for range 3 {
		if err := g.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if g.Ready(t.Context()) == nil {
		t.Error("ready after the end")
	}
	if diff := cmp.Diff(lostAndBack, readinessLines(&log)); diff != "" {
		t.Error(diff)
	}
}

// Nobody asks /readyz: the log tells of it all the same.
func TestRun_logsReadinessUnasked(t *testing.T) {
	cfg := config(t)
	synctest.Test(t, func(t *testing.T) {
		var log readinessLog
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		g, err := gatehouse.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		time.Sleep(1500 * time.Millisecond) // between two rounds of the audit chain, which writes
		rename := func(from, to string) {   // without this table the database does not answer
			db, err := sql.Open("sqlite", cfg.Database.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
				t.Fatal(err)
			}
		}
		rename("goose_db_version", "elsewhere")
		time.Sleep(25 * time.Second)
		rename("elsewhere", "goose_db_version")
		time.Sleep(25 * time.Second)
		cancel()
		if err := errors.Join(<-done, g.Close()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(lostAndBack, readinessLines(&log)); diff != "" {
			t.Errorf("%s\n%s", diff, log.String())
		}
	})
}

func TestOpenExisting_makesNoDatabase(t *testing.T) {
	cfg := config(t)
	if _, err := gatehouse.OpenExisting(t.Context(), cfg); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want no such file", err)
	}
	if _, err := os.Stat(cfg.Database.Path); err == nil {
		t.Error("a database was made")
	}
	createAnn(t, open(t, cfg))
	beside, err := gatehouse.OpenExisting(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := beside.Users().Find(t.Context(), "ann@example.test"); err != nil {
		t.Error(err)
	}
	if err := beside.Close(); err != nil {
		t.Error(err)
	}
}
