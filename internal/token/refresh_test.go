package token_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// proves: NEXT-15
func TestRefresh_replacesTheToken(t *testing.T) {
	s := newSite(t)
	first := s.grant(own)
	second := s.must("at once", first.Refresh)
	if second.Refresh == first.Refresh || second.Access == first.Access {
		t.Fatal("the first refresh does not replace the token")
	}
	if f := s.family(first.Refresh); f.Generation != 2 || f.EndedAt != (time.Time{}) {
		t.Errorf("the row has generation %d, ended %v", f.Generation, f.EndedAt)
	}
	if !s.good(second.Access) || !s.good(first.Access) {
		t.Error("an access token of a live family is not good")
	}
	s.afterGrace()
	third := s.must("later", second.Refresh)
	if third.Refresh == second.Refresh || s.family(first.Refresh).Generation != 3 {
		t.Error("the second refresh does not replace the token")
	}
}

// One rotation in ten seconds: the current token comes back as it is, and the
// one before gets the same successor, so that two tabs both go on.
func TestRefresh_givesTheSameSuccessorWithinTheGrace(t *testing.T) {
	s := newSite(t)
	first := s.grant(own)
	second := s.must("rotate", first.Refresh)
	for _, wait := range []time.Duration{0, time.Second, 3 * time.Second, 5 * time.Second} {
		s.Advance(wait)
		for doing, text := range map[string]auth.Secret{"the current": second.Refresh, "the one before": first.Refresh} {
			if g := s.must(doing, text); g.Refresh != second.Refresh || !s.good(g.Access) {
				t.Errorf("%s after %v gets another token", doing, wait)
			}
		}
	}
	if n := s.family(first.Refresh).Generation; n != 2 {
		t.Errorf("generation %d, want one rotation", n)
	}
}

// RFC 9700 §4.14.2. The session goes on: its cookie was not stolen.
//
// proves: BCP-9
func TestRefresh_reusedTokenEndsTheFamilyEverywhere(t *testing.T) {
	for name, replay := range map[string]func(s *site, chain []token.Grant) auth.Secret{
		"the one before, after the grace": func(s *site, chain []token.Grant) auth.Secret {
			s.afterGrace()
			return chain[1].Refresh
		},
		"an older one, within the grace": func(s *site, chain []token.Grant) auth.Secret { return chain[0].Refresh },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			chain := []token.Grant{s.grant(own)}
			other := s.grant(own)
			for range 2 {
				s.afterGrace()
				chain = append(chain, s.must("rotate", chain[len(chain)-1].Refresh))
			}
			_, err := s.refresh(replay(s, chain))
			wantCode(t, "replay", err, auth.CodeInvalidGrant)
			_, err = s.refresh(chain[2].Refresh)
			wantCode(t, "the current token after it", err, auth.CodeInvalidGrant)
			if s.good(chain[2].Access) {
				t.Error("an access token of the family is still good")
			}
			if f := s.family(chain[0].Refresh); f.EndReason != auth.EndReused || !s.recorded(auth.EventRefreshReused) {
				t.Errorf("the row says %q, and the record has the reuse: %v", f.EndReason, s.recorded(auth.EventRefreshReused))
			}
			if g := s.must("another family", other.Refresh); !s.good(g.Access) {
				t.Error("another family of the user ended too")
			}
		})
	}
}

// Five tabs that wake up late are honest, a sixth is not believed.
func TestRefresh_countsThoseWhoComeLate(t *testing.T) {
	s := newSite(t)
	first := s.grant(own)
	second := s.must("rotate", first.Refresh)
	for range 20 {
		s.must("together", first.Refresh)
	}
	s.Advance(2 * time.Second)
	for n := range 5 {
		if g := s.must(fmt.Sprint("late ", n), first.Refresh); g.Refresh != second.Refresh {
			t.Errorf("the late one %d gets another token", n)
		}
	}
	if !s.recorded(auth.EventRefreshRepeated) || !s.good(second.Access) {
		t.Fatal("five late ones are not recorded, or believed to be thieves")
	}
	_, err := s.refresh(first.Refresh)
	wantCode(t, "a sixth", err, auth.CodeInvalidGrant)
	if s.family(first.Refresh).EndReason != auth.EndReused {
		t.Error("the family lives on")
	}
}

