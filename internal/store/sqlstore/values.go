package sqlstore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// scanner is a row of *sql.Rows, or a test's.
type scanner interface{ Scan(dest ...any) error }

// micros is the stored form of a time that is always known.
func micros(t time.Time) int64 { return t.UnixMicro() }

// maybeMicros is the stored form of a time that may be zero: NULL then.
func maybeMicros(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: true}
}

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func fromMaybeMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return fromMicros(n.Int64)
}

// number is a bool as both dialects keep it.
func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// list is a []string as a JSON array; nil and empty are the same.
func list(items []string) (string, error) {
	if len(items) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(items)
	return string(b), err
}

func fromList(text string) ([]string, error) {
	if text == "[]" {
		return nil, nil
	}
	var items []string
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		return nil, fmt.Errorf("read a list: %w", err)
	}
	return items, nil
}

// address is the text of an address, empty when it is unknown.
func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func fromAddress(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("read an address: %w", err)
	}
	return a, nil
}
