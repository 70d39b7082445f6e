//go:build unix

package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// managed is the socket of a service manager, and a program that it started.
func managed(t *testing.T) (*net.UnixConn, *program) {
	t.Helper()
	folder, err := os.MkdirTemp("", "notify") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	name := filepath.Join(folder, "s")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, &program{environ: []string{"NOTIFY_SOCKET=" + name}}
}

func told(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 256)
	n, err := c.Read(b)
	if err != nil {
		t.Fatalf("the service manager was told nothing: %v", err)
	}
	return string(b[:n])
}

func TestServer_tellsTheServiceManagerWhenItIsReadyAndWhenItEnds(t *testing.T) {
	manager, p := managed(t)
	running := start(t, &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) {}}, func(s *server) { s.notify = p.notifier() })
	if got := told(t, manager); got != "READY=1" {
		t.Errorf("at the start it was told %q", got)
	}
	if got := statusOf("http://" + running.address); got != http.StatusOK {
		t.Errorf("told to be ready, and the answer is %d", got)
	}
	running.end()
	if got := told(t, manager); got != "STOPPING=1" {
		t.Errorf("at the end it was told %q", got)
	}
	if err := <-running.ended; err != nil {
		t.Error(err)
	}
}

func TestNotifier_withoutAManagerDoesNothing(t *testing.T) {
	for _, environ := range [][]string{nil, {"NOTIFY_SOCKET="}, {"NOTIFY_SOCKET=relative"}} {
		if err := (&program{environ: environ}).notifier()(stateReady); err != nil {
			t.Errorf("%q: %v", environ, err)
		}
	}
}

func TestServer_servesWhenTheServiceManagerDoesNotListen(t *testing.T) {
	p := &program{environ: []string{"NOTIFY_SOCKET=" + filepath.Join(t.TempDir(), "none")}}
	if err := p.notifier()(stateReady); err == nil {
		t.Error("a socket that is not there was told")
	}
	running := start(t, &fakeGate{handler: func(w http.ResponseWriter, r *http.Request) {}}, func(s *server) { s.notify = p.notifier() })
	if got := statusOf("http://" + running.address); got != http.StatusOK {
		t.Errorf("the answer is %d", got)
	}
	running.end()
	if err := <-running.ended; err != nil {
		t.Error(err)
	}
}
