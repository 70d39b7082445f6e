package doctor_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// Behind a balancer probes come to the other servers on the database too, which
// is no fault; and what is on SQLite a lock, is in the database there.
func TestJudge_severalServersOnOneDatabase(t *testing.T) {
	url := gatehouse.Secret(pgtest.Shared(t).NewDatabase(t))
	if _, err := sqlstore.MigratePostgres(t.Context(), sqlstore.PostgresOptions{URL: url}); err != nil {
		t.Fatal(err)
	}
	shared := func(s *doctor.Settings) { s.Database = gatehouse.Database{URL: url} }
	one := settle(t, shared).serve()
	two := settle(t, func(s *doctor.Settings) {
		shared(s)
		s.Secrets = one.look.Settings.Secrets
	}).serve()

	var n atomic.Int64
	inTurn := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := one
		if n.Add(1)%2 == 1 {
			s = two
		}
		s.nginx().ServeHTTP(w, r)
	})
	one.atTLS(inTurn)
	if r := one.judge(); ids(r) != "failover-may-forget" || !strings.Contains(r.Text(), "address of the caller.") || strings.Contains(r.Text(), "Not looked at") {
		t.Errorf("in turn: %s", r.Text())
	}
	one.atTLS(two.nginx())
	if r := one.judge(); ids(r) != "failover-may-forget" || !strings.Contains(r.Text(), "2 servers work on the database (") {
		t.Errorf("always the other one: %s", r.Text())
	}
	one.atTLS(one.proxy(one.gate, nil, nil))
	if r := one.judge(); !strings.Contains(ids(r), "forwarded-for-forged") {
		t.Errorf("the control, a proxy that passes a forged header on: %s", r.Text())
	}

	facts := doctor.Facts{Settings: one.look.Settings, Server: doctor.Server{Asked: true, Err: http.ErrServerClosed}}
	facts.Database.Postgres = &sqlstore.PostgresState{SynchronousStandbys: "one", Servers: []string{"a", "b", "b"}}
	if r := doctor.Judge(facts); ids(r) != "server-not-running" || !strings.Contains(r.Findings[0].Seen, "elsewhere 3 servers work on the database (a, b)") {
		t.Errorf("none here: %s", r.Text())
	} else {
		seeded(r)
	}
	facts.Server.Taken = true
	if r := doctor.Judge(facts); ids(r) != "ops-unreachable" {
		t.Errorf("one here with another ops_listen: %s", r.Text())
	}
	facts.Server = doctor.Server{Asked: true, Reason: "the change feed was last read 42s ago"}
	if r := doctor.Judge(facts); !strings.Contains(ids(r), "change-feed-stale") || strings.Contains(r.Text(), "fuser") {
		t.Errorf("one that cannot reach the database: %s", r.Text())
	}
	facts.Database.Err = http.ErrServerClosed
	if r := doctor.Judge(facts); strings.Contains(ids(r), "change-feed-stale") || !strings.Contains(ids(r), "database-unreadable") {
		t.Errorf("nobody here can reach the database: %s", r.Text())
	}
}
