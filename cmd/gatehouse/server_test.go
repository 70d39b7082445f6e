package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// fakeGate is a gate with a handler of the test's own.
type fakeGate struct {
	handler http.HandlerFunc
	failed  chan error // ends the background work with an error

	mu     sync.Mutex
	events []string
}

func (g *fakeGate) Handler() http.Handler       { return g.handler }
func (g *fakeGate) Ready(context.Context) error { return nil }
func (g *fakeGate) Close() error                { g.note("closed"); return nil }
func (g *fakeGate) Run(ctx context.Context) error {
	defer g.note("work ended")
	select {
	case <-ctx.Done():
		return nil
	case err := <-g.failed:
		return err
	}
}

func (g *fakeGate) note(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, what)
}

// started is a server under test.
type started struct {
	address, ops string
	// end asks it to end, ended carries what run returned.
	end   func()
	ended chan error
}

func start(t *testing.T, g *fakeGate, change func(*server)) started {
	t.Helper()
	s := &server{Server: config.Server{}.WithDefaults(), gate: g, logger: slog.New(slog.DiscardHandler)}
	var err error
	if s.public, err = listen("127.0.0.1:0", "listen"); err != nil {
		t.Fatal(err)
	}
	if s.ops, err = listen("127.0.0.1:0", "ops_listen"); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	ctx, end := context.WithCancel(context.Background())
	out := started{address: s.public.Addr().String(), ops: s.ops.Addr().String(), end: end, ended: make(chan error, 1)}
	go func() { out.ended <- s.run(ctx) }()
	t.Cleanup(end)
	return out
}

// caller sends requests one after the other and never tries one again.
type caller struct {
	address string
	// keep: one connection for many requests. pause: between them.
	keep  bool
	pause time.Duration

	conn net.Conn
	in   *bufio.Reader
}

// call returns the error of the connection attempt apart from all others:
// after it nothing was sent.
func (c *caller) call() (refused, lost error) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			return err, nil
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	if _, err := io.WriteString(c.conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != "done" {
		return nil, fmt.Errorf("body %q: %w", body, err)
	}
	if r.Close || !c.keep {
		c.conn.Close()
		c.conn = nil
	}
	return nil, nil
}

