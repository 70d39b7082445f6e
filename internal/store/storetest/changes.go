package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Changes tests store.Changes and store.Feed.
func Changes(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"a change comes back as it went in", changeRoundTrip},
		{"a poll returns what came since, and nothing when nothing did", changePoll},
		{"what is written with a refused transaction is never seen", changeRolledBack},
		{"what is not yet committed is not seen", changeUncommitted},
		{"no change of fifty writers is passed over", changeAtOnce},
		{"another handle's change is seen", changeOfAnother},
		{"a position outlives the rows behind it", changePurgedBehind},
		{"purging takes what is past its until, up to the limit", changePurge},
	})
}

func openFeed(t *testing.T, s store.Store) store.Feed {
	t.Helper()
	f := must[store.Feed](t)(s.OpenFeed(context.Background()))
	t.Cleanup(func() { f.Close() })
	return f
}

func loadFeed(t *testing.T, s store.Store) []auth.Change {
	t.Helper()
	return loaded(t, openFeed(t, s))
}

func loaded(t *testing.T, f store.Feed) (all []auth.Change) {
	t.Helper()
	ok(t, "load", f.Load(context.Background(), func(c auth.Change) { all = append(all, c) }))
	return all
}

// polled looks once, for no node.
func polled(t *testing.T, f store.Feed) []auth.Change {
	t.Helper()
	return must[store.Round](t)(f.Poll(context.Background(), auth.Node{})).Changes
}

// appended writes the change and returns it with its Seq.
func appended(t *testing.T, s store.Changes, c auth.Change) auth.Change {
	t.Helper()
	c.Seq = must[int64](t)(s.AppendChange(context.Background(), c))
	return c
}

func raised(value int64) auth.Change {
	return auth.Change{Kind: auth.ChangeUserEpoch, UserID: auth.NewUserID(start), Value: value, At: start, Until: start.Add(time.Hour)}
}

func changeRoundTrip(t *testing.T, s store.Store) {
	session := auth.Change{Kind: auth.ChangeSessionEnded, SessionID: auth.NewSessionID(start), Value: 1, At: start, Until: justAfter(start)}
	family := auth.Change{Kind: auth.ChangeFamilyEnded, FamilyID: auth.NewFamilyID(start), At: start, Until: start}
	key := auth.Change{Kind: auth.ChangeKeys, KeyID: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", At: start, Until: start}
	want := []auth.Change{appended(t, s, session), appended(t, s, raised(1<<40)), appended(t, s, family), appended(t, s, key)}
	same(t, "feed", loadFeed(t, s), want)
	if want[0].Seq == want[1].Seq {
		t.Errorf("two changes have the name %d", want[0].Seq)
	}
}

func changePoll(t *testing.T, s store.Store) {
	f := openFeed(t, s)
	count(t, "loaded from an empty feed", len(loaded(t, f)), 0)
	one := appended(t, s, raised(1))
	same(t, "first poll", polled(t, f), []auth.Change{one})
	two, three := appended(t, s, raised(2)), appended(t, s, raised(3))
	same(t, "second poll", polled(t, f), []auth.Change{two, three})
	newUser(t, s, "ann") // a commit that concerns nobody
	count(t, "third poll", len(polled(t, f)), 0)
	same(t, "load again", loaded(t, f), []auth.Change{one, two, three})
}

func changeRolledBack(t *testing.T, s store.Store) {
	ctx, f := context.Background(), openFeed(t, s)
	loaded(t, f)
	err := s.InTx(ctx, func(tx store.Tx) error {
		appended(t, tx, raised(1))
		return store.ErrConflict
	})
	refused(t, "transaction", err, store.ErrConflict)
	kept := appended(t, s, raised(2))
	same(t, "poll", polled(t, f), []auth.Change{kept})
}

func changeUncommitted(t *testing.T, s store.Store) {
	ctx, f := context.Background(), openFeed(t, s)
	loaded(t, f)
	var want auth.Change
	err := s.InTx(ctx, func(tx store.Tx) error {
		want = appended(t, tx, raised(1))
		count(t, "poll inside", len(polled(t, f)), 0)
		return nil
	})
	ok(t, "transaction", err)
	same(t, "poll after", polled(t, f), []auth.Change{want})
}

// changeAtOnce polls while fifty write, some of which roll back.
func changeAtOnce(t *testing.T, s store.Store) {
	ctx, f := context.Background(), openFeed(t, s)
	loaded(t, f)
	seen := make(map[int64]bool)
	poll := func() {
		for _, c := range polled(t, f) {
			seen[c.Value] = true
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		atOnce(t, 50, store.ErrConflict, func(i int) error {
			for j := range 4 {
				err := s.InTx(ctx, func(tx store.Tx) error {
					if _, err := tx.AppendChange(ctx, raised(int64(10*i+j))); err != nil {
						return err
					}
					if j == 3 {
						return store.ErrConflict
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		poll()
	}
	count(t, "changes seen", len(seen), 150)
	for value := range seen {
		if value%10 == 3 {
			t.Errorf("change %d was rolled back and seen", value)
		}
	}
}

func changeOfAnother(t *testing.T, s store.Store) {
	shared, can := s.(Sharer)
	if !can {
		t.Skip("this backend's rows have one handle")
	}
	f, other := openFeed(t, s), shared.Another(t)
	loaded(t, f)
	for i := range int64(3) {
		want := []auth.Change{appended(t, other, raised(i)), appended(t, s, raised(i))}
		same(t, fmt.Sprintf("poll %d", i), polled(t, f), want)
	}
}

func changePurgedBehind(t *testing.T, s store.Store) {
	ctx, f := context.Background(), openFeed(t, s)
	first := appended(t, s, raised(1))
	same(t, "load", loaded(t, f), []auth.Change{first})
	count(t, "purged", must[int](t)(s.PurgeChanges(ctx, start.Add(2*time.Hour), 9)), 1)
	second := appended(t, s, raised(2))
	same(t, "poll", polled(t, f), []auth.Change{second})
}

func changePurge(t *testing.T, s store.Store) {
	ctx, before := context.Background(), start.Add(time.Minute)
	var all []auth.Change
	for _, until := range []time.Time{start, justBefore(before), before, justAfter(before)} {
		c := raised(1)
		c.Until = until
		all = append(all, appended(t, s, c))
	}
	count(t, "purged, limit one", must[int](t)(s.PurgeChanges(ctx, before, 1)), 1)
	count(t, "purged, the rest", must[int](t)(s.PurgeChanges(ctx, before, 9)), 1)
	same(t, "feed", loadFeed(t, s), all[2:])
}
