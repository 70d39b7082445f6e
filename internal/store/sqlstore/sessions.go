package sqlstore

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const sessionColumns = `id, user_id, mount, epoch, created_at, absolute_end, last_seen_at, methods, address, user_agent, ended_at, end_reason, subject, secret_hash, data, version, tokens_only`

// sessionOfUser are the same columns beside those of the user.
const sessionOfUser = `SELECT s.id, s.user_id, s.mount, s.epoch, s.created_at, s.absolute_end, s.last_seen_at, s.methods, s.address, s.user_agent,
	s.ended_at, s.end_reason, s.subject, s.secret_hash, s.data, s.version, s.tokens_only, ` + userColumns + `
	FROM sessions s JOIN users u ON u.id = s.user_id` + userIdentifiers + `WHERE s.id = $1`

// sessionRow is where a row is read to.
type sessionRow struct {
	auth.Session
	created, end, seen int64
	methods, from      string
	ended              sql.NullInt64
	tokensOnly         int64
}

func (r *sessionRow) columns() []any {
	return []any{&r.ID, &r.UserID, &r.Mount, &r.Epoch, &r.created, &r.end, &r.seen,
		&r.methods, &r.from, &r.UserAgent, &r.ended, &r.EndReason, &r.Subject, &r.SecretHash, &r.Data, &r.Version, &r.tokensOnly}
}

func (r *sessionRow) session() (s auth.Session, err error) {
	s = r.Session
	s.CreatedAt, s.AbsoluteEnd, s.LastSeenAt = fromMicros(r.created), fromMicros(r.end), fromMicros(r.seen)
	s.EndedAt, s.TokensOnly = fromMaybeMicros(r.ended), r.tokensOnly != 0
	if s.Methods, err = fromList(r.methods); err != nil {
		return s, err
	}
	s.Address, err = fromAddress(r.from)
	return s, err
}

func scanSession(row scanner) (auth.Session, error) {
	var r sessionRow
	if err := row.Scan(r.columns()...); err != nil {
		return r.Session, err
	}
	return r.session()
}

// sessionAndUser are two rows read as one.
type sessionAndUser struct {
	session auth.Session
	user    auth.User
}

func scanSessionAndUser(row scanner) (both sessionAndUser, err error) {
	var r sessionRow
	if both.user, err = scanUser(behind{row, r.columns()}); err != nil {
		return both, err
	}
	both.session, err = r.session()
	return both, err
}

// behind scans what stands behind the first columns.
type behind struct {
	scanner
	first []any
}

func (b behind) Scan(dest ...any) error { return b.scanner.Scan(append(b.first, dest...)...) }

// insertSession reads the condition and writes the row in one statement, so
// that nothing can come between (guarantees R3).
const insertSession = `INSERT INTO sessions (` + sessionColumns + `)
	SELECT $1, id, $3, epoch, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
	FROM users WHERE id = $2 AND epoch = $4 AND disabled_at IS NULL`

// On PostgreSQL nobody else may change the user's row meanwhile.
var insertSessionWording = wording{sqlite: insertSession, postgres: insertSession + ` FOR SHARE`}

func (t *tx) InsertSession(ctx context.Context, s auth.Session) error {
	methods, err := list(s.Methods)
	if err != nil {
		return translate("insert session", err)
	}
	return t.change(ctx, store.ErrConflict, "insert session", t.conn.word(&insertSessionWording),
		s.ID, s.UserID, s.Mount, s.Epoch, micros(s.CreatedAt), micros(s.AbsoluteEnd), micros(s.LastSeenAt),
		methods, address(s.Address), s.UserAgent, maybeMicros(s.EndedAt), string(s.EndReason), s.Subject, s.SecretHash, s.Data, s.Version, number(s.TokensOnly))
}

func (t *tx) Session(ctx context.Context, id auth.SessionID) (auth.Session, error) {
	return one(ctx, t, "read session", scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE id = $1`, id)
}

func (t *tx) SessionAndUser(ctx context.Context, id auth.SessionID) (auth.Session, auth.User, error) {
	both, err := one(ctx, t, "read session and user", scanSessionAndUser, sessionOfUser, id)
	return both.session, both.user, err
}

func (t *tx) ListSessions(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Session, error) {
	return all(ctx, t, "list sessions", scanSession,
		`SELECT `+sessionColumns+` FROM sessions
		WHERE user_id = $1 AND ended_at IS NULL AND absolute_end > $2
		ORDER BY created_at DESC, id DESC`, user, micros(now))
}

func (t *tx) EndSession(ctx context.Context, id auth.SessionID, reason auth.EndReason, now time.Time) error {
	return t.change(ctx, store.ErrNotFound, "end session",
		`UPDATE sessions SET ended_at = $3, end_reason = $2 WHERE id = $1 AND ended_at IS NULL`, id, string(reason), micros(now))
}

func (t *tx) EndUserSessions(ctx context.Context, user auth.UserID, except auth.SessionID, reason auth.EndReason, now time.Time) (int, error) {
	return t.exec(ctx, "end sessions of user",
		`UPDATE sessions SET ended_at = $4, end_reason = $3
		WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL AND absolute_end > $4`,
		user, except, string(reason), micros(now))
}

func (t *tx) RevokeSuperseded(ctx context.Context, user auth.UserID, after time.Time) ([]auth.Session, error) {
	return all(ctx, t, "revoke superseded sessions", scanSession,
		`UPDATE sessions SET end_reason = 'revoked'
		WHERE user_id = $1 AND end_reason = 'superseded' AND ended_at > $2
		RETURNING `+sessionColumns, user, micros(after))
}

// TouchSessions goes through the IDs in their order, so that neighbouring
// pages are written once.
func (t *tx) TouchSessions(ctx context.Context, seen map[auth.SessionID]time.Time) error {
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		_, err := t.exec(ctx, "touch sessions",
			`UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2`, id, micros(seen[id]))
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) ChangeSessionData(ctx context.Context, id auth.SessionID, data string) (auth.Session, error) {
	return one(ctx, t, "change session data", scanSession,
		`UPDATE sessions SET data = $2, version = version + 1 WHERE id = $1 AND ended_at IS NULL RETURNING `+sessionColumns, id, data)
}

var purgeSessions = purging("sessions", "id", purge{column: "absolute_end"}, purge{column: "ended_at"})

func (t *tx) PurgeSessions(ctx context.Context, before time.Time, limit int) (int, error) {
	return t.purge(ctx, "purge sessions", purgeSessions, before, limit)
}
