package password_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/password"
)

// hold is work that takes d of the bubble's time.
func hold(d time.Duration) func() { return func() { time.Sleep(d) } }

func wantLoad(t *testing.T, g *password.Gate, taken, queued int) {
	t.Helper()
	if gotTaken, gotQueued := g.Load(); gotTaken != taken || gotQueued != queued {
		t.Errorf("Load = %d taken, %d queued; want %d and %d", gotTaken, gotQueued, taken, queued)
	}
}

func TestGate_runsNoMoreThanItsWidthAtOnceAndAllInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(3, 100)
		var inside, most, done atomic.Int32
		for range 50 {
			go func() {
				err := g.Do(t.Context(), 1, func() {
					n := inside.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(time.Millisecond)
					inside.Add(-1)
					done.Add(1)
				})
				if err != nil {
					t.Errorf("Do = %v", err)
				}
			}()
		}
		time.Sleep(time.Second)
		if most.Load() != 3 || done.Load() != 50 {
			t.Errorf("%d at once and %d done; want 3 and 50", most.Load(), done.Load())
		}
		wantLoad(t, g, 0, 0)
	})
}

func TestGate_servesInTheOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(1, 10)
		var order []int
		for i := range 10 {
			go g.Do(t.Context(), 1, func() { order = append(order, i); time.Sleep(time.Millisecond) })
			synctest.Wait()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(order, want) {
			t.Errorf("served %v, want %v", order, want)
		}
	})
}

func TestGate_refusesAtOnceWhenTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(2, 4)
		for range 6 {
			go g.Do(t.Context(), 1, hold(40*time.Millisecond))
		}
		synctest.Wait()
		wantLoad(t, g, 2, 4)
		begun := time.Now()
		err := g.Do(t.Context(), 1, func() { t.Error("refused work ran") })
		var busy *password.BusyError
		if !errors.Is(err, password.ErrBusy) || !errors.As(err, &busy) {
			t.Fatalf("Do = %v, want ErrBusy", err)
		}
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("the refusal took %v", waited)
		}
		// Two rounds queued and one running, at the 25 ms assumed before any was
		// measured.
		if want := 75 * time.Millisecond; busy.RetryAfter != want {
			t.Errorf("RetryAfter = %v, want %v", busy.RetryAfter, want)
		}
		time.Sleep(time.Second)
	})
}

func TestGate_learnsHowLongAHashTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(1, -1)
		for range 100 {
			g.Do(t.Context(), 1, hold(200*time.Millisecond))
		}
		g.Do(t.Context(), 1, func() {
			var busy *password.BusyError
			if err := g.Do(t.Context(), 1, func() {}); !errors.As(err, &busy) {
				t.Fatalf("Do = %v, want a BusyError", err)
			}
			if d := busy.RetryAfter - 200*time.Millisecond; d.Abs() > time.Millisecond {
				t.Errorf("RetryAfter = %v, want about 200ms", busy.RetryAfter)
			}
		})
	})
}

func TestNewGate_defaultQueueWaitsAQuarterOfASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(0, 0)
		var longest, served, refused atomic.Int64
		for range 1000 {
			go func() {
				arrived := time.Now()
				err := g.Do(t.Context(), 1, func() {
					served.Add(1)
					waited := int64(time.Since(arrived))
					for m := longest.Load(); waited > m && !longest.CompareAndSwap(m, waited); m = longest.Load() {
					}
					time.Sleep(25 * time.Millisecond)
				})
				if errors.Is(err, password.ErrBusy) {
					refused.Add(1)
				}
			}()
		}
		time.Sleep(time.Minute)
		if got := time.Duration(longest.Load()); got != 250*time.Millisecond {
			t.Errorf("the last one waited %v, want 250ms", got)
		}
		if served.Load()+refused.Load() != 1000 || refused.Load() == 0 {
			t.Errorf("%d served and %d refused of 1000", served.Load(), refused.Load())
		}
	})
}

func TestGate_whoeverGivesUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(1, 2)
		go g.Do(t.Context(), 1, hold(time.Hour))
		synctest.Wait()
		gaveUp := errors.New("gave up")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, gaveUp)
		defer cancel()
		begun := time.Now()
		if err := g.Do(ctx, 1, func() { t.Error("abandoned work ran") }); !errors.Is(err, gaveUp) {
			t.Errorf("Do = %v, want %v", err, gaveUp)
		}
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("gave up after %v, want 1s", waited)
		}
		wantLoad(t, g, 1, 0)
		time.Sleep(2 * time.Hour)
		wantLoad(t, g, 0, 0)
	})
}

func TestGate_aHeadThatGivesUpLetsTheNextIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(2, 4)
		go g.Do(t.Context(), 1, hold(time.Hour))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go g.Do(ctx, 2, func() { t.Error("abandoned work ran") }) // wants both places
		synctest.Wait()
		ran := false
		go g.Do(t.Context(), 1, func() { ran = true })
		synctest.Wait()
		if ran {
			t.Error("the second overtook the head of the queue")
		}
		cancel()
		synctest.Wait()
		if !ran {
			t.Error("nobody was let in when the head gave up")
		}
		time.Sleep(2 * time.Hour)
		wantLoad(t, g, 0, 0)
	})
}

func TestGate_aPanicGivesThePlacesBack(t *testing.T) {
	g := password.NewGate(2, 0)
	func() {
		defer func() { recover() }()
		g.Do(t.Context(), 2, func() { panic("broken") })
	}()
	wantLoad(t, g, 0, 0)
}

func TestGate_moreThanTheWidthIsTheWidth(t *testing.T) {
	g := password.NewGate(2, 0)
	for _, places := range []int{-1, 0, 1, 2, 3, 1 << 30} {
		ran := false
		if err := g.Do(t.Context(), places, func() { ran = true }); err != nil || !ran {
			t.Errorf("Do with %d places = %v, ran %v", places, err, ran)
		}
	}
	wantLoad(t, g, 0, 0)
}

// Callers give up at the very moment they are let in, over and over. Run with
// -race.
func TestGate_leaksNothingUnderCancellation(t *testing.T) {
	g := password.NewGate(2, 8)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				all.Go(cancel)
				g.Do(ctx, 1+i%2, func() {})
				cancel()
			}
		})
	}
	all.Wait()
	wantLoad(t, g, 0, 0)
	if err := g.Do(t.Context(), 2, func() {}); err != nil {
		t.Errorf("the whole gate cannot be taken afterwards: %v", err)
	}
}
