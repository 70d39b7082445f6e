package gatehouse_test

import (
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
)

// broken has problems whose texts name other settings.
func broken() gatehouse.Config {
	c := validConfig()
	c.PublicOrigin = "http://app.example"
	c.Secrets = append(c.Secrets, c.Secrets[0])
	c.Mounts[0].Pages.SignIn = "/api/auth/signin"
	c.Mounts = append(c.Mounts, gatehouse.Mount{Secrets: c.Secrets[:1]})
	c.Session = gatehouse.Session{AbsoluteLifetime: 24 * time.Hour, MaxAge: 25 * time.Hour, LocalTrust: 26 * time.Hour}
	c.Limits.Registrations = -1
	c.ClientAddress.TrustedProxies = []string{"0.0.0.0/0"}
	c.Appearance.AccentDark = "red"
	return c
}

// Go programs are told of members, programs with a configuration file of
// settings, and neither of what it does not have.
func TestProblems_speakGoOrSettings(t *testing.T) {
	var p *gatehouse.Problems
	if err := broken().Validate(); !errors.As(err, &p) {
		t.Fatalf("error is %v, want *Problems", err)
	}
	inGo, inSettings := p.Error(), p.InSettings().Error()
	for _, want := range []string{
		"Config.PublicOrigin is plain http on a host that is not this machine; use https, here or at a proxy that ends TLS",
		"Config.Secrets[2] stands twice in Config.Secrets; ",
		"Config.Mounts[1].Secrets[0] is the same as Config.Secrets[0]: ",
		`Config.Mounts[0].Pages.SignIn "/api/auth/signin" is below the base path of Config.Mounts[0]: `,
		`Config.Mounts[1].BasePath "/api/auth" overlaps "/api/auth" of Config.Mounts[0]; `,
		`Config.Mounts[1].Dialect "v4" is that of Config.Mounts[0] too, `,
		"Config.Session.MaxAge 1d1h is longer than Config.Session.AbsoluteLifetime, 1d; shorten it, or lengthen Config.Session.AbsoluteLifetime",
		"Config.Session.LocalTrust 1d2h is longer than Config.Session.MaxAge, 1d1h; shorten it, or lengthen Config.Session.MaxAge",
		`Config.Limits.Registrations -1 is out of bounds; give 1 to 1048576: to allow none, set Config.Registration.Mode to "closed"`,
		"Config.ClientAddress.TrustedProxies[0] ", "Config.Appearance.AccentDark ",
	} {
		if !strings.Contains(inGo, want) {
			t.Errorf("%q is missing in\n%s", want, inGo)
		}
	}
	for _, want := range []string{
		"public_origin is plain http on a host that is not this machine; use https, with tls.cert_file or behind a proxy that ends TLS",
		"secrets[2] stands twice in secrets; ", "mounts[1].secrets[0] is the same as secrets[0]: ",
		`mounts[0].pages.sign_in "/api/auth/signin" is below the base path of mounts[0]: `,
		`mounts[1].base_path "/api/auth" overlaps "/api/auth" of mounts[0]; `,
		"session.max_age 1d1h is longer than session.absolute_lifetime, 1d; shorten it, or lengthen session.absolute_lifetime",
		`limits.registrations -1 is out of bounds; give 1 to 1048576: to allow none, set registration.mode to "closed"`,
	} {
		if !strings.Contains(inSettings, want) {
			t.Errorf("%q is missing in\n%s", want, inSettings)
		}
	}
	if path := regexp.MustCompile(`\b[a-z]+(\[\d\])?\.[a-z]+_|\b[a-z]+_[a-z]+|\b(mounts|secrets)\[`).FindString(inGo); path != "" {
		t.Errorf("Go programs are told of the setting %q:\n%s", path, inGo)
	}
	if strings.Contains(inSettings, "Config") {
		t.Errorf("settings are called members:\n%s", inSettings)
	}
}

// Member is where the value stands, in whatever part of Config.
func TestProblem_memberIsThere(t *testing.T) {
	for _, c := range []gatehouse.Config{{}, broken()} {
		list, settings := problems(t, c), c.Validate().(*gatehouse.Problems).InSettings().List
		if diff := cmp.Diff(fields(list), fields(settings)); diff != "" {
			t.Error(diff)
		}
		for _, p := range list {
			v := reflect.ValueOf(c.WithDefaults())
			for step := range strings.SplitSeq(strings.TrimPrefix(p.Member, "Config."), ".") {
				name, index, indexed := strings.Cut(strings.TrimSuffix(step, "]"), "[")
				if v = v.FieldByName(name); !v.IsValid() {
					t.Errorf("%s (%s) is no member", p.Member, p.Field)
					break
				}
				if i, err := strconv.Atoi(index); indexed && (err != nil || i >= v.Len()) {
					t.Errorf("%s has no such entry", p.Member)
					break
				} else if indexed {
					v = v.Index(i)
				}
			}
		}
	}
}
