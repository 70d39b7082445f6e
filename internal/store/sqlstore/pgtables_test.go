package sqlstore_test

import (
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// newPGTables makes a database with our tables on a server that may be stopped.
func newPGTables(t *testing.T, server *pgtest.Server) string {
	t.Helper()
	if server == pgtest.Shared(t) {
		return newPostgres(t)
	}
	url := server.NewDatabase(t)
	if _, err := sqlstore.MigratePostgres(t.Context(), sqlstore.PostgresOptions{URL: auth.Secret(url)}); err != nil {
		t.Fatal(err)
	}
	return url
}
