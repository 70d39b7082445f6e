package redisstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/redistest"
	"github.com/gatehouse-auth/gatehouse/internal/store/redisstore"
)

// Redis, or what stands between, ends all connections: one decision notices it
// for all of them.
func TestSource_endedConnectionsFailOneDecision(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, []string{server.Address()})
	server.Ask(t, "CLIENT KILL TYPE normal SKIPME yes")
	failed := 0
	for range 20 {
		if _, err := s.Take(t.Context(), "a", perHour, 1, time.Now()); err != nil {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d of 20 decisions failed, want 1", failed)
	}
}

// However many ask at once, there are no more connections than there may be.
func TestSource_hasABoundedNumberOfConnections(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, []string{server.Address()})
	var running atomic.Int32
	done := make(chan error)
	const many = 200
	for range many {
		go func() {
			running.Add(1)
			var err error
			for range 20 {
				_, err = s.Take(context.Background(), "a", ratelimit.Limit{Name: "x", Burst: 10, Period: time.Second}, 1, time.Now())
			}
			done <- err
		}()
	}
	for range many {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(server.Ask(t, "CLIENT LIST"), "id="); n < 9 || n > 33 { // one is that of the question
		t.Errorf("%d connections, want 9 to 33", n)
	}
}

// behindTLS stands in front of a server with a certificate for 127.0.0.1.
func behindTLS(t *testing.T, server *redistest.Server) (port string, trusted *x509.CertPool) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	trusted = x509.NewCertPool()
	trusted.AddCert(web.Certificate())
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				to, err := net.Dial("tcp", server.Address())
				if err != nil {
					return
				}
				defer to.Close()
				go func() {
					io.Copy(to, c)
					to.Close()
				}()
				io.Copy(c, to)
			}()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, trusted
}

// With TLS the other end has to be who it was asked for, by somebody who is
// trusted.
func TestSource_verifiesWithWhomItSpeaks(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "right")
	port, trusted := behindTLS(t, server)
	with := func(trust *x509.CertPool) func(*redisstore.Options) {
		return func(o *redisstore.Options) { o.Password, o.TLS = "right", &tls.Config{RootCAs: trust} }
	}
	s := open(t, []string{"127.0.0.1:" + port}, with(trusted)) // the control
	if _, err := s.Take(t.Context(), "a", perHour, 1, time.Now()); err != nil {
		t.Fatal(err)
	}
	for what, o := range map[string]redisstore.Options{
		"another name":          {Addresses: []string{"localhost:" + port}, TLS: &tls.Config{RootCAs: trusted}},
		"nobody who is trusted": {Addresses: []string{"127.0.0.1:" + port}, TLS: &tls.Config{RootCAs: x509.NewCertPool()}},
	} {
		o.Key, o.Password = key, "right"
		s, err := redisstore.New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			up, cause := s.Up()
			if up || cause != nil {
				if up || !strings.Contains(cause.Error(), "x509") {
					t.Errorf("%s: up %v, %v", what, up, cause)
				}
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: nothing was said", what)
			}
		}
		cancel()
		<-done
	}
}
