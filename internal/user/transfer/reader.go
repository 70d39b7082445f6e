package transfer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxRecord bounds one record, in bytes.
const MaxRecord = 64 << 10

// Format is how a file is written.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
)

// Record is one of a file: a user, or the reason why it is none.
type Record struct {
	// Line is the number of the record's first line, from 1.
	Line int
	User User
	// Err is set for a record that cannot be read. It names members, never
	// values.
	Err error
	// Raw is the record as it was written, without the line break behind it.
	// It is good until the next call of Next, and nil when the record was
	// longer than MaxRecord.
	Raw []byte
}

// Reader reads one file from its beginning to its end. It holds one record at
// a time. It is for one goroutine.
type Reader struct {
	// Overlong, if not nil, is given each record that is longer than MaxRecord,
	// as it is read; its error ends the reading.
	Overlong io.Writer
	// Head is the first row of a CSV file as it was written; empty for JSON
	// lines.
	Head []byte

	in     *bufio.Reader
	next   func(*Record) error
	line   int // lines read so far
	raw    []byte
	csv    csvForm
	failed error
}

// NewReader begins a file; of CSV it reads the first row. It refuses what is
// not UTF-8 by its first bytes, and a first row that cannot be understood. A
// byte order mark is skipped.
func NewReader(in io.Reader, f Format) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, MaxRecord)}
	start, _ := r.in.Peek(3)
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		_, _ = r.in.Discard(3)
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return nil, errors.New("the file is written in UTF-16; save it as UTF-8")
	}
	switch f {
	case JSONLines:
		r.next = r.nextObject
	case CSV:
		r.next = r.nextRow
		return r, r.readHead()
	default:
		return nil, fmt.Errorf("there is no format %q", f)
	}
	return r, nil
}

// Next returns the next record. Empty lines are passed over. The error is
// io.EOF at the end; another one means that the file cannot be read on.
func (r *Reader) Next() (Record, error) {
	if r.failed != nil {
		return Record{}, r.failed
	}
	var rec Record
	if err := r.next(&rec); err != nil {
		if err != io.EOF {
			err = fmt.Errorf("cannot read on after line %d: %w", r.line, err)
		}
		r.failed = err
		return Record{}, err
	}
	if rec.Err != nil {
		rec.User = User{}
	}
	return rec, nil
}

// chunk returns the next bytes up to and with a line break, or fewer when the
// line is longer than the buffer. They are good until the next call.
func (r *Reader) chunk() ([]byte, error) {
	b, err := r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull), err == io.EOF && len(b) > 0:
		err = nil
	}
	if bytes.HasSuffix(b, []byte("\n")) {
		r.line++
	}
	return b, err
}

// keep adds a chunk to the record, or, once that has grown too long, to
// Overlong.
func (r *Reader) keep(chunk []byte, tooLong *bool) error {
	if !*tooLong && len(r.raw)+len(chunk) <= MaxRecord {
		r.raw = append(r.raw, chunk...)
		return nil
	}
	if !*tooLong {
		*tooLong = true
		if err := r.spill(r.raw); err != nil {
			return err
		}
	}
	return r.spill(chunk)
}

func (r *Reader) spill(b []byte) error {
	if r.Overlong == nil || len(b) == 0 {
		return nil
	}
	_, err := r.Overlong.Write(b)
	return err
}

var (
	errTooLong = fmt.Errorf("is longer than %d bytes", MaxRecord)
	errNotUTF8 = errors.New("is not UTF-8")
)

// form judges what both formats have in common.
func form(raw []byte, tooLong bool) error {
	if tooLong {
		return errTooLong
	}
	if !utf8.Valid(raw) {
		return errNotUTF8
	}
	return nil
}

// unbroken is a line without its line break.
func unbroken(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
