package token_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// Who is told of what: of access tokens the services that they are for, of a
// refresh token the client that has it. Each says what it is, so that nobody
// takes the one for the other.
func TestIntrospect_tellsOwnersAndAudiences(t *testing.T) {
	service := token.Client{ID: "service", SecretHash: roomtest.HashOf(roomtest.ClientSecret), Audiences: []string{roomtest.API}, MayIntrospect: true}
	rival := token.Client{ID: "rival", SecretHash: roomtest.HashOf(roomtest.ClientSecret + "3"), Audiences: []string{roomtest.API}, MayIntrospect: true}
	apart := token.Client{ID: "apart", SecretHash: roomtest.HashOf(roomtest.ClientSecret + "4"), Audiences: []string{roomtest.OwnAPI}, MayIntrospect: true}
	s := newSite(t, func(o *token.Options) { o.Clients = []token.Client{service, rival, apart} })
	first := s.grant(token.Demand{Audience: roomtest.API})
	its := s.grant(token.Demand{Client: service, Audience: roomtest.API, Scope: "read"})
	ask := func(text string, by token.Client) token.Introspection {
		t.Helper()
		told, err := s.tokens.Introspect(ctx, auth.Secret(text), by)
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
	for _, c := range []struct {
		name, text   string
		by           token.Client
		kind, of, to string
	}{
		{"an access token, to its audience", first.Access, service, "Bearer", "first-party", roomtest.API},
		{"another client's, to its audience", its.Access, rival, "Bearer", "service", roomtest.API},
		{"an access token, to another audience", first.Access, apart, "", "", ""},
		{"a refresh token, to its client", its.Refresh.Reveal(), service, "refresh_token", "service", s.tokens.URL},
		{"a refresh token, to another client of the audience", its.Refresh.Reveal(), rival, "", "", ""},
		{"the application's refresh token, to its audience", first.Refresh.Reveal(), service, "refresh_token", "first-party", s.tokens.URL},
		{"the application's refresh token, to another audience", first.Refresh.Reveal(), apart, "", "", ""},
		{"a family without its secret", string(spoiled(first.Refresh)), service, "", "", ""},
		{"nonsense", "x", service, "", "", ""},
	} {
		told := ask(c.text, c.by)
		if told.Active != (c.kind != "") || told.TokenType != c.kind || told.ClientID != c.of || told.Audience != c.to {
			t.Errorf("%s: %+v", c.name, told)
		}
		if told.Active && (told.SessionID == "" || told.FamilyID == "" || told.ExpiresAt == 0) {
			t.Errorf("%s: what it hangs from is not told: %+v", c.name, told)
		}
		if !told.Active && (told.Subject != "" || told.Roles != nil || told.ExpiresAt != 0 || told.FamilyID != "") {
			t.Errorf("%s: told of what is not active: %+v", c.name, told)
		}
	}
	s.afterGrace()
	next := s.must("rotate", first.Refresh)
	if ask(first.Refresh.Reveal(), service).Active || !ask(next.Refresh.Reveal(), service).Active {
		t.Error("the replaced one is active, or the current one is not")
	}
	for name, by := range map[string]token.Client{"nobody": {}, "a client that may not": {ID: "x", SecretHash: service.SecretHash, Audiences: []string{roomtest.API}}} {
		if _, err := s.tokens.Introspect(ctx, auth.Secret(first.Access), by); err == nil {
			t.Errorf("%s is told", name)
		}
	}
}

// service is the client that may ask.
func (s *site) service() token.Client {
	s.t.Helper()
	c, err := s.tokens.Authenticate("service", roomtest.ClientSecret)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *site) introspect(text string) token.Introspection {
	s.t.Helper()
	told, err := s.tokens.Introspect(ctx, auth.Secret(text), s.service())
	if err != nil {
		s.t.Fatalf("introspect: %v", err)
	}
	return told
}

// A service that the settings keep the roles from does not learn them by asking,
// neither at once nor after they have changed; and one that may know them is told
// of those that there are now.
func TestIntrospect_tellsRolesWhereTheTokenWould(t *testing.T) {
	for _, c := range []struct {
		name   string
		claims []token.Claim
		told   bool
	}{
		{"the default", nil, true},
		{"roles among others", []token.Claim{{Name: "roles", From: "roles"}, {Name: "tenant", Value: "acme"}}, true},
		{"no roles", []token.Claim{{Name: "tenant", Value: "acme"}}, false},
	} {
		s := newSite(t, func(o *token.Options) { o.Audiences[0].Claims = c.claims })
		g := s.grant(token.Demand{Audience: roomtest.API})
		want := []string{"user"}
		for range 2 {
			for what, text := range map[string]string{"access": g.Access, "refresh": g.Refresh.Reveal()} {
				told := s.introspect(text)
				if !told.Active || told.Subject != string(s.ann.ID) {
					t.Fatalf("%s: the %s token: %+v", c.name, what, told)
				}
				if c.told != slices.Equal(told.Roles, want) || !c.told && told.Roles != nil {
					t.Errorf("%s: of the %s token the roles %v are told, while the user has %v", c.name, what, told.Roles, want)
				}
			}
			if _, err := s.Users.SetRoles(ctx, "test", s.ann.ID, []string{"admin", "user"}); err != nil {
				t.Fatal(err)
			}
			want = []string{"admin", "user"}
		}
	}
}

// A scope that an operator takes from an audience goes from the tokens of those
// who were granted it before: at the next refresh, and not in 90 days.
//
// proves: BCP-8
func TestRefresh_grantsNoScopeThatTheAudienceHasNoMore(t *testing.T) {
	s := newSite(t)
	g := s.grant(token.Demand{Audience: roomtest.API, Scope: "read write offline_access"})
	o := s.TokenOptions(t)
	o.Keys, o.Audiences[0].Scopes = s.tokens.Keys, []string{"read"}
	s.tokens = s.Tokens(t, o)
	if told := s.introspect(g.Refresh.Reveal()); told.Scope != "read offline_access" {
		t.Errorf("the refresh token is said to have the scope %q", told.Scope)
	}
	next := s.must("refresh", g.Refresh)
	if !slices.Equal(next.Scopes, []string{"read", "offline_access"}) || claims(t, next.Access)["scope"] != "read offline_access" {
		t.Errorf("granted %v, and the token has %q", next.Scopes, claims(t, next.Access)["scope"])
	}
}

// Whoever shows an access token again and again to be revoked fills neither the
// feed nor the audit record.
func TestRevoke_writesOnceForATokenWithoutARow(t *testing.T) {
	s := newSite(t)
	g := s.grant(token.Demand{Audience: roomtest.OwnAPI, WithoutRefresh: true})
	revoke := func() {
		t.Helper()
		if _, err := s.tokens.Revoke(ctx, auth.Secret(g.Access), token.Client{}, auth.Device{}); err != nil {
			t.Fatal(err)
		}
	}
	written := s.WatchWrites(t)
	if revoke(); !written() || s.good(g.Access) {
		t.Fatal("the first one does not end it, so the others prove nothing")
	}
	written = s.WatchWrites(t)
	for range 5 {
		revoke()
	}
	if written() {
		t.Error("a token that is revoked already writes again")
	}
}

// Of many who end one family at the same moment one does: the audit record has
// one end and one theft, however often the stolen token is shown at once.
func TestRefresh_aTheftThatIsShownManyTimesAtOnceIsOne(t *testing.T) {
	s := newSite(t)
	first := s.grant(own)
	next := s.must("rotate", first.Refresh)
	s.afterGrace()
	s.must("rotate again", next.Refresh)
	s.afterGrace()
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range 24 {
		all.Go(func() {
			<-begin
			if i%3 == 0 {
				_, _ = s.tokens.Revoke(ctx, next.Refresh, token.Client{}, auth.Device{})
				return
			}
			_, err := s.refresh(first.Refresh)
			wantCode(t, "a replaced token", err, auth.CodeInvalidGrant)
		})
	}
	close(begin)
	all.Wait()
	counts := map[auth.EventType]int{}
	for _, e := range s.Events(t, s.ann.ID) {
		counts[e]++
	}
	if counts[auth.EventFamilyEnded] != 1 || counts[auth.EventRefreshReused] > 1 {
		t.Errorf("%d ends of one family, %d thefts", counts[auth.EventFamilyEnded], counts[auth.EventRefreshReused])
	}
	var changes int
	s.Query(t, "SELECT count(*) FROM changes WHERE kind = 'family_ended'", &changes)
	if changes != 1 {
		t.Errorf("%d rows of the feed, want one", changes)
	}
}
