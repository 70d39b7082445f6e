package main

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// made is pairs as a server would give them: a hash of 25 ms and what the
// machine adds, which drifts, is skewed, and now and then is large.
func made(n int, leak time.Duration, seed uint64) []pair {
	r := rand.New(rand.NewPCG(seed, 1))
	drift := 0.0
	one := func() time.Duration {
		ms := 25 + drift + 1.5*r.ExpFloat64()
		if r.IntN(50) == 0 {
			ms += 40 * r.Float64()
		}
		return time.Duration(ms * float64(time.Millisecond))
	}
	list := make([]pair, n)
	for i := range list {
		drift += 0.02 * r.NormFloat64()
		list[i] = pair{one() + leak, one()}
	}
	return list
}

func TestJudge_findsSixTenthsOfAMillisecond(t *testing.T) {
	for seed := range uint64(5) {
		v := judge(made(3000, 600*time.Microsecond, seed), 2000, 1)
		if v.From <= 0 || v.To < 600*time.Microsecond || v.standing(500*time.Microsecond) == within || v.Signs > 1e-6 || v.Ranks > 1e-6 {
			t.Errorf("seed %d: %+v, want a difference that holds 0.6 ms and is not within 0.5", seed, v)
		}
	}
}

func TestJudge_findsAMillisecondBeyondTheBound(t *testing.T) {
	if v := judge(made(3000, time.Millisecond, 7), 2000, 1); v.standing(500*time.Microsecond) != beyond {
		t.Errorf("%+v, want it beyond 0.5 ms", v)
	}
	if v := judge(made(3000, -time.Millisecond, 7), 2000, 1); v.standing(500*time.Microsecond) != beyond {
		t.Errorf("the other way round: %+v, want it beyond 0.5 ms", v)
	}
}

func TestJudge_isSilentWhenThereIsNothing(t *testing.T) {
	const runs = 40
	crossed, low := 0, 0
	for seed := range uint64(runs) {
		v := judge(made(1000, 0, seed), 1000, 1)
		if v.standing(500*time.Microsecond) != within {
			t.Errorf("seed %d: %v to %v, want it within 0.5 ms", seed, v.From, v.To)
		}
		if v.From > 0 || v.To < 0 {
			crossed++
		}
		if v.Signs < 0.05 || v.Ranks < 0.05 {
			low++
		}
	}
	// One in twenty by construction; more than six of forty is no chance.
	if crossed > 6 || low > 8 {
		t.Errorf("of %d runs without a difference %d intervals leave out nothing at all, %d tests have p < 0.05", runs, crossed, low)
	}
}

func TestJudge_fewPairsDecideNothing(t *testing.T) {
	if got := judge(nil, 100, 1).standing(time.Millisecond); got != unclear {
		t.Errorf("no pairs: %v, want unclear", got)
	}
	if got := judge(made(12, 0, 3), 1000, 1).standing(100 * time.Microsecond); got != unclear {
		t.Errorf("twelve pairs at 0.1 ms: %v, want unclear", got)
	}
}

// Against values from the tables of both tests, and numbers small enough to be
// counted by hand.
func TestRankAndSignTests_giveKnownValues(t *testing.T) {
	positive, ties, p := signTest([]time.Duration{1, 2, 3, 4, 5, 6, 7, 8, -9, 0})
	if positive != 8 || ties != 1 || math.Abs(p-20.0/512) > 1e-9 {
		t.Errorf("signs: %d, %d, %v; want 8, 1 and 20/512", positive, ties, p)
	}
	if p := signedRanks([]time.Duration{5, -5, 7, -7}); math.Abs(p-1) > 1e-9 {
		t.Errorf("ranks of what is even: %v, want 1", p)
	}
	// W = 55 of 55: mean 27.5, variance 96.25.
	if p, want := signedRanks([]time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), math.Erfc(27.5/math.Sqrt(96.25)/math.Sqrt2); math.Abs(p-want) > 1e-9 {
		t.Errorf("ranks: %v, want %v", p, want)
	}
}

func TestJudge_medianOfAnEvenNumberIsInTheMiddle(t *testing.T) {
	v := judge([]pair{{4, 1}, {2, 1}, {8, 1}, {6, 1}}, 10, 1)
	if v.Known[1] != 5 || v.Unknown[1] != 1 || v.Difference != 4 {
		t.Errorf("%+v, want medians 5 and 1", v)
	}
}
