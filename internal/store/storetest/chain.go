package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Chain tests store.Chain, and how events are found.
func Chain(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"events get places, and marks are set with them", chainPlaces},
		{"what began at another head has no effect", chainOtherHead},
		{"of many at once exactly one takes the next places", chainAtOnce},
		{"cutting removes up to the checkpoint and no further", chainCut},
		{"an event is never changed, and removed by cutting alone", chainKept},
		{"a filter finds what it says, in the list's order, page by page", findEvents},
	})
}

// someEvents appends n events, one microsecond apart, and returns them.
func someEvents(t *testing.T, s store.Store, n int) (events []auth.Event) {
	t.Helper()
	for i := range n {
		at := start.Add(time.Duration(i) * time.Microsecond)
		events = append(events, auth.Event{ID: auth.NewEventID(at.Add(time.Duration(i) * time.Millisecond)), At: at, Type: auth.EventSignedOut, Result: auth.ResultSucceeded})
		ok(t, "append", s.AppendEvent(context.Background(), events[i]))
	}
	return events
}

// link is what a room would compute.
func link(events []auth.Event, from int64) (links []store.ChainedEvent) {
	for i, e := range events {
		links = append(links, store.ChainedEvent{Event: e, Seq: from + int64(i) + 1, MAC: "mac of " + string(e.ID), Key: "1.key"})
	}
	return links
}

func headAt(e store.ChainedEvent) store.Mark {
	return store.Mark{Name: store.MarkHead, Seq: e.Seq, MAC: e.MAC, At: start, Sign: "signed", Key: "1.key"}
}

