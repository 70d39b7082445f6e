package gatehouse_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

const (
	ownSecret  = "mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"
	ownSecond  = "Zk1w.R5uXq0aVe7oIy2mCt9pBs4hNd8G"
	appSecret  = "8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"
	tooShort   = "8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9"
	httpsAppAt = "https://app.example"
)

func validConfig() gatehouse.Config {
	return gatehouse.Config{
		PublicOrigin: httpsAppAt,
		Secrets:      []auth.Secret{ownSecret, ownSecond},
		Mounts:       []gatehouse.Mount{{Secrets: []auth.Secret{appSecret}}},
	}
}

// problems returns the fields that Validate complains about, in its order.
func problems(t *testing.T, c gatehouse.Config) []gatehouse.Problem {
	t.Helper()
	err := c.Validate()
	if err == nil {
		return nil
	}
	var p *gatehouse.Problems
	if !errors.As(err, &p) {
		t.Fatalf("Validate() = %T, want *gatehouse.Problems", err)
	}
	return p.List
}

func fields(list []gatehouse.Problem) (out []string) {
	for _, p := range list {
		out = append(out, p.Field)
	}
	return out
}

func TestValidate_acceptsTheLeastThatIsNeeded(t *testing.T) {
	if err := validConfig().Validate(); err != nil {
		t.Fatal(err)
	}
}

