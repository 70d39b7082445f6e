package keyring_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
)

func TestRotate_waitsUnlessToldNotTo(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	r := s.prepared()
	first, second := s.only(auth.KeyActive), s.only(auth.KeyNext)
	old := s.token(r)
	_, err := r.Rotate(ctx, "cli", jwt.ES256, false)
	var early *keyring.NotYetError
	if !errors.As(err, &early) || !early.From.Equal(s.clock.Now().Add(lead)) || len(early.Missing) != 0 {
		t.Fatalf("error %v, want to be told of the time from which it can", err)
	}
	if s.only(auth.KeyActive) != first {
		t.Fatal("rotated all the same")
	}
	rot, err := r.Rotate(ctx, "cli", jwt.ES256, true)
	if err != nil || rot.From != first || rot.To != second || rot.Early == nil {
		t.Errorf("%+v, error %v", rot, err)
	}
	s.clock.Advance(lead)
	rot, err = r.Rotate(ctx, "cli", jwt.ES256, false)
	if err != nil || rot.From != second || rot.Early != nil {
		t.Errorf("after an hour: %+v, error %v", rot, err)
	}
	s.clock.Advance(-lead)
	for _, token := range []string{old, s.token(r)} {
		if _, err := s.verify(r, token); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Rotate(ctx, "cli", jwt.EdDSA, true); !errors.Is(err, keyring.ErrState) {
		t.Errorf("of an algorithm that is not in use: %v", err)
	}
	events, err := s.db.ListEvents(ctx, "", 100)
	s.ok("list events", err)
	if !slices.ContainsFunc(events, func(e auth.Event) bool {
		return e.Type == auth.EventKeyRotated && e.Actor == "cli" && e.Subject == "key:"+second
	}) {
		t.Errorf("the audit record does not say who: %+v", events)
	}
}

// proves: ASVS 7.4.1
func TestRetire_nowRefusesAtOnceAndEverywhere(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	s.nodes = &nodes{}
	r, other, feed := s.prepared(), s.prepared(), s.feed()
	active, next := s.only(auth.KeyActive), s.only(auth.KeyNext)
	s.nodes.list = []auth.Node{{ID: "nod_a", Name: "a", Keys: []string{active, next}}, {ID: "nod_b", Keys: []string{active, next}}}
	token := s.token(r)
	ret, err := r.Retire(ctx, "cli", active, true)
	if err != nil || ret.Successor != next || ret.Key.ID != active || ret.Early == nil || !ret.CopiesUntil.After(s.clock.Now()) {
		t.Fatalf("%+v, error %v", ret, err)
	}
	if _, err := s.verify(r, token); !errors.Is(err, jwt.UnknownKey) {
		t.Errorf("here: %v", err)
	}
	if _, err := s.verify(other, token); err != nil {
		t.Fatalf("a node that has heard nothing refuses: %v; then what follows proves nothing", err)
	}
	for _, c := range feed() { // no more than hearing: nothing is read
		other.Changed(c)
	}
	if _, err := s.verify(other, token); !errors.Is(err, jwt.UnknownKey) || other.Knows(active) || slices.Contains(other.KeyIDs(), active) {
		t.Errorf("on a node that has heard: %v; knows it: %v", err, other.Knows(active))
	}
	if kid, err := s.verify(r, s.token(r)); err != nil || kid != next {
		t.Errorf("the next token is signed by %q, error %v", kid, err)
	}
	if names, err := r.Lagging(ctx, active); err != nil || !slices.Equal(names, []string{"a (nod_a)", "nod_b"}) {
		t.Errorf("lagging: %v, error %v", names, err)
	}
	s.nodes.list[0].Keys = []string{next}
	if names, err := r.Lagging(ctx, active); err != nil || !slices.Equal(names, []string{"nod_b"}) {
		t.Errorf("lagging: %v, error %v", names, err)
	}
	rows, err := s.db.ListKeys(ctx)
	s.ok("list keys", err)
	for _, k := range rows {
		if k.ID == active && (k.State != auth.KeyRetired || len(k.Private) != 0) {
			t.Errorf("the row: %s, with a private part of %d octets", k.State, len(k.Private))
		}
	}
}

// A reading that began before the retirement and ends after it must not bring
// the key back.
func TestChanged_winsOverAReadingUnderWay(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	slow := &slowStore{Store: s.store()}
	node, r := s.prepared(func(o *keyring.Options) { o.Store = slow }), s.prepared()
	active := s.only(auth.KeyActive)
	slow.after = func() { // the rows are read, and not yet used
		slow.after = nil
		_, err := r.Retire(ctx, "cli", active, true)
		s.ok("retire", err)
		node.Changed(auth.Change{Kind: auth.ChangeKeys, KeyID: active, Value: 1})
	}
	s.ok("load", node.Load(ctx))
	if node.Knows(active) {
		t.Error("an old reading brought a retired key back")
	}
	s.ok("load", node.Load(ctx))
	if node.Knows(active) {
		t.Error("a new reading brought a retired key back")
	}
}

func TestRetire_withoutNowKeepsToTheSchedule(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	r := s.prepared()
	first, second := s.only(auth.KeyActive), s.only(auth.KeyNext)
	var early *keyring.NotYetError
	if _, err := r.Retire(ctx, "cli", first, false); !errors.As(err, &early) {
		t.Fatalf("retired a key whose successor nobody can know: %v", err)
	}
	s.clock.Advance(lead)
	token := s.token(r)
	ret, err := r.Retire(ctx, "cli", first, false)
	if err != nil || ret.Successor != second || s.only(auth.KeyRetiring) != first {
		t.Fatalf("%+v, error %v", ret, err)
	}
	if _, err := s.verify(r, token); err != nil {
		t.Errorf("what it signed: %v", err)
	}
	if _, err := r.Retire(ctx, "cli", first, false); !errors.Is(err, keyring.ErrState) {
		t.Errorf("a retiring one: %v", err)
	}
	third := s.only(auth.KeyNext)
	if _, err := r.Retire(ctx, "cli", third, false); err != nil || s.only(auth.KeyNext) == third {
		t.Errorf("a next one: %v; next is %v", err, s.keys(auth.KeyNext))
	}
	if _, err := r.Retire(ctx, "cli", third, true); !errors.Is(err, keyring.ErrState) {
		t.Errorf("a retired one: %v", err)
	}
	if _, err := r.Retire(ctx, "cli", "nobody", true); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestList_saysWhatIsAndWhatComes(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	r := s.prepared()
	s.clock.Advance(every)
	s.ok("housekeep", r.Housekeep(ctx))
	now := s.clock.Now()
	list, err := s.ring(masters(otherMaster, master)).List(ctx)
	s.ok("list", err)
	due := map[auth.KeyState]time.Time{auth.KeyNext: now.Add(lead), auth.KeyActive: now.Add(every), auth.KeyRetiring: now.Add(linger)}
	for _, k := range list {
		if k.Fault != nil || k.Sealed || !k.InUse || !k.Due.Equal(due[k.State]) {
			t.Errorf("%+v, want it due at %v", k, due[k.State])
		}
		delete(due, k.State)
	}
	if len(due) != 0 {
		t.Errorf("no key is %v", due)
	}
	list, err = s.ring(masters(otherMaster), func(o *keyring.Options) { o.Algorithms = []jwt.Algorithm{jwt.EdDSA} }).List(ctx)
	s.ok("list", err)
	for _, k := range list {
		if !errors.Is(k.Fault, keyring.ErrMaster) || k.InUse {
			t.Errorf("without its master key: %+v", k)
		}
	}
}

// A store that does not answer decides nothing and takes nothing away.
func TestRing_goesOnWithWhatItHasWhileTheStoreIsAway(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	slow := &slowStore{Store: s.db}
	r := s.prepared(func(o *keyring.Options) { o.Store = slow })
	token := s.token(r)
	slow.away = errors.New("away")
	for name, do := range map[string]func() error{
		"load": func() error { return r.Load(ctx) }, "housekeep": func() error { return r.Housekeep(ctx) },
		"rotate": func() error { _, err := r.Rotate(ctx, "cli", jwt.ES256, true); return err },
		"retire": func() error { _, err := r.Retire(ctx, "cli", s.only(auth.KeyActive), true); return err },
		"reseal": func() error { _, err := r.Reseal(ctx); return err },
		"list":   func() error { _, err := r.List(ctx); return err },
	} {
		if err := do(); err == nil || errors.Is(err, keyring.ErrUnusable) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := s.verify(r, token); err != nil {
		t.Error(err)
	}
	s.only(auth.KeyActive)
	s.only(auth.KeyNext)
}

// A database that was put back to an earlier state knows nothing of an emergency
// retirement. The servers that do write it back: otherwise the next one to start
// would take what the stolen key signs, and none could sign until then, because
// the row says that the refused key is the one to do it.
func TestHousekeep_retiresAgainWhatARestoredDatabaseBroughtBack(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	r := s.prepared()
	stolen, next := s.only(auth.KeyActive), s.only(auth.KeyNext)
	forged := s.token(r)
	backup, err := s.db.ListKeys(ctx)
	s.ok("list keys", err)
	_, err = r.Retire(ctx, "cli", stolen, true)
	s.ok("retire", err)
	restored := newSite(t)
	for _, row := range backup {
		s.ok("restore", restored.db.InsertKey(ctx, row))
	}
	after := restored.prepared() // the control: a server that knows no more than the rows
	if _, err := s.verify(after, forged); err != nil {
		t.Fatalf("the restored rows do not bring the key back (%v), so this test proves nothing", err)
	}
	running := s.ring(func(o *keyring.Options) { o.Store = restored.db })
	running.Changed(auth.Change{Kind: auth.ChangeKeys, KeyID: stolen, Value: 1})
	s.ok("load", running.Load(ctx))
	s.ok("housekeep", running.Housekeep(ctx))
	if restored.only(auth.KeyActive) != next || !slices.Contains(restored.keys(auth.KeyRetired), stolen) {
		t.Errorf("active %v, retired %v", restored.keys(auth.KeyActive), restored.keys(auth.KeyRetired))
	}
	if kid, err := s.verify(running, s.token(running)); err != nil || kid != next {
		t.Errorf("the next token is signed by %q, error %v", kid, err)
	}
	if _, err := s.verify(restored.prepared(), forged); !errors.Is(err, jwt.UnknownKey) {
		t.Errorf("a server that starts then: %v", err)
	}
	rows, err := restored.db.ListKeys(ctx)
	s.ok("list keys", err)
	s.ok("housekeep again", running.Housekeep(ctx))
	again, err := restored.db.ListKeys(ctx)
	s.ok("list keys", err)
	if len(again) != len(rows) {
		t.Errorf("%d keys, and %d after one more step", len(rows), len(again))
	}
}

// The ID of a key is typed after "key retire", where a hyphen begins a flag.
// One of 64 thumbprints begins with one.
func TestRotate_noKeyIDLooksLikeAFlag(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	r := s.prepared()
	for range 150 {
		rot, err := r.Rotate(ctx, "cli", jwt.ES256, true)
		s.ok("rotate", err)
		if strings.HasPrefix(rot.To, "-") {
			t.Fatalf("the key %s signs", rot.To)
		}
	}
}
