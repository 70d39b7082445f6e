package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
)

// A list goes back page by page, and what is written meanwhile moves none of them.
func TestList_pagesAreStable(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		g.write(t, 7)
		chain(t, r)
		all, err := r.List(t.Context(), audit.Filter{}, "", 100)
		if err != nil || len(all.Events) != 7 || all.Next != "" {
			t.Fatalf("got %d events, next %q and error %v; want 7 and no more", len(all.Events), all.Next, err)
		}
		var got []audit.Record
		for cursor := ""; ; {
			page, err := r.List(t.Context(), audit.Filter{}, cursor, 3)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page.Events...)
			if cursor = page.Next; cursor == "" {
				break
			}
			g.write(t, 1) // younger: before the first page
		}
		if diff := cmp.Diff(all.Events, got); diff != "" {
			t.Errorf("the pages are not the list (-want +got):\n%s", diff)
		}
	})
}

func TestList_refusesWhatItDoesNotKnow(t *testing.T) {
	r := onSQLite(t).room(t)
	for _, f := range []audit.Filter{{Types: []string{"user.creatd"}}, {Types: []string{"x*"}}, {Types: []string{""}}} {
		if _, err := r.List(t.Context(), f, "", 1); !errors.Is(err, auth.CodeInvalidRequest) {
			t.Errorf("%v: got %v, want it refused", f.Types, err)
		}
	}
	for _, cursor := range []string{"!", "MQ", "eCB5", "IGV2dA"} {
		if _, err := r.List(t.Context(), audit.Filter{}, cursor, 1); !errors.Is(err, auth.CodeInvalidRequest) {
			t.Errorf("cursor %q: got %v, want it refused", cursor, err)
		}
	}
}

// Whoever follows the chain gets every event once, in its order, also what comes.
//
// proves: ASVS 16.4.3
func TestFollow_missesNothing(t *testing.T) {
	g := onSQLite(t)
	r := g.room(t)
	g.write(t, 3)
	chain(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	want := int64(1)
	err := r.Follow(ctx, 0, func(e audit.Record) error {
		if e.Seq != want {
			t.Errorf("got place %d, want %d", e.Seq, want)
		}
		switch want++; want {
		case 4:
			g.write(t, 2)
			chain(t, r)
		case 6:
			cancel()
		}
		return nil
	})
	if err != nil || want != 6 {
		t.Errorf("it ended at %d with %v, want 6 and none", want, err)
	}
}

// The export is in order of the chain, is recorded, and its names are promised.
func TestExport_writesLinesWithStableNames(t *testing.T) {
	onBoth(t, func(t *testing.T, g *ground) {
		r := g.room(t)
		g.write(t, 3)
		chain(t, r)
		var lines []string
		write := func(e audit.Record) error {
			b, err := e.Line()
			lines = append(lines, string(b))
			return err
		}
		if err := r.Export(t.Context(), "cli", 1, audit.Filter{Types: []string{"session.*"}}, write); err != nil {
			t.Fatal(err)
		}
		if len(lines) != 2 || !strings.HasPrefix(lines[0], `{"seq":2,"id":"evt_`) || !strings.HasPrefix(lines[1], `{"seq":3,`) {
			t.Fatalf("got %q, want two lines from 2 on", lines)
		}
		var one map[string]any
		if err := json.Unmarshal([]byte(lines[0]), &one); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"seq", "id", "at", "type", "result", "actor", "user_id", "session_id", "subject", "client", "agent", "detail", "mac", "key"} {
			if _, there := one[name]; !there {
				t.Errorf("%s lacks %q", lines[0], name)
			}
			delete(one, name)
		}
		if len(one) > 0 {
			t.Errorf("there are names that nobody promised: %v", one)
		}
		page, err := r.List(t.Context(), audit.Filter{Types: []string{"audit.exported"}}, "", 9)
		if err != nil || len(page.Events) != 1 || page.Events[0].Actor != "cli" {
			t.Errorf("got %+v and error %v, want that it was exported", page.Events, err)
		}
		stop := errors.New("stop")
		if err := r.Export(t.Context(), "cli", 0, audit.Filter{}, func(audit.Record) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("got %v, want the reader's own error", err)
		}
	})
}

// proves: ASVS 16.3.2
//
// Of many refusals alike the first are recorded, and all are counted.
func TestRefuse_aFloodIsCounted(t *testing.T) {
	g := onSQLite(t)
	left := 2
	r, err := audit.New(audit.Options{
		Store: g, Secrets: []auth.Secret{oneSecret}, Installation: "x", Retention: time.Hour, Logger: discard, Now: g.clock.Now,
		Sample: func(context.Context, string, time.Time) bool { left--; return left >= 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		r.Refuse(t.Context(), auth.Event{Type: auth.EventAccessRefused, Actor: "key_1", Detail: "gatehouse.users:read"})
	}
	page, err := r.List(t.Context(), audit.Filter{}, "", 100)
	if err != nil || len(page.Events) != 2 || r.Stats().Unrecorded != 8 {
		t.Fatalf("got %d events, %d unrecorded and error %v; want 2 and 8", len(page.Events), r.Stats().Unrecorded, err)
	}
	if e := page.Events[0]; e.Result != auth.ResultRefused || e.Actor != "key_1" || e.Detail != "gatehouse.users:read" || e.ID == "" {
		t.Errorf("got %+v", e)
	}
}
