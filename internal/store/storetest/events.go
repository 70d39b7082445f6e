package storetest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Events tests store.Events.
func Events(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"an event comes back as it went in", eventRoundTrip},
		{"an ID is taken once", eventSameID},
		{"the list is of one user or of all, the youngest first", eventList},
		{"purging takes what is older, up to the limit", eventPurge},
	})
}

func eventRoundTrip(t *testing.T, s store.Store) {
	ctx := context.Background()
	full := auth.Event{
		ID: auth.NewEventID(start), At: start, Type: auth.EventSignInFailed, Actor: "cli", UserID: auth.NewUserID(start),
		SessionID: auth.NewSessionID(start), Address: netip.MustParseAddr("2001:db8::7"), Detail: "wrong_password",
	}
	empty := auth.Event{ID: auth.NewEventID(start), At: justBefore(start)}
	ok(t, "append", s.AppendEvent(ctx, full))
	ok(t, "append empty", s.AppendEvent(ctx, empty))
	same(t, "events", must[[]auth.Event](t)(s.ListEvents(ctx, "", 9)), []auth.Event{full, empty})
}

func eventSameID(t *testing.T, s store.Store) {
	e := auth.Event{ID: auth.NewEventID(start), At: start}
	ok(t, "append", s.AppendEvent(context.Background(), e))
	refused(t, "append again", s.AppendEvent(context.Background(), e), store.ErrConflict)
}

func eventList(t *testing.T, s store.Store) {
	ctx, ann, bob := context.Background(), auth.NewUserID(start), auth.NewUserID(start)
	var ofAnn, ofAll []auth.Event
	for i := range 6 {
		e := auth.Event{ID: auth.NewEventID(start), At: start.Add(time.Duration(i) * time.Microsecond), UserID: []auth.UserID{ann, bob, ""}[i%3]}
		ok(t, "append", s.AppendEvent(ctx, e))
		ofAll = append([]auth.Event{e}, ofAll...)
		if e.UserID == ann {
			ofAnn = append([]auth.Event{e}, ofAnn...)
		}
	}
	same(t, "Ann's", must[[]auth.Event](t)(s.ListEvents(ctx, ann, 9)), ofAnn)
	same(t, "Ann's last", must[[]auth.Event](t)(s.ListEvents(ctx, ann, 1)), ofAnn[:1])
	same(t, "everybody's", must[[]auth.Event](t)(s.ListEvents(ctx, "", 9)), ofAll)
	same(t, "the last four", must[[]auth.Event](t)(s.ListEvents(ctx, "", 4)), ofAll[:4])
	count(t, "none", len(must[[]auth.Event](t)(s.ListEvents(ctx, "", 0))), 0)
}

func eventPurge(t *testing.T, s store.Store) {
	ctx, before := context.Background(), start.Add(time.Minute)
	for _, at := range []time.Time{start, justBefore(before), before, justAfter(before)} {
		ok(t, "append", s.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(start), At: at}))
	}
	count(t, "purged, limit one", must[int](t)(s.PurgeEvents(ctx, before, 1)), 1)
	count(t, "purged, the rest", must[int](t)(s.PurgeEvents(ctx, before, 9)), 1)
	count(t, "left", len(must[[]auth.Event](t)(s.ListEvents(ctx, "", 9))), 2)
}
