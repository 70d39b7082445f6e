package growth_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // fills in bulk

	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

type inFile struct{ path string }

func newSQLite(b *testing.B) database { return inFile{filepath.Join(b.TempDir(), "growth.db")} }

func (f inFile) open(b *testing.B) store.Store {
	b.Helper()
	db, err := sqlstore.Open(b.Context(), sqlstore.Options{Path: f.path, Migrate: true})
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

// asUUID turns 32 digits into the text of an identifier.
const asUUID = `lower(substr(r, 1, 8) || '-' || substr(r, 9, 4) || '-' || substr(r, 13, 4) || '-' || substr(r, 17, 4) || '-' || substr(r, 21))`

func (f inFile) fill(b *testing.B, sessions, revocations int) {
	b.Helper()
	if err := f.open(b).Close(); err != nil { // makes the tables
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", f.path+"?_pragma=synchronous(OFF)&_pragma=cache_size(-262144)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	now := time.Now()
	at, end := now.UnixMicro(), now.Add(90*24*time.Hour).UnixMicro()
	// Identifiers begin with their time, so rows come in order, as they do in life.
	const numbers = `WITH RECURSIVE n(i, r) AS (SELECT 1, printf('%016x', 1) || lower(hex(randomblob(8)))
		UNION ALL SELECT i + 1, printf('%016x', i + 1) || lower(hex(randomblob(8))) FROM n WHERE i < $1) `
	for _, s := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO users (id, name, image, roles, epoch, version, created_at, updated_at) ` + numbers +
			`SELECT 'usr_' || ` + asUUID + `, 'Ada', '', '["user"]', 1, 1, $2, $2 FROM n`, []any{max(sessions/10, 1), at}},
		{`CREATE TEMP TABLE people AS SELECT row_number() OVER () AS n, id FROM users`, nil},
		{`CREATE INDEX temp.people_n ON people (n)`, nil},
		{`INSERT INTO sessions (id, user_id, mount, epoch, created_at, absolute_end, last_seen_at, methods, address, user_agent, end_reason) ` + numbers +
			`SELECT 'ses_' || ` + asUUID + `, (SELECT id FROM people WHERE people.n = i % $2 + 1), '/api/auth', 1, $3, $4, $3, '["pwd"]', '192.0.2.7',
			'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '' FROM n`, []any{sessions, max(sessions/10, 1), at, end}},
		{`INSERT INTO changes (kind, session_id, user_id, value, at, until) ` + numbers +
			`SELECT 'session_ended', 'ses_' || ` + asUUID + `, '', 0, $2, $3 FROM n`, []any{revocations, at, end}},
	} {
		if _, err := db.ExecContext(b.Context(), s.text, s.args...); err != nil {
			b.Fatalf("%s: %v", s.text, err)
		}
	}
}