// The ID of the family stands in every access token, so naming it must not be a
// way to sign somebody out.
func TestRefresh_aWrongSecretHasNoEffect(t *testing.T) {
	s := newSite(t)
	first := s.grant(own)
	s.afterGrace()
	second := s.must("rotate", first.Refresh)
	s.afterGrace()
	parts := strings.Split(second.Refresh.Reveal(), ".")
	other := strings.Split(s.grant(own).Refresh.Reveal(), ".")
	zero := strings.Repeat("A", 43)
	for name, text := range map[string]string{
		"no secret of ours":         parts[0] + ".2." + zero,
		"a replaced generation":     parts[0] + ".1." + zero,
		"a generation to come":      parts[0] + ".3." + zero,
		"the secret of another n":   parts[0] + ".1." + parts[2],
		"ahead with this secret":    parts[0] + ".3." + parts[2],
		"another family's secret":   parts[0] + ".2." + other[2],
		"a family that is not here": string(auth.NewFamilyID(roomtest.Start)) + ".1." + parts[2],
	} {
		_, err := s.refresh(auth.Secret(text))
		wantCode(t, name, err, auth.CodeInvalidGrant)
	}
	if f := s.family(second.Refresh); !f.EndedAt.IsZero() || f.Generation != 2 || f.Retries != 0 {
		t.Errorf("the family changed: %+v", f)
	}
	if g := s.must("the right one", second.Refresh); !s.good(g.Access) {
		t.Error("the right token is not good after it")
	}
}

func TestRefresh_ofARestoredDatabaseAlarmsAndEndsNothing(t *testing.T) {
	s := newSite(t)
	first := s.grant(own)
	backup := s.family(first.Refresh)
	second := s.must("rotate", first.Refresh)
	s.afterGrace()
	third := s.must("rotate", second.Refresh)
	restore(t, s, backup)
	for doing, text := range map[string]auth.Secret{"two ahead": third.Refresh, "one ahead": second.Refresh} {
		_, err := s.refresh(text)
		wantCode(t, doing, err, auth.CodeInvalidGrant)
	}
	if !s.recorded(auth.EventRefreshAhead) || s.tokens.Stats().Ahead != 2 {
		t.Error("nobody is told")
	}
	if f := s.family(first.Refresh); !f.EndedAt.IsZero() || f.Generation != 1 {
		t.Errorf("the family of the backup changed: %+v", f)
	}
	if g := s.must("whoever is where the backup is", first.Refresh); !s.good(g.Access) {
		t.Error("not good")
	}
}

// restore puts an earlier state of a family back, as a backup does.
func restore(t *testing.T, s *site, f auth.Family) {
	t.Helper()
	s.Exec(t, "DELETE FROM families")
	if err := s.DB.InsertFamily(ctx, f); err != nil {
		t.Fatal(err)
	}
}

// proves: BCP-8
func TestRefresh_endsWhenNobodyUsesItAndInAnyCase(t *testing.T) {
	s := newSite(t)
	idle := s.grant(own)
	s.Advance(roomtest.RefreshIdle - time.Second)
	idle = s.must("just in time", idle.Refresh)
	s.Advance(roomtest.RefreshIdle)
	_, err := s.refresh(idle.Refresh)
	wantCode(t, "idle", err, auth.CodeInvalidGrant)

	used := s.grant(token.Demand{Scope: token.OfflineAccess})
	for end := s.Clock.Now().Add(roomtest.RefreshAbsolute); ; {
		if !s.Clock.Now().Add(roomtest.RefreshIdle / 2).Before(end) {
			s.Advance(end.Sub(s.Clock.Now()) - time.Second)
			last := s.must("a second before the end", used.Refresh)
			if last.ExpiresIn > time.Second {
				t.Errorf("an access token outlives its family by %v", last.ExpiresIn-time.Second)
			}
			s.Advance(time.Second)
			_, err := s.refresh(last.Refresh)
			wantCode(t, "at the absolute end", err, auth.CodeInvalidGrant)
			return
		}
		s.Advance(roomtest.RefreshIdle / 2)
		used = s.must("in use", used.Refresh)
	}
}

