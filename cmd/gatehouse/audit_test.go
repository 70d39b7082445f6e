package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
)

// events is an office that has some, and is then interrupted.
type events struct {
	office
	pages []audit.Record
	asked []int64
	waits []time.Duration
	stop  context.CancelFunc
}

func (e *events) FollowEvents(ctx context.Context, after int64, wait time.Duration, _ int) ([]audit.Record, int64, error) {
	e.asked, e.waits = append(e.asked, after), append(e.waits, wait)
	switch {
	case after < 0:
		return nil, 40, nil
	case len(e.pages) == 0:
		e.stop()
		return nil, 0, auth.Unavailable(ctx.Err())
	}
	next := e.pages[0]
	e.pages = e.pages[1:]
	return []audit.Record{next}, next.Seq, nil
}

func TestAuditTail_goesOnBehindTheLastEventUntilItIsInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	e := &events{pages: []audit.Record{{Seq: 40, Type: "user.created"}, {Seq: 41, Type: "user.updated"}}, stop: stop}
	var out bytes.Buffer
	err := (&auditTailCmd{JSON: true, Lines: 2, After: -1, Follow: true}).tail(&program{ctx: ctx, stdout: &out}, e)
	if err != nil {
		t.Errorf("an interruption is how it ends, and not %v", err)
	}
	if diff := cmp.Diff([]int64{-1, 38, 40, 41}, e.asked); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{0, followWait, followWait, followWait}, e.waits); diff != "" {
		t.Error(diff)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 2 {
		t.Errorf("printed %q", out.String())
	}
}

func TestAuditTail_tellsWhyItCannotGoOn(t *testing.T) {
	e := &events{stop: func() {}}
	err := (&auditTailCmd{After: 7, Follow: true}).tail(&program{ctx: t.Context(), stdout: new(bytes.Buffer)}, e)
	if err == nil {
		t.Error("it ended as if it were interrupted")
	}
}
