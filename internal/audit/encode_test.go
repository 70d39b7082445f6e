package audit_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Two events that differ in anything are encoded differently, however their texts
// run into each other; and no event is encoded as a mark.
func FuzzEncoding(f *testing.F) {
	f.Add("evt_1", "user.created", "cli", "role:a", "x", int64(1), int64(2), uint8(0), "y")
	f.Add("", "", "", "", "", int64(0), int64(0), uint8(3), "\x00\x00\x00\x01a")
	f.Add("a\x00\x00\x00\x01b", "b", "", "\xff", "", int64(-1), int64(1<<62), uint8(9), "a")
	f.Fuzz(func(t *testing.T, id, typ, actor, subject, prev string, at, seq int64, which uint8, other string) {
		e := store.ChainedEvent{Seq: seq, Key: "1.key", Event: auth.Event{
			ID: auth.EventID(id), At: time.UnixMicro(at), Type: auth.EventType(typ), Actor: actor, Subject: subject, Address: netip.MustParseAddr("192.0.2.7"),
		}}
		one := audit.Encode(prev, e)
		if again := audit.Encode(prev, e); !bytes.Equal(one, again) {
			t.Fatal("the encoding of one event differs from itself")
		}
		// Change one member, or move a text to its neighbour.
		changed, before := e, prev
		texts := []*string{&changed.Actor, &changed.Subject, &changed.Client, &changed.Agent, &changed.Detail, &before, &changed.Key}
		switch n := int(which) % (len(texts) + 6); {
		case n < len(texts):
			if *texts[n] == other {
				return
			}
			*texts[n] = other
		case n == len(texts):
			changed.Seq++
		case n == len(texts)+1:
			changed.At = changed.At.Add(time.Microsecond)
		case n == len(texts)+2:
			changed.Address = netip.MustParseAddr("::ffff:192.0.2.7")
		case n == len(texts)+3:
			if actor == "" {
				return
			}
			changed.Actor, changed.Subject = actor[:len(actor)-1], actor[len(actor)-1:]+subject
			if changed.Actor == e.Actor && changed.Subject == e.Subject {
				return
			}
		case n == len(texts)+4:
			if actor == subject {
				return
			}
			changed.Actor, changed.Subject = subject, actor
		case n == len(texts)+5:
			if changed.Result = auth.EventResult(other); other == "" {
				return
			}
		}
		if bytes.Equal(one, audit.Encode(before, changed)) {
			t.Errorf("%+v behind %q and %+v behind %q are encoded alike", e, prev, changed, before)
		}
		if bytes.Equal(one, audit.EncodeMark(store.Mark{Name: store.MarkName(id), Seq: seq, MAC: prev, Key: "1.key", At: time.UnixMicro(at)})) {
			t.Error("an event is encoded as a mark")
		}
	})
}

// A head is read as it is shown, and nothing else is one.
func TestParseHead(t *testing.T) {
	h := audit.Head{Seq: 17, MAC: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
	if got, err := audit.ParseHead(" " + h.String() + "\n"); err != nil || got != h {
		t.Errorf("got %v, %v; want %v", got, err, h)
	}
	for _, s := range []string{"", "17", "17:", ":" + h.MAC, "0:" + h.MAC, "-1:" + h.MAC, "x:" + h.MAC, "17:" + h.MAC[1:], "17:" + h.MAC + "A"} {
		if got, err := audit.ParseHead(s); err == nil {
			t.Errorf("%q is read as %v", s, got)
		}
	}
}
