package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// feedChannel is where nodes tell each other that there are new rows.
const feedChannel = "gatehouse_changes"

// pgFeed reads the change feed on one connection of its own, past any pooler,
// to the primary.
//
// Rows become visible in another order than their numbers say, so the position
// is a snapshot (guarantees R1): a look returns every row of a transaction that
// was not over when the last look was taken. floor is that snapshot's xmin, the
// oldest transaction that was under way; everything older has been read.
type pgFeed struct {
	conn *pgx.Conn
	// at is the server, its incarnation and the process behind the connection,
	// as the first look found them.
	at       serverMark
	floor    uint64
	snapshot string // of the last look
	swept    bool   // rows of nodes that have long ended are gone

	// Of the connection's own goroutine, which is the caller's: the driver calls
	// back while it reads.
	notified int
	warning  string
}

// serverMark says which server answers, in which life, through which process.
type serverMark struct {
	incarnation string
	backend     int64
}

// incarnation is different after a crash, a promotion, or a move to another
// server: transaction numbers may be used again then (guarantees R2). The
// timeline is the one of the write-ahead log; pg_control_checkpoint still names
// the old one after a promotion.
const incarnation = `(SELECT system_identifier FROM pg_control_system())::text
	|| '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
	|| '/' || (extract(epoch FROM pg_postmaster_start_time()) * 1000000::numeric)::bigint::text`

// databaseMicros is the one place where SQL asks for the time: it compares the
// nodes' clocks, and says when a node was heard of, by one clock for all.
const databaseMicros = `(extract(epoch FROM clock_timestamp()) * 1000000::numeric)::bigint`

// One statement has one snapshot: its first row describes the look (its seq is
// NULL), the others are what that snapshot sees. Of the nodes that live it says
// the greatest ordinal of secrets, and when the one was heard of last, of those
// that have less than this node's, that has been silent for longest.
const (
	feedLook = `SELECT NULL::bigint AS seq, pg_current_snapshot()::text, pg_snapshot_xmin(pg_current_snapshot())::text, ` + incarnation + `, '', '',
		` + databaseMicros + `, pg_backend_pid()::bigint, 0::bigint
	UNION ALL SELECT ` + changeColumns + ` FROM changes`
	feedSince = `SELECT NULL::bigint AS seq, pg_current_snapshot()::text, pg_snapshot_xmin(pg_current_snapshot())::text, ` + incarnation + `,
		coalesce(min(beat_at) FILTER (WHERE secrets < $3), 0)::text, '', ` + databaseMicros + `, pg_backend_pid()::bigint, coalesce(max(secrets), 0)
		FROM nodes WHERE beat_at + max_staleness + $4 > ` + databaseMicros + `
	UNION ALL SELECT ` + changeColumns + ` FROM changes WHERE xid >= $1::text::xid8 AND NOT pg_visible_in_snapshot(xid, $2::text::pg_snapshot)`
)

// openPGFeed connects to the primary that config names, listens, and has no
// position yet. Notifications of the process that is called own wake nobody.
func openPGFeed(ctx context.Context, config *pgx.ConnConfig, own string) (*pgFeed, error) {
	f := &pgFeed{}
	config = config.Copy()
	if config.ValidateConnect == nil {
		config.ValidateConnect = refuseStandby
	}
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) {
		if n.Payload == "" || n.Payload != own {
			f.notified++
		}
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			f.warning = n.Message
		}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, describePostgres("connect the change feed to the primary", err)
	}
	f.conn = conn
	// Outside any transaction, and before anything is read. Plans are made for
	// the floor as it is: a general one would read the whole table.
	for _, text := range []string{"LISTEN " + feedChannel, "SET plan_cache_mode TO force_custom_plan"} {
		if _, err := conn.Exec(ctx, text); err != nil {
			f.close()
			return nil, describePostgres("listen for changes", err)
		}
	}
	return f, nil
}

// settle gives rows that are visible, and cannot be by their number, a number
// that every snapshot sees: they came from another server, in a dump, and would
// come again at each look until this one has had as many transactions. What is
// written at the same time is not visible to this statement.
const settle = `UPDATE changes SET xid = '3'::xid8 WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())`

func (f *pgFeed) Load(ctx context.Context, fn func(auth.Change)) error {
	if _, err := f.conn.Exec(ctx, settle); err != nil {
		return describePostgres("settle the change feed", err)
	}
	rows, err := f.conn.Query(ctx, feedLook)
	if err != nil {
		return describePostgres("load the change feed", err)
	}
	look, err := readLook(rows, fn)
	if err != nil {
		return describePostgres("load the change feed", err)
	}
	f.at, f.floor, f.snapshot = look.at, look.xmin, look.snapshot
	return nil
}

// Poll is one round (guarantees R7): the beat is committed before the rows are
// read, so the answer is not that of a primary whose commits nobody confirms
// any more, nor of a standby.
func (f *pgFeed) Poll(ctx context.Context, beat auth.Node) (round store.Round, err error) {
	if f.snapshot == "" {
		return round, errors.New("sqlstore: the change feed was not loaded")
	}
	round.Woken, f.notified, f.warning = f.notified, 0, ""
	look, err := f.round(ctx, beat, func(c auth.Change) { round.Changes = append(round.Changes, c) })
	if err != nil {
		return store.Round{}, describePostgres("poll the change feed", err)
	}
	if err := f.sameServer(look); err != nil {
		return store.Round{}, err
	}
	f.floor, f.snapshot, f.swept = look.xmin, look.snapshot, true
	round.DatabaseTime, round.Secrets = fromMicros(look.clock), look.secrets
	if look.unaware != 0 {
		round.Unaware = fromMicros(look.unaware)
	}
	return round, nil
}

