package guard_test

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
)

// What reaches the client is what the same handler sends without a guard: the
// status, every header but ours, the body and the trailers.
func TestPass_answersAsTheServerAloneWould(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(file, bytes.Repeat([]byte("line\n"), 3000), 0o600); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("0123456789", 300)
	for what, next := range map[string]http.HandlerFunc{
		"nothing":       func(http.ResponseWriter, *http.Request) {},
		"a status":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"two statuses":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418); w.WriteHeader(200) },
		"an empty body": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) },
		"HTML in small pieces": func(w http.ResponseWriter, _ *http.Request) {
			for _, s := range []string{"\n", "<!DOCTYPE ", "html>", "<p>ok"} {
				_, _ = io.WriteString(w, s)
			}
		},
		"as much as is held back": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long[:2048]) },
		"one byte more":           func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long[:2049]) },
		"long, piece by piece": func(w http.ResponseWriter, _ *http.Request) {
			for range 9 {
				_, _ = io.WriteString(w, long[:1000])
			}
		},
		"flushed between": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, long)
		},
		"a file": func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) },
		"a short copy": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(strings.NewReader(long), 9))
		},
		"a long copy": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(strings.NewReader(long), 2900))
		},
		"a write, then a copy": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "first ")
			n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader(long))
			if n != 3000 || err != nil {
				panic("short copy")
			}
		},
		"no content, and a body all the same": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic("written")
			}
		},
		"headers that come too late": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Early", "1")
			_, _ = io.WriteString(w, "ok")
			w.Header().Set("X-Late", "1")
			w.Header().Set("X-Early", "2")
		},
		"a status, then another type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/css")
			w.WriteHeader(http.StatusOK)
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "ok")
		},
		"trailers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, "ok")
			w.Header().Set("X-Sum", "7")
			w.Header().Set(http.TrailerPrefix+"X-More", "8")
		},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			s := newSite(t)
			r, _ := s.due()
			r.Method = method
			want := s.received(r, next)
			got := s.received(r, s.protect(guard.Policy{}, next).ServeHTTP)
			if !strings.Contains(got, "Set-Cookie") {
				t.Errorf("%s, %s: not renewed", method, what)
			}
			var kept []string
			for line := range strings.Lines(got) {
				if name, _, _ := strings.Cut(line, ":"); name != "Set-Cookie" && name != "Vary" && name != "Cache-Control" {
					kept = append(kept, line)
				}
			}
			// A server that is made to send early must do so in chunks: that is
			// what a long answer is anyway.
			if got := strings.Join(kept, ""); got != want {
				t.Errorf("%s, %s: got\n%.400s\nwant\n%.400s", method, what, got, want)
			}
		}
	}
}

// received is the answer as a client has it, in text.
func (s *site) received(r *http.Request, h http.HandlerFunc) string {
	s.t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	defer srv.Close()
	res := s.send(srv, r)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Header.Del("Date")
	res.Header.Del("Last-Modified")
	var b strings.Builder
	_, _ = io.WriteString(&b, res.Status+"\n")
	_ = res.Header.Write(&b)
	_, _ = io.WriteString(&b, "trailers\n")
	_ = res.Trailer.Write(&b)
	return b.String() + string(body)
}

// A cookie that is in the header goes out with it, whatever the server buffers.
func TestPass_sendsASettledCookieAtOnce(t *testing.T) {
	s := newSite(t)
	r, _ := s.due()
	goOn := make(chan bool)
	srv := httptest.NewServer(s.protect(guard.Policy{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 2049)) // more than we hold, less than the server does
		<-goOn
	}))
	defer srv.Close()
	defer close(goOn)
	srv.Client().Timeout = 10 * time.Second
	if fresh, _ := cookieOf(s.V4, s.send(srv, r)); fresh == "" { // returns when the header has come
		t.Error("not renewed")
	}
}

// A handler that panics has answered nothing yet, so whoever recovers further
// out can still say that it went wrong.
func TestPass_sendsNothingOfAHandlerThatPanics(t *testing.T) {
	s := newSite(t)
	r, _ := s.due()
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		s.protect(guard.Policy{}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half of a page")
			panic("at the other half")
		}).ServeHTTP(w, r)
	}()
	if res := w.Result(); res.StatusCode != http.StatusInternalServerError || w.Body.Len() != 0 || len(res.Header["Set-Cookie"]) != 0 {
		t.Errorf("%d %q %v", res.StatusCode, w.Body, res.Header)
	}
}
