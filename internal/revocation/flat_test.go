package revocation

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// crowdedKey makes one of few keys: many have the same home, the same random
// bits even, or those of the beginning or the end of the order.
func crowdedKey(rnd *rand.Rand) (k [16]byte) {
	switch rnd.IntN(5) {
	case 0: // all alike but for the front
		k[3] = byte(rnd.IntN(40))
	case 1: // the last homes
		for i := 7; i < keyBytes; i++ {
			k[i] = 0xff
		}
		k[7], k[0] = byte(rnd.IntN(256)), byte(rnd.IntN(2))
	case 2: // the first homes
		k[7], k[8] = byte(rnd.IntN(256)), byte(rnd.IntN(2))
	default:
		binary.LittleEndian.PutUint64(k[7:], rnd.Uint64N(400)*0x0123456789abcdef)
		k[1] = byte(rnd.IntN(3))
	}
	k[keyBytes] = 7
	return k
}

func randomRecord(rnd *rand.Rand, t table) record {
	r := record{key: crowdedKey(rnd), value: uint32(1 + rnd.IntN(3)), until: uint32(1 + rnd.IntN(1000))}
	if t != tableChanged && t != tableVersions && t != tableAPIKeysChanged {
		r.at = uint32(1 + rnd.IntN(100))
	}
	return r
}

// Whatever is raised, purged and raised again: the table holds what a map would,
// with keys that crowd as much as they can.
func TestFlat_holdsWhatAMapWould(t *testing.T) {
	seeds := uint64(25)
	if testing.Short() { // each kind of table once
		seeds = uint64(tableCount)
	}
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 11))
		kind := table(seed) % tableCount
		var f flat
		model := map[[16]byte]record{}
		for range 1500 {
			if rnd.IntN(200) == 0 {
				least := uint32(rnd.IntN(600))
				f.purge(kind.size(), least)
				for k, r := range model {
					if r.until < least {
						delete(model, k)
					}
				}
				holds(t, seed, kind, &f, model)
			}
			n, room := randomRecord(rnd, kind), rnd.IntN(10) != 0
			have, there := model[n.key]
			want := raisedNew
			switch {
			case there:
				want = raisedOld
				have.merge(n)
				model[n.key] = have
			case !room:
				want = raisedNot
			default:
				model[n.key] = n
			}
			if got := f.raise(kind, n, room); got != want {
				t.Fatalf("seed %d: raising did %d, want %d", seed, got, want)
			}
		}
		holds(t, seed, kind, &f, model)
	}
}

// holds compares what can be found and what is listed with the model, and looks
// at the order that every search relies on.
func holds(t *testing.T, seed uint64, kind table, f *flat, model map[[16]byte]record) {
	t.Helper()
	if int(f.used) != len(model) {
		t.Fatalf("seed %d: %d entries, want %d", seed, f.used, len(model))
	}
	for k, want := range model {
		if got, found := f.find(kind, &k); !found || got != want {
			t.Fatalf("seed %d: %x is %+v, %v, want %+v", seed, k, got, found, want)
		}
	}
	rnd := rand.New(rand.NewPCG(seed, 12))
	for range 500 {
		k := crowdedKey(rnd)
		if _, told := model[k]; !told {
			if got, found := f.find(kind, &k); found {
				t.Fatalf("seed %d: %x, which was never told, is %+v", seed, k, got)
			}
		}
	}
	list := f.entries(kind, 7)
	listed := map[[16]byte]record{}
	for _, r := range list {
		listed[r.key] = r
	}
	if diff := cmp.Diff(model, listed, cmp.AllowUnexported(record{})); diff != "" || len(list) != len(model) {
		t.Fatalf("seed %d: %d listed (-want +got):\n%s", seed, len(list), diff)
	}
	if !slices.IsSortedFunc(list, func(a, b record) int {
		return cmpUint64(randomBits(a.key[:]), randomBits(b.key[:]))
	}) {
		t.Fatalf("seed %d: the entries are not in order", seed)
	}
}

func cmpUint64(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// FuzzFlat takes five bytes for a statement: two choose the key, the others are
// its value, its until, and what is done.
func FuzzFlat(f *testing.F) {
	f.Add([]byte{0, 0, 1, 9, 0, 0, 0, 2, 3, 1, 255, 255, 1, 4, 0, 0, 0, 0, 5, 2})
	f.Add([]byte{255, 255, 2, 8, 4, 255, 254, 2, 8, 4, 255, 255, 1, 1, 3, 0, 0, 0, 4, 2})
	f.Fuzz(func(t *testing.T, steps []byte) {
		for kind := range tableCount {
			var got flat
			model := map[[16]byte]record{}
			for s := range slices.Chunk(steps, 5) {
				if len(s) < 5 {
					break
				}
				if s[4] == 2 {
					got.purge(kind.size(), uint32(s[3]))
					for k, r := range model {
						if r.until < uint32(s[3]) {
							delete(model, k)
						}
					}
					continue
				}
				n := record{value: uint32(s[2]), until: uint32(s[3]) + 1}
				n.key[14], n.key[7], n.key[15] = s[0], s[1], 7
				n.key[0] = s[4]
				have := model[n.key]
				if have.until == 0 {
					have = n
				}
				have.merge(n)
				model[n.key] = have
				got.raise(kind, n, true)
			}
			holds(t, 0, kind, &got, model)
		}
	})
}