func markOf(t *testing.T, s store.Store, name store.MarkName) store.Mark {
	t.Helper()
	for _, m := range must[[]store.Mark](t)(s.Marks(context.Background())) {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("there is no mark %s", name)
	return store.Mark{}
}

// chained chains the events behind the head.
func chained(t *testing.T, s store.Store, events []auth.Event) []store.ChainedEvent {
	t.Helper()
	head := markOf(t, s, store.MarkHead)
	links := link(events, head.Seq)
	ok(t, "chain", s.ChainEvents(context.Background(), head, links, []store.Mark{headAt(links[len(links)-1])}))
	return links
}

func chainPlaces(t *testing.T, s store.Store) {
	ctx, events := context.Background(), someEvents(t, s, 5)
	same(t, "marks", must[[]store.Mark](t)(s.Marks(ctx)), []store.Mark{{Name: store.MarkBeginning}, {Name: store.MarkCheckpoint}, {Name: store.MarkHead}})
	same(t, "unchained", must[[]auth.Event](t)(s.Unchained(ctx, "", 9)), events)
	same(t, "unchained, some", must[[]auth.Event](t)(s.Unchained(ctx, events[0].ID, 2)), events[1:3])
	begun := store.Mark{Name: store.MarkBeginning, At: justAfter(start), Sign: "signed", Key: "1.key"}
	first := link(events[:3], 0)
	ok(t, "chain", s.ChainEvents(ctx, markOf(t, s, store.MarkHead), first, []store.Mark{begun, headAt(first[2])}))
	same(t, "marks", must[[]store.Mark](t)(s.Marks(ctx)), []store.Mark{begun, {Name: store.MarkCheckpoint}, headAt(first[2])})
	same(t, "unchained", must[[]auth.Event](t)(s.Unchained(ctx, "", 9)), events[3:])
	all := append(first, chained(t, s, events[3:])...)
	same(t, "the chain", must[[]store.ChainedEvent](t)(s.ChainedEvents(ctx, 0, 9)), all)
	same(t, "a part of it", must[[]store.ChainedEvent](t)(s.ChainedEvents(ctx, 2, 2)), all[2:4])
	same(t, "nothing behind it", must[[]store.ChainedEvent](t)(s.ChainedEvents(ctx, 5, 9)), []store.ChainedEvent{})
}

func chainOtherHead(t *testing.T, s store.Store) {
	ctx, events := context.Background(), someEvents(t, s, 4)
	before := markOf(t, s, store.MarkHead)
	all := chained(t, s, events[:2])
	again := link(events[2:], 0)
	refused(t, "chain at the head of before", s.ChainEvents(ctx, before, again, []store.Mark{headAt(again[1])}), store.ErrConflict)
	head := markOf(t, s, store.MarkHead)
	twice := link(events[1:3], 2) // the first has a place
	refused(t, "chain what has a place", s.ChainEvents(ctx, head, twice, []store.Mark{headAt(twice[1])}), store.ErrConflict)
	taken := link(events[2:], 1) // the second place is taken
	refused(t, "take a place that is taken", s.ChainEvents(ctx, head, taken, []store.Mark{headAt(taken[1])}), store.ErrConflict)
	same(t, "the chain", must[[]store.ChainedEvent](t)(s.ChainedEvents(ctx, 0, 9)), all)
	same(t, "the head", markOf(t, s, store.MarkHead), head)
}

func chainAtOnce(t *testing.T, s store.Store) {
	events := someEvents(t, s, 3)
	head, links := markOf(t, s, store.MarkHead), link(events, 0)
	won := atOnce(t, 8, store.ErrConflict, func(int) error {
		return s.ChainEvents(context.Background(), head, links, []store.Mark{headAt(links[2])})
	})
	count(t, "nodes that chained", won, 1)
	count(t, "events in the chain", len(must[[]store.ChainedEvent](t)(s.ChainedEvents(context.Background(), 0, 9))), 3)
}

func chainCut(t *testing.T, s store.Store) {
	ctx, all := context.Background(), chained(t, s, someEvents(t, s, 4))
	cut := store.Mark{Name: store.MarkCheckpoint, Seq: 2, MAC: all[1].MAC, At: start, Sign: "signed", Key: "1.key"}
	count(t, "cut", must[int](t)(s.CutEvents(ctx, cut)), 2)
	same(t, "the chain", must[[]store.ChainedEvent](t)(s.ChainedEvents(ctx, 0, 9)), all[2:])
	same(t, "the checkpoint", markOf(t, s, store.MarkCheckpoint), cut)
	earlier := cut
	earlier.Seq = 1
	for _, m := range []store.Mark{cut, earlier} {
		_, err := s.CutEvents(ctx, m)
		refused(t, "cut again", err, store.ErrConflict)
	}
}

// rowEditor is a store of which a test may run a statement by itself.
type rowEditor interface {
	Edit(t *testing.T, statement string) error
}

func chainKept(t *testing.T, s store.Store) {
	e, can := s.(rowEditor)
	if !can {
		t.Fatal("the store lets no test change rows")
	}
	events := someEvents(t, s, 2)
	chained(t, s, events[:1])
	for _, statement := range []string{
		`UPDATE events SET detail = 'x' WHERE seq = 1`,
		`UPDATE events SET seq = NULL WHERE seq = 1`,
		`UPDATE events SET detail = 'x' WHERE seq IS NULL`,
		`DELETE FROM events WHERE seq = 1`,
		`DELETE FROM events WHERE seq IS NULL`,
	} {
		if err := e.Edit(t, statement); err == nil || !strings.Contains(err.Error(), "events are ") {
			t.Errorf("%s: got %v, want it refused", statement, err)
		}
	}
	ok(t, "a statement that changes nothing of an event", e.Edit(t, `UPDATE event_marks SET seq = seq`))
	count(t, "events", len(must[[]auth.Event](t)(s.ListEvents(context.Background(), "", 9))), 2)
}

func findEvents(t *testing.T, s store.Store) {
	ctx := context.Background()
	ann, bob := auth.NewUserID(start), auth.NewUserID(start)
	var all []auth.Event
	add := func(typ auth.EventType, actor string, user auth.UserID) {
		at := start.Add(time.Duration(len(all)/2) * time.Microsecond) // two of each time
		e := auth.Event{ID: auth.NewEventID(at), At: at, Type: typ, Actor: actor, UserID: user, Result: auth.ResultSucceeded}
		ok(t, "append", s.AppendEvent(ctx, e))
		all = append(all, e)
	}
	for range 3 {
		add(auth.EventSignInSucceeded, string(ann), ann)
		add(auth.EventSignInSucceeded, string(bob), bob)
		add(auth.EventUserDisabled, "cli", ann)
		add(auth.EventRolesChanged, string(bob), ann)
		add(auth.EventSignInFailed, "", "")
		add(auth.EventRoleCreated, string(ann), "")
	}
	types := func(list ...auth.EventType) func(auth.Event) bool {
		return func(e auth.Event) bool { return slices.Contains(list, e.Type) }
	}
	mid, late := all[5].At, all[12].At
	for _, c := range []struct {
		name   string
		filter store.EventFilter
		want   func(auth.Event) bool
	}{
		{"nothing said", store.EventFilter{}, func(auth.Event) bool { return true }},
		{"one user", store.EventFilter{User: ann}, func(e auth.Event) bool { return e.UserID == ann }},
		{"one actor, of oneself and of others", store.EventFilter{Actor: string(bob)}, func(e auth.Event) bool { return e.Actor == string(bob) }},
		{"an actor without an ID", store.EventFilter{Actor: "cli"}, func(e auth.Event) bool { return e.Actor == "cli" }},
		{"user and actor", store.EventFilter{User: ann, Actor: string(bob)}, func(e auth.Event) bool { return e.UserID == ann && e.Actor == string(bob) }},
		{"rare types", store.EventFilter{Types: []auth.EventType{auth.EventRoleCreated, auth.EventRolesChanged}}, types(auth.EventRoleCreated, auth.EventRolesChanged)},
		{"frequent types", store.EventFilter{Types: []auth.EventType{auth.EventSignInFailed}}, types(auth.EventSignInFailed)},
		{"both kinds, and one twice", store.EventFilter{Types: []auth.EventType{auth.EventSignInFailed, auth.EventUserDisabled, auth.EventUserDisabled}}, types(auth.EventSignInFailed, auth.EventUserDisabled)},
		{"types of an actor", store.EventFilter{Actor: string(ann), Types: []auth.EventType{auth.EventSignInSucceeded}}, func(e auth.Event) bool { return e.Actor == string(ann) && e.Type == auth.EventSignInSucceeded }},
		{"no such type", store.EventFilter{Types: []auth.EventType{"sign"}}, func(auth.Event) bool { return false }},
		{"from a time on", store.EventFilter{Since: mid}, func(e auth.Event) bool { return !e.At.Before(mid) }},
		{"until a time", store.EventFilter{Until: late}, func(e auth.Event) bool { return e.At.Before(late) }},
		{"all at once", store.EventFilter{User: ann, Since: mid, Until: late, Types: []auth.EventType{auth.EventRolesChanged}}, func(e auth.Event) bool {
			return e.UserID == ann && e.Type == auth.EventRolesChanged && !e.At.Before(mid) && e.At.Before(late)
		}},
	} {
		var want []auth.Event
		for _, e := range all {
			if c.want(e) {
				want = append(want, e)
			}
		}
		slices.SortFunc(want, func(a, b auth.Event) int {
			if n := b.At.Compare(a.At); n != 0 {
				return n
			}
			return strings.Compare(string(b.ID), string(a.ID))
		})
		for _, size := range []int{1, 2, 100} {
			var got []auth.Event
			for f := c.filter; ; {
				page := must[[]store.ChainedEvent](t)(s.FindEvents(ctx, f, size))
				for _, e := range page {
					got = append(got, e.Event)
				}
				if len(page) < size {
					break
				}
				f.After = page[len(page)-1].Event
			}
			same(t, c.name, got, want)
		}
	}
}
