package revocation_test

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

func TestIndex_whatWasMadeSinceTheLastLookMayBeUnseen(t *testing.T) {
	id := func(at time.Time) [16]byte {
		u, err := auth.NewSessionID(at).UUID()
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	x := revocation.NewIndex()
	if !x.MayBeUnseen(id(start.Add(-time.Hour)), start) {
		t.Error("nothing was ever heard, and a row is known not to be there")
	}
	x.MarkFresh(start)
	for name, c := range map[string]struct {
		made, now time.Duration
		want      bool
	}{
		"made since the last look":                 {time.Second, 10 * time.Second, true},
		"made at the last look, by a slower clock": {-900 * time.Millisecond, 10 * time.Second, true},
		"made before the last look":                {-2 * time.Second, 10 * time.Second, false},
		"made long ago":                            {-time.Hour, 10 * time.Millisecond, false},
	} {
		if got := x.MayBeUnseen(id(start.Add(c.made)), start.Add(c.now)); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !x.Hears(start.Add(time.Second)) || x.Hears(start.Add(2*time.Second)) || revocation.NewIndex().Hears(start) {
		t.Error("a second is a look that has failed, or two seconds are none")
	}
}
