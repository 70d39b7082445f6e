package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// The binary under test is this test program under another name: TestMain puts
// it on the path.

const testOrigin = "http://localhost:3000"

// running is a server in a process of its own, with everything that it writes.
type running struct {
	t       *testing.T
	dir     string
	process *exec.Cmd
	out     safeBuffer // standard output and standard error
	public  string
	ops     string
	ended   chan error

	// cookies are the values of every Set-Cookie that was seen.
	cookies []string
}

// safeBuffer may be read while a process writes to it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// startServe runs gatehouse serve with two mounts, v4 at /api/auth and v5 at
// /api/auth5, and what more says.
func startServe(t *testing.T, more string) *running {
	t.Helper()
	return startServeAt(t, testOrigin, more)
}

func startServeAt(t *testing.T, origin, more string) *running {
	t.Helper()
	s := &running{t: t, dir: t.TempDir(), ended: make(chan error, 1)}
	for name, content := range map[string]string{
		"own": newSecret() + "\n", "v4": newSecret() + "\n", "v5": newSecret() + "\n",
		"gatehouse.yaml": `
public_origin: ` + origin + `
secrets_file: own
mounts:
  - {dialect: v4, secrets_file: v4}
  - {base_path: /api/auth5, dialect: v5, secrets_file: v5}
database: {path: gatehouse.db}
listen: 127.0.0.1:0
ops_listen: 127.0.0.1:0
client_address: {peer_is_client: true}
log: {format: json, level: debug}
` + more,
	} {
		must(t, os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600))
	}
	s.process = s.command("serve")
	s.process.Stdout, s.process.Stderr = &s.out, &s.out
	must(t, s.process.Start())
	go func() { s.ended <- s.process.Wait() }()
	t.Cleanup(func() {
		select {
		case <-s.ended:
		default:
			_ = s.process.Process.Kill()
			<-s.ended
		}
	})
	for deadline := time.Now().Add(20 * time.Second); s.public == ""; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server did not start:\n%s", s.out.String())
		}
		for line := range strings.Lines(s.out.String()) {
			var told struct{ Msg, Address, Ops string }
			if json.Unmarshal([]byte(line), &told) == nil && told.Msg == "listening" {
				s.public, s.ops = told.Address, told.Ops
			}
		}
	}
	return s
}

// command is one of gatehouse's, with the settings of the server.
func (s *running) command(args ...string) *exec.Cmd {
	c := exec.Command("gatehouse", append(args, "--config", "gatehouse.yaml")...)
	c.Dir = s.dir
	return c
}

// run executes a command and returns what it shows; what it says besides goes
// where the server's words go.
func (s *running) run(stdin string, args ...string) string {
	s.t.Helper()
	c := s.command(args...)
	var shown bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &shown, &s.out
	_ = c.Run() // whether it succeeds is not the question
	return shown.String()
}

// end asks the server to end and returns how long that took.
func (s *running) end() time.Duration {
	s.t.Helper()
	begun := time.Now()
	must(s.t, s.process.Process.Signal(syscall.SIGTERM))
	err := <-s.ended
	s.ended <- nil
	if err != nil {
		s.t.Errorf("the end: %v\n%s", err, s.out.String())
	}
	return time.Since(begun)
}

// metrics asks for them as Prometheus does.
func (s *running) metrics() string {
	s.t.Helper()
	r, err := http.Get("http://" + s.ops + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		s.t.Fatalf("metrics: %s, %v", r.Status, err)
	}
	return string(b)
}

// visitor is a browser that keeps cookies and follows nothing.
type visitor struct {
	*running
	jar    map[string]string
	header http.Header
}

func (s *running) visitor() *visitor { return &visitor{s, map[string]string{}, http.Header{}} }

func (v *visitor) copy() *visitor { return &visitor{v.running, maps.Clone(v.jar), v.header.Clone()} }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) do(method, path, contentType, body string) answer {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+v.public+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header = v.header.Clone()
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
		if r.Header.Get("Origin") == "" {
			r.Header.Set("Origin", testOrigin)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
	}
	for name, value := range v.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return answer{}
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	for _, c := range res.Cookies() {
		v.cookies = append(v.cookies, c.Value)
		if c.MaxAge < 0 {
			delete(v.jar, c.Name)
		} else {
			v.jar[c.Name] = c.Value
		}
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

func (v *visitor) get(path string) answer { v.t.Helper(); return v.do("GET", path, "", "") }

func (v *visitor) json(path string, members map[string]string) answer {
	v.t.Helper()
	b, err := json.Marshal(members)
	must(v.t, err)
	return v.do("POST", path, "application/json", string(b))
}

// csrf returns the token of the mount.
func (v *visitor) csrf(base string) string {
	v.t.Helper()
	var out struct{ CSRFToken string }
	if err := json.Unmarshal([]byte(v.get(base+"/csrf").body), &out); err != nil {
		v.t.Fatal(err)
	}
	return out.CSRFToken
}

// form posts a form with the mount's CSRF token.
func (v *visitor) form(base, path string, fields map[string]string) answer {
	v.t.Helper()
	q := url.Values{"csrfToken": {v.csrf(base)}}
	for k, f := range fields {
		q.Set(k, f)
	}
	return v.do("POST", base+path, "application/x-www-form-urlencoded", q.Encode())
}

// collector takes spans over OTLP as the official messages describe them.
type collector struct {
	*httptest.Server
	t     *testing.T
	mu    sync.Mutex
	batch []*collectorpb.ExportTraceServiceRequest
	seen  []http.Header
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t}
	c.Server = httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	body, err := gzip.NewReader(r.Body)
	if err != nil {
		c.t.Error(err)
		return
	}
	b, err := io.ReadAll(body)
	if err != nil {
		c.t.Error(err)
	}
	q := &collectorpb.ExportTraceServiceRequest{}
	if err := proto.Unmarshal(b, q); err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batch, c.seen = append(c.batch, q), append(c.seen, r.Header)
}

// spans are those that arrived.
func (c *collector) spans() (all []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range c.batch {
		for _, r := range q.ResourceSpans {
			for _, s := range r.ScopeSpans {
				all = append(all, s.Spans...)
			}
		}
	}
	return all
}
