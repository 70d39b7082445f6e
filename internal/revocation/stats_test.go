package revocation_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

func TestIndex_bytesGrowWithItsTables(t *testing.T) {
	x := revocation.NewIndex()
	if n := x.Bytes(); n != 0 {
		t.Errorf("an empty index takes %d bytes", n)
	}
	now := time.Now()
	for range 1000 {
		x.Apply(auth.Change{Kind: auth.ChangeSessionEnded, SessionID: auth.NewSessionID(now), At: now, Until: now.Add(time.Hour)})
	}
	if n := x.Bytes(); n < 24*x.Len() || n > 100*x.Len() {
		t.Errorf("%d bytes for %d entries of 24", n, x.Len())
	}
	x.Purge(now.Add(2 * time.Hour))
	if n := x.Bytes(); n != 0 {
		t.Errorf("%d bytes for nothing", n)
	}
}

// An entry takes 32 bytes at most, its share of free slots and of what the
// allocator rounds up included (performance goal 14), whatever is said of whom.
func TestIndex_takesAtMost32BytesAnEntry(t *testing.T) {
	now := time.Now()
	until := now.Add(time.Hour)
	most := 200_000
	if testing.Short() {
		most = 100_000
	}
	for _, c := range []struct {
		name string
		make func() auth.Change
	}{
		{"sessions that ended", func() auth.Change { return ended(auth.NewSessionID(now), 0, now, until) }},
		{"sessions that changed", func() auth.Change {
			return auth.Change{Kind: auth.ChangeSessionChanged, SessionID: auth.NewSessionID(now), Value: 3, At: now, Until: until}
		}},
		{"least epochs", func() auth.Change { return epoch(auth.NewUserID(now), 2, now, until) }},
		{"least versions", func() auth.Change { return version(auth.NewUserID(now), 2, now, until) }},
		{"families that ended", func() auth.Change {
			return auth.Change{Kind: auth.ChangeFamilyEnded, FamilyID: auth.NewFamilyID(now), At: now, Until: until}
		}},
	} {
		before := held()
		x := revocation.NewIndex()
		for n := 0; n < most; {
			for range 50_000 {
				x.Apply(c.make())
			}
			n += 50_000
			if n == 50_000 {
				continue // the shards' own size still counts
			}
			each := float64(held()-before) / float64(n)
			if each > 32 {
				t.Errorf("%s: %d of them take %.1f bytes each, want at most 32", c.name, n, each)
			}
			if said := float64(x.Bytes()) / float64(n); said > each || said < each-3 {
				t.Errorf("%s: the index says %.1f bytes each, of %.1f", c.name, said, each)
			}
		}
		runtime.KeepAlive(x)
	}
}

// held is the memory in use after a collection.
func held() int64 {
	runtime.GC()
	runtime.GC() // what the first one only took out of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
