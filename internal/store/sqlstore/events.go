package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const (
	eventColumns   = `id, at, type, actor, user_id, session_id, subject, client, address, agent, detail, result`
	chainedColumns = eventColumns + `, seq, mac, chain_key`
)

func scanEvent(row scanner) (auth.Event, error) {
	var e store.ChainedEvent
	err := scanFields(row, &e)
	if err == nil && e.Malformed != "" {
		_, err = fromAddress(e.Malformed)
	}
	return e.Event, err
}

func scanChained(row scanner) (e store.ChainedEvent, err error) {
	var seq sql.NullInt64
	err = scanFields(row, &e, &seq, &e.MAC, &e.Key)
	e.Seq = seq.Int64
	return e, err
}

// scanFields reads an event and what stands behind it. An address that we would
// have written in another way is kept in Malformed: to whoever verifies it is a
// changed row, and no reason to stop.
func scanFields(row scanner, e *store.ChainedEvent, more ...any) (err error) {
	var at int64
	var from string
	err = row.Scan(append([]any{&e.ID, &at, &e.Type, &e.Actor, &e.UserID, &e.SessionID, &e.Subject, &e.Client, &from, &e.Agent, &e.Detail, &e.Result}, more...)...)
	if err != nil {
		return err
	}
	e.At = fromMicros(at)
	if e.Address, err = fromAddress(from); err != nil || address(e.Address) != from {
		e.Malformed = from
	}
	return nil
}

func (t *tx) AppendEvent(ctx context.Context, e auth.Event) error {
	if e.Result == "" {
		e.Result = e.Type.Result()
	}
	_, err := t.exec(ctx, "append event",
		`INSERT INTO events (`+eventColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		e.ID, micros(e.At), string(e.Type), e.Actor, e.UserID, e.SessionID, e.Subject, e.Client, address(e.Address), e.Agent, e.Detail, string(e.Result))
	return err
}

func (t *tx) ListEvents(ctx context.Context, user auth.UserID, limit int) ([]auth.Event, error) {
	if user == "" {
		return all(ctx, t, "list events", scanEvent,
			`SELECT `+eventColumns+` FROM events ORDER BY at DESC, id DESC LIMIT $1`, max(limit, 0))
	}
	return all(ctx, t, "list events", scanEvent,
		`SELECT `+eventColumns+` FROM events WHERE user_id = $1 AND user_id <> '' ORDER BY at DESC, id DESC LIMIT $2`,
		user, max(limit, 0))
}

// frequent are the types that happen all the time: the index by type is without
// them, and its text and this one are the same in the migrations.
var frequent = []auth.EventType{
	auth.EventSignInSucceeded, auth.EventSignInFailed, auth.EventSignInThrottled, auth.EventSignedOut, auth.EventSessionRotated,
	auth.EventFamilyStarted, auth.EventFamilyEnded,
}

const notFrequent = `type NOT IN ('signin.succeeded', 'signin.failed', 'signin.throttled', 'session.signed_out', 'session.rotated', 'family.started', 'family.ended')`

// leg is one of the questions that a filter is asked by: each goes along one
// index.
type leg struct {
	text string
	args []any
}

// and adds a condition, in which ? stands for the value.
func (l leg) and(condition string, value any) leg {
	l.args = append(slices.Clip(l.args), value)
	l.text += " AND " + strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(l.args)))
	return l
}

// legs divides a filter so that rare things are found without reading through
// what is frequent.
func (t *tx) legs(f store.EventFilter) []leg {
	any := leg{text: "at >= $1 AND (at, id) < ($2, $3)", args: []any{int64(math.MinInt64), int64(math.MaxInt64), ""}}
	if !f.Since.IsZero() {
		any.args[0] = micros(f.Since)
	}
	if !f.Until.IsZero() {
		any.args[1] = micros(f.Until)
	}
	if after := f.After; after.ID != "" && micros(after.At) < any.args[1].(int64) {
		any.args[1], any.args[2] = micros(after.At), string(after.ID)
	}
	switch {
	case f.User != "":
		of := any.and("user_id = ? AND user_id <> ''", string(f.User))
		if f.Actor != "" {
			of = of.and("actor = ?", f.Actor)
		}
		return []leg{t.ofTypes(of, f.Types)}
	case f.Actor != "": // of oneself, and of others
		return []leg{
			t.ofTypes(any.and("user_id = ? AND user_id <> ''", f.Actor).and("actor = ?", f.Actor), f.Types),
			t.ofTypes(any.and("actor = ? AND actor <> '' AND actor <> user_id", f.Actor), f.Types),
		}
	}
	var all []leg
	often := slices.DeleteFunc(slices.Clone(f.Types), func(e auth.EventType) bool { return !slices.Contains(frequent, e) })
	for _, e := range f.Types {
		if !slices.Contains(frequent, e) {
			all = append(all, any.and("type = ? AND "+notFrequent, string(e)))
		}
	}
	if len(often) > 0 || len(f.Types) == 0 {
		all = append(all, t.ofTypes(any, often))
	}
	return all
}

var amongTypes = wording{sqlite: `instr(?, ',' || type || ',') > 0`, postgres: `strpos(?, ',' || type || ',') > 0`}

// ofTypes narrows a question to some types.
func (t *tx) ofTypes(l leg, types []auth.EventType) leg {
	if len(types) == 0 {
		return l
	}
	list := ","
	for _, e := range types {
		list += string(e) + ","
	}
	return l.and(t.conn.word(&amongTypes), list)
}

func (t *tx) FindEvents(ctx context.Context, f store.EventFilter, limit int) (found []store.ChainedEvent, err error) {
	limit = max(limit, 0)
	for _, l := range t.legs(f) {
		some, err := all(ctx, t, "find events", scanChained,
			`SELECT `+chainedColumns+` FROM events WHERE `+l.text+` ORDER BY at DESC, id DESC LIMIT $`+strconv.Itoa(len(l.args)+1), append(l.args, limit)...)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b store.ChainedEvent) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(string(b.ID), string(a.ID)))
	})
	found = slices.CompactFunc(found, func(a, b store.ChainedEvent) bool { return a.ID == b.ID }) // a type that was named twice
	return found[:min(len(found), limit)], nil
}

// timeOfMark is zero for a mark that was never set.
func timeOfMark(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return fromMicros(at)
}
