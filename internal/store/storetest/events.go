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
	})
}

func eventRoundTrip(t *testing.T, s store.Store) {
	ctx := context.Background()
	full := auth.Event{
		ID: auth.NewEventID(start), At: start, Type: auth.EventSignInFailed, Actor: "cli", UserID: auth.NewUserID(start),
		SessionID: auth.NewSessionID(start), Subject: auth.SubjectOf(auth.SubjectRole, "editor"), Client: "/api/auth",
		Address: netip.MustParseAddr("2001:db8::7"), Agent: "Firefox on Windows", Detail: "wrong_password", Result: auth.ResultFailed,
	}
	empty := auth.Event{ID: auth.NewEventID(start), At: justBefore(start), Result: auth.ResultSucceeded}
	ok(t, "append", s.AppendEvent(ctx, full))
	unsaid := empty
	unsaid.Result = ""
	ok(t, "append empty", s.AppendEvent(ctx, unsaid))
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
		e := auth.Event{ID: auth.NewEventID(start), At: start.Add(time.Duration(i) * time.Microsecond), UserID: []auth.UserID{ann, bob, ""}[i%3], Result: auth.ResultSucceeded}
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
