package sqlstore_test

import (
	"os"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/store/storetest"
)

// A pooler gives each transaction whichever of its few connections is free. All
// means the same as without it: nothing is left in a session, and nothing is
// taken from one. The feed goes past it. GATEHOUSE_SOAK asks for all nouns.
func TestPostgres_conformanceThroughAPooler(t *testing.T) {
	s := pgtest.Shared(t)
	through := s.Pooler(t, 3)
	open := func(t *testing.T) store.Store {
		url := newPostgres(t)
		db := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(through(url)), FeedURL: auth.Secret(url)})
		return pooled{db, url, through(url)}
	}
	if os.Getenv("GATEHOUSE_SOAK") != "" {
		storetest.Run(t, open)
		return
	}
	storetest.Transactions(t, open) // with the nouns that are written by several at once
	storetest.Counters(t, open)
	storetest.Families(t, open)
}

type pooled struct {
	*sqlstore.Postgres
	direct, through string
}

var _ storetest.Sharer = pooled{}

func (h pooled) Another(t *testing.T) store.Store {
	return postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(h.through), FeedURL: auth.Secret(h.direct)})
}

// The schema can be made through a pooler, and what is set for a transaction
// ends with it.
func TestPostgres_throughAPoolerLeavesNothingBehind(t *testing.T) {
	s := pgtest.Start(t)
	through, database := s.Pooler(t, 2), s.NewDatabase(t)
	db := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(through(database)), FeedURL: auth.Secret(database)})
	newAnn(t, db)
	want := s.Ask(t, databaseOf(database), "SHOW statement_timeout")
	c := connectPlain(t, through(database)+"&default_query_exec_mode=simple_protocol")
	for range 4 {
		if got := c.ask("SELECT current_setting('statement_timeout')"); got != want {
			t.Errorf("a transaction's statement_timeout of %s is left in a connection of the pooler", got)
		}
		if got := c.ask("SELECT (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"); got != "0" {
			t.Errorf("%s prepared statements and advisory locks are left behind", got)
		}
	}
}
