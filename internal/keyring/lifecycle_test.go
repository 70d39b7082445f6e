package keyring_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

func TestPrepare_makesAKeyThatSignsAtOnceOnAnEmptyStore(t *testing.T) {
	s := newSite(t)
	r := s.prepared()
	kid, err := s.verify(r, s.token(r))
	if err != nil || kid != s.only(auth.KeyActive) {
		t.Errorf("signed by %q, error %v", kid, err)
	}
	if next := s.only(auth.KeyNext); next == kid || !r.Knows(next) {
		t.Errorf("the next key is %s, known: %v", next, r.Knows(next))
	}
}

func TestRing_saysNothingBeforeItHasRead(t *testing.T) {
	s := newSite(t)
	token := s.token(s.prepared())
	r := s.ring()
	if _, err := r.Sign("", "at+jwt", s.claims()); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("sign: %v", err)
	}
	if _, err := r.Verify(token, s.expected()); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("a good token: %v, and that is no verdict", err)
	}
	if _, _, err := r.JWKS(); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("key set: %v", err)
	}
	if ids := r.KeyIDs(); ids != nil {
		t.Errorf("lists %v", ids)
	}
	s.ok("load", r.Load(context.Background()))
	if _, err := r.Verify(token, s.expected()); err != nil {
		t.Errorf("once it has: %v", err)
	}
}

