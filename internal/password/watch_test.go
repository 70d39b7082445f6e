package password_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/password"
)

func TestGate_tellsHowLongCallersWaitedAndWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		type told struct {
			who            any
			came           time.Duration
			waited, worked time.Duration
		}
		begun := time.Now()
		var got []told
		var mu sync.Mutex
		g := password.NewGate(1, 1)
		g.Watch = func(ctx context.Context, came time.Time, waited, worked time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, told{ctx.Value(key{}), came.Sub(begun), waited, worked})
		}
		do := func(who string) {
			_ = g.Do(context.WithValue(t.Context(), key{}, who), 1, func() { time.Sleep(time.Second) })
		}
		go do("first")
		synctest.Wait()
		go do("second")
		synctest.Wait()
		do("refused")
		do("refused")
		time.Sleep(3 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(got) != 2 || got[0] != (told{"first", 0, 0, time.Second}) || got[1] != (told{"second", 0, time.Second, time.Second}) {
			t.Errorf("told %v", got)
		}
		if n := g.Refused(); n != 2 {
			t.Errorf("%d refused, want 2", n)
		}
	})
}
