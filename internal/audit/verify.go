package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// FindingKind names what is wrong with a chain.
type FindingKind string

// What may be wrong.
const (
	// FindingChanged: the event is not the one that was given this place: it was
	// changed, exchanged for another, or put there by somebody without the key.
	FindingChanged FindingKind = "changed"
	// FindingMissing: places are empty, in the middle or at the beginning.
	FindingMissing FindingKind = "missing"
	// FindingCutOff: the chain ends before its head, or before one that was kept
	// elsewhere.
	FindingCutOff FindingKind = "cut_off"
	// FindingBeyond: there are events behind the head.
	FindingBeyond FindingKind = "beyond_head"
	// FindingMark: a mark is gone, or not signed with the key it names.
	FindingMark FindingKind = "mark"
	// FindingOtherHead: a head that was kept elsewhere is not what stands there.
	FindingOtherHead FindingKind = "other_head"
	// FindingUnknownKey: nothing can be said of these places: their key is of a
	// secret that is not among the secrets.
	FindingUnknownKey FindingKind = "unknown_key"
	// FindingContinued: here the chain went on although a mark could not be
	// verified, or its head had gone back.
	FindingContinued FindingKind = "continued"
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind FindingKind `json:"kind"`
	// First and Last are the places it is about, as far as it is about any.
	First int64 `json:"first,omitzero"`
	Last  int64 `json:"last,omitzero"`
	// Event is the ID of the event that stands at First.
	Event auth.EventID `json:"event,omitzero"`
	// About says it in words.
	About string `json:"about"`
}

// maxFindings bounds a report; a chain that was computed with another key would
// have one for each row.
const maxFindings = 100

// Report is what a look at the whole chain has shown.
type Report struct {
	// Events were looked at; First and Last are their places.
	Events int64 `json:"events"`
	First  int64 `json:"first,omitzero"`
	Last   int64 `json:"last,omitzero"`
	// Head is where the chain ends.
	Head Head `json:"head,omitzero"`
	// Cut is the last place that retention has removed, and CutAt when it did.
	Cut   int64     `json:"cut,omitzero"`
	CutAt time.Time `json:"cut_at,omitzero"`
	// Begun is when the chain began. Earlier is how many of the events a release
	// without one had written before: what they were until then nobody can say.
	Begun   time.Time `json:"begun,omitzero"`
	Earlier int64     `json:"earlier,omitzero"`
	// Unchained is how many events have no place yet, and Oldest when the first of
	// them was written.
	Unchained int64     `json:"unchained,omitzero"`
	Oldest    time.Time `json:"oldest_unchained,omitzero"`
	// Uncompared are heads from before what retention has removed.
	Uncompared []Head `json:"uncompared,omitzero"`
	// Findings are in the order in which they were met: the first is the first bad
	// place. Dropped is how many there are more.
	Findings []Finding `json:"findings"`
	Dropped  int64     `json:"findings_dropped,omitzero"`
}

// OK says whether nothing is wrong.
func (r Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) find(f Finding) {
	if n := len(r.Findings); n > 0 && f.Kind == FindingUnknownKey { // one for a range
		if l := &r.Findings[n-1]; l.Kind == f.Kind && l.Last+1 == f.First && l.About == f.About {
			l.Last = f.Last
			return
		}
	}
	if len(r.Findings) == maxFindings {
		r.Dropped++
		return
	}
	r.Findings = append(r.Findings, f)
}

// verification is one look.
type verification struct {
	room   *Room
	report Report
	kept   []Head
	// at and prev are the place that was seen last and its MAC; certain says that
	// nothing before it is missing.
	at      int64
	prev    string
	certain bool
	begun   time.Time
	told    func(events int64)
}

// Verify looks at every event with a place, one after the other, some hundred in
// memory at a time, and beside a server that goes on writing. heads are such as were
// kept elsewhere. told, if not nil, hears now and then how many events were looked
// at. The error says that the look could not be finished; what is wrong with the
// chain is in the Report. Code: unavailable.
func (r *Room) Verify(ctx context.Context, heads []Head, told func(events int64)) (Report, error) {
	v := &verification{room: r, kept: heads, told: told, report: Report{Findings: []Finding{}}}
	if err := v.run(ctx); err != nil {
		return v.report, auth.Unavailable(fmt.Errorf("verify the audit chain: %w", err))
	}
	return v.report, nil
}

func (v *verification) run(ctx context.Context) error {
	m, missing, err := v.room.marks(ctx)
	if err != nil {
		return err
	}
	for _, name := range missing {
		v.report.find(Finding{Kind: FindingMark, About: fmt.Sprintf("the mark %q is gone", name)})
	}
	for _, one := range []store.Mark{m.beginning, m.checkpoint, m.head} {
		v.mark(one)
	}
	v.begun, v.report.Begun = m.beginning.At, m.beginning.At
	v.start(m.checkpoint)
	v.report.First = v.at + 1
	if err := v.rows(ctx); err != nil {
		return err
	}
	if err := v.end(ctx); err != nil {
		return err
	}
	for _, h := range v.kept {
		switch {
		case h.Seq > v.at:
			v.report.find(Finding{Kind: FindingCutOff, First: v.at + 1, Last: h.Seq, About: fmt.Sprintf("the chain ends at %d, and the head %d was kept elsewhere", v.at, h.Seq)})
		case h.Seq < v.report.Cut:
			v.report.Uncompared = append(v.report.Uncompared, h)
		}
	}
	if v.report.Events == 0 {
		v.report.First = 0
	}
	v.report.Last = v.at
	v.report.Head = Head{v.at, v.prev}
	return v.unchained(ctx)
}

