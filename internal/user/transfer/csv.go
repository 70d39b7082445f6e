package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// csvForm is what the first row says, and the row that is being read.
type csvForm struct {
	separator byte
	columns   []member

	state     csvState
	malformed bool
	cell      []byte
	cells     []string
}

// csvState is where in a row the reading is.
type csvState uint8

const (
	cellStart csvState = iota
	cellPlain
	cellQuoted
	cellClosed // behind a quote that ends the cell, or is the first of two
)

var (
	errQuotes  = errors.New("its quotes are not those of RFC 4180: a cell with a quote in it stands in quotes, and the quote is doubled")
	errNoClose = errors.New("a quote that is opened here is never closed: nothing behind it was read")
)

// readHead reads the first row. Whichever of comma, semicolon and tab comes
// first in it separates the cells of the whole file; names of columns have none.
func (r *Reader) readHead() error {
	start, err := r.in.Peek(1024)
	if err != nil && err != io.EOF {
		return fmt.Errorf("cannot read the first row: %w", err)
	}
	r.csv.separator = ','
	for i, quoted := 0, false; i < len(start) && (quoted || start[i] != '\n'); i++ {
		if start[i] == '"' {
			quoted = !quoted
		} else if !quoted && strings.IndexByte(",;\t", start[i]) >= 0 {
			r.csv.separator = start[i]
			break
		}
	}
	var rec Record
	if err := r.readRow(&rec); err == io.EOF {
		return errors.New("the file is empty: its first row must name the columns")
	} else if err != nil {
		return fmt.Errorf("cannot read the first row: %w", err)
	}
	if rec.Err != nil {
		return fmt.Errorf("the first row, which must name the columns, %w", rec.Err)
	}
	for _, name := range r.csv.cells {
		m, err := parseMember(strings.Trim(name, " "))
		if err != nil {
			return fmt.Errorf("the first row, which must name the columns: %w", err)
		}
		if slices.Contains(r.csv.columns, m) {
			return fmt.Errorf("the first row names column %s twice", m)
		}
		r.csv.columns = append(r.csv.columns, m)
	}
	r.Head = bytes.Clone(rec.Raw)
	return nil
}

// PlainOldIDs says whether the first row of CSV has a column of old IDs that
// names no mount. Of JSON lines nothing is known beforehand.
func (r *Reader) PlainOldIDs() bool {
	return slices.ContainsFunc(r.csv.columns, func(m member) bool {
		return m.mount == "" && (m.name == memberOldID || m.name == memberAccountIDs)
	})
}

// nextRow reads one row as a user.
func (r *Reader) nextRow(rec *Record) error {
	if err := r.readRow(rec); err != nil || rec.Err != nil {
		return err
	}
	if got, want := len(r.csv.cells), len(r.csv.columns); got != want {
		rec.Err = fmt.Errorf("has %d cells, and the first row has %d", got, want)
		return nil
	}
	for i, m := range r.csv.columns {
		if rec.Err = rec.User.set(m, cell(unguarded(r.csv.cells[i]))); rec.Err != nil {
			return nil
		}
	}
	return nil
}

// readRow reads the next row that is not empty into r.csv.cells. A quoted cell
// goes on over line breaks. A row that is too long is followed to its own end:
// were the reading to begin anew at its next line, whoever chose the content of
// a long cell could write whole users into it.
func (r *Reader) readRow(rec *Record) error {
	for {
		empty, err := r.scanRow(rec)
		if err != nil || !empty {
			return err
		}
	}
}

func (r *Reader) scanRow(rec *Record) (empty bool, err error) {
	c := &r.csv
	c.begin()
	r.raw = r.raw[:0]
	rec.Line = r.line + 1
	tooLong, begun := false, false
	for {
		b, err := r.chunk()
		if err == io.EOF && begun {
			break
		}
		if err != nil {
			return false, err
		}
		begun = true
		ended := bytes.HasSuffix(b, []byte("\n"))
		if err := r.keep(b, &tooLong); err != nil {
			return false, err
		}
		c.scan(b, tooLong)
		if ended && c.state != cellQuoted {
			break
		}
	}
	if !tooLong {
		rec.Raw = unbroken(r.raw)
	}
	rec.Err = form(rec.Raw, tooLong)
	switch {
	case c.state == cellQuoted:
		rec.Err = errNoClose
	case rec.Err == nil && c.malformed:
		rec.Err = errQuotes
	}
	if rec.Err == nil && len(rec.Raw) == 0 {
		return true, nil
	}
	c.endCell()
	return false, nil
}

func (c *csvForm) begin() {
	c.state, c.malformed, c.cell, c.cells = cellStart, false, c.cell[:0], c.cells[:0]
}

func (c *csvForm) endCell() {
	c.cells = append(c.cells, string(c.cell))
	c.cell = c.cell[:0]
	c.state = cellStart
}

// scan follows the row through some bytes. Of a row that is too long only the
// quotes count any more.
func (c *csvForm) scan(chunk []byte, tooLong bool) {
	if tooLong {
		c.cell, c.cells = c.cell[:0], c.cells[:0]
	}
	for i, b := range chunk {
		switch {
		case c.state == cellQuoted:
			if b == '"' {
				c.state = cellClosed
			} else if !tooLong {
				c.cell = append(c.cell, b)
			}
		case b == '"' && c.state == cellClosed: // two of them are one
			c.state = cellQuoted
			c.cell = append(c.cell, b)
		case b == '"' && c.state == cellStart:
			c.state = cellQuoted
		case b == '"':
			c.malformed = true
		case b == '\n', b == '\r' && (i+1 == len(chunk) || chunk[i+1] == '\n'):
			// The end of the row: outside of quotes no line break belongs to a cell.
		case b == c.separator && tooLong:
			c.state = cellStart
		case b == c.separator:
			c.endCell()
		case c.state == cellClosed:
			c.malformed, c.state = true, cellPlain
		default:
			c.state = cellPlain
			if !tooLong {
				c.cell = append(c.cell, b)
			}
		}
	}
}

// cell is a value of CSV; an empty one is nothing.
type cell string

func (v cell) text() (string, error) { return string(v), nil }

func (v cell) id() (string, error) { return string(v), nil }

func (v cell) flag() (bool, error) {
	switch strings.ToLower(string(v)) {
	case "true", "1":
		return true, nil
	case "false", "0", "":
		return false, nil
	}
	return false, errors.New("is neither true nor false")
}

// list is separated by blanks, or an array of JSON when an item has some.
func (v cell) list() ([]string, error) {
	if strings.HasPrefix(string(v), "[") {
		if !json.Valid([]byte(v)) {
			return nil, errors.New("begins with [ and is not an array of strings in JSON")
		}
		return jsonValue(v).list()
	}
	return strings.Fields(string(v)), nil
}

func (v cell) since() (bool, time.Time, error) {
	if set, err := v.flag(); err == nil {
		return set, time.Time{}, nil
	}
	t, err := parseTime(string(v))
	if err != nil {
		return false, time.Time{}, errors.New("is neither true nor false nor a time as in 2026-01-31T12:00:00Z")
	}
	return true, t, nil
}
