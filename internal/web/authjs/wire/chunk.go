package wire

import (
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// Limits on the chunks of one session cookie.
const (
	// MaxChunks is how many cookies of a request are taken for chunks of one
	// value.
	MaxChunks = 48

	// MaxValue is the length in bytes of the longest value joined.
	MaxValue = seal.MaxToken
)

// ErrChunks says that a request carries a session cookie whose chunks make no
// whole: the session is unreadable and its cookies are to be deleted.
var ErrChunks = errors.New("wire: chunks of the session cookie make no whole")

// ChunkSize is how many characters of value go into one cookie: 4096 less what
// the dialect's library reckons for name and attributes. Protocol page §3.1.
func ChunkSize(d seal.Dialect) int {
	if d == seal.V5 {
		return 4096 - 160
	}
	return 4096 - 163
}

// Split spreads an ASCII value over as few cookies as it needs: the plain name if
// it fits, else name.0, name.1 and so on. An empty value needs none. Protocol
// page §3.1.
func Split(d seal.Dialect, name, value string) []Cookie {
	size := ChunkSize(d)
	if value == "" {
		return nil
	}
	if len(value) <= size {
		return []Cookie{{name, value}}
	}
	var all []Cookie
	for i := 0; value != ""; i++ {
		n := min(size, len(value))
		all = append(all, Cookie{name + "." + strconv.Itoa(i), value[:n]})
		value = value[n:]
	}
	return all
}

// ErrTwoSessions says that a request carries two session cookies, and nothing
// tells which of them is the browser's own and which one a sibling domain, or a
// page on plain http, has planted beside it. Deleting reaches the browser's own
// alone, so nothing is to be deleted.
var ErrTwoSessions = errors.New("wire: two session cookies in one request")

// A Change is one cookie of an answer: to be set, or to be deleted.
type Change struct {
	Cookie
	Delete bool
}

// Replace returns the changes after which the browser holds exactly the chunks of
// value and no other cookie that the protocol's readers would join with them: all
// request cookies whose names begin with name are overwritten or deleted, in the
// order they came, then the new ones are set. An empty value deletes. It is lax
// on purpose about what it deletes: a stray cookie makes the session unreadable
// in the application, whose reader is [Join]. Protocol page §3.1.
//
// Names that could not be written (no token of RFC 9110) are left out.
func Replace(d seal.Dialect, name, value string, request Cookies) []Change {
	fresh := Split(d, name, value)
	all := make([]Change, 0, len(fresh)+1)
	for c := range present(d, name, request) {
		if isToken(c.Name) {
			all = append(all, Change{Cookie{Name: c.Name}, true})
		}
	}
	for _, c := range fresh {
		known := false
		for i := range all {
			if all[i].Name == c.Name {
				all[i] = Change{Cookie: c}
				known = true
				break
			}
		}
		if !known {
			all = append(all, Change{Cookie: c})
		}
	}
	return all
}

// Join reads a session cookie as the protocol's own readers do, which the
// application uses: every cookie whose name begins with name (in v5: and has a
// value), ordered by the integer behind the last dot, joined. Gaps go unnoticed
// and a cookie called name-foo is joined in. No cookie gives the empty text.
//
// Gatehouse itself reads with [JoinExact]; this one tells what the application
// will see.
func Join(d seal.Dialect, name string, request Cookies) (string, error) {
	all := slices.Collect(present(d, name, request))
	if len(all) >= MaxChunks {
		return "", ErrChunks
	}
	return join(sortChunks(d, all))
}

// JoinExact reads a session cookie strictly: the plain name, or name.0 to name.n
// without a gap and each number written in one way. Cookies that merely begin
// with the name are none of ours, so a neighbour on another subdomain cannot
// break a session by tossing such a one in. No cookie, or only empty ones, gives
// the empty text. A gap is [ErrChunks]. The plain name and chunks together, or a
// name with two values, is [ErrTwoSessions]: to believe the first one, as other
// readers of the protocol do, would make the browser whom the planter likes.
func JoinExact(name string, request Cookies) (string, error) {
	var chunks [MaxChunks]string
	plain, count, last := "", 0, -1
	for _, c := range request {
		suffix, ok := strings.CutPrefix(c.Name, name)
		if !ok || c.Value == "" {
			continue
		}
		if suffix == "" {
			if plain != "" {
				return "", ErrTwoSessions
			}
			plain = c.Value
			continue
		}
		i := chunkNumber(suffix)
		if i < 0 {
			continue
		}
		if i >= MaxChunks {
			return "", ErrChunks
		}
		if chunks[i] != "" {
			return "", ErrTwoSessions
		}
		chunks[i] = c.Value
		count++
		last = max(last, i)
	}
	switch {
	case count == 0:
		if len(plain) > MaxValue {
			return "", ErrChunks
		}
		return plain, nil
	case plain != "":
		return "", ErrTwoSessions
	case last != count-1:
		return "", ErrChunks
	case count == 1:
		return chunks[0], nil
	}
	size := 0
	for _, v := range chunks[:count] {
		size += len(v)
	}
	if size > MaxValue {
		return "", ErrChunks
	}
	return strings.Join(chunks[:count], ""), nil
}

// maxWhole is how many session cookies of one request are looked at.
const maxWhole = 4

// Whole are the session cookies of a request that has several: each value of the
// plain name, and what its chunks make. Chunks that make no whole are somebody's
// whom a planted chunk has broken, so that then there is none at all, and no more
// are there when there are more than four.
func Whole(name string, request Cookies) []string {
	all, err := every(name, request)
	if err != nil || len(all) > maxWhole {
		return nil
	}
	return all
}

// Every is Whole for a sign-out: it leaves nothing out that can be read, because
// what is planted beside a session must not keep it from ending.
func Every(name string, request Cookies) []string {
	all, _ := every(name, request)
	return all
}

func every(name string, request Cookies) (all []string, err error) {
	var chunks Cookies
	for _, c := range request {
		switch {
		case c.Value == "":
		case c.Name == name:
			all = append(all, c.Value)
		case strings.HasPrefix(c.Name, name):
			chunks = append(chunks, c)
		}
	}
	joined, err := JoinExact(name, chunks)
	if joined != "" {
		all = append(all, joined)
	}
	return all, err
}

// chunkNumber is the number of a suffix like ".12", or -1.
func chunkNumber(suffix string) int {
	if len(suffix) < 2 || len(suffix) > 5 || suffix[0] != '.' || suffix[1] == '0' && len(suffix) > 2 {
		return -1
	}
	n := 0
	for i := 1; i < len(suffix); i++ {
		if suffix[i] < '0' || suffix[i] > '9' {
			return -1
		}
		n = n*10 + int(suffix[i]-'0')
	}
	return n
}

// present are the request's cookies that the library takes for the session's: of
// a name the first.
func present(d seal.Dialect, name string, request Cookies) iter.Seq[Cookie] {
	counts := func(c Cookie) bool { return strings.HasPrefix(c.Name, name) && (c.Value != "" || d != seal.V5) }
	return func(yield func(Cookie) bool) {
		for i, c := range request {
			before := func(o Cookie) bool { return o.Name == c.Name && counts(o) }
			if counts(c) && !slices.ContainsFunc(request[:i], before) && !yield(c) {
				return
			}
		}
	}
}

func join(all []Cookie) (string, error) {
	if len(all) == 1 && len(all[0].Value) <= MaxValue {
		return all[0].Value, nil
	}
	var b strings.Builder
	for _, c := range all {
		if b.Len()+len(c.Value) > MaxValue {
			return "", ErrChunks
		}
		b.WriteString(c.Value)
	}
	return b.String(), nil
}
