package sqlstore_test

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// withTLS is the URL of the database for the role gatehouse, by another name of
// the host and with the given query.
func withTLS(t *testing.T, database, host, query string) auth.Secret {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User, u.Host, u.RawQuery = url.User("gatehouse"), net.JoinHostPort(host, u.Port()), query
	return auth.Secret(u.String())
}

// Over the network the other end must prove who it is. What stands in the way is
// named, and is none of the things that waiting helps against.
func TestOpenPostgres_overTLSWithWhomItIsToldTo(t *testing.T) {
	s, authority, other := pgtest.Start(t), pgtest.NewAuthority(t), pgtest.NewAuthority(t)
	s.Exec(t, "postgres", "CREATE ROLE gatehouse LOGIN SUPERUSER")
	database := s.NewDatabase(t)
	const by, plain = "sslmode=verify-full&sslrootcert=", "sslmode=disable"
	refused := func(name, host, query, want string) {
		t.Helper()
		db, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{URL: withTLS(t, database, host, query), Migrate: true})
		if err == nil {
			db.Close()
			t.Errorf("%s: it opened", name)
			return
		}
		if !strings.Contains(err.Error(), want) || sqlstore.Away(err) {
			t.Errorf("%s: got %v (away: %t), want %q and no waiting", name, err, sqlstore.Away(err), want)
		}
	}
	refused("a server without TLS", "127.0.0.1", by+authority.File, "speaks no TLS")
	s.UseTLS(t, authority, "127.0.0.1")
	refused("no TLS with a server that wants it", "127.0.0.1", plain, "lets nobody in without TLS")
	refused("another authority", "127.0.0.1", by+other.File, "name its certificate with sslrootcert")
	refused("no authority, so the system's", "127.0.0.1", "sslmode=verify-full", "name its certificate with sslrootcert")
	refused("another name", "0.0.0.0", by+authority.File, "for another name than the host")

	db := postgresAt(t, sqlstore.PostgresOptions{URL: withTLS(t, database, "127.0.0.1", by+authority.File)})
	newAnn(t, db)
	f, err := db.OpenFeed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := s.Ask(t, "postgres", "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'gatehouse' AND NOT ssl"); got != "0" {
		t.Errorf("%s connections are not encrypted", got)
	}
	if got := s.Ask(t, "postgres", "SELECT count(*) >= 2 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'gatehouse' AND ssl"); got != "t" {
		t.Error("the control finds no encrypted connections of pool and feed")
	}
	for query, encrypted := range map[string]bool{by + authority.File: true, "sslmode=require": true} {
		_, state, err := sqlstore.InspectPostgres(t.Context(), sqlstore.PostgresOptions{URL: withTLS(t, database, "127.0.0.1", query)})
		if err != nil || state.Encrypted != encrypted || state.Remote {
			t.Errorf("%s: %+v, %v", query, state, err)
		}
	}
}

