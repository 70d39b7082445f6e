package sqlstore

import (
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Raw runs a statement on the transaction's connection behind the handle's
// back, as a failing disk would.
func Raw(t store.Tx, query string) error {
	_, err := t.(*tx).conn.exec(context.Background(), query)
	return err
}

// Queued says how many transactions wait for the next batch.
func Queued(db *DB) int {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return len(db.writer.queue)
}

// BreakWriter closes the writing connection under the store.
func BreakWriter(db *DB) error {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return db.writer.conn.conn.Close()
}

// Plain is what operators are told of a result code.
func Plain(code int) string { return plain(code) }

// MigrateTo brings an empty database to the schema of an earlier release.
func MigrateTo(t testing.TB, db *sql.DB, dialect string, version int64) {
	t.Helper()
	folder, kind, table := forSQLite, database.DialectSQLite3, versionTable
	if dialect == "postgres" {
		folder, kind, table = forPostgres, database.DialectPostgres, pgVersionTable
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		t.Fatal(err)
	}
	versions, err := database.NewStore(kind, table)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider("", db, files, goose.WithStore(versions), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(context.Background(), version); err != nil {
		t.Fatal(err)
	}
}

// Newest is the schema version of this program.
func Newest() int64 { return newest(forSQLite) }

// Closing says whether Close has begun.
func Closing(db *DB) bool {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return db.writer.closed
}

// Ask returns a pragma's value on a writing and on a reading connection.
func Ask(ctx context.Context, db *DB, pragma string) map[string]string {
	answers := make(map[string]string)
	ask := func(who string, t *tx) error {
		v, err := collect(ctx, t.conn, scanString, pragma)
		if err == nil {
			answers[who] = v[0]
		} else {
			answers[who] = err.Error()
		}
		return nil
	}
	_ = db.write(ctx, func(t *tx) error { return ask("writer", t) })
	_, _ = read(ctx, db, func(t *tx) (int, error) { return 0, ask("reader", t) })
	return answers
}

// Plans exercises every method once and returns how SQLite carries out the
// statements it used.
func Plans(t *testing.T, db *DB) map[string][]string {
	plans := make(map[string][]string)
	err := db.write(t.Context(), func(x *tx) error {
		everyMethod(t.Context(), x)
		if x.failed != nil {
			return x.failed
		}
		for query := range maps.Clone(x.conn.(*connection).stmts) {
			if verb, _, _ := strings.Cut(query, " "); !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, verb) || strings.Contains(query, versionTable) {
				continue
			}
			plan, err := collect(t.Context(), x.conn, func(row scanner) (detail string, err error) {
				var id, parent, unused int
				return detail, row.Scan(&id, &parent, &unused, &detail)
			}, "EXPLAIN QUERY PLAN "+query, make([]any, parameters(query))...)
			if err != nil {
				return err
			}
			plans[query] = plan
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) < 30 {
		t.Fatalf("%d statements were looked at, want all", len(plans))
	}
	return plans
}

// parameters counts the numbered parameters of a query.
func parameters(query string) (n int) {
	for strings.Contains(query, "$"+strconv.Itoa(n+1)) {
		n++
	}
	return n
}

// everyMethod prepares every statement there is. Refusals do not matter.
func everyMethod(ctx context.Context, x *tx) {
	var at time.Time
	text, user := "x", auth.User{ID: "u", Email: "e", Username: "n"}
	_ = x.CreateUser(ctx, user)
	_, _ = x.UserByIdentifier(ctx, "e")
	_, _ = x.ListUsers(ctx, "", 1)
	_, _ = x.UpdateUser(ctx, "u", store.UserUpdate{Name: &text, Email: &text}, at)
	_, _ = x.RaiseEpoch(ctx, "u", at)
	_ = x.SetPassword(ctx, auth.Password{UserID: "u"})
	_, _ = x.Password(ctx, "u")
	_ = x.ReplaceHash(ctx, "u", "", "", at)
	_ = x.InsertSession(ctx, auth.Session{UserID: "u"})
	_, _ = x.Session(ctx, "s")
	_, _ = x.ListSessions(ctx, "u", at)
	_ = x.EndSession(ctx, "s", "", at)
	_, _ = x.EndUserSessions(ctx, "u", "", "", at)
	_, _ = x.RevokeSuperseded(ctx, "u", at)
	_ = x.TouchSessions(ctx, map[auth.SessionID]time.Time{"s": at})
	_, _ = x.PurgeSessions(ctx, at, 1)
	_ = x.CreateChallenge(ctx, auth.Challenge{ID: "c"})
	_, _ = x.TryChallenge(ctx, "c", "", at)
	_, _ = x.ConsumeChallenge(ctx, "c", "", "", at)
	_, _ = x.PurgeChallenges(ctx, at, 1)
	_ = x.CreateInvitation(ctx, auth.Invitation{ID: "i"})
	_, _ = x.ConsumeInvitation(ctx, "i", "", at)
	_, _ = x.ListInvitations(ctx, at)
	_ = x.DeleteInvitation(ctx, "i")
	_, _ = x.PurgeInvitations(ctx, at, 1)
	_, _ = x.RaiseFailure(ctx, "k", 0, at)
	_, _ = x.Counter(ctx, "k", 0, at)
	_ = x.ForgetFailures(ctx, "k")
	_, _ = x.Backlog(ctx, "k", at)
	_ = x.RaiseBacklog(ctx, "k", time.Second, at)
	_ = x.LowerBacklog(ctx, "k", time.Second)
	_, _ = x.PurgeCounters(ctx, at, 1)
	_ = x.AppendEvent(ctx, auth.Event{})
	_, _ = x.ListEvents(ctx, "", 1)
	_, _ = x.ListEvents(ctx, "u", 1)
	_, _ = x.FindEvents(ctx, store.EventFilter{User: "u"}, 1)
	_, _ = x.FindEvents(ctx, store.EventFilter{Actor: "u", Types: []auth.EventType{"a"}}, 1)
	_, _ = x.FindEvents(ctx, store.EventFilter{Types: []auth.EventType{"a", auth.EventSignInFailed}}, 1)
	_, _ = x.unchained(ctx, "", 1)
	_, _ = x.chainedEvents(ctx, 0, 1)
	_ = x.chainEvents(ctx, store.Mark{Name: store.MarkHead}, nil, []store.Mark{{Name: store.MarkHead}})
	_, _ = x.cutEvents(ctx, store.Mark{Name: store.MarkCheckpoint})
	_, _ = x.AppendChange(ctx, auth.Change{})
	_, _ = x.PurgeChanges(ctx, at, 1)
	_ = x.DeleteUser(ctx, "u")
	// Those that came since, with nothing in their arguments.
	all := reflect.TypeFor[store.Tx]()
	for method := range all.Methods() {
		call := reflect.ValueOf(x).MethodByName(method.Name)
		args := []reflect.Value{reflect.ValueOf(ctx)}
		for i := 1; i < call.Type().NumIn(); i++ {
			args = append(args, reflect.Zero(call.Type().In(i)))
		}
		call.Call(args)
	}
}

// InsertSessionText is the statement that benchmarks run by hand.
const InsertSessionText = insertSession
