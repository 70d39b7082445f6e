package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Answer is one answer of a server. Its bytes are good until the next is read.
type Answer struct {
	Status int
	// Header are the field lines, each with its line end.
	Header []byte
	Body   []byte
}

// Field is the value of the first field of that name, in lower case.
func (a *Answer) Field(name string) (value []byte, found bool) {
	for rest := a.Header; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		n, v, ok := bytes.Cut(line, []byte{':'})
		if ok && len(n) == len(name) && bytes.EqualFold(n, []byte(name)) {
			return bytes.TrimSpace(v), true
		}
	}
	return nil, false
}

// Sets says whether one of the Set-Cookie fields begins like that.
func (a *Answer) Sets(cookie []byte) bool {
	for rest := a.Header; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		n, v, ok := bytes.Cut(line, []byte{':'})
		if ok && len(n) == len("set-cookie") && bytes.HasPrefix(bytes.TrimSpace(v), cookie) && bytes.EqualFold(n, []byte("set-cookie")) {
			return true
		}
	}
	return false
}

// RetryAfter is the field of that name in seconds; found is false when there is
// none or it is no number.
func (a *Answer) RetryAfter() (seconds int, found bool) {
	v, ok := a.Field("retry-after")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(string(v))
	return n, err == nil && n >= 0
}

var errAnswer = errors.New("no HTTP/1.1 answer")

// maxAnswer bounds header and body, so that a server gone wrong does not fill
// the memory.
const maxAnswer = 1 << 20

// read replaces what a holds by the next answer, to a request that was no HEAD.
func (a *Answer) read(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	// HTTP/1.1 200 OK
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return fmt.Errorf("%w: %q", errAnswer, line)
	}
	if a.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return fmt.Errorf("%w: %q", errAnswer, line)
	}
	a.Header, a.Body = a.Header[:0], a.Body[:0]
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return err
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if a.Header = append(a.Header, line...); len(a.Header) > maxAnswer {
			return fmt.Errorf("%w: the header does not end", errAnswer)
		}
	}
	return a.readBody(r)
}

func (a *Answer) readBody(r *bufio.Reader) error {
	if v, ok := a.Field("content-length"); ok {
		n, err := strconv.Atoi(string(v))
		if err != nil || n < 0 {
			return fmt.Errorf("%w: Content-Length %q", errAnswer, v)
		}
		return a.take(r, n)
	}
	if v, ok := a.Field("transfer-encoding"); ok && bytes.EqualFold(v, []byte("chunked")) {
		return a.readChunks(r)
	}
	if a.Status == 204 || a.Status == 304 {
		return nil
	}
	return fmt.Errorf("%w: a body without an end", errAnswer)
}

// readChunks is RFC 9112 §7.1 without trailers.
func (a *Answer) readChunks(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte{';'})
		n, err := strconv.ParseInt(string(size), 16, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%w: chunk of %q", errAnswer, size)
		}
		if err := a.take(r, int(n)); err != nil {
			return err
		}
		if end, err := r.ReadSlice('\n'); err != nil || len(end) > 2 {
			return errors.Join(err, fmt.Errorf("%w: a chunk ends in %q", errAnswer, end))
		}
		if n == 0 {
			return nil
		}
	}
}

// take appends n bytes to the body.
func (a *Answer) take(r *bufio.Reader, n int) error {
	begin := len(a.Body)
	if begin+n > maxAnswer {
		return fmt.Errorf("%w: a body of more than %d bytes", errAnswer, maxAnswer)
	}
	for cap(a.Body) < begin+n {
		a.Body = append(a.Body[:cap(a.Body)], 0)
	}
	a.Body = a.Body[:begin+n]
	_, err := io.ReadFull(r, a.Body[begin:])
	return err
}
