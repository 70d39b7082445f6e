package keyring_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
)

func masters(list ...auth.Secret) func(*keyring.Options) {
	return func(o *keyring.Options) { o.Masters = list }
}

// proves: ASVS 13.3.1
func TestPrepare_aLostMasterKeyIsNoEmptyStore(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	token := s.token(s.prepared())
	before := append(s.keys(auth.KeyActive), s.keys(auth.KeyNext)...)
	r := s.ring(masters(otherMaster))
	err := r.Prepare(ctx)
	if !errors.Is(err, keyring.ErrUnusable) || !errors.Is(err, keyring.ErrMaster) {
		t.Fatalf("error %v", err)
	}
	for _, want := range append(before, "keys.master", "secrets", "gatehouse key retire") {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not speak of %s: %v", want, err)
		}
	}
	for _, secret := range []auth.Secret{master, otherMaster} {
		if strings.Contains(err.Error(), secret.Reveal()) {
			t.Error("the error shows a master key")
		}
	}
	if after := append(s.keys(auth.KeyActive), s.keys(auth.KeyNext)...); len(after) != 2 || after[0] != before[0] || after[1] != before[1] {
		t.Errorf("the keys are %v, and were %v", after, before)
	}
	if _, err := r.Sign("", "at+jwt", s.claims()); err == nil {
		t.Error("it signs")
	}
	if _, err := r.Verify(token, s.expected()); err == nil {
		t.Error("it verifies, though nothing vouches for the key")
	}
	if err := r.Run(ctx); !errors.Is(err, keyring.ErrUnusable) {
		t.Errorf("a server starts: %v", err)
	}
}

// The way out that the error names.
func TestRetire_givesUpWhatCannotBeOpened(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	old := s.token(s.prepared())
	active, next := s.only(auth.KeyActive), s.only(auth.KeyNext)
	r := s.ring(masters(otherMaster))
	for _, kid := range []string{active, next} {
		if _, err := r.Retire(ctx, "cli", kid, true); err != nil {
			t.Fatalf("retire %s: %v", kid, err)
		}
	}
	s.ok("prepare", r.Prepare(ctx))
	if _, err := s.verify(r, s.token(r)); err != nil {
		t.Error(err)
	}
	if _, err := s.verify(r, old); !errors.Is(err, jwt.UnknownKey) {
		t.Errorf("what the lost key signed: %v", err)
	}
	s.only(auth.KeyNext)
}

// Two restarts: last everywhere, then first everywhere. At no time does a server
// meet a key that it cannot open.
func TestReseal_makesTheOldMasterKeyNeedless(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	token := s.token(s.prepared())
	s.prepared(masters(master, otherMaster))
	behind := s.prepared(masters(master, otherMaster))
	first := s.prepared(masters(otherMaster, master))
	n, err := first.Reseal(ctx)
	if err != nil || n != 2 {
		t.Fatalf("%d keys sealed anew, error %v; want both", n, err)
	}
	if n, err := first.Reseal(ctx); err != nil || n != 0 {
		t.Errorf("again: %d keys, error %v", n, err)
	}
	s.ok("load", behind.Load(ctx))
	alone := s.prepared(masters(otherMaster))
	for _, r := range []*keyring.Ring{behind, first, alone} {
		if _, err := s.verify(r, token); err != nil {
			t.Error(err)
		}
	}
	if err := s.ring().Prepare(ctx); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("with the old one alone: %v", err)
	}
}

func TestHousekeep_sealsAnewWhenItRotates(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	s.prepared()
	r := s.prepared(masters(otherMaster, master))
	s.ok("housekeep", r.Housekeep(ctx))
	if err := s.ring(masters(otherMaster)).Prepare(ctx); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("sealed anew before the rotation: %v", err)
	}
	s.clock.Advance(every)
	s.ok("housekeep", r.Housekeep(ctx))
	s.prepared(masters(otherMaster))
}

