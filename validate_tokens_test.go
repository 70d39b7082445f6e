package gatehouse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

const anotherJWTSecret = "Hs8mP4v-Q7zt_W2xK9sLr8bGc5nJd3yF"

// proves: ASVS 11.4.3, ASVS 11.4.4, CS-39, BCP-25
func TestValidate_audiences(t *testing.T) {
	const one = "tokens.audiences[0]."
	for name, tt := range map[string]struct {
		change func(a *gatehouse.Audience)
		want   []string
	}{
		"as it is":                 {func(*gatehouse.Audience) {}, nil},
		"no name":                  {func(a *gatehouse.Audience) { a.ID = "" }, []string{one + "id"}},
		"a name with a blank":      {func(a *gatehouse.Audience) { a.ID = "my api" }, []string{one + "id"}},
		"a very long name":         {func(a *gatehouse.Audience) { a.ID = strings.Repeat("x", 256) }, []string{one + "id"}},
		"Gatehouse itself":         {func(a *gatehouse.Audience) { a.ID = httpsAppAt + "/api/auth" }, []string{one + "id"}},
		"RS256":                    {func(a *gatehouse.Audience) { a.Algorithm = "RS256" }, nil},
		"none":                     {func(a *gatehouse.Audience) { a.Algorithm = "none" }, []string{one + "algorithm"}},
		"HS512":                    {func(a *gatehouse.Audience) { a.Algorithm = "HS512" }, []string{one + "algorithm"}},
		"RS1":                      {func(a *gatehouse.Audience) { a.Algorithm = "RS1" }, []string{one + "algorithm"}},
		"a password":               {func(a *gatehouse.Audience) { a.Secret = "password-password-password-secret" }, []string{one + "secret"}},
		"a sentence of few words":  {func(a *gatehouse.Audience) { a.Secret = "my very long jwt secret key for production" }, []string{one + "secret"}},
		"HS256 without a secret":   {func(a *gatehouse.Audience) { a.Algorithm = "HS256" }, []string{one + "secret"}},
		"ES256 with a secret":      {func(a *gatehouse.Audience) { a.Algorithm, a.Secret = "ES256", jwtSecret }, []string{one + "secret"}},
		"a secret":                 {func(a *gatehouse.Audience) { a.Secret = jwtSecret }, nil},
		"a short secret":           {func(a *gatehouse.Audience) { a.Secret = auth.Secret(jwtSecret[:31]) }, []string{one + "secret"}},
		"Gatehouse's own secret":   {func(a *gatehouse.Audience) { a.Secret = ownSecond }, []string{one + "secret"}},
		"the application's secret": {func(a *gatehouse.Audience) { a.Secret = appSecret }, []string{one + "secret"}},
		"a secret, and own":        {func(a *gatehouse.Audience) { a.Secret, a.Own = jwtSecret, true }, []string{one + "own"}},
		"a life of no time":        {func(a *gatehouse.Audience) { a.Lifetime = time.Millisecond }, []string{one + "lifetime"}},
		"a life of two days":       {func(a *gatehouse.Audience) { a.Lifetime = 48 * time.Hour }, []string{one + "lifetime"}},
		"scopes":                   {func(a *gatehouse.Audience) { a.Scopes = []string{"read", "a:b/c"} }, nil},
		"a scope with a blank":     {func(a *gatehouse.Audience) { a.Scopes = []string{"read", "a b"} }, []string{one + "scopes[1]"}},
		"a scope twice":            {func(a *gatehouse.Audience) { a.Scopes = []string{"read", "read"} }, []string{one + "scopes[1]"}},
		"offline_access":           {func(a *gatehouse.Audience) { a.Scopes = []string{"offline_access"} }, []string{one + "scopes[0]"}},
		"claims": {func(a *gatehouse.Audience) {
			a.Claims = []gatehouse.Claim{{Name: "https://x.example/t", Value: "x"}, {Name: "roles", From: "roles"}, {Name: "n", From: "user.name", Value: "?"}}
		}, nil},
		"a claim without a name": {func(a *gatehouse.Audience) { a.Claims = []gatehouse.Claim{{Value: "x"}} }, []string{one + "claims[0].name"}},
		"a claim that is ours":   {func(a *gatehouse.Audience) { a.Claims = []gatehouse.Claim{{Name: "sub", Value: "x"}} }, []string{one + "claims[0].name"}},
		"a claim that is a trap": {func(a *gatehouse.Audience) { a.Claims = []gatehouse.Claim{{Name: "__proto__", Value: "x"}} }, []string{one + "claims[0].name"}},
		"roles of another make":  {func(a *gatehouse.Audience) { a.Claims = []gatehouse.Claim{{Name: "roles", Value: "admin"}} }, []string{one + "claims[0].name"}},
		"a claim twice": {func(a *gatehouse.Audience) {
			a.Claims = []gatehouse.Claim{{Name: "x", Value: "x"}, {Name: "x", Value: "y"}}
		}, []string{one + "claims[1].name"}},
		"a claim made from nothing":    {func(a *gatehouse.Audience) { a.Claims = []gatehouse.Claim{{Name: "x"}} }, []string{one + "claims[0].from"}},
		"a claim made from a password": {func(a *gatehouse.Audience) { a.Claims = []gatehouse.Claim{{Name: "x", From: "user.password"}} }, []string{one + "claims[0].from"}},
		"a claim that fits in no token": {func(a *gatehouse.Audience) {
			a.Claims = []gatehouse.Claim{{Name: "x", Value: strings.Repeat("x", 1025)}}
		}, []string{one + "claims[0].value"}},
		"too many claims": {func(a *gatehouse.Audience) { a.Claims = manyClaims(33) }, []string{one + "claims"}},
	} {
		c := validConfig()
		a := gatehouse.Audience{ID: api}
		tt.change(&a)
		c.Tokens.Audiences = []gatehouse.Audience{a}
		checkProblems(t, name, c, tt.want)
	}
	c := validConfig()
	c.Tokens.Audiences = []gatehouse.Audience{{ID: api, Secret: jwtSecret}, {ID: api}, {ID: api + "/2", Secret: jwtSecret}, {ID: api + "/3", Secret: anotherJWTSecret}}
	checkProblems(t, "several", c, []string{"tokens.audiences[1].id", "tokens.audiences[2].secret"})
}