// proves: ASVS 7.4.1, BCP-10
func TestRefresh_endsWithWhatItRestsOn(t *testing.T) {
	offline := token.Demand{Audience: roomtest.OwnAPI, Scope: token.OfflineAccess}
	for _, c := range []struct {
		name             string
		do               func(s *site, g token.Grant) error
		online, lastsOff bool
	}{
		{"sign-out", func(s *site, g token.Grant) error { return s.signOut(g) }, false, true},
		{"revoked from another device", func(s *site, g token.Grant) error {
			other, _ := s.Begin(t, s.V4, s.ann, nil)
			_, err := s.Sessions.Revoke(ctx, other.Principal(), g.SessionID, auth.Device{})
			return err
		}, false, false},
		{"all others revoked", func(s *site, _ token.Grant) error {
			other, _ := s.Begin(t, s.V4, s.ann, nil)
			_, err := s.Sessions.RevokeOthers(ctx, other.Principal(), auth.Device{})
			return err
		}, false, false},
		{"all signed out", func(s *site, _ token.Grant) error {
			return s.Store.InTx(ctx, func(tx store.Tx) error {
				_, err := s.Sessions.EndAll(ctx, tx, s.ann.ID, s.Clock.Now())
				return err
			})
		}, false, false},
		{"user disabled", func(s *site, _ token.Grant) error {
			_, err := s.Users.Disable(ctx, "test", s.ann.ID)
			return err
		}, false, false},
		{"user deleted", func(s *site, _ token.Grant) error { return s.Users.Delete(ctx, "test", s.ann.ID) }, false, false},
		{"nothing", func(*site, token.Grant) error { return nil }, true, true},
	} {
		for _, d := range []token.Demand{own, offline} {
			lasts := c.online
			if d.Scope != "" {
				lasts = c.lastsOff
			}
			s := newSite(t)
			g := s.grant(d)
			if !s.good(g.Access) {
				t.Fatal("not good before")
			}
			if err := c.do(s, g); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			_, err := s.refresh(g.Refresh)
			if (err == nil) != lasts {
				t.Errorf("%s, scope %q: refresh says %v", c.name, d.Scope, err)
			}
			if s.good(g.Access) != lasts {
				t.Errorf("%s, scope %q: the access token is good: %v", c.name, d.Scope, !lasts)
			}
		}
	}
}

// signOut ends the session that the tokens hang from.
func (s *site) signOut(g token.Grant) error {
	row, err := s.DB.Session(ctx, g.SessionID)
	if err != nil {
		return err
	}
	of := session.Checked{Facts: session.Facts{AbsoluteEnd: row.AbsoluteEnd.Unix()}}
	of.User, _ = row.UserID.UUID()
	of.Session, _ = row.ID.UUID()
	return s.Sessions.SignOut(ctx, of, auth.Device{})
}

// Sixty-four clients with one token, on two nodes: nobody is signed out.
//
// proves: BCP-9
func TestRefresh_ofOneTokenAtOnceRotatesOnce(t *testing.T) {
	s := newSite(t)
	first := s.grant(own)
	const clients = 64
	// Two nodes on one database, each with its own index.
	other := s.otherNode(t)
	got := make([]auth.Secret, clients)
	errs := make([]error, clients)
	var wait sync.WaitGroup
	begin := make(chan struct{})
	for n := range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			at := s.tokens
			if n%2 == 1 {
				at = other
			}
			<-begin
			var g token.Grant
			g, errs[n] = at.Refresh(ctx, first.Refresh, token.Client{}, auth.Device{})
			got[n] = g.Refresh
		}()
	}
	close(begin)
	wait.Wait()
	for n := range clients {
		if errs[n] != nil || got[n] != got[0] || got[n] == "" {
			t.Fatalf("client %d: %v, the same successor: %v", n, errs[n], got[n] == got[0])
		}
	}
	if f := s.family(first.Refresh); f.Generation != 2 || !f.EndedAt.IsZero() {
		t.Errorf("generation %d, ended %v: want one rotation", f.Generation, f.EndedAt)
	}
	if rotated := s.tokens.Stats().Rotated + other.Stats().Rotated; rotated != 1 {
		t.Errorf("%d rotations", rotated)
	}
	s.afterGrace()
	otherFresh(s, other)
	s.must("go on", got[0])
}

func TestRefresh_aReplayOnAnotherNodeEndsTheFamilyHere(t *testing.T) {
	s := newSite(t)
	other := s.otherNode(t)
	first := s.grant(own)
	second := s.must("rotate", first.Refresh)
	if !s.good(second.Access) {
		t.Fatal("not good before")
	}
	s.afterGrace()
	otherFresh(s, other)
	_, err := other.Refresh(ctx, first.Refresh, token.Client{}, auth.Device{})
	wantCode(t, "replay at the other node", err, auth.CodeInvalidGrant)
	_, err = s.refresh(second.Refresh)
	wantCode(t, "the current token here", err, auth.CodeInvalidGrant)
	if !s.good(second.Access) {
		t.Fatal("the index here has heard of it before it was told: the next line would prove nothing")
	}
	for _, c := range s.Feed(t) { // what a follower does
		s.Index.Apply(c)
	}
	if s.good(second.Access) {
		t.Error("the access token is good here after the feed said no")
	}
}

