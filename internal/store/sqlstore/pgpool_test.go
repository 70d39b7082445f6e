package sqlstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// While all connections are held nobody gets another one: who asks hears so when
// the time of a statement has passed, and once they are given back all is well.
//
// proves: ASVS 13.2.6, ASVS 13.1.2
func TestPostgres_neverMoreConnectionsThanThePoolHas(t *testing.T) {
	const most = 3
	url := newPostgres(t)
	db := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(url), MaxConns: most, StatementTimeout: time.Second})
	observer, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer observer.Close(context.Background())
	connections := func() (n int) {
		if err := observer.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	held, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range most {
		all.Go(func() {
			_ = db.InTx(context.Background(), func(store.Tx) error {
				held <- struct{}{}
				<-release
				return nil
			})
		})
	}
	for range most {
		<-held
	}
	var asking sync.WaitGroup
	for range 4 * most {
		asking.Go(func() {
			begun := time.Now()
			err := db.ForgetFailures(context.Background(), "key")
			if took := time.Since(begun); err == nil || took < 900*time.Millisecond || took > 20*time.Second {
				t.Errorf("with all connections held: %v after %v", err, took)
			}
		})
	}
	if n := connections(); n > most+1 { // and one that announces
		t.Errorf("%d connections while many wait, want %d and the one of announcements", n, most)
	}
	asking.Wait()
	if n := connections(); n > most+1 {
		t.Errorf("%d connections, want %d and the one of announcements", n, most)
	}
	close(release)
	all.Wait()
	if err := db.ForgetFailures(t.Context(), "key"); err != nil {
		t.Errorf("once they are given back: %v", err)
	}
}
