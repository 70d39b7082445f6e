package sqlstore_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

func TestOpen_tellsOfEveryCommit(t *testing.T) {
	var members []int
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{
		Path: filepath.Join(t.TempDir(), "g.db"), Migrate: true,
		Watch: func(n int, took time.Duration, err error) {
			if took <= 0 || err != nil {
				t.Errorf("a commit took %v, %v", took, err)
			}
			members = append(members, n)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	raise := func(tx store.Tx) error {
		_, err := tx.RaiseFailure(t.Context(), "k", time.Hour, time.Now())
		return err
	}
	if err := db.InTx(t.Context(), raise); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if err := db.InTx(t.Context(), func(store.Tx) error { return refused }); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if _, err := db.RaiseFailure(context.Background(), "k", time.Hour, time.Now()); err != nil {
		t.Fatal(err)
	}
	if len(members) != 2 || members[0] != 1 || members[1] != 1 {
		t.Errorf("told of %v, want two commits of one each", members)
	}
}
