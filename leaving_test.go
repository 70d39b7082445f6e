package gatehouse_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// A server that has ended answers nobody, so nobody need wait for it: what is
// revoked after a deployment is in force everywhere at once.
func TestClose_takesTheServerOutOfTheList(t *testing.T) {
	const query = "SELECT count(*) FROM nodes"
	for name, at := range map[string]func(t *testing.T) (gatehouse.Database, func() string){
		"SQLite": func(t *testing.T) (gatehouse.Database, func() string) {
			path := config(t).Database.Path
			return gatehouse.Database{Path: path}, func() (n string) {
				db, err := sql.Open("sqlite", path)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
		},
		"PostgreSQL": func(t *testing.T) (gatehouse.Database, func() string) {
			server := pgtest.Shared(t)
			address := server.NewDatabase(t)
			at, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			return gatehouse.Database{URL: gatehouse.Secret(address)}, func() string { return server.Ask(t, strings.TrimPrefix(at.Path, "/"), query) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			var count func() string
			cfg.Database, count = at(t)
			g, err := gatehouse.New(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			stop := start(t, g)
			for end := time.Now().Add(10 * time.Second); count() != "1"; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("while it runs: %s servers in the list, want 1", count())
				}
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if err := g.Close(); err != nil {
				t.Fatal(err)
			}
			if got := count(); got != "0" {
				t.Errorf("after its end: %s servers in the list, want 0", got)
			}
		})
	}
}
