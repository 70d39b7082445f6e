package doctor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// onPostgres is a right set-up but for its database, and what the doctor says
// of that.
func onPostgres(t *testing.T, url string) doctor.Facts {
	t.Helper()
	s := settle(t, func(s *doctor.Settings) { s.Database = gatehouse.Database{URL: gatehouse.Secret(url)} })
	s.look.Offline = true
	f := doctor.Look(context.Background(), s.look)
	if text := doctor.Judge(f).Text(); strings.Contains(text, "horse-battery") {
		t.Errorf("the password is shown:\n%s", text)
	}
	return f
}

func TestJudge_postgres(t *testing.T) {
	server := pgtest.Start(t)
	url := server.NewDatabase(t)
	if _, err := sqlstore.MigratePostgres(t.Context(), sqlstore.PostgresOptions{URL: gatehouse.Secret(url)}); err != nil {
		t.Fatal(err)
	}
	r := doctor.Judge(onPostgres(t, url))
	if ids(r) != "failover-may-forget" {
		t.Errorf("without a standby: %s", r.Text())
	} else {
		seeded(r)
	}
	server.Standby(t, false)
	if r := doctor.Judge(onPostgres(t, url)); ids(r) != "failover-may-forget" {
		t.Errorf("with a standby that no commit waits for: %s", r.Text())
	}
	synchronous := server.Standby(t, true)
	if r := doctor.Judge(onPostgres(t, url)); len(r.Findings) > 0 {
		t.Errorf("with one that commits wait for: %s", r.Text())
	}
	server.Exec(t, "postgres", "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	synchronous.Kill9()
	facts := onPostgres(t, url)
	facts.Database.Postgres = &sqlstore.PostgresState{SynchronousStandbys: "one", Remote: true}
	if r := doctor.Judge(facts); len(r.Findings) != 1 || r.Findings[0].ID != "database-unencrypted" {
		t.Errorf("in the clear to another machine: %s", r.Text())
	} else {
		seeded(r)
	}
	facts.Database.Postgres = &sqlstore.PostgresState{SynchronousStandbys: "one", OpenSchemas: []string{"public"}}
	if r := doctor.Judge(facts); ids(r) != "database-open-schema" || !strings.Contains(r.Text(), "REVOKE CREATE ON SCHEMA public FROM PUBLIC") {
		t.Errorf("a schema in which everybody may create: %s", r.Text())
	} else {
		seeded(r)
	}
	facts.Database.Postgres = &sqlstore.PostgresState{SynchronousStandbys: "one", Remote: true, Encrypted: true}
	facts.Now = time.Now()
	if r := doctor.Judge(facts); len(r.Findings) > 0 {
		t.Errorf("a right set-up: %s", r.Text())
	}
	r = doctor.Judge(onPostgres(t, server.URLAs("nobody_known", "horse-battery", "nowhere")))
	if ids(r) != "database-unreadable" {
		t.Errorf("a database that is not there: %s", r.Text())
	}
	server.Stop(t, pgtest.Fast)
	r = doctor.Judge(onPostgres(t, url))
	if ids(r) != "database-unreadable" || !strings.Contains(r.Text(), "nothing listens there") {
		t.Errorf("a server that is stopped: %s", r.Text())
	}
}
