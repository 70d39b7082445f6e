package sqlstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// An operator reads it in a log line and in a terminal.
func TestOpenPostgres_saysInOneLineWhatStandsInTheWay(t *testing.T) {
	_, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{URL: "postgres://ann:horse-battery@127.0.0.1:1/there"})
	var connecting *pgconn.ConnectError
	if !errors.As(err, &connecting) || !strings.Contains(connecting.Error(), "\n") {
		t.Fatalf("the driver says %v, which was to have several lines", err)
	}
	text := err.Error()
	if strings.Contains(text, "\n") || strings.Count(text, "connection refused") != 1 || !strings.Contains(text, "nothing listens there") {
		t.Errorf("it says %q", text)
	}
}