// proves: NEXT-2
func TestValidate_zeroConfigNamesAllThatIsMissing(t *testing.T) {
	got := fields(problems(t, gatehouse.Config{}))
	if diff := cmp.Diff([]string{"public_origin", "secrets", "mounts"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestValidate_reportsAllProblemsAtOnceEachWithACure(t *testing.T) {
	c := validConfig()
	c.PublicOrigin = "https://app.example/"
	c.Secrets = append(c.Secrets, "short")
	c.Mounts[0].Dialect = "v3"
	c.Registration.Mode = "sometimes"
	c.Password.MinLength = 4
	c.Session.MaxStaleness = -time.Second
	c.Limits.Registrations = -1
	c.ClientAddress.TrustedProxies = []string{"everybody"}
	c.Name = "a\nb"
	list := problems(t, c)
	want := []string{
		"public_origin", "secrets[2]", "mounts[0].dialect", "registration.mode", "password.min_length",
		"session.max_staleness", "limits.registrations", "client_address.trusted_proxies[0]", "name",
	}
	if diff := cmp.Diff(want, fields(list)); diff != "" {
		t.Error(diff)
	}
	for _, p := range list {
		if p.Problem == "" || p.Cure == "" {
			t.Errorf("%+v lacks a problem or a cure", p)
		}
	}
	if got := strings.Count(c.Validate().Error(), "\n"); got != len(want)-1 {
		t.Errorf("Error() has %d line breaks for %d problems", got, len(want))
	}
}

// proves: ASVS 12.2.1
func TestValidate_publicOrigin(t *testing.T) {
	good := []string{
		"https://app.example", "https://app.example:8443", "http://localhost", "http://localhost:3000",
		"http://127.0.0.1:3000", "http://127.8.9.1", "http://[::1]:3000", "https://192.0.2.1", "https://xn--bcher-kva.example",
	}
	for _, origin := range good {
		c := validConfig()
		c.PublicOrigin = origin
		if err := c.Validate(); err != nil {
			t.Errorf("%s is refused: %v", origin, err)
		}
	}
	bad := []string{
		"http://app.example", "http://localhost.example", "http://10.0.0.1", "http://127.0.0.1.nip.io", "http://[::ffff:127.0.0.1]",
		"http://127.1", "http://0x7f.0.0.1", "http://0x7f000001", "http://2130706433", "http://0177.0.0.1",
		"HTTPS://app.example", "https://App.example", "https://app.example/", "https://app.example/x", "https://app.example?x", "https://app.example?",
		"https://app.example#", "https://u@app.example", "https://u:p@app.example", "https://@app.example", "https://app.example:443", "http://localhost:80", "https://app.example:0",
		"https://app.example:65536", "https://app.example:", "https://app.example:08443", "https://", "app.example", "//app.example", "ftp://app.example",
		"https://app.example.", "https://app..example", "https://bücher.example", "https://app example", "https://app.example\\x", "https://[::1%25eth0]",
		"https://[0:0::1]", "https://[fe80::1", "https://app%2eexample", "javascript:alert(1)", "https:app.example", " https://app.example", "https://app.example\n",
		"https://*.app.example", "null",
	}
	for _, origin := range bad {
		c := validConfig()
		c.PublicOrigin = origin
		if diff := cmp.Diff([]string{"public_origin"}, fields(problems(t, c))); diff != "" {
			t.Errorf("%q: %s", origin, diff)
		}
	}
}

func TestValidate_cureOfAnOriginIsTheOriginToWrite(t *testing.T) {
	for origin, cure := range map[string]string{
		"https://app.example/":    "write https://app.example",
		"http://app.example/":     "write https://app.example (plain http is for this machine alone)",
		"http://localhost:3000/":  "write http://localhost:3000",
		"https://App.Example":     "write https://app.example",
		"https://app.example:443": "write https://app.example",
		"https://bücher.example":  "write xn--bcher-kva.example",
		"https://[0:0::1]":        "write [::1]",
	} {
		c := validConfig()
		c.PublicOrigin = origin
		if list := problems(t, c); len(list) != 1 || list[0].Cure != cure {
			t.Errorf("%s: got %+v, want the cure %q", origin, list, cure)
		}
	}
}

// proves: ASVS 13.2.3
// proves: ASVS 11.2.3
// proves: NEXT-2
func TestValidate_refusesSecretsThatCanBeGuessed(t *testing.T) {
	guessable := []string{
		"", "secret", "changeme", "password", "your-secret-key", "your-secret-here", tooShort,
		"changemechangemechangemechangeme", "your-secret-here-your-secret-here", "secretsecretsecretsecretsecretsecret",
		"openssl rand -base64 32", "openssl rand -base64 32 openssl rand", "$(openssl rand -base64 32)aaaaaaaaaaaaaa", "${NEXTAUTH_SECRET:?set it in your env file}",
		"This is an example", "your-secret-key-here-generate-with-openssl-rand-base64-32", "change-this-to-a-long-random-secret",
		"complex_password_at_least_32_characters_long", "super-secret-jwt-token-with-at-least-32-characters-long",
		"please-change-me-in-production-1234567890", "REPLACE_ME_WITH_A_RANDOM_STRING_OF_32_CHARS",
		"INp8IvdIyeMcoGAgFGoA61DdBglwwSqnXJZkgz8PSnw", "INp8IvdIyeMcoGAgFGoA61DdBglwwSqnXJZkgz8PSnw=",
		strings.Repeat("a", 64), strings.Repeat("ab", 32), strings.Repeat("x9Kq", 10), "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee",
		"0123456789012345678901234567890123456789", "abcdefghijklmnopqrstuvwxyz012345", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
		"zyxwvutsrqponmlkjihgfedcba9876543210", "qwertyuiopasdfghjklzxcvbnm1234567890", "--------------------------------",
		ownSecond + "\n", " " + ownSecond, ownSecond + "\t", ownSecond + "\x00x", ownSecond + "\xff", strings.Repeat(ownSecret+ownSecond+appSecret, 20),
	}
	for _, s := range guessable {
		c := validConfig()
		c.Secrets = []auth.Secret{auth.Secret(s)}
		list := problems(t, c)
		if diff := cmp.Diff([]string{"secrets[0]"}, fields(list)); diff != "" {
			t.Errorf("own secret %q: %s", s, diff)
		}
		c = validConfig()
		c.Mounts[0].Secrets = []auth.Secret{appSecret, auth.Secret(s)}
		if diff := cmp.Diff([]string{"mounts[0].secrets[1]"}, fields(problems(t, c))); diff != "" {
			t.Errorf("application's secret %q: %s", s, diff)
		}
	}
}

func TestValidate_takesRandomSecretsOfEveryUsualForm(t *testing.T) {
	for range 2000 {
		b := make([]byte, 32)
		rand.Read(b)
		for _, s := range []string{
			hex.EncodeToString(b), hex.EncodeToString(b[:16]), base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
			base64.StdEncoding.EncodeToString(b[:24]), rand.Text() + rand.Text(),
		} {
			c := validConfig()
			c.Secrets = []auth.Secret{auth.Secret(s)}
			if err := c.Validate(); err != nil {
				t.Fatalf("%s is refused: %v", s, err)
			}
		}
	}
}

func TestValidate_refusesOneSecretForGatehouseAndApplication(t *testing.T) {
	c := validConfig()
	c.Mounts[0].Secrets = []auth.Secret{appSecret, ownSecond}
	if diff := cmp.Diff([]string{"mounts[0].secrets[1]"}, fields(problems(t, c))); diff != "" {
		t.Error(diff)
	}
	c = validConfig()
	c.Secrets = []auth.Secret{ownSecret, ownSecret}
	if diff := cmp.Diff([]string{"secrets[1]"}, fields(problems(t, c))); diff != "" {
		t.Error(diff)
	}
}

func TestValidate_mountsOfOneApplicationMayShareItsSecret(t *testing.T) {
	c := validConfig()
	c.Mounts = []gatehouse.Mount{
		{BasePath: "/api/auth", Secrets: []auth.Secret{appSecret}},
		{BasePath: "/auth", Dialect: "v5", Secrets: []auth.Secret{appSecret}},
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

// proves: ASVS 13.3.2
func TestValidate_neverShowsASecret(t *testing.T) {
	const mark = "Zq3"
	c := validConfig()
	c.Secrets = []auth.Secret{mark, mark + " ", auth.Secret(strings.Repeat(mark, 20)), auth.Secret(mark + ownSecret), auth.Secret(mark + ownSecret)}
	c.Mounts[0].Secrets = []auth.Secret{auth.Secret(mark + ownSecret)}
	err := c.Validate()
	if err == nil {
		t.Fatal("nothing is refused")
	}
	if strings.Contains(err.Error(), mark) {
		t.Errorf("a secret is shown: %v", err)
	}
	if got := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(got, mark) {
		t.Errorf("a secret is printed with the configuration: %s", got)
	}
}

func TestValidate_basePath(t *testing.T) {
	for _, p := range []string{"/api/auth", "/auth", "/a/b/c-d_e.f~g"} {
		c := validConfig()
		c.Mounts[0].BasePath = p
		if err := c.Validate(); err != nil {
			t.Errorf("%s is refused: %v", p, err)
		}
	}
	for _, p := range []string{
		"/", "api/auth", "/api/auth/", "//api", "/api//auth", "/api/./auth", "/api/../auth", "/..", "/.", "/api/%61uth", "/api/{x}", "/api auth",
		"/api?x", "/api#x", `/api\auth`, "/äpi", "/api;x", "https://app.example/api/auth", "/" + strings.Repeat("a", 128),
	} {
		c := validConfig()
		c.Mounts[0].BasePath = p
		if diff := cmp.Diff([]string{"mounts[0].base_path"}, fields(problems(t, c))); diff != "" {
			t.Errorf("%q: %s", p, diff)
		}
	}
}

func TestValidate_mountsMustNotOverlap(t *testing.T) {
	for _, tt := range []struct {
		first, second string
		refused       bool
	}{
		{"/api/auth", "/api/auth", true},
		{"/api/auth", "/api/auth/v5", true},
		{"/api/auth/v5", "/api/auth", true},
		{"/api/auth", "/api/auth5", false},
		{"/api/auth", "/api/v5", false},
	} {
		c := validConfig()
		c.Mounts[0].BasePath = tt.first
		c.Mounts = append(c.Mounts, gatehouse.Mount{BasePath: tt.second, Dialect: "v5", Secrets: []auth.Secret{appSecret}})
		var want []string
		if tt.refused {
			want = []string{"mounts[1].base_path"}
		}
		if diff := cmp.Diff(want, fields(problems(t, c))); diff != "" {
			t.Errorf("%s and %s: %s", tt.first, tt.second, diff)
		}
	}
}

func TestValidate_pagesStayOnThePublicOrigin(t *testing.T) {
	for _, page := range []string{"/login", "/", "/login?from=auth", "https://app.example/login", "https://app.example", "/api/authors"} {
		c := validConfig()
		c.Mounts[0].Pages.SignIn = page
		if err := c.Validate(); err != nil {
			t.Errorf("%s is refused: %v", page, err)
		}
	}
	for _, page := range []string{
		"login", "//evil.example", `/\evil.example`, `\\evil.example`, "https://evil.example/login", "https://app.example.evil.example", "https://app.example@evil.example",
		"https://app.example:444/", "http://app.example/login", "javascript:alert(1)", "/login#x", "/log in", "/log\nin", "/%zz",
		"https:/login", "https:login", "/api/auth/signin", "/api/auth", "/x/../api/auth/signin", "https://app.example/api/auth/error", "?x",
	} {
		c := validConfig()
		c.Mounts[0].Pages.Error = page
		if diff := cmp.Diff([]string{"mounts[0].pages.error"}, fields(problems(t, c))); diff != "" {
			t.Errorf("%q: %s", page, diff)
		}
	}
}

func TestValidate_singleSettings(t *testing.T) {
	const d = 24 * time.Hour
	type set = func(*gatehouse.Config)
	for _, tt := range []struct {
		name string
		set  set
		want []string
	}{
		{"dialect v5", func(c *gatehouse.Config) { c.Mounts[0].Dialect = "v5" }, nil},
		{"dialect 4", func(c *gatehouse.Config) { c.Mounts[0].Dialect = "4" }, []string{"mounts[0].dialect"}},
		{"update none", func(c *gatehouse.Config) { c.Mounts[0].UpdateFields = []string{"none"} }, nil},
		{"update none and name", func(c *gatehouse.Config) { c.Mounts[0].UpdateFields = []string{"name", "none"} }, []string{"mounts[0].update_fields[1]"}},
		{"update email", func(c *gatehouse.Config) { c.Mounts[0].UpdateFields = []string{"email"} }, []string{"mounts[0].update_fields[0]"}},
		{"update twice", func(c *gatehouse.Config) { c.Mounts[0].UpdateFields = []string{"name", "name"} }, []string{"mounts[0].update_fields[1]"}},
		{"adoption to come", func(c *gatehouse.Config) { c.Mounts[0].AdoptUntil = time.Now().AddDate(0, 2, 0) }, nil},
		{"adoption gone by", func(c *gatehouse.Config) { c.Mounts[0].AdoptUntil = time.Now().AddDate(-1, 0, 0) }, nil},
		{"adoption for ever", func(c *gatehouse.Config) { c.Mounts[0].AdoptUntil = time.Now().AddDate(0, 0, 401) }, []string{"mounts[0].adopt_until"}},
		{"adoption by the injected clock", func(c *gatehouse.Config) {
			c.Now = func() time.Time { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) }
			c.Mounts[0].AdoptUntil = time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
		}, []string{"mounts[0].adopt_until"}},
		{"memory database", func(c *gatehouse.Config) { c.Database.Path = ":memory:" }, []string{"database.path"}},
		{"database address", func(c *gatehouse.Config) { c.Database.Path = "file:x.db?mode=ro" }, []string{"database.path"}},
		{"invitation", func(c *gatehouse.Config) { c.Registration.Mode = "invitation" }, nil},
		{"roles", func(c *gatehouse.Config) { c.Registration.Roles = []string{"a", "b"} }, nil},
		{"bad role", func(c *gatehouse.Config) { c.Registration.Roles = []string{"a b"} }, []string{"registration.roles"}},
		{"everybody an administrator", func(c *gatehouse.Config) { c.Registration.Roles = []string{auth.RoleAdmin} }, []string{"registration.roles"}},
		{"defined roles", func(c *gatehouse.Config) {
			c.Roles = []gatehouse.RoleDefinition{{Name: "clerk", Permissions: []string{"orders:*", "billing.*:read"}, Inherits: []string{"user", auth.RoleSupport}}, {Name: "user"}}
			c.Registration.Roles = []string{"user"}
		}, nil},
		{"an undefined role for everybody", func(c *gatehouse.Config) {
			c.Roles, c.Registration.Roles = []gatehouse.RoleDefinition{{Name: "clerk"}}, []string{"clerk", "user"}
		}, []string{"registration.roles"}},
		{"a role without a name", func(c *gatehouse.Config) { c.Roles = make([]gatehouse.RoleDefinition, 1) }, []string{"roles[0].name"}},
		{"a role of Gatehouse's own", func(c *gatehouse.Config) { c.Roles = []gatehouse.RoleDefinition{{Name: auth.RoleAdmin}} }, []string{"roles[0].name"}},
		{"two roles of one name", func(c *gatehouse.Config) { c.Roles = []gatehouse.RoleDefinition{{Name: "a"}, {Name: "a"}} }, []string{"roles[1].name"}},
		{"a bad permission", func(c *gatehouse.Config) {
			c.Roles = []gatehouse.RoleDefinition{{Name: "a"}, {Name: "b", Permissions: []string{"orders:read", "orders"}}}
		}, []string{"roles[1].permissions"}},
		{"an unknown role inherited", func(c *gatehouse.Config) {
			c.Roles = []gatehouse.RoleDefinition{{Name: "a", Inherits: []string{"gone"}}}
		}, []string{"roles[0].inherits"}},
		{"a role that inherits itself", func(c *gatehouse.Config) {
			c.Roles = []gatehouse.RoleDefinition{{Name: "a", Inherits: []string{"b"}}, {Name: "b", Inherits: []string{"a"}}}
		}, []string{"roles[0].inherits"}},
		{"a description of two lines", func(c *gatehouse.Config) {
			c.Roles = []gatehouse.RoleDefinition{{Name: "a", Description: "a\nb"}}
		}, []string{"roles[0].description"}},
		{"length 14", func(c *gatehouse.Config) { c.Password.MinLength = 14 }, []string{"password.min_length"}},
		{"length 15", func(c *gatehouse.Config) { c.Password.MinLength = 15 }, nil},
		{"length 64", func(c *gatehouse.Config) { c.Password.MinLength = 64 }, nil},
		{"length 65", func(c *gatehouse.Config) { c.Password.MinLength = 65 }, []string{"password.min_length"}},
		{"length -1", func(c *gatehouse.Config) { c.Password.MinLength = -1 }, []string{"password.min_length"}},
		{"memory 19455", func(c *gatehouse.Config) { c.Password.MemoryKiB = 19455 }, []string{"password.memory_kib"}},
		{"memory in bytes", func(c *gatehouse.Config) { c.Password.MemoryKiB = 19456 * 1024 }, []string{"password.memory_kib"}},
		{"one pass", func(c *gatehouse.Config) { c.Password.Passes = 1 }, []string{"password.passes"}},
		{"lanes 256", func(c *gatehouse.Config) { c.Password.Lanes = 256 }, []string{"password.lanes"}},
		{"workers -1", func(c *gatehouse.Config) { c.Password.Workers = -1 }, []string{"password.workers", "password.queue"}},
		{"empty word", func(c *gatehouse.Config) { c.Password.ContextWords = []string{"x", " "} }, []string{"password.context_words[1]"}},
		{"absolute 400d", func(c *gatehouse.Config) { c.Session.AbsoluteLifetime = 400 * d }, nil},
		{"absolute 401d", func(c *gatehouse.Config) { c.Session.AbsoluteLifetime = 401 * d }, []string{"session.absolute_lifetime"}},
		{"absolute below 30d", func(c *gatehouse.Config) { c.Session.AbsoluteLifetime = 7 * d }, nil},
		{"age over absolute", func(c *gatehouse.Config) { c.Session.AbsoluteLifetime, c.Session.MaxAge = 7*d, 8*d }, []string{"session.max_age"}},
		{"trust over age", func(c *gatehouse.Config) { c.Session.MaxAge, c.Session.LocalTrust = d, 2*d }, []string{"session.local_trust"}},
		{"negative age", func(c *gatehouse.Config) { c.Session.MaxAge = -d }, []string{"session.max_age", "session.local_trust"}},
		{"half seconds", func(c *gatehouse.Config) { c.Session.LocalTrust = 1500 * time.Millisecond }, []string{"session.local_trust"}},
		{"stale for an hour", func(c *gatehouse.Config) { c.Session.MaxStaleness = time.Hour }, []string{"session.max_staleness"}},
		{"a negative ordinal", func(c *gatehouse.Config) { c.SecretsOrdinal = -1 }, []string{"secrets_ordinal"}},
		{"no room for revocations", func(c *gatehouse.Config) { c.Session.IndexLimit = 999 }, []string{"session.index_limit"}},
		{"too many sessions", func(c *gatehouse.Config) { c.Session.MaxPerUser = 1001 }, []string{"session.max_per_user"}},
		{"101 failures", func(c *gatehouse.Config) { c.Limits.AccountFailures = 101 }, []string{"limits.account_failures"}},
		{"delay of 2 days", func(c *gatehouse.Config) { c.Limits.AccountMaxDelay = 2 * d }, []string{"limits.account_max_delay"}},
		{"header", func(c *gatehouse.Config) { c.ClientAddress.Header = "CF-Connecting-IP" }, nil},
		{"bad header", func(c *gatehouse.Config) { c.ClientAddress.Header = "X Forwarded" }, []string{"client_address.header"}},
		{"long name", func(c *gatehouse.Config) { c.Name = strings.Repeat("n", 101) }, []string{"name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := validConfig()
			tt.set(&c)
			if diff := cmp.Diff(tt.want, fields(problems(t, c))); diff != "" {
				t.Error(diff, c.Validate())
			}
		})
	}
}

func TestValidate_trustedProxies(t *testing.T) {
	for _, hop := range []string{"10.0.0.1", "10.0.0.0/8", "fc00::/7", "fd00::/8", "fd00::1", "2001:db8::/32", "127.0.0.1/32"} {
		c := validConfig()
		c.ClientAddress.TrustedProxies = []string{hop}
		if err := c.Validate(); err != nil {
			t.Errorf("%s is refused: %v", hop, err)
		}
	}
	for _, hop := range []string{
		"0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "::/1", "fc00::/6", "2000::/3", "::ffff:0:0/96", "::ffff:10.0.0.1", "0.0.0.0", "::", "10.0.0.1/8", "10.0.0", "proxy.example", "*", "", "fe80::1%eth0",
	} {
		c := validConfig()
		c.ClientAddress.TrustedProxies = []string{"10.0.0.1", hop}
		if diff := cmp.Diff([]string{"client_address.trusted_proxies[1]"}, fields(problems(t, c))); diff != "" {
			t.Errorf("%q: %s", hop, diff)
		}
	}
}

func TestWithDefaults_areThoseOfTheDocumentation(t *testing.T) {
	got := validConfig().WithDefaults()
	want := gatehouse.Config{
		PublicOrigin: httpsAppAt, Name: "app.example", Secrets: []auth.Secret{ownSecret, ownSecond},
		Mounts:       []gatehouse.Mount{{BasePath: "/api/auth", Dialect: "v4", Carrier: "sealed", Secrets: []auth.Secret{appSecret}, UpdateFields: []string{"name", "image"}}},
		Database:     gatehouse.Database{Path: "gatehouse.db", MaxConnections: 16, StatementTimeout: 5 * time.Second},
		Registration: gatehouse.Registration{Mode: "closed"},
		Password: gatehouse.Password{MinLength: 15, ContextWords: []string{"app.example"}, MemoryKiB: 19456, Passes: 2, Lanes: 1,
			Workers: got.Password.Workers, Queue: 8 * got.Password.Workers},
		SecretsOrdinal: 1,
		Session:        gatehouse.Session{MaxAge: 720 * time.Hour, AbsoluteLifetime: 2160 * time.Hour, LocalTrust: 720 * time.Hour, MaxPerUser: 100, IndexLimit: 5_000_000, CacheEntries: 1_000_000, MaxStaleness: 30 * time.Second},
		Tokens:         gatehouse.Tokens{AccessLifetime: 15 * time.Minute, RefreshMaxAge: 720 * time.Hour, RefreshLifetime: 2160 * time.Hour},
		APIKeys: gatehouse.APIKeys{Environment: "live", Lifetime: 365 * 24 * time.Hour, MaxLifetime: 400 * 24 * time.Hour, MaxPerUser: 50,
			Requests: 6000, Period: time.Minute, CacheEntries: 65536},
		Limits: gatehouse.Limits{AccountFailures: 5, AccountMaxDelay: 15 * time.Minute, AddressFailures: 20,
			AddressPeriod: 15 * time.Minute, UnknownFailures: 2000, Registrations: 20},
		Keys:          gatehouse.Keys{RotateEvery: 90 * 24 * time.Hour, Lead: time.Hour},
		Management:    gatehouse.Management{Listen: "ops", Requests: 600},
		Audit:         gatehouse.Audit{Retention: 400 * 24 * time.Hour},
		Redis:         gatehouse.Redis{Timeout: 50 * time.Millisecond},
		ClientAddress: gatehouse.ClientAddress{Header: "X-Forwarded-For"},
		Appearance:    gatehouse.Appearance{Radius: "10px", Language: "en"},
	}
	if got.Password.Workers < 1 {
		t.Error("no workers")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWithDefaults_leavesTheCallersConfigAlone(t *testing.T) {
	c := validConfig()
	c.WithDefaults()
	if c.Mounts[0].BasePath != "" {
		t.Error("the mounts of the caller were changed")
	}
}

func FuzzValidate(f *testing.F) {
	f.Add("https://app.example", ownSecret, "/api/auth", "/login", "10.0.0.0/8")
	f.Add("http://[::1]:3000", "", "//", "//evil", "::ffff:0:0/96")
	f.Add("https://0x7f.1", "$(x)", "/%2e", "https://app.example@evil", "0.0.0.0/0")
	f.Fuzz(func(t *testing.T, origin, secret, base, page, hop string) {
		c := validConfig()
		c.PublicOrigin, c.Secrets[0], c.Mounts[0].BasePath, c.Mounts[0].Pages.SignIn = origin, auth.Secret(secret), base, page
		c.ClientAddress.TrustedProxies = []string{hop}
		for _, p := range problems(t, c) {
			if p.Field == "" || p.Problem == "" || p.Cure == "" {
				t.Errorf("incomplete: %+v", p)
			}
			if len(secret) > 8 && strings.HasPrefix(p.Field, "secrets") && strings.Contains(p.String(), secret) &&
				!strings.Contains(`make one with "gatehouse secret generate"`, secret) {
				t.Errorf("shows the secret: %v", p)
			}
		}
	})
}

func TestValidate_databaseURL(t *testing.T) {
	const password = "correct-horse"
	for name, c := range map[string]struct {
		change func(*gatehouse.Database)
		want   []string
	}{
		"is good": {func(d *gatehouse.Database) {
			d.URL = "postgres://ann:" + password + "@db.example/gatehouse?sslmode=disable"
		}, nil},
		"of another kind":      {func(d *gatehouse.Database) { d.URL = "mysql://ann:" + password + "@db.example/g" }, []string{"database.url"}},
		"cannot be read":       {func(d *gatehouse.Database) { d.URL = "postgres://ann:" + password + "@db.example:port/g" }, []string{"database.url"}},
		"password not escaped": {func(d *gatehouse.Database) { d.URL = "postgres://ann:%" + password + "@db.example/g" }, []string{"database.url"}},
		"names no file": {func(d *gatehouse.Database) {
			d.URL = "postgres://ann@db.example/g?sslmode=verify-full&sslrootcert=/nowhere.pem"
		}, []string{"database.url"}},
		"beside a file":        {func(d *gatehouse.Database) { d.URL, d.Path = "postgres://ann@db.example/g", "g.db" }, []string{"database.path"}},
		"of the feed alone":    {func(d *gatehouse.Database) { d.FeedURL = "postgres://ann@db.example/g" }, []string{"database.feed_url"}},
		"too many connections": {func(d *gatehouse.Database) { d.MaxConnections = 1001 }, []string{"database.max_connections"}},
		"no time":              {func(d *gatehouse.Database) { d.StatementTimeout = time.Millisecond }, []string{"database.statement_timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := validConfig()
			c.change(&config.Database)
			config = config.WithDefaults()
			err := config.Validate()
			if c.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if diff := cmp.Diff(c.want, fields(problems(t, config))); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}
