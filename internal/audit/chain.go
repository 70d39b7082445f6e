package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

const (
	// Interval is the time between two rounds: so long an event may be without a
	// place, and the round besides.
	Interval = time.Second
	// batch is how many events are chained in one transaction.
	batch = 250
	// recent is how far back a round looks for events by their IDs, which begin
	// with their time. No transaction takes so long, and clocks do not differ so
	// much; what is older all the same is found every sweepInterval. The places of
	// rows that were chained long ago are not walked over again in between.
	recent        = 5 * time.Minute
	sweepInterval = 10 * time.Minute
	// sayInterval is how often the head is written to the log.
	sayInterval = time.Hour
	// lastRound bounds the round at the end.
	lastRound = 5 * time.Second
	// strangeFor is how long a key must be unknown before the chain goes on without
	// it: another server may be further in a change of the secrets.
	strangeFor = 30 * time.Second
	// roundDeadline bounds any other.
	roundDeadline = 30 * time.Second
)

var (
	errForged = errors.New("it is not signed with the key it names: it was changed by somebody else. Nothing more is chained; see gatehouse audit verify")
	errFaster = errors.New("another server was faster")
)

// Run chains every second until ctx ends, and then once more. Of several servers
// on one database one is first, and the others find nothing left.
func (r *Room) Run(ctx context.Context) error {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	var failing bool
	var said time.Time
	for {
		round, cancel := context.WithTimeout(ctx, roundDeadline)
		err := r.chainAll(round)
		cancel()
		switch {
		case err != nil && ctx.Err() == nil && !failing:
			r.o.Logger.Error("events of the audit record get no places in its chain; they are kept, and will be chained once they can be", "err", err)
			failing = true
		case err == nil && failing:
			r.o.Logger.Info("events of the audit record are chained again")
			failing = false
		}
		if now := r.o.Now(); err == nil && now.Sub(said) >= sayInterval {
			r.say(ctx)
			said = now
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRound)
			defer cancel()
			if r.chainAll(last) == nil {
				r.say(last)
			}
			return nil
		case <-tick.C:
		}
	}
}

// say writes the head to the log, which is kept elsewhere than the database: a
// chain that was cut off at its end is found by it.
func (r *Room) say(ctx context.Context) {
	if h, err := r.Head(ctx); err == nil && h.Seq > 0 {
		r.o.Logger.Info("the head of the audit chain", "head", h.String())
	}
}

// chainAll chains until nothing is left.
func (r *Room) chainAll(ctx context.Context) error {
	for {
		n, err := r.Round(ctx)
		switch {
		case errors.Is(err, errFaster):
			return nil // what is left is the other one's
		case err != nil || n < batch:
			return err
		}
	}
}

// Round gives the oldest events without a place, some hundred at most, the next
// ones, and returns how many.
func (r *Room) Round(ctx context.Context) (int, error) {
	m, missing, err := r.marks(ctx)
	if err != nil {
		return 0, fmt.Errorf("chain events: %w", err)
	}
	if len(missing) > 0 {
		return 0, fmt.Errorf("chain events: the database has lost the mark %q of the chain. Nothing more is chained; see gatehouse audit verify", missing[0])
	}
	if err := r.vouch(ctx, m); err != nil {
		return 0, err
	}
	now := r.o.Now()
	if err := r.steady(ctx, m.head, now); err != nil {
		return 0, err
	}
	r.stats.head.Store(m.head.Seq)
	after := auth.NewEventID(now.Add(-recent))
	sweeping := now.Sub(time.UnixMicro(r.swept.Load())) >= sweepInterval
	if sweeping {
		after = ""
	}
	events, err := r.o.Store.Unchained(ctx, after, batch)
	if err != nil {
		return 0, fmt.Errorf("chain events: %w", err)
	}
	if sweeping && len(events) < batch {
		r.swept.Store(now.UnixMicro())
	}
	if len(events) > 0 {
		r.stats.oldest.Store(events[0].At.UnixMicro())
	}
	if err := r.link(ctx, m, events, now); err != nil {
		return 0, err
	}
	if len(events) < batch {
		r.stats.oldest.Store(0)
	}
	return len(events), nil
}

