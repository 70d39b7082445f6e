package token_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// sign makes a token of the claims with a key, whoever holds it.
func sign(t *testing.T, sign func(typ string, claims []byte) (string, error), typ string, c map[string]any) string {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sign(typ, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Each of these is a token that somebody could bring; none is good, and each
// refusal says the same.
//
// proves: ASVS 9.1.1, ASVS 9.1.2, ASVS 9.1.3, ASVS 9.2.1, ASVS 9.2.2, ASVS 9.2.3
func TestCheck_refusesEveryTokenThatIsNotForIt(t *testing.T) {
	s := newSite(t)
	good := s.grant(own).Access
	base := claims(t, good)
	ours := func(typ string, c []byte) (string, error) { return s.tokens.Keys.Sign(jwt.ES256, typ, c) }
	stranger, err := jwt.Generate(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := jwt.NewSecret("", jwt.HS256, []byte(roomtest.SharedSecret.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	with := func(change map[string]any) map[string]any {
		c := maps.Clone(base)
		for name, v := range change {
			if v == nil {
				delete(c, name)
			} else {
				c[name] = v
			}
		}
		return c
	}
	now := s.Clock.Now().Unix()
	ben := s.NewUser(t, "ben") // so that no session ends for another one of Ann's
	bens := func(d token.Demand) token.Grant { return s.GrantTo(t, s.tokens, ben, d) }
	parts := strings.Split(good, ".")
	raw := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	flipped := []byte(parts[2])
	flipped[10] ^= 1
	cases := map[string]string{
		"nothing": "", "no token": "x", "two parts": parts[0] + "." + parts[1], "four parts": good + ".x", "blanks": good + " ", "a line break": good + "\n",
		"padding": good + "=", "oversized": good + strings.Repeat("x", token.MaxAccessToken),
		"without a signature":             parts[0] + "." + parts[1] + ".",
		"alg none":                        raw(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + ".",
		"tampered signature":              parts[0] + "." + parts[1] + "." + string(flipped),
		"another's claims":                parts[0] + "." + raw(`{"sub":"usr_root"}`) + "." + parts[2],
		"a stranger's key":                sign(t, stranger.Sign, "at+jwt", base),
		"the shared secret's key":         sign(t, shared.Sign, "at+jwt", with(map[string]any{"aud": roomtest.SharedAPI})),
		"the shared secret's key, for us": sign(t, shared.Sign, "at+jwt", base),
		"mis-typed: JWT":                  sign(t, ours, "JWT", base),
		"mis-typed: an ID token":          sign(t, ours, "id_token+jwt", base),
		"foreign issuer":                  sign(t, ours, "at+jwt", with(map[string]any{"iss": "https://app.example/other"})),
		"no issuer":                       sign(t, ours, "at+jwt", with(map[string]any{"iss": nil})),
		"for another audience":            bens(token.Demand{Audience: roomtest.API}).Access,
		"under a shared secret":           bens(token.Demand{Audience: roomtest.SharedAPI}).Access,
		"no audience":                     sign(t, ours, "at+jwt", with(map[string]any{"aud": nil})),
		"expired":                         sign(t, ours, "at+jwt", with(map[string]any{"exp": now})),
		"no end":                          sign(t, ours, "at+jwt", with(map[string]any{"exp": nil})),
		"end is a text":                   sign(t, ours, "at+jwt", with(map[string]any{"exp": "9999999999"})),
		"from the future":                 sign(t, ours, "at+jwt", with(map[string]any{"nbf": now + 3600})),
		"no epoch":                        sign(t, ours, "at+jwt", with(map[string]any{"epoch": nil})),
		"no version":                      sign(t, ours, "at+jwt", with(map[string]any{"ver": nil})),
		"no family":                       sign(t, ours, "at+jwt", with(map[string]any{"fam": nil})),
		"no subject of ours":              sign(t, ours, "at+jwt", with(map[string]any{"sub": "42"})),
		"roles that are no list":          sign(t, ours, "at+jwt", with(map[string]any{"roles": "admin"})),
		"a refresh token":                 bens(own).Refresh.Reveal(),
	}
	for name, text := range cases {
		a, err := s.tokens.Check(ctx, text)
		var refused *auth.Error
		if !errors.As(err, &refused) || refused.Code != auth.CodeInvalidToken || a != nil {
			t.Errorf("%s: %+v, %v", name, a, err)
			continue
		}
		if refused.Text() != auth.CodeInvalidToken.Message() {
			t.Errorf("%s: says %q", name, refused.Text())
		}
	}
	// The controls: what differs from a refused one in nothing that matters.
	for name, text := range map[string]string{
		"the token": good, "again, from the cache": good, "signed anew": sign(t, ours, "at+jwt", base),
		"with a type in full": sign(t, ours, "application/AT+JWT", base), "two audiences": sign(t, ours, "at+jwt", with(map[string]any{"aud": []string{"x", roomtest.OwnAPI}})),
		"for the issuer": s.grant(token.Demand{Audience: s.tokens.URL}).Access,
	} {
		if !s.good(text) {
			_, err := s.tokens.Check(ctx, text)
			t.Errorf("%s: %v", name, err)
		}
	}
	if st := s.tokens.Stats(); st.Good == 0 || int(st.Invalid) < len(cases) {
		t.Errorf("counted %+v", st)
	}
}

// What is remembered is no authority: it ends like everything else (R8).
func TestCheck_aRememberedTokenEndsAtOnce(t *testing.T) {
	for name, end := range map[string]func(s *site, g token.Grant){
		"by its time":       func(s *site, g token.Grant) { s.Advance(5 * time.Minute) },
		"by its key":        func(s *site, _ token.Grant) { s.tokens.Keys.(*roomtest.Keys).Retire() },
		"by revocation":     func(s *site, g token.Grant) { _, _ = s.tokens.Revoke(ctx, g.Refresh, token.Client{}, auth.Device{}) },
		"by its session":    func(s *site, g token.Grant) { _ = s.signOut(g) },
		"by its user's end": func(s *site, _ token.Grant) { _, _ = s.Users.Disable(ctx, "test", s.ann.ID) },
	} {
		s := newSite(t)
		g := s.grant(own)
		for range 2 {
			if !s.good(g.Access) {
				t.Fatalf("%s: not good before", name)
			}
		}
		if end(s, g); s.good(g.Access) {
			t.Errorf("%s: still good", name)
		}
	}
}

func TestCheck_costsNoDatabaseCallAndNoSecondVerification(t *testing.T) {
	s := newSite(t)
	text := s.grant(own).Access
	if !s.good(text) {
		t.Fatal("not good")
	}
	s.Faults.Away(true)
	s.tokens.Keys.(*roomtest.Keys).Away(errors.New("a remembered token is verified again"))
	if !s.good(text) {
		t.Error("a remembered token is not good without database and keys")
	}
}

// Roles change under a token that lives: the next check sees the new ones, from
// one read, and nobody is signed out.
func TestCheck_seesNewRoles(t *testing.T) {
	s := newSite(t)
	text := s.grant(own).Access
	a, err := s.tokens.Check(ctx, text)
	if err != nil || !slices.Equal(a.Roles, []string{"user"}) {
		t.Fatalf("before: %+v %v", a, err)
	}
	if _, err := s.Users.SetRoles(ctx, "test", s.ann.ID, []string{"admin", "user"}); err != nil {
		t.Fatal(err)
	}
	s.Faults.Away(true)
	_, err = s.tokens.Check(ctx, text)
	wantCode(t, "with the database away, rather than the old roles", err, auth.CodeUnavailable)
	s.Faults.Away(false)
	if a, err = s.tokens.Check(ctx, text); err != nil || !slices.Equal(a.Roles, []string{"admin", "user"}) {
		t.Fatalf("after: %+v %v", a, err)
	}
	s.Faults.Away(true)
	if a, err = s.tokens.Check(ctx, text); err != nil || len(a.Roles) != 2 {
		t.Errorf("it is read again: %v", err)
	}
}

// A row that is older than what the feed says is no answer: a reader that lags
// behind would bring the old roles back.
func TestCheck_takesNoRowOlderThanTheFeed(t *testing.T) {
	s := newSite(t)
	text := s.grant(own).Access
	s.Index.Apply(auth.Change{Kind: auth.ChangeUserVersion, UserID: s.ann.ID, Value: s.ann.Version + 5, At: s.Clock.Now(), Until: s.Clock.Now().Add(time.Hour)})
	_, err := s.tokens.Check(ctx, text)
	wantCode(t, "the row is behind the feed", err, auth.CodeUnavailable)
}

func TestCheck_saysNothingWhileItDoesNotHear(t *testing.T) {
	s := newSite(t)
	text := s.grant(own).Access
	s.Clock.Advance(roomtest.MaxStaleness + time.Second)
	_, err := s.tokens.Check(ctx, text)
	wantCode(t, "deaf", err, auth.CodeUnavailable)
	_, err = s.tokens.Introspect(ctx, auth.Secret(text), token.Client{ID: "x", Audiences: []string{roomtest.OwnAPI}, MayIntrospect: true})
	wantCode(t, "deaf, introspection", err, auth.CodeUnavailable)
}

// The cache is bounded: strangers' tokens push no more memory into it than it
// has room for, and cost those in it one verification.
func TestCheck_manyTokensAreAllGood(t *testing.T) {
	s := newSite(t)
	plan, err := s.tokens.Plan(own)
	if err != nil {
		t.Fatal(err)
	}
	start := &token.Start{Plan: plan}
	row := auth.Session{ID: auth.NewSessionID(s.Clock.Now()), UserID: s.ann.ID, Epoch: s.ann.Epoch, CreatedAt: s.Clock.Now(), AbsoluteEnd: s.Clock.Now().Add(time.Hour)}
	if err := s.Store.InTx(ctx, func(tx store.Tx) error {
		if err := tx.InsertSession(ctx, row); err != nil {
			return err
		}
		return start.Within(ctx, tx, s.ann, row)
	}); err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		g, err := start.Issue(ctx)
		if err != nil || !s.good(g.Access) {
			t.Fatalf("token %d: %v", n, err)
		}
	}
}

// A user who was imported is known to the application by an old ID; Gatehouse
// knows them by its own.
func TestCheck_findsTheUserBehindAnOldID(t *testing.T) {
	s := newSite(t)
	if err := s.DB.AddOldIDs(ctx, s.ann.ID, []auth.OldID{{Mount: roomtest.BaseV4, Value: "clx42", Main: true}}); err != nil {
		t.Fatal(err)
	}
	g := s.grant(own)
	if c := claims(t, g.Access); c["sub"] != "clx42" || c["uid"] != string(s.ann.ID) {
		t.Errorf("sub %v, uid %v", c["sub"], c["uid"])
	}
	a, err := s.tokens.Check(ctx, g.Access)
	if err != nil || a.UserID() != s.ann.ID || a.Principal().UserID != s.ann.ID {
		t.Errorf("%+v %v", a, err)
	}
	if next := s.must("refresh", g.Refresh); claims(t, next.Access)["sub"] != "clx42" {
		t.Error("a refreshed token names the user otherwise")
	}
}

func TestPrincipal_ofATokenSaysHowItCame(t *testing.T) {
	s := newSite(t)
	a, err := s.tokens.Check(ctx, s.grant(token.Demand{Audience: roomtest.OwnAPI, Scope: "offline_access"}).Access)
	if err != nil {
		t.Fatal(err)
	}
	p := a.Principal()
	if p.UserID != s.ann.ID || p.ClientID != token.FirstParty || !slices.Equal(p.Scopes, []string{"offline_access"}) ||
		!p.HasRole("user") || p.SignedInAt.Unix() != s.Clock.Now().Unix() || !strings.HasPrefix(string(p.SessionID), "ses_") {
		t.Errorf("%+v", p)
	}
}
