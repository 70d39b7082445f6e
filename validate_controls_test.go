package gatehouse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

const pepper = "Yw2mQ0cB7sVx4pHk9eRt1uJz6nLf8aDg"

// A pepper is a secret like any other, and like no other.
func TestValidate_peppers(t *testing.T) {
	for name, tt := range map[string]struct {
		peppers []auth.Secret
		want    []string
	}{
		"none":                     {nil, nil},
		"one":                      {[]auth.Secret{pepper}, nil},
		"two":                      {[]auth.Secret{pepper, "q3Nf7Zk1Xr9Wb5Tj2Gc8Ly4Ph6Ms0DvE"}, nil},
		"short":                    {[]auth.Secret{auth.Secret(pepper[:31])}, []string{"password.peppers[0]"}},
		"empty":                    {[]auth.Secret{""}, []string{"password.peppers[0]"}},
		"a placeholder":            {[]auth.Secret{"changeme-changeme-changeme-changeme"}, []string{"password.peppers[0]"}},
		"a pattern":                {[]auth.Secret{auth.Secret(strings.Repeat("k3Y-", 12))}, []string{"password.peppers[0]"}},
		"twice":                    {[]auth.Secret{pepper, pepper}, []string{"password.peppers[1]"}},
		"Gatehouse's own secret":   {[]auth.Secret{pepper, ownSecond}, []string{"password.peppers[1]"}},
		"the application's secret": {[]auth.Secret{appSecret}, []string{"password.peppers[0]"}},
	} {
		c := validConfig()
		c.Password.Peppers = tt.peppers
		list := problems(t, c)
		if diff := cmp.Diff(tt.want, fields(list)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, p := range list {
			for _, s := range tt.peppers {
				if s != "" && strings.Contains(p.String(), s.Reveal()) {
					t.Errorf("%s: the problem shows it: %s", name, p)
				}
			}
		}
	}
}

func TestValidate_clearSiteData(t *testing.T) {
	for list, want := range map[string][]string{
		"":                             nil,
		"cache":                        nil,
		"cache cookies storage":        nil,
		"cache cache":                  {"session.clear_site_data[1]"},
		"*":                            {"session.clear_site_data[0]"},
		"executionContexts":            {"session.clear_site_data[0]"},
		`cache storage",`:              {"session.clear_site_data[1]"},
		"Cache":                        {"session.clear_site_data[0]"},
		"storage\r\nX-Forged:\x201 no": {"session.clear_site_data[1]", "session.clear_site_data[2]", "session.clear_site_data[3]"},
	} {
		c := validConfig()
		c.Session.ClearSiteData = strings.Fields(list)
		if diff := cmp.Diff(want, fields(problems(t, c))); diff != "" {
			t.Errorf("%q: %s", list, diff)
		}
	}
}

// proves: ASVS 3.4.7
func TestValidate_whatWouldChangeAPolicyIsNoAddressForReports(t *testing.T) {
	for _, good := range []string{
		"/csp", "/api/auth/csp-report", "https://app.example/api/auth/csp-report", "https://reports.example", "https://reports.example/a/b?c=d&e=%3B",
		"https://reports.example:8443/r", "/",
	} {
		c := validConfig()
		c.CSPReportURL = good
		if err := c.Validate(); err != nil {
			t.Errorf("%s is refused: %v", good, err)
		}
	}
	for _, bad := range []string{
		"https://r.example/; script-src *", "https://r.example/;script-src%20*", "https://r.example/,default-src", "/a\"b", "/a'b", "/a b", "/a\r\nSet-Cookie: x=y", "/a\nb", "/a\x00b", "/<b>",
		"https://r.example/#f", "http://r.example/x", "//evil.example/x", "javascript:alert(1)", "data:text/plain,x", "r.example", "https://u:p@r.example/x", "https:///x", "/\\evil.example", "/ü",
		"https://bücher.example/", "/api/auth", "/api/auth/session", "/api/auth/csp-report/", "/api/auth/csp-report?x", "/api/auth/./csp-report", "https://app.example/api/auth/signin", "mailto:a@b.example",
	} {
		c := validConfig()
		c.CSPReportURL = bad
		if diff := cmp.Diff([]string{"csp_report_url"}, fields(problems(t, c))); diff != "" {
			t.Errorf("%q: %s", bad, diff)
		}
	}
}

// The words that no password may be made of are the operator's to choose, and
// hold the service and the organisation where nothing is chosen.
//
// proves: ASVS 6.1.2, ASVS 6.2.11
func TestContextWords_areOfTheServiceUnlessChosen(t *testing.T) {
	type refused map[string]bool
	for name, tt := range map[string]struct {
		change func(c *gatehouse.Config)
		words  []string
		pw     refused
	}{
		"default": {func(c *gatehouse.Config) { c.Name = "Wolkenkuckuck" }, []string{"Wolkenkuckuck", "intranet.quellwasser.example"},
			refused{"wolkenkuckuck 2026!!": true, "Quellwasser-Quellwasser": true, "intranet.quellwasser": true, "hollunderstrauch 2026!!": false, "seven grey herons at noon": false}},
		"no name": {func(c *gatehouse.Config) {}, []string{"intranet.quellwasser.example"},
			refused{"Quellwasser-Quellwasser": true, "wolkenkuckuck 2026!!": false}},
		"chosen": {func(c *gatehouse.Config) {
			c.Name, c.Password.ContextWords = "Wolkenkuckuck", []string{"Hollunderstrauch"}
		}, []string{"Hollunderstrauch"},
			refused{"hollunderstrauch 2026!!": true, "wolkenkuckuck 2026!!": false}},
	} {
		cfg := config(t)
		cfg.PublicOrigin = "https://intranet.quellwasser.example"
		tt.change(&cfg)
		if diff := cmp.Diff(tt.words, cfg.WithDefaults().Password.ContextWords); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		g := open(t, cfg)
		n := 0
		for pw, want := range tt.pw {
			n++
			_, err := g.Users().Create(t.Context(), "test", gatehouse.NewUser{Username: "somebody" + strings.Repeat("x", n), Password: auth.Secret(pw)})
			if got := auth.AsError(err).Code == auth.CodePasswordContainsName; got != want || err != nil && !want {
				t.Errorf("%s: %q: %v, want it refused: %v", name, pw, err, want)
			}
		}
	}
}

// A master key is a secret like any other, and none of the others.
//
// proves: ASVS 11.4.4
func TestValidate_masterKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		masters []auth.Secret
		want    []string
	}{
		"none":                     {nil, nil},
		"two":                      {[]auth.Secret{"m4Vt8Qa2Zx6Lk0Hd3Wy7Rb1Nf5Jc9GsE", "q3Nf7Zk1Xr9Wb5Tj2Gc8Ly4Ph6Ms0DvE"}, nil},
		"short":                    {[]auth.Secret{"m4Vt8Qa2Zx6Lk0Hd3Wy7Rb1Nf5Jc9Gs"}, []string{"keys.master[0]"}},
		"empty":                    {[]auth.Secret{""}, []string{"keys.master[0]"}},
		"a passphrase":             {[]auth.Secret{"correct horse battery staple"}, []string{"keys.master[0]"}},
		"a run of letters":         {[]auth.Secret{"abcdefghijklmnopqrstuvwxyzabcdefgh"}, []string{"keys.master[0]"}},
		"twice":                    {[]auth.Secret{"m4Vt8Qa2Zx6Lk0Hd3Wy7Rb1Nf5Jc9GsE", "m4Vt8Qa2Zx6Lk0Hd3Wy7Rb1Nf5Jc9GsE"}, []string{"keys.master[1]"}},
		"Gatehouse's own secret":   {[]auth.Secret{ownSecond}, []string{"keys.master[0]"}},
		"the application's secret": {[]auth.Secret{appSecret}, []string{"keys.master[0]"}},
		"a pepper":                 {[]auth.Secret{pepper}, []string{"keys.master[0]"}},
	} {
		c := validConfig()
		c.Password.Peppers = []auth.Secret{pepper}
		c.Keys.Master = tt.masters
		if diff := cmp.Diff(tt.want, fields(problems(t, c))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestValidate_keyTimes(t *testing.T) {
	for name, tt := range map[string]struct {
		keys gatehouse.Keys
		want []string
	}{
		"at the lower bounds":     {gatehouse.Keys{RotateEvery: time.Hour, Lead: time.Minute}, nil},
		"at the upper bounds":     {gatehouse.Keys{RotateEvery: 400 * 24 * time.Hour, Lead: 7 * 24 * time.Hour}, nil},
		"rotated too often":       {gatehouse.Keys{RotateEvery: time.Hour - 1, Lead: time.Minute}, []string{"keys.rotate_every"}},
		"rotated too seldom":      {gatehouse.Keys{RotateEvery: 400*24*time.Hour + 1}, []string{"keys.rotate_every"}},
		"published too shortly":   {gatehouse.Keys{Lead: time.Minute - 1}, []string{"keys.lead"}},
		"published too long":      {gatehouse.Keys{Lead: 7*24*time.Hour + 1}, []string{"keys.lead"}},
		"published beyond a turn": {gatehouse.Keys{RotateEvery: 2 * time.Hour, Lead: 3 * time.Hour}, []string{"keys.lead"}},
	} {
		c := validConfig()
		c.Keys = tt.keys
		if diff := cmp.Diff(tt.want, fields(problems(t, c))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
