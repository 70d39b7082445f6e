package audit

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Filter says which events somebody wants to see. Members left at zero ask for
// nothing.
type Filter struct {
	// Types are types, or what they begin with and a star: "user.*".
	Types []string
	// User is whom it was done to, Actor who did it.
	User  auth.UserID
	Actor string
	// Since is the earliest time, Until the first that is too late.
	Since, Until time.Time
}

// types are those of the vocabulary that the filter names.
func (f Filter) types() (list []auth.EventType, err error) {
	for _, name := range f.Types {
		before := len(list)
		for _, i := range auth.EventTypes() {
			prefix, star := strings.CutSuffix(name, "*")
			if string(i.Type) == name || star && strings.HasPrefix(string(i.Type), prefix) {
				list = append(list, i.Type)
			}
		}
		if len(list) == before {
			return nil, &auth.Error{Code: auth.CodeInvalidRequest, Field: "type", Message: "There is no event of this type: " + strconv.Quote(name) + "."}
		}
	}
	return list, nil
}

// Page is a part of a list.
type Page struct {
	Events []Record
	// Next asks for what comes behind; empty at the end.
	Next string
}

// MaxPage is how many events a page has at most.
const MaxPage = 1000

// List returns up to limit events, the youngest first, whether they have a place in
// the chain or not; cursor is empty or the Next of the page before, for the same
// filter. An event whose transaction took long may come to stand on a page that was
// read; whoever must miss none reads by [Room.Tail]. Codes: invalid_request,
// unavailable.
func (r *Room) List(ctx context.Context, f Filter, cursor string, limit int) (Page, error) {
	q := store.EventFilter{User: f.User, Actor: f.Actor, Since: f.Since, Until: f.Until}
	var err error
	if q.Types, err = f.types(); err != nil {
		return Page{}, err
	}
	if q.After, err = parseCursor(cursor); err != nil {
		return Page{}, err
	}
	limit = min(max(limit, 1), MaxPage)
	found, err := r.o.Store.FindEvents(ctx, q, limit+1)
	if err != nil {
		return Page{}, auth.Unavailable(fmt.Errorf("list events: %w", err))
	}
	var p Page
	if len(found) > limit {
		found = found[:limit]
		p.Next = cursorOf(found[limit-1].Event)
	}
	for _, e := range found {
		p.Events = append(p.Events, recordOf(e))
	}
	return p, nil
}

// A cursor is the time and the ID of the last event that was seen.
func cursorOf(e auth.Event) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(e.At.UnixMicro(), 10) + " " + string(e.ID)))
}

func parseCursor(s string) (auth.Event, error) {
	if s == "" {
		return auth.Event{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	at, id, both := strings.Cut(string(text), " ")
	micros, bad := strconv.ParseInt(at, 10, 64)
	if err != nil || !both || id == "" || bad != nil {
		return auth.Event{}, &auth.Error{Code: auth.CodeInvalidRequest, Field: "cursor", Message: "This is not the cursor of a page."}
	}
	return auth.Event{ID: auth.EventID(id), At: time.UnixMicro(micros).UTC()}, nil
}

// Tail returns up to limit events in order of their places, behind the given one.
// Whoever goes on behind the last Seq that they had misses none. Code: unavailable.
func (r *Room) Tail(ctx context.Context, after int64, limit int) ([]Record, error) {
	found, err := r.o.Store.ChainedEvents(ctx, after, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, auth.Unavailable(fmt.Errorf("read the audit chain: %w", err))
	}
	records := make([]Record, len(found))
	for i, e := range found {
		records[i] = recordOf(e)
	}
	return records, nil
}

// followInterval is how often Follow looks for more.
const followInterval = Interval / 2

// Follow gives every event behind the given place to do, in order, and goes on as
// they come, until ctx ends, which is no error, or do returns one, which is
// returned as it is.
func (r *Room) Follow(ctx context.Context, after int64, do func(Record) error) error {
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	for {
		records, err := r.Tail(ctx, after, MaxPage)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range records {
			if err := do(e); err != nil {
				return err
			}
			after = e.Seq
		}
		if len(records) == MaxPage {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Export gives every event behind the given place that the filter wants to do, in
// order of their places, however many there are; those without one are not among
// them. That it was done is in the record before the first is given away. An error
// of do ends it and is returned as it is. Codes: invalid_request, unavailable.
func (r *Room) Export(ctx context.Context, actor string, after int64, f Filter, do func(Record) error) error {
	types, err := f.types()
	if err != nil {
		return err
	}
	now := r.o.Now()
	if err := r.o.Store.AppendEvent(ctx, auth.Event{ID: auth.NewEventID(now), At: now, Type: auth.EventAuditExported, Actor: actor}); err != nil {
		return auth.Unavailable(fmt.Errorf("record the export: %w", err))
	}
	for {
		found, err := r.o.Store.ChainedEvents(ctx, after, MaxPage)
		if err != nil {
			return auth.Unavailable(fmt.Errorf("export events: %w", err))
		}
		for _, e := range found {
			after = e.Seq
			if !f.wants(e.Event, types) {
				continue
			}
			if err := do(recordOf(e)); err != nil {
				return err
			}
		}
		if len(found) < MaxPage {
			return nil
		}
	}
}

func (f Filter) wants(e auth.Event, types []auth.EventType) bool {
	return (len(types) == 0 || slices.Contains(types, e.Type)) && (f.User == "" || e.UserID == f.User) && (f.Actor == "" || e.Actor == f.Actor) &&
		(f.Since.IsZero() || !e.At.Before(f.Since)) && (f.Until.IsZero() || e.At.Before(f.Until))
}
