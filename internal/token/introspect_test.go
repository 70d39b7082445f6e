package token_test

import (
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
