package keyring_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
)

func TestStats_sayWhatSignsAndWhatComesNext(t *testing.T) {
	s := newSite(t)
	want := func(when string, want keyring.Stats, r *keyring.Ring) {
		t.Helper()
		if diff := cmp.Diff(want, r.Stats()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	want("before anything is read", keyring.Stats{Keys: map[auth.KeyState]int{}, Signing: []keyring.Signing{{Algorithm: jwt.ES256}}}, s.ring())
	r, begun := s.prepared(), s.clock.Now().UTC()
	want("at the start", keyring.Stats{
		Keys:    map[auth.KeyState]int{auth.KeyActive: 1, auth.KeyNext: 1},
		Signing: []keyring.Signing{{Algorithm: jwt.ES256, Since: begun, Next: begun.Add(every)}},
	}, r)
	s.clock.Advance(every)
	s.ok("housekeeping", r.Housekeep(t.Context()))
	rotated := begun.Add(every)
	want("after a rotation", keyring.Stats{
		Keys:    map[auth.KeyState]int{auth.KeyActive: 1, auth.KeyNext: 1, auth.KeyRetiring: 1},
		Signing: []keyring.Signing{{Algorithm: jwt.ES256, Since: rotated, Next: rotated.Add(every)}},
	}, r)
	s.clock.Advance(linger)
	s.ok("housekeeping", r.Housekeep(t.Context()))
	if n := r.Stats().Keys[auth.KeyRetired]; n != 1 {
		t.Errorf("%d keys are retired, want the first one", n)
	}
}
