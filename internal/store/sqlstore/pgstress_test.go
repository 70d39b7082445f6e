package sqlstore_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// rounds is how often something is tried: few in a test, more by
// GATEHOUSE_SOAK.
func rounds(few int) int {
	if n, err := strconv.Atoi(os.Getenv("GATEHOUSE_SOAK")); err == nil && n > 0 {
		return few * n / 4
	}
	return few
}

// Writers whose transactions take their numbers before and after those of their
// rows, hold savepoints, roll back, and wait in between; and two readers of what
// they commit: the feed, and the cursor that looks right. The feed misses
// nothing and brings nothing that was not kept; the control misses some, or the
// experiment shows nothing.
//
// proves: ASVS 7.4.1
func TestPGFeed_missesNothingOfWritersInAnyOrder(t *testing.T) {
	const writers = 12
	each := rounds(60)
	server := pgtest.Shared(t)
	url, elsewhere := newPGTables(t, server), server.NewDatabase(t)
	f, broken := openPG(t, url), horizonCursor(connectPlain(t, url))
	idle := connectPlain(t, elsewhere)

	var kept sync.Map
	var count, running atomic.Int64
	var all sync.WaitGroup
	running.Store(writers)
	for w := range writers {
		conn := connectPlain(t, url).conn
		all.Go(func() {
			defer running.Add(-1)
			rnd := rand.New(rand.NewPCG(uint64(w), 11))
			for i := range each {
				value := 1_000_000*w + 10*i
				committed, err := writeSomehow(t.Context(), conn, rnd, value)
				if err != nil {
					t.Error(err)
					return
				}
				for _, v := range committed {
					kept.Store(v, true)
					count.Add(1)
				}
			}
		})
	}
	seen, repeated := make(map[int64]bool), 0
	brokenSeen := make(map[int64]bool)
	look := func() {
		for _, v := range f.look() {
			if seen[v] {
				repeated++
			}
			seen[v] = true
		}
		for _, v := range broken.look() {
			brokenSeen[v] = true
		}
	}
	var late *feedAt // of a server that starts in the storm
	lateSeen := make(map[int64]bool)
	lookLate := func() {
		for _, v := range late.look() {
			lateSeen[v] = true
		}
	}
	for i := 0; running.Load() > 0; i++ {
		look()
		switch {
		case late != nil:
			lookLate()
		case count.Load() > int64(writers*each)/4:
			late = openPG(t, url)
			for _, v := range late.loaded {
				lateSeen[v] = true
			}
		}
		if i%7 == 3 {
			idle.do("BEGIN")
			idle.ask("SELECT pg_current_xact_id()::text")
		} else if i%7 == 6 {
			idle.do("COMMIT")
		}
	}
	all.Wait()
	idle.do("ROLLBACK")
	look()
	lookLate()
	if len(lateSeen) != int(count.Load()) || len(late.loaded) == 0 {
		t.Errorf("a server that started in between has %d of %d rows, %d of them loaded", len(lateSeen), count.Load(), len(late.loaded))
	}
	missed, brokenMissed := 0, 0
	kept.Range(func(key, _ any) bool {
		if !seen[key.(int64)] {
			missed++
		}
		if !brokenSeen[key.(int64)] {
			brokenMissed++
		}
		return true
	})
	t.Logf("%d rows; the feed missed %d and brought %d twice; the cursor at the horizon missed %d", count.Load(), missed, repeated, brokenMissed)
	if missed > 0 || int64(len(seen)) != count.Load() {
		t.Errorf("of %d rows %d were missed; %d were brought", count.Load(), missed, len(seen))
	}
	if brokenMissed == 0 {
		t.Error("the control missed nothing: the experiment shows nothing")
	}
}

// writeSomehow runs one transaction and returns the values it kept.
func writeSomehow(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand, value int) (kept []int64, err error) {
	do := func(text string, args ...any) {
		if err == nil {
			_, err = conn.Exec(ctx, text, args...)
		}
	}
	wait := func() {
		if rnd.IntN(3) == 0 {
			time.Sleep(time.Duration(rnd.IntN(8000)) * time.Microsecond)
		}
	}
	insert := func(v int) {
		do(insertChange, v)
		kept = append(kept, int64(v))
	}
	do("BEGIN")
	if rnd.IntN(2) == 0 {
		do("SELECT pg_current_xact_id()")
		wait()
	} else if rnd.IntN(2) == 0 {
		do("SELECT nextval(pg_get_serial_sequence('changes', 'seq'))")
		wait()
	}
	insert(value)
	wait()
	switch rnd.IntN(4) {
	case 0:
		do("SAVEPOINT a")
		insert(value + 1)
		do("RELEASE a")
	case 1:
		do("SAVEPOINT a")
		do(insertChange, value+2)
		do("ROLLBACK TO a")
	}
	wait()
	if rnd.IntN(5) == 0 {
		do("ROLLBACK")
		return nil, err
	}
	do("COMMIT")
	return slices.Clone(kept), err
}
