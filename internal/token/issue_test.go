package token_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

func TestPlan_refusesBeforeAnybodyIsKnown(t *testing.T) {
	s := newSite(t)
	app, _ := s.tokens.Authenticate("app", "")
	for name, c := range map[string]struct {
		demand token.Demand
		want   auth.Code
	}{
		"an audience that is not":       {token.Demand{Audience: "https://evil.example"}, auth.CodeInvalidTarget},
		"one that the client may not":   {token.Demand{Client: app, Audience: roomtest.OwnAPI}, auth.CodeInvalidTarget},
		"Gatehouse itself, by a client": {token.Demand{Client: app, Audience: s.tokens.URL}, auth.CodeInvalidTarget},
		"a scope that is not":           {token.Demand{Scope: "read admin"}, auth.CodeInvalidScope},
		"another audience's scope":      {token.Demand{Audience: roomtest.OwnAPI, Scope: "read"}, auth.CodeInvalidScope},
	} {
		_, err := s.tokens.Plan(c.demand)
		wantCode(t, name, err, c.want)
	}
	for _, d := range []token.Demand{{}, {Client: app}, {Audience: s.tokens.URL}, {Scope: "read  write read offline_access"}} {
		if _, err := s.tokens.Plan(d); err != nil {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

// The row and the family begin together, or neither; and not for whom the
// password was changed meanwhile (guarantees R3).
func TestBegin_isOneWithTheSession(t *testing.T) {
	s := newSite(t)
	s.NewUserWithPassword(t, "bob")
	sign := func() (token.Grant, error) {
		plan, err := s.tokens.Plan(token.Demand{})
		if err != nil {
			t.Fatal(err)
		}
		start := &token.Start{Plan: plan}
		_, err = s.SignIn.Password(ctx, "bob@example.com", roomtest.Password, signin.Browser{Mount: s.V4.Sessions, Within: start.Within})
		if err != nil {
			return token.Grant{}, err
		}
		return start.Issue(ctx)
	}
	mend := s.Faults.Break("AppendEvent")
	_, err := sign()
	wantCode(t, "the family's event cannot be written", err, auth.CodeUnavailable)
	mend()
	var sessions, families int
	s.Query(t, "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM families)", &sessions, &families)
	if sessions != 0 || families != 0 {
		t.Errorf("%d sessions and %d families of a sign-in that failed", sessions, families)
	}
	g, err := sign()
	if err != nil {
		t.Fatal(err)
	}
	f := s.family(g.Refresh)
	row, err := s.DB.Session(ctx, f.SessionID)
	if err != nil || row.UserID != f.UserID || !row.EndedAt.IsZero() || row.AbsoluteEnd.Before(f.AbsoluteEnd) {
		t.Errorf("session %+v of family %+v: %v", row, f, err)
	}
	if got := s.Events(t, f.UserID); !slices.Contains(got, auth.EventFamilyStarted) || !slices.Contains(got, auth.EventSignInSucceeded) {
		t.Errorf("events %v", got)
	}
}

func TestFromSession_givesNothingBeyondTheSession(t *testing.T) {
	s := newSite(t)
	sealed, _ := s.Begin(t, s.V4, s.ann, nil)
	plan, err := s.tokens.Plan(token.Demand{Audience: roomtest.OwnAPI, Scope: token.OfflineAccess})
	if err != nil {
		t.Fatal(err)
	}
	g, err := plan.FromSession(ctx, sealed.SessionID(), sealed.Epoch)
	if err != nil || slices.Contains(g.Scopes, token.OfflineAccess) || s.family(g.Refresh).Offline {
		t.Fatalf("%+v, %v: a session alone gives a family that outlives it", g.Scopes, err)
	}
	_, err = plan.FromSession(ctx, sealed.SessionID(), sealed.Epoch+1)
	wantCode(t, "another epoch", err, auth.CodeSignedOut)
	_, err = plan.FromSession(ctx, auth.NewSessionID(s.Clock.Now()), sealed.Epoch)
	wantCode(t, "no such session", err, auth.CodeSignedOut)
	without, err := s.tokens.Plan(token.Demand{Audience: roomtest.OwnAPI, WithoutRefresh: true})
	if err != nil {
		t.Fatal(err)
	}
	written := s.WatchWrites(t)
	alone, err := without.FromSession(ctx, sealed.SessionID(), sealed.Epoch)
	if err != nil || alone.Refresh != "" || !s.good(alone.Access) {
		t.Fatalf("without refresh token: %v", err)
	}
	if written() {
		t.Error("an access token alone writes to the database")
	}
	if err := s.signOut(g); err != nil {
		t.Fatal(err)
	}
	if s.good(alone.Access) || s.good(g.Access) {
		t.Error("an access token is good after the sign-out")
	}
	for _, p := range []token.Plan{plan, without} {
		_, err = p.FromSession(ctx, sealed.SessionID(), sealed.Epoch)
		wantCode(t, "after the sign-out", err, auth.CodeSignedOut)
	}
}

// A page that asks again and again pushes out its own families, and no other
// device's.
func TestBegin_endsTheOldestOfItsKindAlone(t *testing.T) {
	s := newSite(t)
	phone := s.grant(token.Demand{Scope: token.OfflineAccess})
	sealed, _ := s.Begin(t, s.V4, s.ann, nil)
	plan, err := s.tokens.Plan(own)
	if err != nil {
		t.Fatal(err)
	}
	var got []token.Grant
	for n := range 11 {
		s.Advance(time.Second)
		g, err := plan.FromSession(ctx, sealed.SessionID(), sealed.Epoch)
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		got = append(got, g)
	}
	if s.good(got[0].Access) || !s.good(got[1].Access) {
		t.Error("of eleven families the oldest, and it alone, ends")
	}
	s.must("the phone goes on", phone.Refresh)
	for range roomtest.MaxPerUser {
		s.Advance(time.Second)
		s.grant(token.Demand{Scope: token.OfflineAccess})
	}
	if _, err := s.refresh(phone.Refresh); !errors.Is(err, auth.CodeInvalidGrant) {
		t.Errorf("the oldest of too many phones: %v", err)
	}
}

func TestClaims_areThoseOfTheMapping(t *testing.T) {
	all := []token.Claim{{Name: "fixed", Value: "x"}, {Name: "user_or_x", From: "user.username", Value: "x"}}
	for _, from := range token.Sources() {
		all = append(all, token.Claim{Name: "c:" + from, From: from})
	}
	s := newSite(t, func(o *token.Options) { o.Audiences[0].Claims = all })
	got := claims(t, s.grant(token.Demand{}).Access)
	want := map[string]any{
		"fixed": "x", "user_or_x": "x", "c:user.id": string(s.ann.ID), "c:user.email": "ann@example.com", "c:user.email_verified": false,
		"c:user.name": "ann", "c:roles": []any{"user"}, "c:session.subject": string(s.ann.ID), "c:session.id": got["sid"],
		"c:session.signed_in_at": float64(s.Clock.Now().Unix()), "c:session.methods": []any{"pwd"},
	}
	for name := range got {
		if _, mapped := want[name]; !mapped && !token.Reserved(name) {
			t.Errorf("the token has %s, which nobody asked for", name)
		}
	}
	for name, v := range want {
		if diff := cmp.Diff(v, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Guards decide by the roles, so tokens for them have these whatever the mapping
// says; a service of somebody else's gets what it is given.
func TestClaims_haveRolesWhereGuardsDecide(t *testing.T) {
	only := []token.Claim{{Name: "email", From: "user.email"}}
	s := newSite(t, func(o *token.Options) { o.Audiences[0].Claims, o.Audiences[2].Claims = only, only })
	if _, there := claims(t, s.grant(token.Demand{Audience: roomtest.API}).Access)["roles"]; there {
		t.Error("roles for a service that was not given them")
	}
	if c := claims(t, s.grant(own).Access); c["roles"] == nil || c["email"] != "ann@example.com" {
		t.Errorf("for our own guards: %v", c)
	}
}

func TestIssue_isBounded(t *testing.T) {
	s := newSite(t, func(o *token.Options) { o.Limits = ratelimit.NewMemory(64) })
	sealed, _ := s.Begin(t, s.V4, s.ann, nil)
	plan, err := s.tokens.Plan(token.Demand{WithoutRefresh: true})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for range 200 {
		_, err := plan.FromSession(ctx, sealed.SessionID(), sealed.Epoch)
		if errors.Is(err, auth.CodeTooManyAttempts) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused != 80 {
		t.Errorf("%d of 200 requests of one session in a moment were refused, want 80", refused)
	}
	g := s.grant(own)
	for n := range 240 {
		if _, err := s.refresh(g.Refresh); err != nil {
			t.Fatalf("refresh %d: %v", n, err)
		}
	}
	_, err = s.refresh(g.Refresh)
	wantCode(t, "beyond the family's allowance", err, auth.CodeTooManyAttempts)
	if f := s.family(g.Refresh); !f.EndedAt.IsZero() {
		t.Error("too many requests end a family")
	}
	// Whoever knows the family's ID alone uses nothing of its allowance up.
	other := s.grant(own)
	for range 300 {
		_, _ = s.refresh(auth.Secret(string(s.family(other.Refresh).ID) + ".1." + fmt.Sprintf("%043d", 0)))
	}
	s.must("after 300 guesses", other.Refresh)
}
