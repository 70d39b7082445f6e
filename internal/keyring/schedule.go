package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

// How often the schedule is looked at, how soon a reading that failed is tried
// again, and how long one may take.
const (
	stepInterval  = time.Minute
	retryInterval = time.Second
	stepDeadline  = 30 * time.Second
	loadDeadline  = 5 * time.Second
)

// Actor is whom the audit record names for what happens by itself.
const Actor = auth.ActorSystem

// ErrUnusable says that a key cannot be opened, and trying again is of no use.
var ErrUnusable = errors.New("a signing key cannot be used")

// Prepare reads the keys and makes those that are missing: it is the beginning
// of a server. A key that cannot be opened is [ErrUnusable], with what to do: a
// master key that is lost must not pass for an empty store.
func (r *Ring) Prepare(ctx context.Context) error {
	faults, err := r.load(ctx)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %w\n%s", ErrUnusable, errors.Join(faults...), cure(faults))
	}
	return r.fill(ctx)
}

// cure is what to do about keys that cannot be opened.
func cure(faults []error) string {
	const giveUp = "gatehouse key retire KID --now gives the key up, and what it signed with it; the server then makes another"
	for _, err := range faults {
		if errors.Is(err, ErrMaster) {
			return "Put the secret that it was sealed under back, behind the first one, into keys.master, or into secrets where keys.master is not set. If that secret is lost: " + giveUp + "."
		}
	}
	return "Restore the database from a backup. If there is none: " + giveUp + "."
}

// Run prepares the ring and keeps it up to date until ctx ends: it reads the
// keys when the feed says that one changed, and takes the steps that are due.
// Any number of nodes may run it. It returns nil, or at its beginning
// [ErrUnusable]; while the store does not answer it goes on asking.
func (r *Ring) Run(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	step := time.NewTicker(stepInterval)
	defer step.Stop()
	retry := time.NewTimer(0)
	<-retry.C
	defer retry.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
			err = r.within(ctx, loadDeadline, r.Load)
		case <-retry.C:
			err = r.within(ctx, loadDeadline, r.Load)
		case <-step.C:
			if err := r.within(ctx, stepDeadline, r.Housekeep); err != nil && ctx.Err() == nil {
				r.o.Logger.Warn("the schedule of signing keys could not be kept; it is tried again", "err", err)
			}
			continue
		}
		if err != nil && ctx.Err() == nil {
			r.o.Logger.Warn("signing keys could not be read; it is tried again", "err", err)
			retry.Reset(retryInterval)
		}
	}
}

// begin is [Ring.Prepare], as often as it takes.
func (r *Ring) begin(ctx context.Context) error {
	for failing := false; ; failing = true {
		err := r.within(ctx, stepDeadline, r.Prepare)
		if err == nil || errors.Is(err, ErrUnusable) {
			return err
		}
		if !failing && ctx.Err() == nil {
			r.o.Logger.Error("signing keys cannot be read; no token can be signed or verified until they are", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryInterval):
		}
	}
}

func (r *Ring) within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}

// Housekeep takes every step that is due, of each algorithm in use: it makes
// successors, lets them sign, and retires what has lingered long enough. Of
// several nodes that take a step at once one succeeds, and the others see it
// done.
func (r *Ring) Housekeep(ctx context.Context) error {
	if err := r.Load(ctx); err != nil {
		return err
	}
	err := errors.Join(r.retireAgain(ctx), r.retireLingering(ctx))
	for _, a := range r.o.Algorithms {
		err = errors.Join(err, r.rotateDue(ctx, a))
	}
	return errors.Join(err, r.fill(ctx))
}

// rotateDue lets the successor sign when the active key has signed long enough
// and everybody can know the successor.
func (r *Ring) rotateDue(ctx context.Context, a jwt.Algorithm) error {
	active, ok := r.row(a, auth.KeyActive)
	if ok && r.now().Before(active.ActiveAt.Add(r.o.RotateEvery)) {
		return nil
	}
	next, ok := r.row(a, auth.KeyNext)
	if !ok {
		return nil
	}
	err := r.maySign(ctx, next)
	if err == nil {
		err = r.succeed(ctx, Actor, next)
	}
	if err == nil {
		_, err = r.Reseal(ctx)
	}
	var early *NotYetError
	if errors.As(err, &early) {
		return nil
	}
	return err
}

// NotYetError says why a key may not sign yet.
type NotYetError struct {
	KeyID string
	// From is when its time of publication will be long enough; zero when it is.
	From time.Time
	// Missing are the nodes that do not list it yet.
	Missing []string
}

// Error implements error.
func (e *NotYetError) Error() string {
	var why []string
	if !e.From.IsZero() {
		why = append(why, "verifiers that keep a copy of the key set may not know it before "+e.From.UTC().Format("2006-01-02 15:04:05")+" UTC")
	}
	if len(e.Missing) > 0 {
		why = append(why, "these servers do not list it yet: "+strings.Join(e.Missing, ", "))
	}
	return "key " + e.KeyID + " may not sign yet: " + strings.Join(why, "; ")
}