func manyClaims(n int) (list []gatehouse.Claim) {
	for i := range n {
		list = append(list, gatehouse.Claim{Name: "c" + strings.Repeat("x", i), Value: "x"})
	}
	return list
}

// checkProblems wants problems with these fields, none of which shows a secret.
func checkProblems(t *testing.T, name string, c gatehouse.Config, want []string) {
	t.Helper()
	list := problems(t, c)
	if diff := cmp.Diff(want, fields(list)); diff != "" {
		t.Errorf("%s: %s %v", name, diff, list)
	}
	for _, p := range list {
		for _, s := range []auth.Secret{jwtSecret, ownSecond, appSecret} {
			if strings.Contains(p.String(), s.Reveal()) {
				t.Errorf("%s: the problem shows a secret: %s", name, p)
			}
		}
	}
}

func TestValidate_clients(t *testing.T) {
	const one = "tokens.clients[0]."
	hash := strings.Repeat("0a", 32)
	for name, tt := range map[string]struct {
		client gatehouse.Client
		want   []string
	}{
		"public":                    {gatehouse.Client{ID: "app", Audiences: []string{api}}, nil},
		"with a secret":             {gatehouse.Client{ID: "app", SecretHash: hash, Audiences: []string{api, httpsAppAt + "/api/auth"}, MayIntrospect: true}, nil},
		"no name":                   {gatehouse.Client{Audiences: []string{api}}, []string{one + "id"}},
		"a name with a blank":       {gatehouse.Client{ID: "my app", Audiences: []string{api}}, []string{one + "id"}},
		"a name with a colon":       {gatehouse.Client{ID: "my:app", Audiences: []string{api}}, nil},
		"the application's name":    {gatehouse.Client{ID: "first-party", Audiences: []string{api}}, []string{one + "id"}},
		"a secret in the clear":     {gatehouse.Client{ID: "app", SecretHash: jwtSecret, Audiences: []string{api}}, []string{one + "secret_hash"}},
		"a hash in capitals":        {gatehouse.Client{ID: "app", SecretHash: strings.ToUpper(hash), Audiences: []string{api}}, []string{one + "secret_hash"}},
		"who asks without a secret": {gatehouse.Client{ID: "app", Audiences: []string{api}, MayIntrospect: true}, []string{one + "secret_hash"}},
		"no audience":               {gatehouse.Client{ID: "app"}, []string{one + "audiences"}},
		"an audience that is not":   {gatehouse.Client{ID: "app", Audiences: []string{api, "x"}}, []string{one + "audiences[1]"}},
		"an audience twice":         {gatehouse.Client{ID: "app", Audiences: []string{api, api}}, []string{one + "audiences[1]"}},
	} {
		c := validConfig()
		c.Tokens.Audiences = []gatehouse.Audience{{ID: api}}
		c.Tokens.Clients = []gatehouse.Client{tt.client}
		checkProblems(t, name, c, tt.want)
	}
	c := validConfig()
	twice := gatehouse.Client{ID: "app", Audiences: []string{httpsAppAt + "/api/auth"}}
	c.Tokens.Clients = []gatehouse.Client{twice, twice}
	checkProblems(t, "twice", c, []string{"tokens.clients[1].id"})
}

func TestValidate_lifetimesOfTokens(t *testing.T) {
	for name, tt := range map[string]struct {
		tokens gatehouse.Tokens
		want   []string
	}{
		"none":           {gatehouse.Tokens{}, nil},
		"short":          {gatehouse.Tokens{RefreshLifetime: time.Hour}, nil}, // the idle time follows
		"idle is longer": {gatehouse.Tokens{RefreshMaxAge: 2 * time.Hour, RefreshLifetime: time.Hour}, []string{"tokens.refresh_max_age"}},
		"beyond bounds":  {gatehouse.Tokens{AccessLifetime: 25 * time.Hour, RefreshLifetime: 401 * 24 * time.Hour}, []string{"tokens.access_lifetime", "tokens.refresh_lifetime"}},
		"in pieces":      {gatehouse.Tokens{AccessLifetime: 1500 * time.Millisecond}, []string{"tokens.access_lifetime"}},
	} {
		c := validConfig()
		c.Tokens = tt.tokens
		checkProblems(t, name, c, tt.want)
	}
}