// Two servers that start at once on an empty store end with the same key.
func TestPrepare_manyAtOnceMakeOneActiveKey(t *testing.T) {
	for range 5 {
		s := newSite(t)
		var rings []*keyring.Ring
		for range 6 {
			rings = append(rings, s.ring(func(o *keyring.Options) { o.Store = s.store() }))
		}
		var all sync.WaitGroup
		for _, r := range rings {
			all.Go(func() {
				if err := r.Prepare(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		active := s.only(auth.KeyActive)
		s.only(auth.KeyNext)
		for _, r := range rings {
			s.ok("load", r.Load(context.Background()))
			for _, other := range rings {
				if kid, err := s.verify(other, s.token(r)); err != nil || kid != active {
					t.Errorf("signed by %q, error %v", kid, err)
				}
			}
		}
	}
}

// proves: ASVS 13.3.4
func TestHousekeep_rotatesOnScheduleAndNoTokenIsLost(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	r := s.prepared()
	first, second := s.only(auth.KeyActive), s.only(auth.KeyNext)
	s.clock.Advance(every - time.Second)
	s.ok("housekeep", r.Housekeep(ctx))
	if s.only(auth.KeyActive) != first {
		t.Fatal("rotated before its time")
	}
	s.clock.Advance(time.Second)
	old := s.token(r)
	s.ok("housekeep", r.Housekeep(ctx))
	if s.only(auth.KeyActive) != second || s.only(auth.KeyRetiring) != first {
		t.Fatalf("active %v, retiring %v; want %s and %s", s.keys(auth.KeyActive), s.keys(auth.KeyRetiring), second, first)
	}
	third := s.only(auth.KeyNext)
	if kid, err := s.verify(r, s.token(r)); err != nil || kid != second {
		t.Errorf("signed by %q, error %v", kid, err)
	}
	if kid, err := s.verify(r, old); err != nil || kid != first {
		t.Errorf("signed before the rotation: %q, error %v", kid, err)
	}
	if got, want := published(t, r), sorted(first, second, third); !slices.Equal(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}
	s.clock.Advance(linger - time.Second)
	s.ok("housekeep", r.Housekeep(ctx))
	if s.only(auth.KeyRetiring) != first {
		t.Error("retired before the last of its tokens can have ended")
	}
	s.clock.Advance(time.Second)
	s.ok("housekeep", r.Housekeep(ctx))
	if s.only(auth.KeyRetired) != first || r.Knows(first) {
		t.Errorf("retired %v; known: %v", s.keys(auth.KeyRetired), r.Knows(first))
	}
	if got, want := published(t, r), sorted(second, third); !slices.Equal(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}
}

func sorted(ids ...string) []string { return slices.Sorted(slices.Values(ids)) }

// published is what the key set names, in order of names, read by another
// implementation.
func published(t *testing.T, r *keyring.Ring) (ids []string) {
	t.Helper()
	text, age, err := r.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	if age <= 0 || age > lead {
		t.Errorf("others may keep it for %v, and a key is published for %v before it signs", age, lead)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, k := range set.Keys {
		sum, err := k.Thumbprint(hashSHA256)
		if err != nil || !k.IsPublic() || !k.Valid() || k.Use != "sig" || k.Algorithm == "" || k.KeyID != encoded(sum) {
			t.Errorf("published: %+v (error %v)", k, err)
		}
		ids = append(ids, k.KeyID)
	}
	return sorted(ids...)
}

// proves: ASVS 11.1.1
func TestHousekeep_waitsUntilEverybodyCanKnowTheKey(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	s.nodes = &nodes{}
	r := s.prepared(func(o *keyring.Options) { o.RotateEvery = lead / 2 }) // wants to rotate before the key was published for long enough
	first, second := s.only(auth.KeyActive), s.only(auth.KeyNext)
	all := []string{first, second}
	stays := func(why string) {
		t.Helper()
		s.ok("housekeep", r.Housekeep(ctx))
		if s.only(auth.KeyActive) != first {
			t.Fatalf("rotated, although %s", why)
		}
	}
	s.nodes.list = []auth.Node{{ID: "nod_a", Keys: all}, {ID: "nod_b", Keys: all}}
	s.clock.Advance(lead - time.Second)
	stays("it was published for less than verifiers may keep their copy")
	s.clock.Advance(time.Second)
	s.nodes.list[1].Keys = []string{first}
	stays("one server does not list it")
	s.nodes.list[1].Keys, s.nodes.err = all, errors.New("away")
	if err := r.Housekeep(ctx); err == nil || s.only(auth.KeyActive) != first {
		t.Fatalf("rotated while it is not known who lives (error %v)", err)
	}
	s.nodes.err = nil
	s.ok("housekeep", r.Housekeep(ctx))
	if s.only(auth.KeyActive) != second {
		t.Error("not rotated, although everybody lists it")
	}
}

// Many nodes keep the schedule at the same moment: one step is taken.
func TestHousekeep_manyAtOnceTakeOneStep(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	var rings []*keyring.Ring
	for range 6 {
		rings = append(rings, s.prepared(func(o *keyring.Options) { o.Store = s.store() }))
	}
	for range 4 {
		before := s.only(auth.KeyNext)
		s.clock.Advance(every)
		var all sync.WaitGroup
		for _, r := range rings {
			all.Go(func() {
				if err := r.Housekeep(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if s.only(auth.KeyActive) != before {
			t.Fatalf("active is %s, want %s", s.only(auth.KeyActive), before)
		}
		s.only(auth.KeyNext)
	}
	if n := len(s.keys(auth.KeyRetiring)) + len(s.keys(auth.KeyRetired)); n != 4 {
		t.Errorf("%d keys have signed before, want 4", n)
	}
	events, err := s.db.ListEvents(ctx, "", 100)
	s.ok("list events", err)
	count := map[auth.EventType]int{}
	for _, e := range events {
		count[e.Type]++
	}
	if count[auth.EventKeyRotated] != 4 || count[auth.EventKeyCreated] != 6 {
		t.Errorf("the audit record has %v; want 4 rotations and 6 new keys", count)
	}
}

// A node that has not read the keys anew since the rotation takes what the new
// key signs: it has known it as the next one.
func TestVerify_takesWhatANextKeySignsOnAnotherNode(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	here, there := s.prepared(), s.prepared()
	s.clock.Advance(every)
	s.ok("housekeep", here.Housekeep(ctx))
	if _, err := s.verify(there, s.token(here)); err != nil {
		t.Errorf("before it has heard of the rotation: %v", err)
	}
	if _, err := s.verify(here, s.token(there)); err != nil {
		t.Errorf("signed by the node that has not heard: %v", err)
	}
}

// Every change of state is a row of the feed, in the transaction of the change.
func TestChanged_makesOtherNodesReadAnew(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	spied := &spiedStore{Store: s.store(), read: make(chan struct{}, 100)}
	here, there, feed := s.prepared(), s.prepared(func(o *keyring.Options) { o.Store = spied }), s.feed()
	s.clock.Advance(every)
	s.ok("housekeep", here.Housekeep(ctx))
	changes := feed()
	var kids []string
	for _, c := range changes {
		if c.Kind != auth.ChangeKeys || !c.Until.Equal(s.clock.Now().Add(linger)) || c.Value != 0 {
			t.Errorf("change %+v", c)
		}
		kids = append(kids, c.KeyID)
	}
	want := []string{s.only(auth.KeyRetiring), s.only(auth.KeyActive), s.only(auth.KeyNext)}
	if !slices.Equal(kids, want) {
		t.Errorf("the feed names %v, want %v", kids, want)
	}
	running, cancel := context.WithCancel(ctx)
	end := make(chan error, 1)
	go func() { end <- there.Run(running) }()
	for _, c := range changes {
		there.Changed(c)
	}
	late := time.After(10 * time.Second)
	for !there.Knows(want[2]) {
		select {
		case <-spied.read:
		case <-late:
			t.Fatal("ten seconds later it does not know the new key")
		}
	}
	cancel()
	if err := <-end; err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

// slowStore does something once the keys were read, or is away.
type slowStore struct {
	store.Store
	after func()
	away  error
}

func (s *slowStore) ListKeys(ctx context.Context) ([]auth.Key, error) {
	if s.away != nil {
		return nil, s.away
	}
	rows, err := s.Store.ListKeys(ctx)
	if s.after != nil {
		s.after()
	}
	return rows, err
}

// spiedStore tells, a little later, of each reading of the keys.
type spiedStore struct {
	store.Store
	read chan struct{}
}

func (s *spiedStore) ListKeys(ctx context.Context) ([]auth.Key, error) {
	defer func() { time.AfterFunc(20*time.Millisecond, func() { s.read <- struct{}{} }) }()
	return s.Store.ListKeys(ctx)
}

func TestHousekeep_keepsEachAlgorithm(t *testing.T) {
	s := newSite(t)
	r := s.prepared(func(o *keyring.Options) { o.Algorithms = jwt.Own() })
	for _, a := range jwt.Own() {
		token, err := r.Sign(a, "at+jwt", s.claims())
		s.ok("sign", err)
		c, err := r.Verify(token, s.expected())
		if err != nil || c.Algorithm != a {
			t.Errorf("%s: verified as %s, error %v", a, c.Algorithm, err)
		}
	}
	if n := len(published(t, r)); n != 6 {
		t.Errorf("%d keys are published, want 6", n)
	}
	if _, err := r.Sign(jwt.PS256, "at+jwt", s.claims()); !errors.Is(err, auth.CodeUnavailable) {
		t.Errorf("signed with an algorithm that is not in use: %v", err)
	}
}

func TestNew_refusesWhatIsNoKeyring(t *testing.T) {
	s := newSite(t)
	for name, spoil := range map[string]func(*keyring.Options){
		"no master key":       func(o *keyring.Options) { o.Masters = nil },
		"no algorithm":        func(o *keyring.Options) { o.Algorithms = nil },
		"a shared secret":     func(o *keyring.Options) { o.Algorithms = []jwt.Algorithm{jwt.HS256} },
		"an algorithm unkept": func(o *keyring.Options) { o.Algorithms = []jwt.Algorithm{jwt.ES256, "none"} },
	} {
		o := s.options()
		spoil(&o)
		if _, err := keyring.New(o); err == nil || !strings.HasPrefix(err.Error(), "keyring: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A server whose own clock is wrong keeps the schedule all the same, by the clock
// of the database: it neither lets a key sign that nobody knows yet, nor takes
// away one whose tokens are good.
func TestHousekeep_goesByTheDatabasesClock(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		corrected bool
		moved     bool
	}{"corrected": {true, false}, "the control": {false, true}} {
		s := newSite(t)
		r := s.prepared()
		s.clock.Advance(every)
		s.ok("rotate", r.Housekeep(ctx)) // so that one is retiring
		active, retiring, token := s.only(auth.KeyActive), s.only(auth.KeyRetiring), s.token(r)
		const off = 100 * 24 * time.Hour
		wrong := s.ring(func(o *keyring.Options) {
			o.Now = func() time.Time { return s.clock.Now().Add(off) }
			if c.corrected {
				o.Ahead = func() time.Duration { return -off }
			}
		})
		s.ok("load", wrong.Load(ctx))
		s.ok("housekeep", wrong.Housekeep(ctx))
		moved := s.only(auth.KeyActive) != active || !slices.Contains(s.keys(auth.KeyRetiring), retiring)
		if moved != c.moved {
			t.Errorf("%s: keys were moved: %v", name, moved)
		}
		if _, err := s.verify(wrong, token); err != nil {
			t.Errorf("%s: a token of the key that signed: %v", name, err)
		}
	}
}