// proves: ASVS 11.2.1
func TestDump_forgesNothing(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	r := s.prepared(func(o *keyring.Options) { o.Algorithms = jwt.Own() })
	token := s.token(r)
	rows, err := s.db.ListKeys(ctx)
	s.ok("list keys", err)

	// The file holds no private key in any of its usual forms.
	for _, suffix := range []string{"", "-wal"} {
		dump, err := os.ReadFile(s.path + suffix)
		s.ok("read the file", err)
		for _, sign := range []string{"PRIVATE KEY", `"d":`, "\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48", "\x04\x22\x04\x20", master.Reveal()} {
			if bytes.Contains(dump, []byte(sign)) {
				t.Errorf("%q is in gatehouse.db%s", sign, suffix)
			}
		}
	}
	// What is in the rows signs nothing by itself, nor under any guess at a
	// master key that the rows allow.
	for _, row := range rows {
		for _, guess := range []string{row.ID, row.Public, base64.StdEncoding.EncodeToString(row.Private)} {
			thief := s.ring(masters(auth.Secret(guess)), func(o *keyring.Options) { o.Algorithms = jwt.Own() })
			s.ok("load", thief.Load(ctx))
			if _, err := thief.Sign(jwt.Algorithm(row.Algorithm), "at+jwt", s.claims()); err == nil {
				t.Errorf("signed with what the dump holds")
			}
		}
		if _, err := jwt.ParsePrivate(jwt.Algorithm(row.Algorithm), row.Private); err == nil {
			t.Errorf("the private part of %s is in the clear", row.ID)
		}
	}
	// And the public key as a shared secret is the oldest trick.
	for _, row := range rows {
		confused, err := jwt.NewSecret(row.ID, jwt.HS256, []byte(row.Public))
		s.ok("secret", err)
		forged, err := confused.Sign("at+jwt", s.claims())
		s.ok("sign", err)
		if _, err := s.verify(r, forged); !errors.Is(err, jwt.WrongAlgorithm) {
			t.Errorf("an HMAC under the public key: %v", err)
		}
	}
	if _, err := s.verify(r, token); err != nil {
		t.Errorf("the server's own: %v", err)
	}
}

// Who can write to the database, and no more, adds no key: not one of his own,
// not one that was moved to another row, or made out to be for another
// algorithm, or brought back from the dead.
func TestLoad_takesNoKeyThatWasNotSealedForItsRow(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	r := s.prepared()
	intruder := newSite(t)
	foreign := intruder.token(intruder.prepared(masters(otherMaster)))
	stolen, err := intruder.db.ListKeys(ctx)
	s.ok("list keys", err)
	own, err := s.db.ListKeys(ctx)
	s.ok("list keys", err)
	for _, row := range stolen {
		row.State, row.RetiringAt = auth.KeyRetiring, s.clock.Now()
		s.ok("insert a key", s.db.InsertKey(ctx, row))
		other := "A"
		if strings.HasSuffix(row.ID, other) {
			other = "E"
		}
		row.ID, row.Private = row.ID[:len(row.ID)-1]+other, own[0].Private // sealed for another row
		s.ok("insert a key", s.db.InsertKey(ctx, row))
	}
	s.ok("load", r.Load(ctx))
	if _, err := s.verify(r, foreign); !errors.Is(err, jwt.UnknownKey) {
		t.Errorf("a token of the intruder's: %v", err)
	}
	for _, kid := range published(t, r) {
		if kid != own[0].ID && kid != own[1].ID {
			t.Errorf("published: %s", kid)
		}
	}
	text, _, err := r.JWKS()
	s.ok("key set", err)
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) != 2 {
		t.Errorf("%s (error %v), want two keys", text, err)
	}
}

// One bit of a sealed key is enough.
//
// proves: ASVS 11.3.3
func TestPrepare_refusesWhatWasAltered(t *testing.T) {
	ctx, s := context.Background(), newSite(t)
	s.prepared()
	rows, err := s.db.ListKeys(ctx)
	s.ok("list keys", err)
	good := rows[0].Private
	for _, at := range []int{0, 1, 7, 19, len(good) - 1} {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		s.ok("alter", s.db.ResealKey(ctx, rows[0].ID, bad))
		if err := s.ring().Prepare(ctx); !errors.Is(err, keyring.ErrUnusable) {
			t.Errorf("octet %d altered: %v", at, err)
		}
	}
	for _, bad := range [][]byte{{}, {1}, good[:len(good)-1], append(bytes.Clone(good), 0)} {
		s.ok("alter", s.db.ResealKey(ctx, rows[0].ID, bad))
		if err := s.ring().Prepare(ctx); !errors.Is(err, keyring.ErrUnusable) {
			t.Errorf("%d octets: %v", len(bad), err)
		}
	}
	s.ok("mend", s.db.ResealKey(ctx, rows[0].ID, good))
	s.prepared()
}
