package wire

import (
	"math"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// sortChunks orders cookies as the library does, which hands JavaScript's sort a
// comparison that is none: a name without a number compares equal to all. What
// comes out is then a matter of the algorithm, so this is the one JavaScript
// engines use for short arrays: the run at the beginning, turned round if it
// falls, then binary insertion. It is exact for fewer than 64 cookies, more than
// [MaxChunks].
func sortChunks(d seal.Dialect, all []Cookie) []Cookie {
	keys := make([]float64, len(all))
	for i, c := range all {
		keys[i] = chunkKey(d, c.Name)
	}
	// NaN compares as equal: a.key < b.key is then false.
	run := 1
	if len(all) > 1 {
		falling := keys[1] < keys[0]
		for run < len(all) && (keys[run] < keys[run-1]) == falling {
			run++
		}
		if falling {
			slices.Reverse(keys[:run])
			slices.Reverse(all[:run])
		}
	}
	for i := run; i < len(all); i++ {
		key, c := keys[i], all[i]
		low, high := 0, i
		for low < high {
			mid := low + (high-low)/2
			if key < keys[mid] {
				high = mid
			} else {
				low = mid + 1
			}
		}
		copy(keys[low+1:i+1], keys[low:i])
		copy(all[low+1:i+1], all[low:i])
		keys[low], all[low] = key, c
	}
	return all
}

// chunkKey is parseInt of what lies behind the last dot, NaN if that is no
// number. v5 reads nothing there as 0.
func chunkKey(d seal.Dialect, name string) float64 {
	text := name[strings.LastIndexByte(name, '.')+1:]
	if text == "" && d == seal.V5 {
		return 0
	}
	sign := 1.0
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = -1, rest
	} else {
		text = strings.TrimPrefix(text, "+")
	}
	base := byte(10)
	if len(text) > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') {
		base, text = 16, text[2:]
	}
	n := math.NaN()
	for i := range len(text) {
		digit := unhex(text[i])
		if digit >= base {
			break
		}
		if i == 0 {
			n = 0
		}
		n = n*float64(base) + float64(digit)
	}
	return sign * n
}
