package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// patience is how long a test waits for what must come; it never passes.
const patience = time.Minute

// dial opens a connection and sends the beginning of a request.
func dial(t *testing.T, address, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// drip goes on sending a byte now and then until the connection is gone.
func drip(conn net.Conn) {
	go func() {
		for {
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
			<-time.After(10 * time.Millisecond)
		}
	}()
}

// gone waits until the server has ended the connection and returns what it said.
func gone(t *testing.T, what string, conn net.Conn) string {
	t.Helper()
	said, err := io.ReadAll(conn)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Fatalf("%s: the connection is still open after %s", what, patience)
	}
	return string(said)
}

// A header or a body that trickles in is given up when its time is over, however
// steadily it trickles; every byte does not begin the time anew.
//
// proves: ASVS 15.2.2
func TestServer_givesUpOnThoseWhoTrickle(t *testing.T) {
	read := make(chan error, 10)
	s := start(t, &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		read <- err
		_, _ = io.WriteString(w, "done")
	}}, func(s *server) {
		s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout = 300*time.Millisecond, 600*time.Millisecond, 300*time.Millisecond
	})
	if refused, lost := (&caller{address: s.address}).call(); refused != nil || lost != nil {
		t.Fatalf("the control: %v %v", refused, lost)
	}
	if err := <-read; err != nil {
		t.Fatalf("the control's body: %v", err)
	}
	const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nb"
	for name, text := range map[string]string{
		"nothing at all": "", "half a line": "POST / HT", "half a header": "POST / HTTP/1.1\r\nHost: x\r\nX: ", "half a body": post,
		"half a chunk": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\nb", "a chunk's extension": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;x",
	} {
		for _, trickling := range []bool{false, true} {
			conn := dial(t, s.address, text)
			if trickling {
				drip(conn)
			}
			what := fmt.Sprintf("%s, trickling on: %v", name, trickling)
			said := gone(t, what, conn)
			if strings.Contains(text, "\r\n\r\n") {
				if err := <-read; err == nil {
					t.Errorf("%s: the handler got a whole body", what)
				}
			} else if strings.Contains(said, "200 OK") {
				t.Errorf("%s: answered %q", what, said)
			}
		}
	}
	// One that was answered and then says nothing more.
	conn := dial(t, s.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-read
	if said := gone(t, "idle", conn); !strings.HasSuffix(said, "done") {
		t.Errorf("the idle one was told %q", said)
	}
}

// Whoever asks and does not read the answer is given up as well.
func TestServer_givesUpOnThoseWhoDoNotRead(t *testing.T) {
	written := make(chan error, 1)
	s := start(t, &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) {
		var err error
		for piece := make([]byte, 1<<20); err == nil; { // more than all buffers hold
			_, err = w.Write(piece)
		}
		written <- err
	}}, func(s *server) { s.WriteTimeout = 500 * time.Millisecond })
	dial(t, s.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case <-written:
	case <-time.After(patience):
		t.Fatal("the handler still writes")
	}
}

// Hundreds of connections that begin a request and leave it there hold up nobody
// else, and are gone when their time is over.
//
// proves: ASVS 15.2.2
func TestServer_manyHalfOpenConnectionsHoldUpNobody(t *testing.T) {
	const many = 400
	handle := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "done")
	}
	s := start(t, &fakeGate{handler: handle}, func(s *server) { s.ReadHeaderTimeout, s.ReadTimeout = 3*time.Second, 3*time.Second })
	before := runtime.NumGoroutine()
	var open []net.Conn
	for i := range many {
		text := "GET / HTTP/1.1\r\nHost: x\r\nX: "
		if i%2 == 0 {
			text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo"
		}
		open = append(open, dial(t, s.address, text))
	}
	one := &caller{address: s.address, keep: true}
	for i := range 100 {
		c := one
		if i%2 == 0 {
			c = &caller{address: s.address}
		}
		if refused, lost := c.call(); refused != nil || lost != nil {
			t.Fatalf("call %d: %v %v", i, refused, lost)
		}
	}
	for i, conn := range open {
		gone(t, fmt.Sprintf("connection %d", i), conn)
		conn.Close()
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before+20; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
}

// The limits that the tests above shorten are there by default, and they are what
// the listener gets.
func TestServer_hasALimitOnEverythingACallerCanStretch(t *testing.T) {
	s := &server{Server: config.Server{}.WithDefaults(), logger: nil}
	if s.ReadHeaderTimeout <= 0 || s.ReadHeaderTimeout > 15*time.Second || s.ReadTimeout < s.ReadHeaderTimeout || s.ReadTimeout > time.Minute ||
		s.WriteTimeout <= 0 || s.WriteTimeout > 2*time.Minute || s.IdleTimeout <= 0 || s.IdleTimeout > 5*time.Minute || s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 128<<10 {
		t.Errorf("the defaults are %+v", s.Server)
	}
	g := &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) { // the program's own listener has them
		h := r.Context().Value(http.ServerContextKey).(*http.Server)
		_, _ = fmt.Fprint(w, h.ReadHeaderTimeout, h.ReadTimeout, h.WriteTimeout, h.IdleTimeout, h.MaxHeaderBytes)
	}}
	conn := dial(t, start(t, g, nil).address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	if want := fmt.Sprint(s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout, s.MaxHeaderBytes); string(body) != want {
		t.Errorf("the listener has %s, want %s", body, want)
	}
}
