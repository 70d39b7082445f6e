package web_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// watching notes what it is told.
type watching struct {
	pattern string
	told    *[]string
}

type watchedKey struct{}

func (w watching) Begin(ctx context.Context, r *http.Request, f *web.Facts) context.Context {
	f.TraceID, f.SpanID = "trace", "span"
	*w.told = append(*w.told, fmt.Sprint("begin ", w.pattern, " ", r.Method, " ", len(f.RequestID)))
	return context.WithValue(ctx, watchedKey{}, w.pattern)
}

func (w watching) End(ctx context.Context, _ *http.Request, f *web.Facts, status int, took time.Duration) {
	*w.told = append(*w.told, fmt.Sprint("end ", ctx.Value(watchedKey{}), " ", status, " ", f.UserID, " ", took))
}

func TestRouter_tellsObserversOfEveryRequest(t *testing.T) {
	var told []string
	asked := 0
	now := time.Unix(1, 0)
	o := web.RouterOptions{
		Now: func() time.Time { now = now.Add(time.Second); return now },
		Observe: func(e web.Endpoint) web.Observer {
			asked++
			if e.Pattern == "/unwatched" {
				return nil
			}
			return watching{e.Pattern, &told}
		},
	}
	s := serve(t, o,
		endpoint("/ok", func(w http.ResponseWriter, r *http.Request) error {
			if r.Context().Value(watchedKey{}) != "/ok" {
				t.Error("the handler does not have the observer's context")
			}
			web.FactsFrom(r.Context()).UserID = "usr_1"
			w.WriteHeader(http.StatusAccepted)
			return nil
		}),
		endpoint("/fails", func(http.ResponseWriter, *http.Request) error { return auth.CodeForbidden }),
		endpoint("/panics", func(http.ResponseWriter, *http.Request) error { panic("x") }),
		endpoint("/aborts", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }),
		endpoint("/unwatched", ok),
	)
	before := asked
	for _, target := range []string{"/ok", "/fails", "/panics", "/nowhere", "//unclean", "/unwatched"} {
		s.get("http://app.example" + target)
	}
	func() {
		defer func() { _ = recover() }()
		s.get("http://app.example/aborts")
	}()
	want := []string{
		"begin /ok GET 16", "end /ok 202 usr_1 1s", "begin /fails GET 16", "end /fails 403  1s", "begin /panics GET 16", "end /panics 500  1s",
		"begin / GET 16", "end / 404  1s", "begin / GET 16", "end / 404  1s", "begin /aborts GET 16", "end /aborts 0  1s",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%q, want\n%q", told, want)
	}
	if asked != before {
		t.Errorf("observers were asked for %d times while requests were answered", asked-before)
	}
	lines := s.lines()
	if len(lines) != 7 {
		t.Fatalf("%d log lines for 7 requests", len(lines))
	}
	if lines[0]["trace_id"] != "trace" || lines[0]["span_id"] != "span" {
		t.Errorf("the line %v does not name its span", lines[0])
	}
	if _, ok := lines[5]["trace_id"]; ok {
		t.Errorf("the line %v names a span that there is not", lines[5])
	}
	if aborted := lines[6]; aborted["level"] != "INFO" || aborted["err"] == nil {
		t.Errorf("the line of an aborted answer: %v", aborted)
	}
}
