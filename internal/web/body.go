package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// MaxBody is how much of a request body is ever read, in bytes: room for every
// documented field at its limit, many times over.
const MaxBody = 64 << 10

// ReadBody returns the body, or CodeInvalidRequest with status 413's cause when
// it is longer than MaxBody.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return ReadShortBody(w, r, MaxBody)
}

// ReadShortBody is ReadBody with a limit of its own, in bytes.
func ReadShortBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if r.ContentLength > most { // whoever asks before sending (Expect) is spared it
		return nil, tooLarge(errors.New("content length " + strconv.FormatInt(r.ContentLength, 10)))
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, tooLarge(err)
	}
	if err != nil {
		return nil, auth.NewError(auth.CodeInvalidRequest, fmt.Errorf("read body: %w", err))
	}
	return b, nil
}

func tooLarge(cause error) error {
	return &auth.Error{Code: auth.CodeInvalidRequest, Message: "The request is too large.", Cause: statusError{http.StatusRequestEntityTooLarge, cause}}
}

// IsJSON says whether the request declares a JSON body, whatever its
// parameters.
func IsJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}

// DecodeJSON reads a JSON object into v, strictly: the content type must say
// JSON (415 otherwise), the text must be Unicode, members must have the type
// that v gives them, none may stand twice, nothing may follow. Members that v
// does not have are passed over, so that clients may send more than is asked.
// Nesting is bounded.
func DecodeJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if !IsJSON(r) {
		return &auth.Error{
			Code: auth.CodeInvalidRequest, Message: "Send the body as application/json.",
			Cause: statusError{http.StatusUnsupportedMediaType, errors.New("content type is not JSON")},
		}
	}
	b, err := ReadBody(w, r)
	if err != nil {
		return err
	}
	return UnmarshalObject(b, v)
}

// UnmarshalObject is DecodeJSON for a body already read.
func UnmarshalObject(b []byte, v any) error {
	if t := bytes.TrimLeft(b, " \t\r\n"); len(t) == 0 || t[0] != '{' {
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "The body must be a JSON object."}
	}
	if !wellFormed(b) {
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "The body is not valid JSON.", Cause: errors.New("not Unicode text")}
	}
	if tooDeep(b) {
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "The body is nested too deeply."}
	}
	if repeats(b) {
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "The body names a member twice."}
	}
	err := json.Unmarshal(b, v)
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mistyped):
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: mistyped.Field, Message: "A member of the body has the wrong type.", Cause: err}
	case err != nil:
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "The body is not valid JSON.", Cause: err}
	}
	return nil
}

// wellFormed says whether the text is UTF-8 and every \u escape of half a
// character has its other half beside it. encoding/json would put U+FFFD for
// what is not, and so take different passwords for the same one.
func wellFormed(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if first := escaped(b[i:]); utf16.IsSurrogate(first) {
			if utf16.DecodeRune(first, escaped(b[min(i+6, len(b)):])) == utf8.RuneError {
				return false
			}
			i += 6
		}
		i++
	}
	return true
}

// escaped is the value of a \uXXXX that b begins with, or -1.
func escaped(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// repeats says whether the object names a member twice. Readers differ in which
// one they believe, and what stands in front of us may have judged the other
// (RFC 8259 §4). Names that encoding/json takes for the same, because they
// differ by case alone, count as the same.
func repeats(b []byte) bool {
	seen := make(map[string]bool)
	err := seal.Scan(b, func(name, _ []byte) error {
		folded := strings.Map(foldRune, string(name))
		if seen[folded] {
			return errTwice
		}
		seen[folded] = true
		return nil
	})
	return errors.Is(err, errTwice) // what is no JSON, the parser says
}

// foldRune is the least of the letters that differ from r by case alone.
func foldRune(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

var errTwice = errors.New("a member is named twice")

// maxDepth bounds the nesting of JSON bodies; ours are flat.
const maxDepth = 32

// tooDeep looks at brackets outside strings alone; whether the text is JSON is
// the parser's question.
func tooDeep(b []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// statusError asks for a status that the Code alone does not give.
type statusError struct {
	status int
	err    error
}

// WithStatus is a cause of a refusal that asks for a status which its Code alone
// does not give.
func WithStatus(status int, cause error) error {
	if cause == nil {
		cause = errors.New(http.StatusText(status))
	}
	return statusError{status, cause}
}

func (e statusError) Error() string { return strconv.Itoa(e.status) + ": " + e.err.Error() }
func (e statusError) Unwrap() error { return e.err }

// Status is the HTTP status of a refusal in every dialect that has no status
// of its own for it.
func Status(err error) int {
	var s statusError
	if errors.As(err, &s) {
		return s.status
	}
	switch auth.AsError(err).Code.Kind() {
	case auth.KindInvalid:
		return http.StatusBadRequest
	case auth.KindUnauthenticated:
		return http.StatusUnauthorized
	case auth.KindForbidden:
		return http.StatusForbidden
	case auth.KindNotFound:
		return http.StatusNotFound
	case auth.KindConflict:
		return http.StatusConflict
	case auth.KindExpired:
		return http.StatusGone
	case auth.KindRateLimited:
		return http.StatusTooManyRequests
	case auth.KindUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// MethodNotAllowed answers every method that is not among the allowed ones.
func MethodNotAllowed(allowed ...string) HandlerFunc {
	list := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", list)
		return &auth.Error{
			Code: auth.CodeInvalidRequest, Message: "Use " + list + " here.",
			Cause: statusError{http.StatusMethodNotAllowed, errors.New("method " + strconv.Quote(r.Method))},
		}
	}
}
