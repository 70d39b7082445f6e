package redisstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/redistest"
)

// refused says whether a server has sent somebody elsewhere since its statistics
// began.
func refused(t *testing.T, server *redistest.Server) bool {
	t.Helper()
	stats := server.Ask(t, "INFO errorstats")
	return strings.Contains(stats, "MOVED") || strings.Contains(stats, "ASK")
}

// Who has a key is known beforehand: nothing is sent elsewhere.
func TestSource_inAClusterADecisionIsOneCommandToo(t *testing.T) {
	cluster := redistest.StartCluster(t)
	s := open(t, cluster.Addresses()[:1])
	for _, server := range cluster.Servers {
		server.Ask(t, "CONFIG RESETSTAT")
	}
	for i := range 60 {
		if _, err := s.Take(t.Context(), fmt.Sprint(i), perHour, 1, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for i, server := range cluster.Servers {
		if refused(t, server) {
			t.Errorf("server %d sent somebody elsewhere", i)
		}
	}
}

// A part of the keys goes from one server to another while decisions are made:
// they follow it, first for once, and then for good.
func TestSource_followsKeysThatMove(t *testing.T) {
	cluster := redistest.StartCluster(t)
	s := open(t, cluster.Addresses()[:1])
	takeOne := func(when string) {
		t.Helper()
		if d, err := s.Take(t.Context(), "a", perHour, 1, time.Now()); err != nil || !d.Allowed {
			t.Fatalf("%s: %v, %v", when, d, err)
		}
	}
	for _, server := range cluster.Servers {
		server.Ask(t, "FLUSHALL")
	}
	takeOne("before")
	from, to, part := -1, -1, ""
	for i, server := range cluster.Servers {
		if keys := server.Ask(t, "KEYS *"); keys != "" {
			from, to, part = i, (i+1)%3, server.Ask(t, "CLUSTER KEYSLOT "+keys)
		}
	}
	if from < 0 {
		t.Fatal("no server has the key")
	}
	a, b := cluster.Servers[from], cluster.Servers[to]
	idA, idB := a.Ask(t, "CLUSTER MYID"), b.Ask(t, "CLUSTER MYID")
	must := func(server *redistest.Server, command string) {
		t.Helper()
		if got := server.Ask(t, command); got != "OK" {
			t.Fatalf("%s: %s", command, got)
		}
	}
	must(a, "FLUSHALL")
	must(b, "SCRIPT FLUSH")
	must(b, "CLUSTER SETSLOT "+part+" IMPORTING "+idA)
	must(a, "CLUSTER SETSLOT "+part+" MIGRATING "+idB)
	takeOne("on its way")
	if a.Ask(t, "DBSIZE") != "0" || b.Ask(t, "DBSIZE") != "1" || !refused(t, a) {
		t.Errorf("on its way: %s and %s keys", a.Ask(t, "DBSIZE"), b.Ask(t, "DBSIZE"))
	}
	must(b, "CLUSTER SETSLOT "+part+" NODE "+idB)
	must(a, "CLUSTER SETSLOT "+part+" NODE "+idB)
	must(a, "CONFIG RESETSTAT")
	takeOne("moved")
	if !refused(t, a) {
		t.Error("it was not sent elsewhere: this proves nothing")
	}
	// Whatever is looked up meanwhile may still come from a server that does not
	// know; in the end nobody is sent elsewhere.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		must(a, "CONFIG RESETSTAT")
		s.Take(t.Context(), "a", perHour, 1, time.Now())
		if !refused(t, a) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is sent elsewhere each time")
		}
	}
}
