package sqlstore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// Users of before the table of holders are in it after the migration; and so are
// those whom a server of the release before writes, which knows nothing of it.
func TestMigrate_findsTheHoldersOfRoles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	holdersAreFound(t, raw, "sqlite", 4, func(ctx context.Context) (store.Store, error) {
		return sqlstore.Open(ctx, sqlstore.Options{Path: path, Migrate: true})
	})
}

func TestMigratePostgres_findsTheHoldersOfRoles(t *testing.T) {
	url := pgtest.Shared(t).NewDatabase(t)
	raw, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	holdersAreFound(t, raw, "postgres", 1, func(ctx context.Context) (store.Store, error) {
		return sqlstore.OpenPostgres(ctx, sqlstore.PostgresOptions{URL: auth.Secret(url), Migrate: true})
	})
}

func holdersAreFound(t *testing.T, raw *sql.DB, dialect string, before int64, open func(context.Context) (store.Store, error)) {
	t.Helper()
	sqlstore.MigrateTo(t, raw, dialect, before)
	// As the release before writes users.
	write := func(id, roles string) {
		t.Helper()
		_, err := raw.Exec(`INSERT INTO users (id, name, image, roles, epoch, version, created_at, updated_at) VALUES ($1, '', '', $2, 1, 1, 1, 1)`, id, roles)
		if err != nil {
			t.Fatal(err)
		}
	}
	write("usr_1", `["admin","user"]`)
	write("usr_2", `[]`)
	write("usr_3", `["user","user"]`)
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := func(role string, ids ...auth.UserID) {
		t.Helper()
		if got, err := s.RoleHolders(t.Context(), role, "", 10); err != nil || !slices.Equal(got, ids) {
			t.Errorf("holders of %s: got %v, %v; want %v", role, got, err, ids)
		}
	}
	want("admin", "usr_1")
	want("user", "usr_1", "usr_3")
	write("usr_4", `["admin"]`)
	if _, err := raw.Exec(`UPDATE users SET roles = '["admin"]' WHERE id = 'usr_2'`); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`UPDATE users SET roles = '[]' WHERE id = 'usr_1'`); err != nil {
		t.Fatal(err)
	}
	want("admin", "usr_2", "usr_4")
	want("user", "usr_3")
}
