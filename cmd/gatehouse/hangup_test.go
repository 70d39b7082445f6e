//go:build unix

package main

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServe_hangupWithoutACertificateEndsNothing(t *testing.T) {
	s := startServe(t, "")
	for n := range 2 {
		must(t, s.process.Process.Signal(syscall.SIGHUP))
		const told = `"level":"INFO","msg":"SIGHUP: nothing to read again; settings are read at the start"`
		for deadline := time.Now().Add(10 * time.Second); strings.Count(s.out.String(), told) <= n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not told %d times:\n%s", n+1, s.out.String())
			}
		}
	}
	if got := s.visitor().get("/api/auth/csrf"); got.status != 200 {
		t.Errorf("after SIGHUP: %d", got.status)
	}
	s.end()
	if !regexp.MustCompile(`"msg":"ended","after":"[0-9.]+m?s","cut_connections":0}\n$`).MatchString(s.out.String()) {
		t.Errorf("the last line does not say how it ended:\n%s", s.out.String())
	}
}
