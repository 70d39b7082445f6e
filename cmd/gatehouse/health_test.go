package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// askHealth runs gatehouse health against an ops listener that answers so.
func askHealth(t *testing.T, timeout time.Duration, answer http.HandlerFunc) (string, error) {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	var out bytes.Buffer
	p := &program{ctx: t.Context(), stdout: &out, stderr: &out}
	err := (&healthCmd{OpsListen: strings.TrimPrefix(s.URL, "http://"), Timeout: timeout}).Run(p)
	return out.String(), err
}

func TestHealth_saysWhyAServerIsNotReady(t *testing.T) {
	out, err := askHealth(t, 20*time.Second, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked %s", r.URL.Path)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"status":"not ready","reason":"the change feed is 31s old"}`)
	})
	if err == nil || err.Error() != "not ready: the change feed is 31s old" || out != "" {
		t.Errorf("got %v, printed %q", err, out)
	}
}

// A server that hangs is not healthy, and whoever asks must not hang with it.
func TestHealth_doesNotWaitForAServerThatHangs(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	_, err := askHealth(t, 20*time.Millisecond, func(http.ResponseWriter, *http.Request) { <-hang })
	if err == nil || !strings.Contains(err.Error(), "deadline exceeded") {
		t.Errorf("got %v", err)
	}
}

func TestHealth_believesNobodyElse(t *testing.T) {
	for _, body := range []string{"", "ok", `{}`, `{"status":""}`, "<html>"} {
		if out, err := askHealth(t, 20*time.Second, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) }); err == nil {
			t.Errorf("200 with %q: printed %q", body, out)
		}
	}
}

func TestReachable(t *testing.T) {
	for listener, want := range map[string]string{
		"127.0.0.1:8788": "127.0.0.1:8788", ":8788": "127.0.0.1:8788", "0.0.0.0:8788": "127.0.0.1:8788", "[::]:8788": "[::1]:8788",
		"10.0.0.2:1": "10.0.0.2:1", "localhost:8788": "localhost:8788", "[fe80::1%eth0]:8788": "[fe80::1%eth0]:8788",
		"8788": "", "": "", "127.0.0.1": "", "127.0.0.1:": "", "127.0.0.1:0": "",
	} {
		got, err := reachable(listener)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q %v, want %q", listener, got, err, want)
		}
	}
}
