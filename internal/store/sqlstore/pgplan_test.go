package sqlstore_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// grown fills the tables as an installation has them after years: a million
// sessions of a hundred thousand users. References are not checked row by row.
var grown = []string{
	`INSERT INTO users SELECT 'u' || i, 'n', '', '[]', NULL, 1, 1, i, i, NULL, NULL FROM generate_series(1, 100000) i`,
	`INSERT INTO identifiers SELECT 'e' || i, 'email', 'u' || i FROM generate_series(1, 100000) i`,
	`INSERT INTO passwords SELECT 'u' || i, 'h' || i, false, i FROM generate_series(1, 100000) i`,
	`INSERT INTO roles SELECT 'r' || i, '', '[]', '[]', 1, i, i FROM generate_series(1, 200) i`,
	`INSERT INTO role_holders SELECT CASE WHEN n = 0 THEN 'user' ELSE 'r' || (i % 200) END, 'u' || i FROM generate_series(1, 100000) i, generate_series(0, 1) n`,
	`INSERT INTO old_ids SELECT '/api/auth', 'o' || i, 'u' || i, true FROM generate_series(1, 50000) i`,
	`INSERT INTO gone_old_ids SELECT '/api/auth', 'g' || i FROM generate_series(1, 50000) i`,
	`INSERT INTO sessions (id, user_id, mount, subject, epoch, created_at, absolute_end, last_seen_at, methods, address, user_agent, ended_at, end_reason, secret_hash, data, version, tokens_only)
		SELECT 's' || i, 'u' || (1 + i % 100000), '/api/auth', '', 1, i, i + 90000000, i, '["pwd"]', '', 'Mozilla/5.0',
			CASE WHEN i % 10 = 0 THEN i END, CASE WHEN i % 10 = 0 THEN 'revoked' ELSE '' END, '', '', 1, 0 FROM generate_series(1, 1000000) i`,
	`INSERT INTO families (id, user_id, session_id, subject, client_id, mount, audiences, scopes, offline, epoch, methods, key_id, salt, generation, rotated_at, retries, proven_at, created_at, absolute_end, ended_at, end_reason)
		SELECT 'f' || i, 'u' || (1 + i % 100000), 's' || i, '', 'web', '/api/auth', '[]', '[]', 0, 1, '[]', 'k', '\x00', 1, i, 0, i, i, i + 90000000,
			CASE WHEN i % 10 = 0 THEN i END, '' FROM generate_series(1, 200000) i`,
	`INSERT INTO api_keys SELECT 'k' || i, 'live', 'n', CASE WHEN i % 2 = 0 THEN 'u' || (1 + i % 100000) END, 1, 'cli', '[]', '[]', '[]', 0, 0, 'h', '', 1, i, i + 90000000, i,
			CASE WHEN i % 10 = 0 THEN i END FROM generate_series(1, 200000) i`,
	`INSERT INTO challenges SELECT 'c' || i, 'u' || i, 'link', 1, 'h', '', 3, i, i FROM generate_series(1, 50000) i`,
	`INSERT INTO invitations SELECT 'i' || i, 'h', '[]', '', 1, i, i FROM generate_series(1, 50000) i`,
	`INSERT INTO creations SELECT 'c' || i, 'h', 'usr', i FROM generate_series(1, 50000) i`,
	`INSERT INTO counters SELECT 'k' || i, 1, i, i FROM generate_series(1, 100000) i`,
	`INSERT INTO events SELECT 'v' || i, i, 't', '', CASE WHEN i % 2 = 0 THEN 'u' || (1 + i % 100000) ELSE '' END, '', '', '' FROM generate_series(1, 300000) i`,
	`INSERT INTO changes (kind, session_id, user_id, family_id, key_id, value, at, until) SELECT 'session_ended', 's' || i, '', '', '', 1, i, i FROM generate_series(1, 100000) i`,
	`ANALYZE`,
}

// small are the tables that stay so: some keys, some roles, a row for each server,
// three marks, and one row. Of invitations the one list is whole.
var small = regexp.MustCompile(`Seq Scan on (keys|roles|nodes|installation|event_marks)\b`)

// whole are the statements that read a table whole, as their documentation says.
var whole = regexp.MustCompile(`\bstrpos\(roles,`)

// usesIndexes wants an index behind every statement, whatever its parameters
// are: the general plan is the one that must do for all of them.
func usesIndexes(t *testing.T, texts []string) {
	if testing.Short() {
		t.Skip("skipped: filling a million rows takes some seconds")
	}
	if len(texts) < 50 {
		t.Fatalf("%d statements were recorded, want all", len(texts))
	}
	ctx := context.Background()
	c, err := pgx.Connect(ctx, newPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for _, text := range append(append([]string{"SET session_replication_role TO replica"}, grown...), "SET plan_cache_mode TO force_generic_plan") {
		if _, err := c.Exec(ctx, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for i, text := range texts {
		if whole.MatchString(text) {
			continue
		}
		plan, err := planOf(ctx, c, fmt.Sprintf("statement_%d", i), text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if strings.Contains(small.ReplaceAllString(plan, ""), "Seq Scan") {
			t.Errorf("%s\nreads a whole table:\n%s", text, plan)
		}
	}
	// The test itself sees a scan where there is one.
	if plan, err := planOf(ctx, c, "control", "SELECT id FROM sessions WHERE user_agent = $1"); err != nil || !strings.Contains(plan, "Seq Scan on sessions") {
		t.Errorf("a scan is not seen: %v\n%s", err, plan)
	}
}

func planOf(ctx context.Context, c *pgx.Conn, name, text string) (string, error) {
	if _, err := c.Exec(ctx, "PREPARE "+name+" AS "+text, pgx.QueryExecModeSimpleProtocol); err != nil {
		return "", err
	}
	execute := "EXPLAIN EXECUTE " + name
	if n := sqlstore.Parameters(text); n > 0 {
		execute += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	rows, err := c.Query(ctx, execute, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return "", err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(lines, "\n"), err
}
