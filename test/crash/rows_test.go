//go:build linux

package crash_test

import (
	"database/sql"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// perUser is what the tables have of each identifier. Failures are those of
// browsers that the account does not know, which all of ours are.
const perUser = `
SELECT i.value, coalesce(u.id, ''), coalesce(p.hash, ''),
	(SELECT count(*) FROM sessions WHERE user_id = i.user_id),
	(SELECT count(*) FROM events WHERE user_id = i.user_id AND type = 'user.registered'),
	(SELECT count(*) FROM events WHERE user_id = i.user_id AND type = 'signin.succeeded'),
	(SELECT count(*) FROM events WHERE user_id = i.user_id AND type = 'session.signed_out'),
	(SELECT count(*) FROM events WHERE user_id = i.user_id AND type = 'password.changed'),
	(SELECT count(*) FROM events WHERE user_id = i.user_id AND type = 'signin.failed'),
	coalesce((SELECT failures FROM counters WHERE key = 'password:' || i.user_id), 0)
FROM identifiers i LEFT JOIN users u ON u.id = i.user_id LEFT JOIN passwords p ON p.user_id = i.user_id`

// row is one of them.
type row struct {
	email, id, hash                                       string
	sessions, registered, ins, outs, changes, fail, wrong int
}

// rows holds every account against its rows, and every row against the
// accounts.
func (v *verification) rows(db *sql.DB) {
	found, err := readRows(db)
	if err != nil {
		v.find("database", "%v", err)
		return
	}
	for _, a := range v.all.accounts {
		r, there := found[a.email]
		delete(found, a.email)
		switch {
		case !there && a.exists == surely:
			v.find("registration lost", "%s was acknowledged", a.email)
			a.exists = never // nothing more can be said of it
		case !there:
			a.exists = never
		case a.exists == never:
			v.find("refusal came true", "%s was refused, or never sent", a.email)
		default:
			a.late = a.late || a.exists == maybe
			a.exists = surely
			v.row(a, r)
		}
	}
	for email := range found {
		v.find("refusal came true", "%s is nobody's", email)
	}
}

func readRows(db *sql.DB) (map[string]row, error) {
	result, err := db.Query(perUser)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	found := map[string]row{}
	for result.Next() {
		var r row
		if err := result.Scan(&r.email, &r.id, &r.hash, &r.sessions, &r.registered, &r.ins, &r.outs, &r.changes, &r.fail, &r.wrong); err != nil {
			return nil, err
		}
		found[r.email] = r
	}
	return found, result.Err()
}

func (v *verification) row(a *account, r row) {
	if r.id == "" || r.hash == "" || r.registered != 1 {
		v.find("half done", "%s: user %q, %d characters of hash, %d registrations recorded", a.email, r.id, len(r.hash), r.registered)
	}
	if r.sessions != r.ins+r.changes {
		v.find("half done", "%s: %d sessions, %d sign-ins and %d changes of password recorded", a.email, r.sessions, r.ins, r.changes)
	}
	for _, n := range []struct {
		what  string
		span  *span
		count int
	}{
		{"sign-ins", &a.ins, r.ins}, {"sign-outs", &a.outs, r.outs}, {"changes of password", &a.changes, r.changes},
		{"failures recorded", &a.fail, r.fail}, {"failures in a row", &a.failures, r.wrong},
	} {
		if before := *n.span; !n.span.settle(n.count) && !(n.span == &a.fail && v.forgetful) {
			v.find("count", "%s: %d %s, acknowledged %d, sent %d", a.email, n.count, n.what, before.least, before.most)
		}
	}
	if a.hash != "" && a.hash != r.hash && !a.sent {
		v.find("refusal came true", "%s: another hash, and no change was acknowledged or open", a.email)
	}
	a.hash, a.sent = r.hash, false
}

// wholeness are questions whose answer is always zero.
var wholeness = map[string]string{
	"sessions without a user":               `SELECT count(*) FROM sessions WHERE user_id NOT IN (SELECT id FROM users)`,
	"users without a password":              `SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM passwords)`,
	"passwords without a user":              `SELECT count(*) FROM passwords WHERE user_id NOT IN (SELECT id FROM users)`,
	"users without an identifier":           `SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM identifiers)`,
	"identifiers without a user":            `SELECT count(*) FROM identifiers WHERE user_id NOT IN (SELECT id FROM users)`,
	"users nobody recorded":                 `SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM events WHERE type IN ('user.registered', 'user.created', 'user.imported'))`,
	"live sessions of a former epoch":       `SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.ended_at IS NULL AND s.epoch <> u.epoch`,
	"sessions of an epoch to come":          `SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.epoch > u.epoch`,
	"sessions signed out and not announced": `SELECT count(*) FROM sessions WHERE end_reason = 'sign_out' AND id NOT IN (SELECT session_id FROM changes WHERE kind = 'session_ended')`,
	"sign-outs recorded and not done":       `SELECT count(*) FROM events e LEFT JOIN sessions s ON s.id = e.session_id WHERE e.type = 'session.signed_out' AND coalesce(s.end_reason, '') NOT IN ('sign_out', 'revoked')`,
	"epochs not announced":                  `SELECT count(*) FROM users u WHERE u.id IN (SELECT user_id FROM events WHERE type = 'password.changed') AND u.epoch IS DISTINCT FROM (SELECT max(value) FROM changes WHERE kind = 'user_epoch' AND user_id = u.id)`,
}

// whole looks at the database as such.
func (v *verification) whole(db *sql.DB) {
	for what, question := range wholeness {
		var n int
		if err := db.QueryRow(question).Scan(&n); err != nil || n != 0 {
			v.find("half done", "%d %s (%v)", n, what, err)
		}
	}
	if v.postgres != nil { // which has nothing like it that a superuser can ask for
		return
	}
	for _, check := range []string{"PRAGMA integrity_check", "PRAGMA foreign_key_check"} {
		if said, err := text(db, check); err != nil || strings.TrimSpace(said) != "ok" && said != "" || said == "" && check == "PRAGMA integrity_check" {
			v.find("database", "%s: %s (%v)", check, said, err)
		}
	}
}

// text is the first column of every row.
func text(db *sql.DB, query string) (string, error) {
	result, err := db.Query(query)
	if err != nil {
		return "", err
	}
	defer result.Close()
	columns, err := result.Columns()
	if err != nil {
		return "", err
	}
	var all []string
	for result.Next() {
		var first sql.NullString
		into := make([]any, len(columns))
		for i := range into {
			into[i] = new(any)
		}
		into[0] = &first
		if err := result.Scan(into...); err != nil {
			return "", err
		}
		all = append(all, first.String)
	}
	return strings.Join(all, "\n"), result.Err()
}