func TestServer_losesNoRequestWhenItEnds(t *testing.T) {
	var handled, answered atomic.Int64
	warm := make(chan struct{})
	g := &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-time.After(time.Millisecond) // work
		if handled.Add(1) == 500 {
			close(warm)
		}
		_, _ = io.WriteString(w, "done")
	}}
	s := start(t, g, nil)
	var callers sync.WaitGroup
	for i := range 24 {
		c := &caller{address: s.address, keep: i%3 != 0, pause: time.Duration(i%2) * 30 * time.Millisecond}
		callers.Go(func() {
			for {
				refused, lost := c.call()
				if lost != nil {
					t.Errorf("a request was lost: %v", lost)
					return
				}
				if refused != nil {
					if !errors.Is(refused, syscall.ECONNREFUSED) {
						t.Errorf("connecting: %v", refused)
					}
					return
				}
				answered.Add(1)
				<-time.After(c.pause)
			}
		})
	}
	<-warm
	s.end()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	callers.Wait()
	if handled.Load() != answered.Load() {
		t.Errorf("%d requests were handled, %d answered", handled.Load(), answered.Load())
	}
	if want := []string{"work ended", "closed"}; !slices.Equal(g.events, want) {
		t.Errorf("the end went %v, want %v after the last request", g.events, want)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

func TestServer_readinessGoesFirstAndRequestsUnderWayFinish(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	g := &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "done")
	}}
	s := start(t, g, nil)
	if code, body := get(t, "http://"+s.ops+"/readyz"); code != 200 {
		t.Fatalf("readyz: %d %s", code, body)
	}
	c := &caller{address: s.address, keep: true}
	answer := make(chan error, 1)
	go func() { _, lost := c.call(); answer <- lost }()
	<-arrived
	s.end()
	for { // the end begins in another goroutine
		if code, body := get(t, "http://"+s.ops+"/readyz"); code == 503 {
			if !strings.Contains(body, "the server is ending") {
				t.Errorf("readyz says %s", body)
			}
			break
		}
	}
	if code, _ := get(t, "http://"+s.ops+"/livez"); code != 200 {
		t.Errorf("livez: %d while requests finish", code)
	}
	for { // until the door is closed
		conn, err := net.DialTimeout("tcp", s.address, 20*time.Millisecond)
		if err != nil {
			break
		}
		conn.Close()
	}
	select {
	case err := <-s.ended:
		t.Fatalf("ended with a request under way: %v", err)
	default:
	}
	close(release)
	if err := <-answer; err != nil {
		t.Errorf("the request under way was lost: %v", err)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

func TestCloser_saysConnectionCloseInAnswersThatBeginLater(t *testing.T) {
	var closing atomic.Bool
	for _, tt := range []struct {
		name          string
		before, after bool // closing, when the handler begins and when it answers
		want          string
	}{{"not ending", false, false, ""}, {"ending meanwhile", false, true, "close"}, {"ending", true, true, "close"}} {
		for _, implicit := range []bool{true, false} {
			closing.Store(tt.before)
			rec := httptest.NewRecorder()
			w := &closer{ResponseWriter: rec, closing: &closing}
			closing.Store(tt.after)
			if !implicit {
				w.WriteHeader(http.StatusNoContent)
			}
			_, _ = w.Write(nil)
			if got := rec.Result().Header.Get("Connection"); got != tt.want {
				t.Errorf("%s: Connection: %q, want %q", tt.name, got, tt.want)
			}
		}
	}
}

func TestServer_saysWhenRequestsWereCutOff(t *testing.T) {
	arrived := make(chan struct{})
	g := &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}}
	var log safeBuffer
	s := start(t, g, func(s *server) {
		s.ShutdownTimeout = 50 * time.Millisecond
		s.logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	go func() { _, _ = (&caller{address: s.address}).call() }()
	<-arrived
	s.end()
	if err := <-s.ended; err == nil || !strings.Contains(err.Error(), "shutdown_timeout") {
		t.Errorf("got %v", err)
	}
	if !regexp.MustCompile(`msg=ended after=[0-9.]+m?s cut_connections=1\n$`).MatchString(log.String()) {
		t.Errorf("the last line does not say that a connection was cut:\n%s", log.String())
	}
}

func TestServer_endsWhenTheBackgroundWorkFails(t *testing.T) {
	g := &fakeGate{handler: http.NotFound, failed: make(chan error, 1)}
	s := start(t, g, nil)
	g.failed <- errors.New("the disk is gone")
	if err := <-s.ended; err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("got %v", err)
	}
	if !slices.Contains(g.events, "closed") {
		t.Error("the store was not closed")
	}
}

func TestServer_refusesHeadersBeyondTheLimit(t *testing.T) {
	s := start(t, &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) {}}, nil)
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("a", 128<<10))
	}()
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d, want 431", r.StatusCode)
	}
}

// proves: ASVS 12.1.1
// proves: ASVS 12.1.2
func TestServer_speaksNewTLSAlone(t *testing.T) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := writeCertificate(t, "one.example", k)
	files, err := loadCertificate(config.TLS{CertFile: cert, KeyFile: key}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }}, func(s *server) { s.tls = tlsConfig(files) })
	for _, tt := range []struct {
		name string
		c    *tls.Config
		good bool
	}{
		{"TLS 1.0", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, false},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}, true},
		{"no forward secrecy", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, false},
		{"CBC with SHA-1", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}}, false},
		{"3DES", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA}}, false},
		{"RC4", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA}}, false},
		{"GCM", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}, true},
	} {
		tt.c.InsecureSkipVerify = true // the certificate signs itself; versions are in question
		conn, err := tls.Dial("tcp", s.address, tt.c)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != tt.good {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestServer_endsWithHTTP2Too(t *testing.T) {
	cert, key := writeCertificate(t, "one.example", nil)
	files, err := loadCertificate(config.TLS{CertFile: cert, KeyFile: key}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }}, func(s *server) { s.tls = tlsConfig(files) })
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	r, err := client.Get("https://" + s.address + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if string(body) != "HTTP/2.0" {
		t.Errorf("got %s", body)
	}
	s.end()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

func TestListen_namesThePortThatIsTaken(t *testing.T) {
	ln, err := listen("127.0.0.1:0", "listen")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	_, err = listen(ln.Addr().String(), "--listen")
	if err == nil || !strings.Contains(err.Error(), "port "+port+" on 127.0.0.1 is taken") || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("got %v", err)
	}
}

func TestListen_ofAReservedPortNamesTheCapability(t *testing.T) {
	err := refusedAddress("0.0.0.0:80", "listen", &net.OpError{Op: "listen", Err: syscall.EACCES})
	if want := "port 80 is reserved for the system; choose one above 1023 with listen, or give the program CAP_NET_BIND_SERVICE"; err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