// otherNode is a second room on the same store, whose index hears of nothing
// but its own changes.
func (s *site) otherNode(t *testing.T) *token.Issuer {
	t.Helper()
	o := s.TokenOptions(t)
	o.Keys = s.tokens.Keys
	o.Index = revocation.NewIndex()
	o.Index.MarkFresh(s.Clock.Now())
	o.Store = revocation.Applying(s.Faults, o.Index)
	return s.Tokens(t, o)
}

func otherFresh(s *site, other *token.Issuer) { other.Index.MarkFresh(s.Clock.Now()) }

// The database alone forges nothing: whoever has every row of it, and not the
// secrets, finds no refresh token; and neither does who has the secrets and not
// the rows (guarantees R9).
func TestRefresh_neitherTheDatabaseNorTheSecretsAloneForge(t *testing.T) {
	s := newSite(t)
	g := s.grant(own)
	good := s.must("rotate", g.Refresh)
	f := s.family(g.Refresh)
	thief := s.TokenOptions(t)
	thief.Keys = s.tokens.Keys
	thief.Secrets = []auth.Secret{"another secret, since the real one is elsewhere 0123"}
	dump := s.Tokens(t, thief)
	forged := forge(t, dump, f)
	if forged == good.Refresh {
		t.Fatal("the database alone yields the current token")
	}
	_, err := s.refresh(forged)
	wantCode(t, "made from the dump", err, auth.CodeInvalidGrant)

	same := s.TokenOptions(t)
	same.Keys = s.tokens.Keys
	secrets := s.Tokens(t, same)
	salted := f
	salted.Salt = make([]byte, 32)
	_, err = s.refresh(forge(t, secrets, salted))
	wantCode(t, "made from the secrets, without the salt", err, auth.CodeInvalidGrant)
	if got := forge(t, secrets, f); got != good.Refresh {
		t.Fatal("with both it is not to be had either, so this test proves nothing")
	}
	for _, column := range []string{"id", "salt", "key_id", "user_id", "session_id"} {
		var kept string
		s.Query(t, "SELECT hex("+column+") FROM families", &kept)
		if strings.Contains(strings.ToUpper(good.Refresh.Reveal()), kept) && column != "id" {
			t.Errorf("the column %s is part of a token", column)
		}
	}
}

// forge makes the current token of a family as the room does.
func forge(t *testing.T, i *token.Issuer, f auth.Family) auth.Secret {
	t.Helper()
	text, ok := token.CurrentToken(i, f)
	if !ok {
		t.Fatal("no token at all")
	}
	return text
}

// Secrets rotate in two deploys; a family moves on with its next refresh.
func TestRefresh_movesToTheFirstSecret(t *testing.T) {
	s := newSite(t)
	g := s.grant(own)
	before := s.family(g.Refresh).KeyID
	const fresh auth.Secret = "a newer secret, which is first from now on 012345678"
	with := func(list ...auth.Secret) *token.Issuer {
		o := s.TokenOptions(t)
		o.Keys, o.Secrets = s.tokens.Keys, list
		return s.Tokens(t, o)
	}
	refresh := func(i *token.Issuer, text auth.Secret) (token.Grant, error) {
		return i.Refresh(ctx, text, token.Client{}, auth.Device{})
	}
	next, err := refresh(with(fresh, roomtest.Secret), g.Refresh)
	if err != nil || s.family(g.Refresh).KeyID == before {
		t.Fatalf("with the new secret first: %v; the row moved on: %v", err, s.family(g.Refresh).KeyID != before)
	}
	if again, err := refresh(with(fresh, roomtest.Secret), g.Refresh); err != nil || again.Refresh != next.Refresh {
		t.Errorf("the one before, within the grace: %v", err)
	}
	s.afterGrace()
	if _, err := refresh(with(fresh), next.Refresh); err != nil {
		t.Errorf("without the old secret: %v", err)
	}
	_, err = refresh(with(roomtest.Secret), next.Refresh)
	wantCode(t, "a server that has the old one alone", err, auth.CodeInvalidGrant)
	if !s.family(g.Refresh).EndedAt.IsZero() {
		t.Error("a server without the secret has ended the family")
	}
}

