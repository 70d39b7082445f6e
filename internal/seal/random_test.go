package seal_test

import (
	"encoding/base64"
	"encoding/binary"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// draws is how many values are drawn: some thousands, or with GATEHOUSE_SOAK a
// million.
func draws(few int) int {
	if n, err := strconv.Atoi(os.Getenv("GATEHOUSE_SOAK")); err == nil && n > 0 {
		return 1_000_000
	}
	return few
}

// drawn gathers n values in eight goroutines and sorts them. Of eight octets of
// chance two are the same once in ten million runs of a million draws.
func drawn(n int, draw func() uint64) []uint64 {
	list := make([]uint64, n)
	var all sync.WaitGroup
	for part := range slices.Chunk(list, (n+7)/8) {
		all.Go(func() {
			for i := range part {
				part[i] = draw()
			}
		})
	}
	all.Wait()
	slices.Sort(list)
	return list
}

func first8(t *testing.T, text string) uint64 {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 8 {
		t.Errorf("%q: %v", text, err)
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func wantDistinct(t *testing.T, what string, list []uint64) {
	t.Helper()
	if n := len(slices.Compact(slices.Clone(list))); n != len(list) {
		t.Errorf("%s: %d different ones of %d", what, n, len(list))
	}
}

// Many draw at once and none draws what another has.
//
// proves: ASVS 11.5.2
func TestNewSecret_repeatsNothingUnderLoad(t *testing.T) {
	wantDistinct(t, "secrets", drawn(draws(1_000_000), func() uint64 { return first8(t, seal.NewSecret()) }))
}

// Each seal has a nonce of its own, so no two under one key have the same. The
// keys of v4 are good for 2^32 seals (NIST SP 800-38D §8.3).
//
// proves: ASVS 11.3.4
func TestSeal_usesNoNonceTwice(t *testing.T) {
	n := draws(20_000)
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		s := mustNew(t, d, "", secret)
		wantDistinct(t, string(d), drawn(n, func() uint64 {
			token, err := s.Seal([]byte(`{}`))
			if err != nil {
				t.Error(err)
			}
			return first8(t, strings.Split(token, ".")[2])
		}))
	}
	s := mustIron(t, seal.IronPassword{ID: "1", Secret: ironSecret})
	salts := make(chan string, n)
	wantDistinct(t, "iron", drawn(n, func() uint64 {
		value, err := s.Seal([]byte(`{}`), time.Time{})
		if err != nil {
			t.Error(err)
		}
		parts := strings.Split(value, "*")
		salts <- parts[2]
		return first8(t, parts[3])
	}))
	close(salts)
	seen := map[string]bool{}
	for salt := range salts {
		seen[salt] = true
	}
	if len(seen) != n {
		t.Errorf("iron: %d different salts of %d, so as many keys", len(seen), n)
	}
}

// What is made of chance has each of its characters equally often: an alphabet
// that does not divide the range of a random octet would give some away.
//
// proves: CB-36
func TestNewSecret_favoursNoCharacter(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	counts := map[byte]int{}
	total := 0
	for total < 1_000_000 {
		s := seal.NewSecret()
		for i := range len(s) - 1 { // the last one stands for four bits
			counts[s[i]]++
			total++
		}
	}
	expected, square := float64(total)/float64(len(alphabet)), 0.0
	for i := range alphabet {
		d := float64(counts[alphabet[i]]) - expected
		square += d * d / expected
	}
	// 63 degrees of freedom: beyond 140 lies chance once in ten million times.
	if len(counts) != len(alphabet) || square > 140 {
		t.Errorf("%d characters, chi-square %.1f: %v", len(counts), square, counts)
	}
}
