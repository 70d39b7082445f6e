package revocation_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

func withOrdinal(n int64) func(f *revocation.Follower) {
	return func(f *revocation.Follower) { f.Node = func() auth.Node { return auth.Node{ID: "node", Secrets: n} } }
}

// What a server with newer secrets has sealed outlives it.
func TestFollower_remembersThatAnotherServerHasNewerSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &script{secrets: 3}, withOrdinal(3))
		defer r.stop()
		after(time.Second)
		if r.NewerSecrets() {
			t.Error("the same ordinal counts as newer")
		}
		r.s.set(func() { r.s.secrets = 4 })
		after(time.Second)
		if !r.NewerSecrets() {
			t.Error("a greater ordinal is not noticed")
		}
		r.s.set(func() { r.s.secrets = 3 })
		after(10 * time.Second)
		if !r.NewerSecrets() {
			t.Error("forgotten when the other server ended")
		}
		if n := strings.Count(r.log.String(), "newer secrets"); n != 1 {
			t.Errorf("logged %d times, want once:\n%s", n, &r.log)
		}
	})
}

// A server with new secrets serves nobody until those with older ones know of
// it: they would delete what it seals.
func TestFollower_waitsUntilServersWithOlderSecretsHaveHeardOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ready := false
		s := &script{secrets: 2, unaware: time.Now().Add(-300 * time.Millisecond)}
		r := run(t, s, func(f *revocation.Follower) {
			withOrdinal(2)(f)
			f.Loaded = func() { ready = true }
		})
		defer r.stop()
		after(3 * time.Second)
		if ready {
			t.Fatal("ready although a server has not looked since it was before this one began")
		}
		if r.Index.Staleness(time.Now()) > time.Second {
			t.Error("not fresh meanwhile")
		}
		s.set(func() { s.unaware = time.Now() })
		after(time.Second)
		if !ready {
			t.Error("not ready although every server has looked")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ready := false
		r := run(t, &script{secrets: 2}, func(f *revocation.Follower) { f.Loaded = func() { ready = true } })
		defer r.stop()
		after(time.Millisecond)
		if !ready {
			t.Error("not ready at once although there is no such server")
		}
	})
}