// link computes the places and stores them.
func (r *Room) link(ctx context.Context, m marks, events []auth.Event, now time.Time) error {
	head := m.head
	links := make([]store.ChainedEvent, len(events))
	for i, e := range events {
		links[i] = store.ChainedEvent{Event: e, Seq: head.Seq + 1, Key: r.keys.current}
		links[i].MAC = r.keys.record(head.MAC, links[i])
		head.Seq, head.MAC = links[i].Seq, links[i].MAC
	}
	head.At = now
	var set []store.Mark
	if len(links) > 0 && unset(m.beginning) {
		m.beginning.At = now
		set = append(set, r.keys.sign(m.beginning))
	}
	// Under a new key the marks are signed anew at once: the old secret is taken
	// out one day, and then nothing could vouch for them.
	for _, old := range []store.Mark{m.checkpoint, m.beginning} {
		if !unset(old) && old.Key != r.keys.current {
			set = append(set, r.keys.sign(old))
		}
	}
	if len(links) > 0 || len(set) > 0 || !unset(m.head) && m.head.Key != r.keys.current {
		set = append(set, r.keys.sign(head))
	}
	if len(set) == 0 {
		return nil
	}
	switch err := r.o.Store.ChainEvents(ctx, m.head, links, set); {
	case errors.Is(err, store.ErrConflict):
		return r.conflict(ctx, m.head)
	case err != nil:
		return fmt.Errorf("chain events: %w", err)
	}
	r.stats.chained.Add(int64(len(links)))
	r.stats.head.Store(head.Seq)
	r.seen.Store(&Head{head.Seq, head.MAC})
	return nil
}

// conflict tells a server that was faster from a chain that goes further than its
// head.
func (r *Room) conflict(ctx context.Context, before store.Mark) error {
	m, _, err := r.marks(ctx)
	if err != nil {
		return fmt.Errorf("chain events: %w", err)
	}
	if m.head == before {
		return errors.New("chain events: the chain does not end where its head says. Nothing more is chained; see gatehouse audit verify")
	}
	return errFaster
}

// vouch looks whether the marks that something is about to be built on are ours. A
// mark under a key that is not known any more cannot be judged: the chain goes on
// after a while, and an event in it says so for as long as it is kept.
func (r *Room) vouch(ctx context.Context, m marks) error {
	var unknown []store.Mark
	for _, one := range []store.Mark{m.head, m.checkpoint, m.beginning} {
		switch {
		case unset(one):
		case !r.keys.knows(one.Key):
			unknown = append(unknown, one)
		case !r.keys.signed(one):
			return fmt.Errorf("chain events: the mark %q of the chain: %w", one.Name, errForged)
		}
	}
	if len(unknown) == 0 {
		r.strange.Store(0)
		return nil
	}
	// Another server has secrets that this one was not given yet: it chains. That
	// there is one is heard of by the feed.
	now := r.o.Now()
	r.strange.CompareAndSwap(0, now.UnixMicro())
	if r.o.NewerSecrets() || now.Sub(time.UnixMicro(r.strange.Load())) < strangeFor {
		return errFaster
	}
	for _, one := range unknown {
		r.o.Logger.Error("the audit chain is continued behind a mark that cannot be verified: its key is of a secret that is not among the secrets any more", "mark", string(one.Name), "key", one.Key)
		if err := r.continued(ctx, one.Name, now); err != nil {
			return err
		}
	}
	return nil
}

// steady looks whether the head is where this server saw it last, or further. One
// that was put back is true by itself, and so is that of a chain which has not
// begun: whoever cuts off the end, or makes everything anew, needs no key for it.
// The chain goes on, and an event in it says so for as long as it is kept.
func (r *Room) steady(ctx context.Context, head store.Mark, now time.Time) error {
	is := Head{head.Seq, head.MAC}
	seen := r.seen.Load()
	if seen != nil && is.Seq <= seen.Seq && is != *seen {
		r.o.Logger.Error("the audit chain ends before the place where this server saw its end: events were removed or made anew, or an older database was put in place. Compare with gatehouse audit verify --head", "head", seen.String())
		if err := r.continued(ctx, head.Name, now); err != nil {
			return err
		}
	}
	r.seen.Store(&is)
	return nil
}

// continued records that the chain went on behind a mark that is not to be trusted.
func (r *Room) continued(ctx context.Context, name store.MarkName, now time.Time) error {
	err := r.o.Store.AppendEvent(ctx, auth.Event{
		ID: auth.NewEventID(now), At: now, Type: auth.EventAuditContinued, Actor: auth.ActorSystem, Detail: string(name),
	})
	if err != nil {
		return fmt.Errorf("chain events: %w", err)
	}
	return nil
}