// mark judges a signature.
func (v *verification) mark(m store.Mark) {
	switch k := v.room.keys; {
	case unset(m):
	case !k.knows(m.Key):
		v.report.find(Finding{Kind: FindingUnknownKey, About: fmt.Sprintf("the mark %q: the key %s is of no secret that is configured", m.Name, m.Key)})
	case !k.signed(m):
		v.report.find(Finding{Kind: FindingMark, First: m.Seq, Last: m.Seq, About: fmt.Sprintf("the mark %q was changed: it is not signed with the key it names", m.Name)})
	}
}

// start begins behind a checkpoint.
func (v *verification) start(c store.Mark) {
	v.at, v.prev, v.certain = c.Seq, c.MAC, true
	v.report.Cut, v.report.CutAt = c.Seq, c.At
	v.compare(c.Seq, c.MAC)
}

// compare holds a place against the heads that were kept.
func (v *verification) compare(seq int64, mac string) {
	for _, h := range v.kept {
		if h.Seq == seq && h.MAC != mac {
			v.report.find(Finding{Kind: FindingOtherHead, First: seq, Last: seq, About: fmt.Sprintf("the place %d is not what the head that was kept elsewhere says", seq)})
		}
	}
}

// rows reads on until there are no more.
func (v *verification) rows(ctx context.Context) error {
	for {
		events, err := v.room.o.Store.ChainedEvents(ctx, v.at, MaxPage)
		if err != nil {
			return err
		}
		if len(events) == 0 || events[0].Seq != v.at+1 {
			switch cut, err := v.caughtUp(ctx); {
			case err != nil:
				return err
			case cut:
				continue
			case len(events) == 0:
				return nil
			}
		}
		for _, e := range events {
			v.event(e)
		}
		if v.told != nil {
			v.told(v.report.Events)
		}
	}
}

// caughtUp says whether retention has removed events behind which this look has
// not come yet; then it goes on at the new checkpoint.
func (v *verification) caughtUp(ctx context.Context) (bool, error) {
	m, _, err := v.room.marks(ctx)
	if err != nil || m.checkpoint.Seq <= v.at {
		return false, err
	}
	v.mark(m.checkpoint)
	v.start(m.checkpoint)
	return true, nil
}

// event judges one place.
func (v *verification) event(e store.ChainedEvent) {
	if e.Seq != v.at+1 {
		v.report.find(Finding{Kind: FindingMissing, First: v.at + 1, Last: e.Seq - 1, About: "events are missing between " + place(v.at) + " and " + place(e.Seq)})
		v.certain = false
	}
	switch k := v.room.keys; {
	case !k.knows(e.Key):
		v.report.find(Finding{Kind: FindingUnknownKey, First: e.Seq, Last: e.Seq, Event: e.ID, About: unknown(e.Key)})
	case v.certain && !k.right(v.prev, e):
		v.report.find(Finding{Kind: FindingChanged, First: e.Seq, Last: e.Seq, Event: e.ID, About: fmt.Sprintf("the event at %d is not the one that was chained there", e.Seq)})
	case e.Type == auth.EventAuditContinued:
		v.report.find(Finding{Kind: FindingContinued, First: e.Seq, Last: e.Seq, Event: e.ID, About: fmt.Sprintf("the chain went on here although its %s could not be verified, or had gone back", e.Detail)})
	}
	v.at, v.prev, v.certain = e.Seq, e.MAC, true
	v.report.Events++
	if e.Result == "" && e.At.Before(v.begun) { // this release writes none without a result
		v.report.Earlier++
	}
	v.compare(e.Seq, e.MAC)
}

func place(seq int64) string {
	if seq == 0 {
		return "the beginning"
	}
	return fmt.Sprint(seq)
}

func unknown(key string) string {
	if version(key) != encodingVersion {
		return fmt.Sprintf("the key %q is none of this release", key)
	}
	return fmt.Sprintf("the key %s is of no secret that is configured", key)
}

// end holds the last event against the head. A server may chain meanwhile: the head
// is read after the rows, and then what was chained in between.
func (v *verification) end(ctx context.Context) error {
	m, _, err := v.room.marks(ctx)
	if err != nil {
		return err
	}
	head := m.head
	if head.Seq > v.at {
		if err := v.rows(ctx); err != nil {
			return err
		}
		if v.at > head.Seq { // and more since
			return v.end(ctx)
		}
	}
	switch {
	case head.Seq > v.at:
		v.report.find(Finding{Kind: FindingCutOff, First: v.at + 1, Last: head.Seq, About: fmt.Sprintf("the chain ends at %d, and its head is %d", v.at, head.Seq)})
	case head.Seq < v.at:
		v.report.find(Finding{Kind: FindingBeyond, First: head.Seq + 1, Last: v.at, About: fmt.Sprintf("the head is %d, and there are events up to %d", head.Seq, v.at)})
	case head.MAC != v.prev:
		v.report.find(Finding{Kind: FindingChanged, First: v.at, Last: v.at, About: fmt.Sprintf("the event at %d is not the one that the head names", v.at)})
	}
	return nil
}

// unchained counts what has no place yet.
func (v *verification) unchained(ctx context.Context) error {
	for after := auth.EventID(""); ; {
		events, err := v.room.o.Store.Unchained(ctx, after, MaxPage)
		if err != nil {
			return err
		}
		for _, e := range events {
			if v.report.Oldest.IsZero() || e.At.Before(v.report.Oldest) {
				v.report.Oldest = e.At
			}
			after = e.ID
		}
		v.report.Unchained += int64(len(events))
		if len(events) < MaxPage {
			return nil
		}
	}
}
