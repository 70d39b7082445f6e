package password

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// ErrBreachedList is matched, with errors.Is, by every error of a list of
// breached passwords that cannot be used: while it is opened, or later.
var ErrBreachedList = errors.New("list of breached passwords cannot be used")

// BreachedList is a file of SHA-1 hashes of passwords that were found in
// breaches, as Have I Been Pwned publishes it: one hash a line, in upper-case
// hexadecimal digits, perhaps with a colon and a count behind it, in order. It is
// searched where it lies, so tens of gigabytes cost no memory, and no password
// or part of its hash leaves the machine. It is safe for concurrent use.
//
// SHA-1 protects nothing here: it is what the published lists are made of.
type BreachedList struct {
	file    breachedFile
	size    int64
	changed time.Time
}

// breachedFile is what is asked of the file.
type breachedFile interface {
	io.ReaderAt
	io.Closer
	Stat() (os.FileInfo, error)
}

const (
	digestDigits = 2 * sha1.Size
	// longestLine is a hash, a colon, a count of 20 digits, and the line's end.
	longestLine = digestDigits + 1 + 20 + 2
	// breachedBlock is what is searched line by line in the end.
	breachedBlock = 4 << 10
	// wholeFrom is the size from which a list has hashes of every first byte:
	// more than 16,000 of them lack a given one less than once in 10^27 times.
	wholeFrom = 1 << 20
	// breachedSamples is how many lines a large file is judged by at the start.
	breachedSamples = 256
)

// OpenBreached opens the list and looks whether it is one: at its first and last
// line and at some hundred between them, at all of a small one. The errors are
// matched by ErrBreachedList and say what is wrong where. Close it at the end.
func OpenBreached(path string) (*BreachedList, error) {
	info, err := os.Stat(path) // before it is opened: opening a pipe would wait
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBreachedList, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no file", ErrBreachedList, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBreachedList, err)
	}
	b, err := newBreached(f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s %w", ErrBreachedList, path, err)
	}
	return b, nil
}

func newBreached(f breachedFile) (*BreachedList, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := &BreachedList{file: f, size: info.Size(), changed: info.ModTime()}
	return b, b.sample()
}

// Close closes the file. Nil has none.
func (b *BreachedList) Close() error {
	if b == nil {
		return nil
	}
	return b.file.Close()
}

// sample reads lines from the first to the last and compares their order.
func (b *BreachedList) sample() error {
	if b.size == 0 {
		return errors.New("is empty")
	}
	step := b.size / breachedSamples
	first, last := "", ""
	for at := int64(0); at < b.size; {
		l, err := b.lineAt(at)
		if err != nil {
			return err
		}
		if l.digest <= last {
			return fmt.Errorf("is not in order at byte %d", l.begin)
		}
		if last = l.digest; first == "" {
			first = last
		}
		if at = max(l.end, min(l.begin+step, b.size-1)); at < l.end+longestLine {
			at = l.end // small files are read whole
		}
	}
	if b.size > wholeFrom && (first >= "01" || last < "FF") {
		return fmt.Errorf("is not whole: it goes from %s… to %s…, as after a download that was broken off", first[:4], last[:4])
	}
	return nil
}

// contains reports whether the password is on the list, in the stable form or
// as it was typed. Nil contains nothing.
func (b *BreachedList) contains(typed, stable string) (bool, error) {
	if b == nil {
		return false, nil
	}
	found, err := b.has(stable)
	if err == nil && !found && typed != stable {
		found, err = b.has(typed)
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrBreachedList, err)
	}
	return found, nil
}

func (b *BreachedList) has(text string) (bool, error) {
	// A file that was written over is not the one that was judged at the start,
	// and what is missing from its other half would pass for good.
	info, err := b.file.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() != b.size || !info.ModTime().Equal(b.changed) {
		return false, errors.New("the file was changed since the start: restart with the new one")
	}
	sum := sha1.Sum([]byte(text))
	return b.search(strings.ToUpper(hex.EncodeToString(sum[:])))
}

// search halves what is left until it is a block. Whole lines are left, and the
// digest is in one of them or nowhere.
func (b *BreachedList) search(digest string) (bool, error) {
	lo, hi := int64(0), b.size
	for hi-lo > breachedBlock {
		l, err := b.lineAt(lo + (hi-lo)/2)
		switch {
		case err != nil:
			return false, err
		case l.digest == digest:
			return true, nil
		case l.digest < digest:
			lo = l.end
		default:
			hi = l.begin
		}
	}
	for lo < hi {
		l, err := b.lineAt(lo)
		switch {
		case err != nil:
			return false, err
		case l.digest >= digest:
			return l.digest == digest, nil
		}
		lo = l.end
	}
	return false, nil
}

// breachedLine is a line and where it begins and the next one does.
type breachedLine struct {
	digest     string
	begin, end int64
}

// lineAt reads the line that the byte at the offset belongs to.
func (b *BreachedList) lineAt(at int64) (breachedLine, error) {
	var buf [2 * longestLine]byte
	from := max(0, at-longestLine)
	n, err := b.file.ReadAt(buf[:min(int64(len(buf)), b.size-from)], from)
	if err != nil && !(errors.Is(err, io.EOF) && from+int64(n) == b.size) {
		return breachedLine{}, fmt.Errorf("cannot be read at byte %d: %w", from, err)
	}
	text, here := buf[:n], int(at-from)
	begin := bytes.LastIndexByte(text[:here], '\n') + 1
	end := n
	if i := bytes.IndexByte(text[here:], '\n'); i >= 0 {
		end = here + i + 1
	}
	l := breachedLine{begin: from + int64(begin), end: from + int64(end)}
	var ok bool
	if l.digest, ok = parseBreached(text[begin:end]); !ok {
		return l, fmt.Errorf("has no SHA-1 in upper-case hexadecimal digits, and perhaps a colon and a count, in the line at byte %d", l.begin)
	}
	return l, nil
}

// parseBreached reads "HASH" or "HASH:COUNT", with or without its line's end.
func parseBreached(line []byte) (digest string, ok bool) {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(line) < digestDigits || len(line) > longestLine-2 {
		return "", false
	}
	for _, c := range line[:digestDigits] {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return "", false
		}
	}
	if count := line[digestDigits:]; len(count) > 0 {
		if count[0] != ':' || len(count) == 1 || len(bytes.Trim(count[1:], "0123456789")) > 0 {
			return "", false
		}
	}
	return string(line[:digestDigits]), true
}
