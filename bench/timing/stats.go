package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// pair is what the two requests of a pair took.
type pair struct{ known, unknown time.Duration }

// verdict is what the pairs say. Differences are known minus unknown.
type verdict struct {
	Pairs int
	// Known and Unknown are the quantiles 0.1, 0.5 and 0.9 of each.
	Known, Unknown [3]time.Duration
	// Difference is that of the medians; From and To hold it with 95 %.
	Difference, From, To time.Duration
	// Slower is in how many pairs the known one took longer, Ties in how many
	// both took the same.
	Slower, Ties int
	// Signs and Ranks are the two-sided p of the sign test and of Wilcoxon's
	// signed-rank test: how often chance alone would do as much.
	Signs, Ranks float64
}

// judge computes the verdict. The same seed gives the same interval.
func judge(pairs []pair, resamples int, seed uint64) verdict {
	v := verdict{Pairs: len(pairs)}
	if len(pairs) == 0 {
		return v
	}
	var known, unknown column
	differences := make([]time.Duration, len(pairs))
	for i, p := range pairs {
		known.values = append(known.values, p.known)
		unknown.values = append(unknown.values, p.unknown)
		differences[i] = p.known - p.unknown
	}
	known.sort()
	unknown.sort()
	once := slices.Repeat([]int32{1}, len(pairs))
	for i, q := range []float64{0.1, 0.5, 0.9} {
		v.Known[i], v.Unknown[i] = known.quantile(once, q), unknown.quantile(once, q)
	}
	v.Difference = v.Known[1] - v.Unknown[1]
	v.From, v.To = bootstrap(known, unknown, resamples, seed)
	v.Slower, v.Ties, v.Signs = signTest(differences)
	v.Ranks = signedRanks(differences)
	return v
}

// column is one side of the pairs, and the order of its values.
type column struct {
	values []time.Duration
	order  []int // indices, the least value first
}

func (c *column) sort() {
	c.order = make([]int, len(c.values))
	for i := range c.order {
		c.order[i] = i
	}
	slices.SortFunc(c.order, func(a, b int) int { return int(c.values[a] - c.values[b]) })
}

// quantile of the sample in which value i occurs times[i] times, and which has
// as many values as the column. Between two values it is the middle.
func (c *column) quantile(times []int32, q float64) time.Duration {
	at := q * float64(len(c.values))
	seen := 0
	for i, index := range c.order {
		seen += int(times[index])
		if float64(seen) < at {
			continue
		}
		if float64(seen) > at {
			return c.values[index]
		}
		for _, next := range c.order[i+1:] { // exactly between this value and the next there is
			if times[next] > 0 {
				return (c.values[index] + c.values[next]) / 2
			}
		}
		return c.values[index]
	}
	return c.values[c.order[len(c.order)-1]]
}

// bootstrap draws as many pairs as there are, with replacement, again and again:
// 95 of 100 of the differences of medians lie between what it returns.
func bootstrap(known, unknown column, resamples int, seed uint64) (from, to time.Duration) {
	r := rand.New(rand.NewPCG(seed, 0))
	n := len(known.values)
	times := make([]int32, n)
	found := make([]time.Duration, resamples)
	for k := range found {
		clear(times)
		for range n {
			times[r.IntN(n)]++
		}
		found[k] = known.quantile(times, 0.5) - unknown.quantile(times, 0.5)
	}
	slices.Sort(found)
	last := float64(resamples - 1)
	return found[int(math.Floor(0.025*last))], found[int(math.Ceil(0.975*last))]
}

// signTest asks how often a fair coin falls as unevenly.
func signTest(differences []time.Duration) (positive, ties int, p float64) {
	for _, d := range differences {
		switch {
		case d > 0:
			positive++
		case d == 0:
			ties++
		}
	}
	n := len(differences) - ties
	few := min(positive, n-positive)
	all, _ := math.Lgamma(float64(n + 1))
	for k := 0; k <= few; k++ {
		chosen, _ := math.Lgamma(float64(k + 1))
		others, _ := math.Lgamma(float64(n - k + 1))
		p += math.Exp(all - chosen - others - float64(n)*math.Ln2)
	}
	return positive, ties, min(1, 2*p)
}

// signedRanks is Wilcoxon's test by its normal approximation, with the
// correction for ties; a pair without a difference says nothing.
func signedRanks(differences []time.Duration) float64 {
	d := slices.DeleteFunc(slices.Clone(differences), func(d time.Duration) bool { return d == 0 })
	slices.SortFunc(d, func(a, b time.Duration) int { return int(a.Abs() - b.Abs()) })
	n := float64(len(d))
	var positive, tied float64
	for i := 0; i < len(d); {
		j := i
		for j < len(d) && d[j].Abs() == d[i].Abs() {
			j++
		}
		rank, same := float64(i+1+j)/2, float64(j-i)
		for _, one := range d[i:j] {
			if one > 0 {
				positive += rank
			}
		}
		tied += same*same*same - same
		i = j
	}
	variance := n*(n+1)*(2*n+1)/24 - tied/48
	if variance <= 0 {
		return 1
	}
	z := (positive - n*(n+1)/4) / math.Sqrt(variance)
	return math.Erfc(math.Abs(z) / math.Sqrt2)
}

// standing is where an interval lies.
type standing int

const (
	within  standing = iota // inside ±bound
	unclear                 // partly
	beyond                  // outside as a whole: there is a difference
)

func (v verdict) standing(bound time.Duration) standing {
	switch {
	case v.From > bound || v.To < -bound:
		return beyond
	case v.Pairs > 0 && v.From >= -bound && v.To <= bound:
		return within
	}
	return unclear
}
