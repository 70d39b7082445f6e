package session

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// copyFor is a copy as a session of usual size makes it.
func copyFor(n uint64) (rowCopy, [32]byte) {
	var e rowCopy
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, n))
	copy(e.session[:], sum[:16])
	copy(e.user[:], sum[16:])
	hash := sha256.Sum256(sum[:])
	copy(e.hash[:], hash[:])
	e.epoch, e.userVersion, e.version, e.start, e.absoluteEnd, e.seen, e.noted = 1, 2, 3, 1_700_000_000, 1_900_000_000, 1_700_000_000, 1_700_000_000
	e.roles, e.claims = []string{"admin", "user"}, fmt.Appendf(nil, `{"name":"User %07d","email":"user%07d@example.test"}`, n, n)
	return e, hash
}

const (
	copyNow  = 1_700_000_100
	copyIdle = 3600
)

func TestCopies_bringBackWhatWasPut(t *testing.T) {
	c := newCopies(1000)
	plain, _ := copyFor(1)
	bare, _ := copyFor(2)
	bare.roles, bare.claims, bare.gained = nil, nil, true
	long, _ := copyFor(3)
	long.claims = []byte(strings.Repeat("x", 12_000))
	for name, e := range map[string]rowCopy{"usual": plain, "without texts": bare, "long": long} {
		var hash [32]byte
		copy(hash[:], e.hash[:])
		c.put(e)
		got, found := c.get(e.session, &hash, e.seen, copyIdle, 60)
		if diff := cmp.Diff(e, got, cmp.AllowUnexported(rowCopy{})); found != held || diff != "" {
			t.Errorf("%s: %d (-want +got):\n%s", name, found, diff)
		}
		hash[0] ^= 1
		if _, found := c.get(e.session, &hash, e.seen, copyIdle, 60); found != foreign {
			t.Errorf("%s, another secret: %d", name, found)
		}
	}
	far, hash := copyFor(4)
	far.claims = []byte(strings.Repeat("x", copyChunk))
	c.put(far)
	if _, found := c.get(far.session, &hash, copyNow, copyIdle, 60); found != missing {
		t.Errorf("longer than may be kept: %d", found)
	}
}

func TestCopies_noteTheUse(t *testing.T) {
	c := newCopies(1000)
	e, hash := copyFor(1)
	c.put(e)
	for _, step := range []struct {
		now  int64
		want lookup
	}{
		{e.seen + 59, held}, {e.seen + 60, heldDue}, {e.seen + 61, held}, {e.seen + 3000, heldDue}, {e.seen + 6500, heldDue},
		{e.seen + 6500 + copyIdle, lapsed}, {e.seen + 6500 + copyIdle, lapsed},
	} {
		if _, found := c.get(e.session, &hash, step.now, copyIdle, 60); found != step.want {
			t.Errorf("%d seconds later: %d, want %d", step.now-e.seen, found, step.want)
		}
	}
}

func TestCopies_anOlderRowReplacesNone(t *testing.T) {
	c := newCopies(1000)
	e, hash := copyFor(1)
	older, user, newer := e, e, e
	older.version--
	user.userVersion--
	newer.version, newer.claims = 9, []byte(`{}`)
	for _, p := range []rowCopy{e, older, user, newer, e} {
		c.put(p)
	}
	if got, _ := c.get(e.session, &hash, copyNow, copyIdle, 60); got.version != 9 || string(got.claims) != `{}` {
		t.Errorf("version %d, %s", got.version, got.claims)
	}
	if n := c.len(); n != 1 {
		t.Errorf("%d copies", n)
	}
}

