package sqlstore_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// Another role of the server that may create in our schema puts operators there
// which fit a statement's arguments better than the server's own. The change
// feed, which runs twice a second, has none that could be overtaken so; and the
// open schema is told of, because nobody can know of every statement.
func TestPostgres_tellsOfASchemaInWhichEverybodyMayCreate(t *testing.T) {
	server := pgtest.Shared(t)
	ours := newPostgres(t)
	name := databaseOf(ours)
	role := fmt.Sprintf("eve_%d", time.Now().UnixNano())
	server.NewRole(t, role, "seven-grey-herons")
	t.Cleanup(func() { server.Exec(t, name, "DROP OWNED BY "+role+" CASCADE", "DROP ROLE "+role) })
	open := func() (told []string, warned bool) {
		t.Helper()
		_, state, err := sqlstore.InspectPostgres(t.Context(), sqlstore.PostgresOptions{URL: auth.Secret(ours)})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		db, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{URL: auth.Secret(ours), Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		return state.OpenSchemas, strings.Contains(log.String(), "schemas=public")
	}
	server.Exec(t, name, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	if told, warned := open(); len(told) > 0 || warned {
		t.Errorf("a closed schema: told of %v, warned: %v", told, warned)
	}
	server.Exec(t, name, "GRANT CREATE ON SCHEMA public TO PUBLIC")
	if told, warned := open(); !slices.Equal(told, []string{"public"}) || !warned {
		t.Errorf("an open schema: told of %v, warned: %v", told, warned)
	}

	eve := connectPlain(t, server.URLAs(role, "seven-grey-herons", name))
	eve.do("CREATE TABLE spoils (what text)")
	eve.do("GRANT ALL ON spoils TO PUBLIC")
	for _, o := range []struct{ operator, left, right, result string }{
		{"*", "numeric", "integer", "numeric"}, {"||", "text", "bigint", "text"}, {"||", "bigint", "text", "text"}, {"-", "bigint", "integer", "bigint"},
	} {
		eve.do(fmt.Sprintf(`CREATE FUNCTION stolen(%[2]s, %[3]s) RETURNS %[4]s LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO public.spoils VALUES ('%[1]s as ' || current_user::text); RETURN '1'; END $$`, o.operator, o.left, o.right, o.result))
		eve.do(fmt.Sprintf(`CREATE OPERATOR %s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = stolen)`, o.operator, o.left, o.right))
	}
	f := openPG(t, ours)
	if _, err := f.poll(self); err != nil {
		t.Fatal(err)
	}
	f.want("again")
	if got := eve.ask("SELECT count(*)::text FROM spoils"); got != "0" {
		t.Errorf("the intruder's functions ran: %s", eve.ask("SELECT string_agg(DISTINCT what, '; ') FROM spoils"))
	}
	us := connectPlain(t, ours)
	us.do("SELECT extract(epoch FROM clock_timestamp()) * 1000000")
	if got := eve.ask("SELECT count(*)::text FROM spoils"); got != "1" {
		t.Errorf("the control: %s functions ran, want one; so the intruder was none", got)
	}
}

// Every role of the server can send notifications on our channel. They wake the
// follower, who then reads what there is; what they say is read by nobody.
func TestPGFeed_aForgedNotificationSaysNothing(t *testing.T) {
	ours := newPGTables(t, pgtest.Shared(t))
	f, w := openPG(t, ours), connectPlain(t, ours)
	f.want("before")
	for _, payload := range []string{`{"kind":"user_epoch","user_id":"usr_x","value":9}`, "'; DROP TABLE changes; --", strings.Repeat("x", 7000), "\n\x01"} {
		w.do("SELECT pg_notify('gatehouse_changes', $1)", payload)
	}
	w.do("SELECT pg_notify('gatehouse_changes', n::text) FROM generate_series(1, 20000) AS n")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := f.Wait(ctx); err != nil {
		t.Fatalf("not woken: %v", err)
	}
	f.want("after a flood of them")
	w.change(7)
	f.want("what is true", 7)
}