// round sends everything at once and reads the answers.
func (f *pgFeed) round(ctx context.Context, beat auth.Node, fn func(auth.Change)) (look look, err error) {
	b := &pgx.Batch{}
	var commit int
	if beat.ID != "" {
		if commit, err = f.queueBeat(b, beat); err != nil {
			return look, err
		}
	}
	b.Queue(feedSince, strconv.FormatUint(f.floor, 10), f.snapshot, beat.Secrets, lapsed.Microseconds())
	answers := f.conn.SendBatch(ctx, b)
	defer func() { err = errors.Join(err, answers.Close()) }()
	for i := range commit {
		if _, err := answers.Exec(); err != nil {
			return look, fmt.Errorf("beat (%d): %w", i, err)
		}
	}
	if f.warning != "" {
		// Such as a cancelled wait for the standby: the beat says nothing then
		// (guarantees R18).
		return look, fmt.Errorf("beat: the database warns: %s", f.warning)
	}
	rows, err := answers.Query()
	if err != nil {
		return look, err
	}
	return readLook(rows, fn)
}

// queueBeat adds the statements that commit the node's row, durably and on the
// standby where there is one that commits wait for, and returns how many.
func (f *pgFeed) queueBeat(b *pgx.Batch, n auth.Node) (int, error) {
	keys, err := list(n.Keys)
	if err != nil {
		return 0, err
	}
	b.Queue("BEGIN")
	b.Queue("SET LOCAL synchronous_commit TO on")
	if !f.swept {
		b.Queue(`DELETE FROM nodes WHERE beat_at < ` + databaseMicros + ` - 86400000000`)
	}
	b.Queue(`INSERT INTO nodes (`+nodeColumns+`, applied, incarnation)
		VALUES ($1, $2, `+databaseMicros+`, `+databaseMicros+`, $3, $4, $5, $6::text::pg_snapshot, `+incarnation+`)
		ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, max_staleness = excluded.max_staleness,
			keys = excluded.keys, secrets = excluded.secrets, applied = excluded.applied, incarnation = excluded.incarnation`,
		string(n.ID), n.Name, n.MaxStaleness.Microseconds(), keys, n.Secrets, f.snapshot)
	b.Queue("COMMIT")
	return b.Len(), nil
}

// sameServer refuses to go on where the position says nothing (guarantees R2).
func (f *pgFeed) sameServer(l look) error {
	switch {
	case l.at.incarnation != f.at.incarnation:
		return fmt.Errorf("sqlstore: the change feed is another server's now (%s, was %s): it must be read whole", l.at.incarnation, f.at.incarnation)
	case l.at.backend != f.at.backend:
		return errors.New("sqlstore: the change feed's connection changes servers underneath, as a pooler does; name the database itself in database.feed_url")
	case l.xmin < f.floor:
		return fmt.Errorf("sqlstore: transaction numbers have gone back from %d to %d: the change feed must be read whole", f.floor, l.xmin)
	}
	return nil
}

// Wait returns when a notification has come since the last look began.
func (f *pgFeed) Wait(ctx context.Context) error {
	for f.notified == 0 {
		if err := f.conn.PgConn().WaitForNotification(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
	return nil
}

func (f *pgFeed) Close() error {
	f.close()
	return nil
}

// close says good-bye, for a moment: a server that does not answer is left
// alone.
func (f *pgFeed) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = f.conn.Close(ctx)
}

// look is the first row of a look.
type look struct {
	at       serverMark
	snapshot string
	xmin     uint64
	clock    int64
	// secrets and unaware are those of store.Round.
	secrets, unaware int64
}

// readLook calls fn with every change and returns what describes the look.
func readLook(rows pgx.Rows, fn func(auth.Change)) (l look, err error) {
	defer rows.Close()
	described := false
	var c changeRow
	var seq *int64
	var kind, session, user, family string
	for rows.Next() {
		if err := rows.Scan(&seq, &kind, &session, &user, &family, &c.KeyID, &c.Value, &c.at, &c.until); err != nil {
			return l, err
		}
		if seq == nil {
			l = look{at: serverMark{user, c.at}, snapshot: kind, clock: c.Value, secrets: c.until}
			if l.xmin, err = strconv.ParseUint(session, 10, 64); err != nil {
				return l, err
			}
			if family != "" {
				if l.unaware, err = strconv.ParseInt(family, 10, 64); err != nil {
					return l, err
				}
			}
			described = true
			continue
		}
		c.Seq, c.Kind = *seq, auth.ChangeKind(kind)
		c.SessionID, c.UserID, c.FamilyID = auth.SessionID(session), auth.UserID(user), auth.FamilyID(family)
		c.At, c.Until = fromMicros(c.at), fromMicros(c.until)
		fn(c.Change)
	}
	if err := rows.Err(); err != nil {
		return l, err
	}
	if !described {
		return l, errors.New("sqlstore: the look at the change feed does not describe itself")
	}
	return l, nil
}