func TestUnencrypted_namesOtherMachinesAlone(t *testing.T) {
	for given, want := range map[string]string{
		"postgres://db.internal/x":                                        "db.internal", // falls back to no TLS
		"postgres://db.internal/x?sslmode=disable":                        "db.internal",
		"postgres://db.internal/x?sslmode=allow":                          "db.internal",
		"postgres://db.internal/x?sslmode=require":                        "",
		"postgres://db.internal/x?sslmode=verify-full":                    "",
		"postgres://one.internal:5432,two.internal:5433/x?sslmode=prefer": "one.internal,two.internal",
		"postgres://10.0.0.1/x?sslmode=disable":                           "10.0.0.1",
		"postgres://127.0.0.1/x?sslmode=disable":                          "",
		"postgres://localhost/x":                                          "",
		"postgres:///x?host=/run/postgresql":                              "",
	} {
		if got := strings.Join(sqlstore.Unencrypted(auth.Secret(given)), ","); got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
}

// Waiting helps where a server may still come. Where several are named the first
// may be dead, and the second not promoted yet.
func TestAway_isWhatWaitingHelpsAgainst(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.Standby(t, false)
	of := func(ports ...int) auth.Secret {
		var list []string
		for _, p := range ports {
			list = append(list, net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		}
		return auth.Secret("postgres://" + pgtest.Superuser + "@" + strings.Join(list, ",") + "/postgres?sslmode=disable")
	}
	for name, tt := range map[string]struct {
		url  auth.Secret
		want bool
	}{
		"nobody":                    {of(1), true},
		"a standby alone":           {of(standby.Port()), false},
		"nobody and a standby":      {of(1, standby.Port()), true},
		"a standby, then nobody":    {of(standby.Port(), 1), true},
		"the same, asked otherwise": {of(standby.Port(), 1) + "&target_session_attrs=read-write", true},
		"a standby, asked so":       {of(standby.Port()) + "&target_session_attrs=read-write", false},
		"no such database":          {auth.Secret(strings.Replace(of(1, primary.Port()).Reveal(), "/postgres?", "/nowhere?", 1)), false},
	} {
		db, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{URL: tt.url, Migrate: true})
		if err == nil {
			db.Close()
			t.Errorf("%s: it opened", name)
		} else if got := sqlstore.Away(err); got != tt.want {
			t.Errorf("%s: %t, want %t: %v", name, got, tt.want, err)
		}
	}
}

// The first of the hosts is a machine that is gone: whoever asks it hears
// nothing, not even that nobody listens.
func TestOpenFeed_goesPastAHostThatDoesNotAnswer(t *testing.T) {
	s := pgtest.Start(t)
	u, err := url.Parse(newPGTables(t, s))
	if err != nil {
		t.Fatal(err)
	}
	db := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(u.String())})
	newAnn(t, db)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes the connection, and nobody reads it
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	u.Host = silent.Addr().String() + "," + u.Host
	both := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(u.String())})
	if _, err := both.UserByIdentifier(t.Context(), "ann"); err != nil {
		t.Error(err)
	}
	for name, limit := range map[string]time.Duration{"as the follower does": 2 * time.Second, "in a hurry": 800 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		f, err := both.OpenFeed(ctx)
		cancel()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f.Close()
	}
}

// silenced passes connections on until it is silenced: from then on they stay
// open, and nothing arrives, as when a machine has lost its power.
type silenced struct {
	net.Listener
	silent atomic.Bool

	mu    sync.Mutex
	taken []net.Conn
}

func silencer(t *testing.T, target string) *silenced {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silenced{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.taken = append(s.taken, from)
			s.mu.Unlock()
			if s.silent.Load() {
				continue
			}
			to, err := net.Dial("tcp", target)
			if err != nil {
				from.Close()
				continue
			}
			go s.pass(to, from)
			go s.pass(from, to)
		}
	}()
	return s
}

func (s *silenced) pass(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if !s.silent.Load() {
			_, _ = to.Write(b[:n])
		}
	}
}

// One connection that nobody answers on says what the others are worth: callers
// who come one after the other do not each wait for one of them in vain.
func TestPostgres_leavesAHostThatHasGoneSilentAtOnce(t *testing.T) {
	s := pgtest.Start(t)
	u, err := url.Parse(s.NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	first := silencer(t, u.Host)
	u.Host = first.Addr().String() + "," + u.Host
	db := postgresAt(t, sqlstore.PostgresOptions{URL: auth.Secret(u.String()), MaxConns: 8, StatementTimeout: 3 * time.Second})
	newAnn(t, db)
	var all sync.WaitGroup
	together := make(chan struct{})
	for range 8 { // which need a connection each
		all.Go(func() {
			err := db.InTx(t.Context(), func(store.Tx) error { <-together; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "eight connections", func() bool {
		return s.Ask(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gatehouse' AND state = 'idle in transaction'") == "8"
	})
	close(together)
	all.Wait()
	first.silent.Store(true)
	refused := 0
	for ; refused < 20; refused++ {
		if err := db.RaiseBacklog(t.Context(), "key", time.Minute, start); err == nil {
			break
		}
	}
	if refused > 2 { // one that was sent into the void, and perhaps one while the first host was asked again
		t.Errorf("%d callers were refused beside a host that answers", refused)
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	for _, c := range first.taken { // else the end would wait for them
		c.Close()
	}
}
