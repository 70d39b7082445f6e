package sqlstore_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/store/storetest"
)

// Every statement that the conformance tests reach is then looked at on tables
// that have grown, so that none can be forgotten.
func TestPostgres_conformance(t *testing.T) {
	var said sqlstore.Statements
	storetest.Run(t, func(t *testing.T) store.Store {
		url := newPostgres(t)
		return pgHandle{postgresAt(t, said.Record(sqlstore.PostgresOptions{URL: auth.Secret(url)})), url}
	})
	t.Run("no statement reads a whole table that grows", func(t *testing.T) { usesIndexes(t, said.Nouns()) })
}

// pgHandle can connect once more.
type pgHandle struct {
	*sqlstore.Postgres
	url string
}

var _ storetest.Sharer = pgHandle{}

func (h pgHandle) Another(t *testing.T) store.Store { return openPostgres(t, h.url) }

// migrated is a database with our tables that others are copies of.
var migrated struct {
	once sync.Once
	err  error
}

const template = "gatehouse_template"

// newPostgres makes a database with the tables and returns its URL.
func newPostgres(t testing.TB) string {
	t.Helper()
	s := pgtest.Shared(t)
	migrated.once.Do(func() {
		s.Exec(t, "postgres", "CREATE DATABASE "+template)
		_, migrated.err = sqlstore.MigratePostgres(context.Background(), sqlstore.PostgresOptions{URL: auth.Secret(s.URL(template))})
	})
	if migrated.err != nil {
		t.Fatal(migrated.err)
	}
	return s.NewDatabase(t, template)
}

func openPostgres(t testing.TB, url string) *sqlstore.Postgres {
	t.Helper()
	db, err := sqlstore.OpenPostgres(context.Background(), sqlstore.PostgresOptions{URL: auth.Secret(url)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Edit runs a statement as somebody would who has the database's password.
func (h pgHandle) Edit(t *testing.T, statement string) error {
	c, err := pgx.Connect(t.Context(), h.url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	_, err = c.Exec(t.Context(), statement)
	return err
}
