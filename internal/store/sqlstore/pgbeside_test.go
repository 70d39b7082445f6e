package sqlstore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// The audit chain is written where serializable transactions are not looked at,
// and an event is one statement of its transaction as ever.
func TestPostgres_theChainIsNoneOfASignInsBusiness(t *testing.T) {
	var chaining, appending sqlstore.Statements
	url := auth.Secret(newPostgres(t))
	db := postgresAt(t, chaining.Record(sqlstore.PostgresOptions{URL: url}))
	if err := db.ChainEvents(t.Context(), store.Mark{Name: store.MarkHead}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if begun := chaining.Begun(); len(begun) != 1 || !strings.Contains(begun[0], "READ COMMITTED") {
		t.Errorf("the chain is written in %q, want READ COMMITTED", begun)
	}
	db = postgresAt(t, appending.Record(sqlstore.PostgresOptions{URL: url}))
	err := db.InTx(t.Context(), func(tx store.Tx) error { return tx.AppendEvent(t.Context(), auth.Event{ID: "evt_1"}) })
	if err != nil {
		t.Fatal(err)
	}
	if begun := appending.Begun(); len(begun) != 1 || !strings.Contains(begun[0], "SERIALIZABLE") {
		t.Errorf("an event is written in %q, want SERIALIZABLE", begun)
	}
	texts := slices.DeleteFunc(appending.Nouns(), func(text string) bool { return !strings.Contains(text, "event") })
	if len(texts) != 1 || !strings.HasPrefix(texts[0], "INSERT INTO events") {
		t.Errorf("an event is written by %q, want one INSERT", texts)
	}
}
