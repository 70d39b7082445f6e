//go:build unix

package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// expiring stands before the API and refuses the tokens that the test calls
// expired, which saves the wait until they are.
type expiring struct {
	address string

	mu      sync.Mutex
	expired map[string]bool
	every   bool
	seen    []string // the tokens that came, each once
}

func newExpiring(t *testing.T, behind string) *expiring {
	t.Helper()
	e := &expiring{expired: map[string]bool{}}
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.refuses(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
			http.Error(w, "expired", http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	e.address = server.URL
	return e
}

func (e *expiring) refuses(token string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.seen, token) {
		e.seen = append(e.seen, token)
	}
	return e.every || e.expired[token]
}

func (e *expiring) expire(token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.expired[token] = true
}

func (e *expiring) expireAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.every = true
}

func (e *expiring) tokens() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.seen)
}

// recorder stands before the application and keeps every byte of every answer
// that a browser gets.
type recorder struct {
	origin string

	mu  sync.Mutex
	all bytes.Buffer
}

func newRecorder(t *testing.T, app example) *recorder {
	t.Helper()
	rec := &recorder{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: app.address})
			r.Out.Host = r.In.Host
			r.Out.Header.Del("Accept-Encoding") // what is compressed cannot be searched
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body.Close()
			r.Body = io.NopCloser(bytes.NewReader(body))
			rec.mu.Lock()
			defer rec.mu.Unlock()
			fmt.Fprintf(&rec.all, "%s %s: %s\n", r.Request.Method, r.Request.URL, r.Status)
			_ = r.Header.Write(&rec.all)
			rec.all.Write(body)
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	rec.origin = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return rec
}

func (r *recorder) contains(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Contains(r.all.Bytes(), []byte(text))
}
