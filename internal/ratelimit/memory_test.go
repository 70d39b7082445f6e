package ratelimit_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit/sourcetest"
)

func TestMemory_isASource(t *testing.T) {
	sourcetest.Run(t, func(*testing.T) ratelimit.Source { return ratelimit.NewMemory(0) })
}

func TestMemory_smallestTableIsASource(t *testing.T) {
	sourcetest.Run(t, func(*testing.T) ratelimit.Source { return ratelimit.NewMemory(1) })
}

var perAddress = ratelimit.Limit{Name: "address", Burst: 10, Period: time.Minute}

var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

func take(t testing.TB, m *ratelimit.Memory, key string, cost int, now time.Time) ratelimit.Decision {
	t.Helper()
	d, err := m.Take(context.Background(), key, perAddress, cost, now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A flood of a million fresh keys neither costs memory nor frees the one that
// is being held back.
func TestMemory_aFloodOfKeysCostsNoMemoryAndFreesNobody(t *testing.T) {
	m := ratelimit.NewMemory(1000)
	for range 10 {
		take(t, m, "attacker", 1, noon)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 1_000_000 {
		key := [8]byte{byte(i), byte(i >> 8), byte(i >> 16)}
		// As fast as they can be sent, and over a second of the limit's minute.
		take(t, m, string(key[:]), 1, noon.Add(time.Duration(i)*time.Microsecond))
	}
	runtime.ReadMemStats(&after)
	// The keys themselves stay on the stack; what is left is the test's noise.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("a million keys allocated %d bytes", grown)
	}
	if d := take(t, m, "attacker", 1, noon.Add(time.Second)); d.Allowed {
		t.Errorf("the flood freed the key that was held back: %+v", d)
	}
}

// Keys that are whole again make room before any that are not.
func TestMemory_forgetsWhoIsWholeAgainFirst(t *testing.T) {
	m := ratelimit.NewMemory(1) // one set of 16 slots
	if m.Capacity() != 16 {
		t.Fatalf("Capacity = %d, want 16", m.Capacity())
	}
	for i := range 8 {
		take(t, m, fmt.Sprint("one unit ", i), 1, noon) // whole after 6 s
		take(t, m, fmt.Sprint("empty ", i), 10, noon)   // whole after 60 s
	}
	later := noon.Add(7 * time.Second)
	for i := range 8 {
		take(t, m, fmt.Sprint("new ", i), 10, later)
	}
	for i := range 8 {
		if d := take(t, m, fmt.Sprint("empty ", i), 5, later); d.Allowed {
			t.Errorf("empty %d was forgotten: %+v", i, d)
		}
		if d := take(t, m, fmt.Sprint("new ", i), 5, later); d.Allowed {
			t.Errorf("new %d was forgotten: %+v", i, d)
		}
	}
	// Nobody is whole now: the first to be is forgotten, which is an old one.
	take(t, m, "one more", 10, later)
	for i := range 8 {
		if d := take(t, m, fmt.Sprint("new ", i), 5, later); d.Allowed {
			t.Errorf("new %d was forgotten before an older one: %+v", i, d)
		}
	}
}

func TestMemory_remembersAsManyKeysAsAsked(t *testing.T) {
	const keys = 10_000
	m := ratelimit.NewMemory(keys)
	for i := range keys {
		take(t, m, strconv.Itoa(i), 10, noon)
	}
	forgotten := 0
	for i := range keys {
		if take(t, m, strconv.Itoa(i), 10, noon).Allowed {
			forgotten++
		}
	}
	if forgotten > keys/100 {
		t.Errorf("%d of %d keys were forgotten", forgotten, keys)
	}
}

func TestAddressKey_isTheAddressOrItsNetwork(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"2001:db8:1:2::", "2001:db8:1:2::/64"},
		{"2001:db8:1:3::", "2001:db8:1:3::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"::1", "::/64"},
	} {
		got, ok := ratelimit.AddressKey(netip.MustParseAddr(tt.addr))
		if got != tt.want || !ok {
			t.Errorf("AddressKey(%s) = %q, %v; want %q", tt.addr, got, ok, tt.want)
		}
	}
	if got, ok := ratelimit.AddressKey(netip.Addr{}); ok || got != "" {
		t.Errorf("AddressKey of no address = %q, %v; want none", got, ok)
	}
}

// The goal is 0.25 µs.
func BenchmarkMemory_Take(b *testing.B) {
	keys := make([]string, 1<<17)
	for i := range keys {
		keys[i], _ = ratelimit.AddressKey(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	ctx := context.Background()
	for _, n := range []int{1, 1 << 10, 1 << 17} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			m := ratelimit.NewMemory(0)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				m.Take(ctx, keys[i&(n-1)], perAddress, 1, noon.Add(time.Duration(i)*time.Microsecond))
				i++
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		m := ratelimit.NewMemory(0)
		b.RunParallel(func(pb *testing.PB) {
			i := 0
			for pb.Next() {
				m.Take(ctx, keys[i&(len(keys)-1)], perAddress, 1, noon.Add(time.Duration(i)*time.Microsecond))
				i++
			}
		})
	})
}

func BenchmarkAddressKey(b *testing.B) {
	addr := netip.MustParseAddr("2001:db8:1:2:3:4:5:6")
	b.ReportAllocs()
	for b.Loop() {
		ratelimit.AddressKey(addr)
	}
}
