package failclosed_test

import (
	"slices"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// onPostgres are the journeys that are walked there too: signing in, checking,
// refreshing and revoking. The others are the same calls.
var onPostgres = []string{
	"sign-in json", "check v4 after a change", "guarded after the role went", "sign-out with tokens", "revoke all", "refresh", "token revocation", "operator disables", "adoption",
}

// The same journeys on PostgreSQL, with the same calls and the same answers: the
// golden files are those of SQLite. Time is real here, because a server waits.
func TestSweepPostgres_isAsOnSQLite(t *testing.T) {
	if *update {
		t.Skip("the golden files are those of SQLite")
	}
	server := pgtest.Shared(t)
	t.Parallel()
	for _, j := range journeys() {
		if !slices.Contains(onPostgres, j.name) {
			continue
		}
		change := j.config
		j.config = func(cfg *gatehouse.Config) {
			cfg.Database = gatehouse.Database{URL: auth.Secret(server.NewDatabase(t))}
			if change != nil {
				change(cfg)
			}
		}
		t.Run(j.name, func(t *testing.T) {
			t.Parallel() // each waits most of the time
			sweep(t, j, t.TempDir())
		})
	}
}
