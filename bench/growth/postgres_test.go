package growth_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

type onServer struct{ url string }

func newPostgres(b *testing.B) database { return onServer{pgtest.Shared(b).NewDatabase(b)} }

func (s onServer) open(b *testing.B) store.Store {
	b.Helper()
	db, err := sqlstore.OpenPostgres(b.Context(), sqlstore.PostgresOptions{URL: auth.Secret(s.url), Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return db
}

func (s onServer) fill(b *testing.B, sessions, revocations int) {
	b.Helper()
	if err := s.open(b).Close(); err != nil { // makes the tables
		b.Fatal(err)
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	now := time.Now()
	at, end := now.UnixMicro(), now.Add(90*24*time.Hour).UnixMicro()
	const id = `lpad(to_hex(i), 8, '0') || substr(gen_random_uuid()::text, 9)`
	for _, f := range []struct {
		text string
		args []any
	}{
		{"SET synchronous_commit TO off", nil},
		{`CREATE TEMP TABLE people AS SELECT i AS n, 'usr_' || ` + id + ` AS id FROM generate_series(1, $1::int) i`, []any{max(sessions/10, 1)}},
		{`CREATE INDEX people_n ON people (n)`, nil},
		{`INSERT INTO users (id, name, image, roles, epoch, version, created_at, updated_at)
			SELECT id, 'Ada', '', '["user"]', 1, 1, $1, $1 FROM people`, []any{at}},
		{`INSERT INTO sessions (id, user_id, mount, subject, epoch, created_at, absolute_end, last_seen_at, methods, address, user_agent, end_reason, secret_hash, data, version, tokens_only)
			SELECT 'ses_' || ` + id + `, p.id, '/api/auth', p.id, 1, $3, $4, $3, '["pwd"]', '192.0.2.7',
				'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '', '', '', 1, 0
			FROM generate_series(1, $1::int) i JOIN people p ON p.n = i % $2::int + 1`, []any{sessions, max(sessions/10, 1), at, end}},
		{`INSERT INTO changes (kind, session_id, user_id, family_id, key_id, value, at, until)
			SELECT 'session_ended', 'ses_' || ` + id + `, '', '', '', 0, $2, $3 FROM generate_series(1, $1::int) i`, []any{revocations, at, end}},
		{"ANALYZE", nil},
	} {
		if _, err := conn.Exec(ctx, f.text, f.args...); err != nil {
			b.Fatalf("%s: %v", f.text, err)
		}
	}
}