// proves: BCP-8
func TestRefresh_belongsToItsClient(t *testing.T) {
	s := newSite(t)
	client := func(id string, secret auth.Secret) token.Client {
		c, err := s.tokens.Authenticate(id, secret)
		if err != nil {
			t.Fatalf("authenticate %s: %v", id, err)
		}
		return c
	}
	backend, app := client("backend", roomtest.ClientSecret+"2"), client("app", "")
	for _, c := range []struct {
		name  string
		owner token.Client
		by    token.Client
		good  bool
	}{
		{"a confidential client by itself", backend, backend, true},
		{"a confidential client's, without its secret", backend, token.Client{}, false},
		{"a confidential client's, by another", backend, app, false},
		{"a public client by itself", app, app, true},
		{"a public client's, by nobody in particular", app, token.Client{}, true},
		{"a public client's, by another", app, backend, false},
		{"the application's, by a client", token.Client{}, app, false},
	} {
		g := s.grant(token.Demand{Client: c.owner, Audience: roomtest.API})
		_, err := s.tokens.Refresh(ctx, g.Refresh, c.by, auth.Device{})
		if (err == nil) != c.good || err != nil && !errors.Is(err, auth.CodeInvalidGrant) {
			t.Errorf("%s: %v", c.name, err)
		}
		if f := s.family(g.Refresh); !f.EndedAt.IsZero() {
			t.Errorf("%s: the family has ended", c.name)
		}
	}
}

// When the database is away nothing is decided: the same token works afterwards,
// also when the answer of the commit was lost.
func TestRefresh_duringAnOutageDecidesNothing(t *testing.T) {
	s := newSite(t)
	g := s.grant(own)
	s.Faults.Away(true)
	_, err := s.refresh(g.Refresh)
	wantCode(t, "away", err, auth.CodeUnavailable)
	s.Faults.Away(false)
	s.Clock.Advance(roomtest.MaxStaleness + time.Second)
	_, err = s.refresh(g.Refresh)
	wantCode(t, "deaf", err, auth.CodeUnavailable)
	s.Index.MarkFresh(s.Clock.Now())
	s.must("after it", g.Refresh)
}

func TestRefresh_keysAwayDecidesNothing(t *testing.T) {
	s := newSite(t)
	g := s.grant(own)
	keys := s.tokens.Keys.(*roomtest.Keys)
	keys.Away(auth.Unavailable(errors.New("no key")))
	_, err := s.refresh(g.Refresh)
	wantCode(t, "no key signs", err, auth.CodeUnavailable)
	keys.Away(nil)
	s.Advance(time.Second)
	s.must("the same token again", g.Refresh)
}

// A sign-out or a change of password that commits while a refresh is under way
// wins (guarantees R3, R14).
//
// proves: BCP-10
func TestRefresh_doesNotOvertakeWhatVoids(t *testing.T) {
	for name, void := range map[string]func(s *site, g token.Grant) error{
		"sign-out": func(s *site, g token.Grant) error { return s.signOut(g) },
		"new epoch": func(s *site, _ token.Grant) error {
			return s.Store.InTx(ctx, func(tx store.Tx) error {
				_, err := s.Sessions.EndAll(ctx, tx, s.ann.ID, s.Clock.Now())
				return err
			})
		},
	} {
		s := newSite(t)
		o := s.TokenOptions(t)
		o.Keys = s.tokens.Keys
		between := &betweenStore{Store: s.Store}
		o.Store = between
		late := s.Tokens(t, o)
		g := s.grant(own)
		between.before = func() {
			between.before = nil
			if err := void(s, g); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := late.Refresh(ctx, g.Refresh, token.Client{}, auth.Device{})
		wantCode(t, name+" between reading and rotating", err, auth.CodeInvalidGrant)
		if s.family(g.Refresh).Generation != 1 {
			t.Errorf("%s: rotated all the same", name)
		}
		g = s.grantAnew(t)
		between.after = func() {
			between.after = nil
			if err := void(s, g); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		out, err := late.Refresh(ctx, g.Refresh, token.Client{}, auth.Device{})
		wantCode(t, name+" between rotating and answering", err, auth.CodeInvalidGrant)
		if out.Access != "" || out.Refresh != "" {
			t.Errorf("%s: tokens left", name)
		}
	}
}

// betweenStore lets something happen before or after the next transaction.
type betweenStore struct {
	store.Store
	before, after func()
}

func (b *betweenStore) InTx(ctx context.Context, fn func(tx store.Tx) error) error {
	if b.before != nil {
		b.before()
	}
	err := b.Store.InTx(ctx, fn)
	if b.after != nil {
		b.after()
	}
	return err
}

func (s *site) grantAnew(t *testing.T) token.Grant {
	t.Helper()
	u, err := s.DB.User(ctx, s.ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.ann = u
	return s.grant(own)
}
