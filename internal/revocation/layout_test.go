package revocation

import (
	"testing"
	"time"
	"unsafe"

	"github.com/gatehouse-auth/gatehouse/auth"
)

func TestRecord_is32BytesWithoutPointers(t *testing.T) {
	if size := unsafe.Sizeof(record{}); size != 32 {
		t.Errorf("a record takes %d bytes, want 32: millions of them must fit", size)
	}
}

// Identifiers are UUIDv7, of which some bits are fixed. Were they among those
// that choose the slot, most keys would crowd into a part of the table.
func TestSlotOf_spreadsIdentifiersEvenly(t *testing.T) {
	const size = 1 << 12
	now := time.Date(2026, 3, 9, 13, 37, 59, 0, time.UTC)
	var slots [size]bool
	var shards [shardCount]int
	hit := 0
	for range size {
		key, err := auth.NewSessionID(now).UUID()
		if err != nil {
			t.Fatal(err)
		}
		if i := slotOf(key) % size; !slots[i] {
			slots[i] = true
			hit++
		}
		shards[shardOf(key)]++
	}
	// As many balls as bins leave 1-1/e of the bins hit: 63 %.
	if hit < size*60/100 {
		t.Errorf("%d random keys fall into %d of %d slots, want about %d", size, hit, size, size*63/100)
	}
	for i, n := range shards {
		if n < size/shardCount/3 {
			t.Errorf("shard %d got %d of %d keys, want about %d", i, n, size, size/shardCount)
		}
	}
}

// A key is found in a step or two, however many there are.
func TestShard_probesAreShort(t *testing.T) {
	now := time.Date(2026, 3, 9, 13, 37, 59, 0, time.UTC)
	var s shard
	const n = 8000 // just below half of 16384: as full as a table gets
	for range n {
		key, err := auth.NewSessionID(now).UUID()
		if err != nil {
			t.Fatal(err)
		}
		s.raise(record{key: key, until: 1}, true)
	}
	mask := uint64(len(s.slots) - 1)
	total := 0
	for i, r := range s.slots {
		if r.until != 0 {
			total += int((uint64(i)-slotOf(r.key))&mask) + 1
		}
	}
	if mean := float64(total) / n; mean > 2 {
		t.Errorf("%.1f slots are looked at for each key that is there, want at most 2", mean)
	}
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