// maySign says whether everybody can know the key: it was published for as long
// as verifiers keep their copy, and every live node lists it (guarantees R20).
func (r *Ring) maySign(ctx context.Context, k auth.Key) error {
	e := &NotYetError{KeyID: k.ID}
	if from := k.CreatedAt.Add(r.o.Lead); r.now().Before(from) {
		e.From = from
	}
	if !slices.Contains(r.KeyIDs(), k.ID) {
		e.Missing = append(e.Missing, "this one")
	}
	if r.o.Nodes != nil {
		nodes, err := r.o.Nodes.Nodes(ctx)
		if err != nil {
			return fmt.Errorf("ask which servers live: %w", err)
		}
		for _, n := range nodes {
			if !slices.Contains(n.Keys, k.ID) {
				e.Missing = append(e.Missing, nodeName(n))
			}
		}
	}
	if e.From.IsZero() && len(e.Missing) == 0 {
		return nil
	}
	return e
}

// nodeName is what people call a node.
func nodeName(n auth.Node) string {
	if n.Name == "" {
		return string(n.ID)
	}
	return n.Name + " (" + string(n.ID) + ")"
}

// retireAgain writes back what the database lacks: a key that was heard to be
// retired, and whose row says otherwise, as after a restored backup or a
// failover that lost commits (guarantees R2). This server refuses such a key
// whatever the row says; one that starts from the row would take it.
func (r *Ring) retireAgain(ctx context.Context) (err error) {
	for _, row := range r.rows() {
		if row.State == auth.KeyRetired || !r.isGone(row.ID) {
			continue
		}
		ret := Retirement{Key: row}
		if failed := r.retireNow(ctx, Actor, &ret); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		r.o.Logger.Error("the database lacks the retirement of a signing key, as after a restored backup or a failover that lost commits; it was written back",
			"kid", row.ID)
	}
	return err
}

// retireLingering takes away what has lingered long enough.
func (r *Ring) retireLingering(ctx context.Context) (err error) {
	for _, row := range r.rows() {
		if row.State == auth.KeyRetiring && !r.now().Before(row.RetiringAt.Add(r.o.Linger)) {
			err = errors.Join(err, r.change(ctx, func(t *turn) error { return t.move(Actor, row, auth.KeyRetired) }))
		}
	}
	return err
}

// fill makes what is missing: of each algorithm one key that signs and one that
// is next. A key that signs is made only where there was none that anybody could
// know: everywhere else it has been next. Whoever comes second finds the other's
// keys.
func (r *Ring) fill(ctx context.Context) error {
	for range fillTries {
		rows, next, err := r.missing()
		if err != nil || len(rows)+len(next) == 0 {
			return err
		}
		err = r.change(ctx, func(t *turn) error {
			for _, row := range next {
				if err := t.move(Actor, row, auth.KeyActive); err != nil {
					return err
				}
			}
			for _, row := range rows {
				if err := t.insert(Actor, row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fillTries: the first may meet another node's keys, the second finds what that
// node had no need of.
const fillTries = 3

// missing makes the keys that there are not, and names those that must sign
// because nothing else does: the one that did was given up by somebody who could
// not go on.
func (r *Ring) missing() (rows, promoted []auth.Key, err error) {
	for _, a := range r.o.Algorithms {
		_, active := r.row(a, auth.KeyActive)
		next, following := r.row(a, auth.KeyNext)
		if !active && following {
			promoted = append(promoted, next)
			active, following = true, false
		}
		for _, want := range []struct {
			state auth.KeyState
			there bool
		}{{auth.KeyActive, active}, {auth.KeyNext, following}} {
			if want.there {
				continue
			}
			row, err := r.generate(a, want.state)
			if err != nil {
				return nil, nil, err
			}
			rows = append(rows, row)
		}
	}
	return rows, promoted, nil
}

// generate makes a key and seals it. It stands in no row yet.
func (r *Ring) generate(a jwt.Algorithm, state auth.KeyState) (row auth.Key, err error) {
	k, err := jwt.Generate(a)
	for err == nil && strings.HasPrefix(k.ID(), "-") { // one of 64, which commands would take for a flag
		k, err = jwt.Generate(a)
	}
	if err != nil {
		return row, err
	}
	private, err := k.MarshalPrivate()
	if err != nil {
		return row, err
	}
	defer clear(private)
	public, err := k.AppendJWK(nil)
	if err != nil {
		return row, err
	}
	now := r.now()
	row = auth.Key{
		ID: k.ID(), Algorithm: string(a), State: state, Public: string(public),
		Private: r.masters.seal(k.ID(), string(a), private), CreatedAt: now,
	}
	if state == auth.KeyActive {
		row.ActiveAt = now
	}
	return row, nil
}

// rows are those that were read last.
func (r *Ring) rows() []auth.Key {
	if s := r.set.Load(); s != nil {
		return s.rows
	}
	return nil
}

// row is the only one of the algorithm in that state, next or active.
func (r *Ring) row(a jwt.Algorithm, state auth.KeyState) (auth.Key, bool) {
	for _, row := range r.rows() {
		if row.Algorithm == string(a) && row.State == state {
			return row, true
		}
	}
	return auth.Key{}, false
}

// succeed makes a key that is next the one that signs; the one that did is
// retiring from then on.
func (r *Ring) succeed(ctx context.Context, actor string, next auth.Key) error {
	active, ok := r.row(jwt.Algorithm(next.Algorithm), auth.KeyActive)
	return r.change(ctx, func(t *turn) error {
		if ok {
			if err := t.move(actor, active, auth.KeyRetiring); err != nil {
				return err
			}
		}
		return t.move(actor, next, auth.KeyActive)
	})
}
