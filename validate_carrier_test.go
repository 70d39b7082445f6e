package gatehouse_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

func TestValidate_carriers(t *testing.T) {
	iron := func(cookie string, ids ...string) func(*gatehouse.Config) {
		return func(c *gatehouse.Config) {
			c.Mounts[0].Carrier, c.Mounts[0].Iron = "iron", gatehouse.Iron{Cookie: cookie, IDs: ids}
		}
	}
	then := func(do ...func(*gatehouse.Config)) func(*gatehouse.Config) {
		return func(c *gatehouse.Config) {
			for _, one := range do {
				one(c)
			}
		}
	}
	one := func(c *gatehouse.Config) { c.Mounts[0].Secrets = c.Mounts[0].Secrets[:1] }
	two := func(c *gatehouse.Config) {
		c.Mounts[0].Secrets = append(c.Mounts[0].Secrets[:1:1], auth.Secret("pT4vW9zK2mQ7xR5nB8cJ3hL6dF1gS0yA-two"))
	}
	plain := func(c *gatehouse.Config) { c.PublicOrigin = "http://localhost:3000" }
	beside := func(second string) func(*gatehouse.Config) {
		return func(c *gatehouse.Config) {
			m := c.Mounts[0]
			m.BasePath, m.Dialect, m.Carrier, m.Iron = "/other", "v5", "iron", gatehouse.Iron{Cookie: second}
			c.Mounts[0].Dialect = "v4"
			c.Mounts = append(c.Mounts[:1:1], m)
		}
	}
	for name, c := range map[string]struct {
		change func(*gatehouse.Config)
		want   []string
	}{
		"stored":                       {func(c *gatehouse.Config) { c.Mounts[0].Carrier = "stored" }, nil},
		"none that there is":           {func(c *gatehouse.Config) { c.Mounts[0].Carrier = "jwt" }, []string{"mounts[0].carrier"}},
		"iron":                         {then(one, iron("app-session")), nil},
		"iron with an ID":              {then(one, iron("app-session", "4")), nil},
		"iron with two":                {then(two, iron("app-session", "2", "1")), nil},
		"iron, IDs not said":           {then(two, iron("app-session")), []string{"mounts[0].iron.ids"}},
		"iron, an ID too many":         {then(one, iron("app-session", "2", "1")), []string{"mounts[0].iron.ids"}},
		"iron, one ID twice":           {then(two, iron("app-session", "1", "1")), []string{"mounts[0].iron.ids[1]"}},
		"iron, an ID that is none":     {then(two, iron("app-session", "0", "01")), []string{"mounts[0].iron.ids[0]", "mounts[0].iron.ids[1]"}},
		"iron without a name":          {then(one, iron("")), []string{"mounts[0].iron.cookie"}},
		"iron, a name that is none":    {then(one, iron("a b")), []string{"mounts[0].iron.cookie"}},
		"iron, a name of Auth.js":      {then(one, iron("__Secure-next-auth.session-token")), []string{"mounts[0].iron.cookie"}},
		"iron, a name that needs TLS":  {then(one, iron("__Host-app"), plain), []string{"mounts[0].iron.cookie"}},
		"iron, that name with TLS":     {then(one, iron("__Host-app")), nil},
		"iron said of a sealed mount":  {func(c *gatehouse.Config) { c.Mounts[0].Iron.Cookie = "app-session" }, []string{"mounts[0].iron"}},
		"iron while sessions move in":  {then(one, iron("s"), func(c *gatehouse.Config) { c.Mounts[0].AdoptUntil = time.Now() }), []string{"mounts[0].adopt_until"}},
		"stored while they do":         {func(c *gatehouse.Config) { c.Mounts[0].Carrier, c.Mounts[0].AdoptUntil = "stored", time.Now() }, []string{"mounts[0].adopt_until"}},
		"two of iron":                  {then(one, iron("a"), beside("b")), nil},
		"two of iron, one name":        {then(one, iron("a"), beside("a")), []string{"mounts[1].iron.cookie"}},
		"two of iron, one the other's": {then(one, iron("a"), beside("a.0")), []string{"mounts[1].iron.cookie"}},
		"room for no copies":           {func(c *gatehouse.Config) { c.Session.CacheEntries = 10 }, []string{"session.cache_entries"}},
	} {
		cfg := validConfig()
		c.change(&cfg)
		var got []string
		if cfg.Validate() != nil {
			got = fields(problems(t, cfg))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", name, diff)
		}
	}
}
