package sqlstore

import (
	"context"
	"database/sql"
	"sync"

	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// tx is the handle of one transaction, or of one read outside any. The nouns'
// methods hang on it, each in its file.
//
// After a failure that is no refusal nothing more may run on it: the database
// may have rolled the transaction back by itself, and the next statement would
// then commit alone.
type tx struct {
	mu     sync.Mutex
	conn   conn
	ended  bool
	failed error
	// announces: a row was added to the change feed.
	announces bool
}

var _ store.Tx = (*tx)(nil)

// end closes the handle. A statement that another goroutine still runs is
// waited for.
func (t *tx) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
}

// usable is asked, with the lock held, before each statement.
func (t *tx) usable() error {
	if t.ended {
		return errTxEnded
	}
	return t.failed
}

// judge keeps a failure and lets a refusal pass.
func (t *tx) judge(doing string, err error) error {
	err = t.conn.translate(doing, err)
	if err != nil && !refusal(err) {
		t.failed = err
	}
	return err
}

// exec runs a statement and returns how many rows it changed. No context
// interrupts it: that would roll back every member of a batch, or break a
// connection that others are about to use.
func (t *tx) exec(ctx context.Context, doing, query string, args ...any) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return 0, err
	}
	n, err := t.conn.exec(context.WithoutCancel(ctx), query, args...)
	return n, t.judge(doing, err)
}

// change is exec for a statement that must meet a row; otherwise it answers
// with none.
func (t *tx) change(ctx context.Context, none error, doing, query string, args ...any) error {
	n, err := t.exec(ctx, doing, query, args...)
	if err == nil && n == 0 {
		return none
	}
	return err
}

// all returns every row of a query.
func all[T any](ctx context.Context, t *tx, doing string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return nil, err
	}
	items, err := collect(context.WithoutCancel(ctx), t.conn, scan, query, args...)
	return items, t.judge(doing, err)
}

// one returns the only row of a query. ErrNotFound when there is none.
func one[T any](ctx context.Context, t *tx, doing string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	return oneOr(ctx, t, store.ErrNotFound, doing, scan, query, args...)
}

// oneOr is one for a query whose missing row says something else.
func oneOr[T any](ctx context.Context, t *tx, none error, doing string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	items, err := all(ctx, t, doing, scan, query, args...)
	if err == nil && len(items) == 0 {
		err = none
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return items[0], nil
}

func collect[T any](ctx context.Context, c conn, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	var items []T
	err := each(ctx, c, func(row scanner) error {
		item, err := scan(row)
		items = append(items, item)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return items, nil
}

// each calls fn with one row after the other.
func each(ctx context.Context, c conn, fn func(scanner) error, query string, args ...any) error {
	rows, err := c.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	// Close reports what the end of a changing statement could not do.
	if err := rows.Close(); err != nil {
		return err
	}
	return rows.Err()
}

// wholly makes several statements one: a caller that goes on after a refusal
// must not keep half of them.
func (t *tx) wholly(ctx context.Context, doing string, fn func() error) error {
	if _, err := t.exec(ctx, doing, "SAVEPOINT step"); err != nil {
		return err
	}
	err := fn()
	if err != nil {
		if _, back := t.exec(ctx, doing, "ROLLBACK TO step"); back != nil {
			return back
		}
	}
	if _, release := t.exec(ctx, doing, "RELEASE step"); release != nil {
		return release
	}
	return err
}

func scanInt64(row scanner) (n int64, err error) { return n, row.Scan(&n) }

func nullString(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
