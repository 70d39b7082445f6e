package revocation

import (
	"testing"
	"time"
	"unsafe"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// A table is filled to its brim in whatever order its keys come, and each is
// found within a few steps.
func TestFlat_searchesAreShort(t *testing.T) {
	now := time.Date(2026, 3, 9, 13, 37, 59, 0, time.UTC)
	for _, n := range []int{10, 390, 4000, 40_000} {
		var f flat
		keys := make([][16]byte, n)
		for i := range keys {
			keys[i] = randomKey(t, now)
			f.raise(tableEnded, record{key: keys[i], value: revoked, until: 1}, true)
		}
		steps, longest := 0, 0
		for _, k := range keys {
			at, found := f.seek(&k, entryBytes)
			if !found {
				t.Fatal("a key that was put in is not found")
			}
			n := at/entryBytes - f.homeOf(randomBits(k[:])) + 1
			steps, longest = steps+n, max(longest, n)
		}
		if mean := float64(steps) / float64(n); mean > 8 {
			t.Errorf("%d entries: %.1f are looked at for each key, want at most 8", n, mean)
		}
		if longest > 150 {
			t.Errorf("%d entries: %d are looked at for one key", n, longest)
		}
	}
}

// Identifiers are UUIDv7, of which some bits are fixed. Were they among those
// that choose the shard and the place in it, most keys would crowd into a part.
func TestIndex_spreadsIdentifiersEvenly(t *testing.T) {
	const each = 200
	now := time.Date(2026, 3, 9, 13, 37, 59, 0, time.UTC)
	x := NewIndex()
	for range shardCount * each {
		x.raise(tableEnded, auth.NewSessionID(now), record{value: revoked, until: 1})
	}
	for i := range x.shards {
		f := &x.shards[i].tables[tableEnded]
		if f.used < each/2 || f.used > 2*each {
			t.Errorf("shard %d has %d entries, want about %d", i, f.used, each)
		}
		var quarters [4]int
		for at := 0; at < len(f.slots); at += entryBytes {
			if e := f.slots[at : at+entryBytes]; untilOf(e) != 0 {
				quarters[4*f.homeOf(randomBits(e))/int(f.homes)]++
			}
		}
		for q, n := range quarters {
			if n < each/16 {
				t.Errorf("shard %d: quarter %d is home to %d of %d entries", i, q, n, f.used)
			}
		}
	}
}

func randomKey(t *testing.T, now time.Time) [16]byte {
	t.Helper()
	key, err := auth.NewSessionID(now).UUID()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// bothClocks returns a time whose monotonic reading lies mono behind base's,
// and whose wall reading lies wall behind it, as on a machine that slept.
func bothClocks(t *testing.T, base time.Time, mono, wall time.Duration) time.Time {
	t.Helper()
	// time.Now's layout: {wall uint64; ext int64; loc *Location}; with a
	// monotonic reading wall holds 33 bits of seconds above 30 of nanoseconds,
	// and ext the reading. The check below notices if that ever changes.
	type parts struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}
	moved := base
	p := (*parts)(unsafe.Pointer(&moved))
	p.wall += uint64(wall/time.Second) << 30
	p.ext += int64(mono)
	if moved.Sub(base) != mono || moved.Round(0).Sub(base.Round(0)) != wall {
		t.Skip("the layout of time.Time is another; clocks cannot be taken apart")
	}
	return moved
}

func TestStaleness_isTheGreaterOfBothClocks(t *testing.T) {
	asOf := time.Now()
	x := NewIndex()
	x.MarkFresh(asOf)
	for _, c := range []struct {
		name             string
		mono, wall, want time.Duration
	}{
		{"both alike", 2 * time.Second, 2 * time.Second, 2 * time.Second},
		{"the machine was suspended", time.Second, time.Hour, time.Hour},
		{"the wall clock was set back", time.Minute, 0, time.Minute},
	} {
		if got := x.Staleness(bothClocks(t, asOf, c.mono, c.wall)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