// However many sessions there are, memory has its limit, every copy that is found
// is the right one, and what is in use stays while others come and go.
func TestCopies_areBoundedAndKeepWhatIsUsed(t *testing.T) {
	for _, most := range []int{1000, 20_000, 100_000} {
		c := newCopies(most)
		inUse := most / 10
		for n := range uint64(4 * most) {
			e, _ := copyFor(n)
			c.put(e)
			if n%uint64(max(inUse, 1)) == 0 { // each round, everybody in use comes by
				for m := range uint64(inUse) {
					e, hash := copyFor(m)
					got, found := c.get(e.session, &hash, copyNow, copyIdle, 1<<30)
					if found == missing {
						c.put(e)
					} else if !slices.Equal(got.claims, e.claims) || got.user != e.user {
						t.Fatalf("most %d: session %d is %s", most, m, got.claims)
					}
				}
			}
		}
		if limit := most*CopyBytes + len(c.shards)*copyChunk; c.bytes() > limit {
			t.Errorf("most %d: %d bytes, want %d at most", most, c.bytes(), limit)
		}
		var counted Copies
		c.count(&counted)
		if counted.Entries != c.len() || counted.Bytes != c.bytes() || int(counted.Evictions) < 2*most || counted.Hits == 0 || counted.Misses == 0 {
			t.Errorf("most %d: counted %+v", most, counted)
		}
		if n := c.len(); n < most*7/10 || n > most*13/10 {
			t.Errorf("most %d: %d copies of usual size are kept", most, n)
		}
		kept, known := 0, 0
		for n := range uint64(4 * most) {
			e, hash := copyFor(n)
			got, found := c.get(e.session, &hash, copyNow, copyIdle, 1<<30)
			if found == missing {
				continue
			}
			if known++; !slices.Equal(got.claims, e.claims) {
				t.Fatalf("most %d: session %d is %s", most, n, got.claims)
			}
			if n < uint64(inUse) {
				kept++
			}
		}
		if known != c.len() {
			t.Errorf("most %d: %d are found of %d", most, known, c.len())
		}
		if kept < inUse*9/10 {
			t.Errorf("most %d: %d of %d in use are kept", most, kept, inUse)
		}
	}
}

// Random puts and looks agree with a map, for all that is still there.
func TestCopies_agreeWithAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	c, model := newCopies(1000), map[uint64]rowCopy{}
	for range 60_000 {
		n := random.Uint64N(3000)
		e, hash := copyFor(n)
		if random.IntN(2) == 0 {
			e.version = model[n].version + int64(random.IntN(3))
			e.claims = []byte(fmt.Sprintf(`{"n":%d,"v":%d,"x":%q}`, n, e.version, strings.Repeat("y", random.IntN(400))))
			c.put(e)
			if e.version >= model[n].version {
				model[n] = e
			}
			continue
		}
		got, found := c.get(e.session, &hash, copyNow, copyIdle, 1<<30)
		if want, known := model[n]; found != missing && (!known || got.version < want.version || !slices.Equal(got.claims, want.claims)) {
			// A copy of a lower version may come after the higher one was given up.
			if known && got.version < want.version {
				model[n] = got
				continue
			}
			t.Fatalf("session %d: %s, want %s", n, got.claims, want.claims)
		}
	}
}

func TestCopies_areSafeForConcurrentUse(t *testing.T) {
	c := newCopies(1000)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 1))
			for range 5000 {
				e, hash := copyFor(random.Uint64N(2000))
				if got, found := c.get(e.session, &hash, copyNow, copyIdle, 60); found == missing {
					c.put(e)
				} else if !slices.Equal(got.roles, e.roles) || !slices.Equal(got.claims, e.claims) {
					t.Errorf("got %s", got.claims)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkCopies is a look for one of many copies: it must not cost more beside a
// million than beside ten thousand.
func BenchmarkCopies(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCopies(1_000_000)
			for i := range uint64(n) {
				e, _ := copyFor(i)
				c.put(e)
			}
			e, hash := copyFor(uint64(n / 2))
			b.ReportAllocs()
			for b.Loop() {
				if _, found := c.get(e.session, &hash, copyNow, copyIdle, 1<<30); found != held {
					b.Fatal(found)
				}
			}
			b.ReportMetric(float64(c.bytes())/float64(c.len()), "B/copy")
		})
	}
}
