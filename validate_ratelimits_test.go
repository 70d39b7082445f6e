package gatehouse_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
)

func problemFields(t *testing.T, err error) (fields []string) {
	t.Helper()
	if err == nil {
		return nil
	}
	for _, p := range err.(*gatehouse.Problems).List {
		fields = append(fields, p.Field)
	}
	slices.Sort(fields)
	return fields
}

func TestValidate_rateLimits(t *testing.T) {
	const one = "rate_limits[0]."
	for name, tt := range map[string]struct {
		change func(c *gatehouse.Config, l *gatehouse.RateLimitPolicy)
		want   []string
	}{
		"as it is":             {func(*gatehouse.Config, *gatehouse.RateLimitPolicy) {}, nil},
		"no name":              {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Name = "" }, []string{one + "name"}},
		"a name with a quote":  {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Name = `a"b` }, []string{one + "name"}},
		"an unknown dimension": {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Per = []string{"ip"} }, []string{one + "per[0]"}},
		"a dimension twice":    {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Per = []string{"key", "key"} }, []string{one + "per[1]"}},
		"no burst":             {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Burst = 0 }, []string{one + "burst"}},
		"a burst of a million": {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Burst = 1_000_000 }, nil},
		"a million a second":   {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Burst, l.Period = 1_000_000, time.Second }, []string{one + "burst"}},
		"more":                 {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Burst = 1_000_001 }, []string{one + "burst"}},
		"a tenth of a second":  {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Period = 100 * time.Millisecond }, []string{one + "period"}},
		"sustained":            {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Sustained = 100 }, nil},
		"sustained for as long": {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) {
			l.Sustained, l.SustainedPeriod = 100, l.Period
		}, []string{one + "sustained_period"}},
		"a period of nothing":             {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.SustainedPeriod = time.Hour }, []string{one + "sustained"}},
		"one name twice":                  {func(c *gatehouse.Config, l *gatehouse.RateLimitPolicy) { c.RateLimits = append(c.RateLimits, *l) }, []string{"rate_limits[1].name"}},
		"by an address that nobody knows": {func(_ *gatehouse.Config, l *gatehouse.RateLimitPolicy) { l.Per = []string{"address"} }, []string{"client_address.trusted_proxies"}},
		"by an address": {func(c *gatehouse.Config, l *gatehouse.RateLimitPolicy) {
			l.Per, c.ClientAddress.PeerIsClient = []string{"address"}, true
		}, nil},
	} {
		c := config(t)
		c.RateLimits = []gatehouse.RateLimitPolicy{{Name: "api", Per: []string{"principal"}, Burst: 10, Period: time.Minute}}
		tt.change(&c, &c.RateLimits[0])
		if diff := cmp.Diff(tt.want, problemFields(t, c.Validate())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestValidate_redis(t *testing.T) {
	for name, tt := range map[string]struct {
		redis gatehouse.Redis
		want  []string
	}{
		"one server":                   {gatehouse.Redis{URL: "redis://127.0.0.1"}, nil},
		"all of it":                    {gatehouse.Redis{URL: "rediss://me:pass%20word@redis.internal:6380/3", Addresses: []string{"[2001:db8::1]:6379"}, CAFile: "/ca.pem", Timeout: time.Second}, nil},
		"another scheme":               {gatehouse.Redis{URL: "http://127.0.0.1"}, []string{"redis.url"}},
		"no host":                      {gatehouse.Redis{URL: "redis:///0"}, []string{"redis.url"}},
		"a query that skips a check":   {gatehouse.Redis{URL: "rediss://h/0?skip_verify=1"}, []string{"redis.url"}},
		"a database that is no number": {gatehouse.Redis{URL: "redis://h/zero"}, []string{"redis.url"}},
		"a negative one":               {gatehouse.Redis{URL: "redis://h/-1"}, []string{"redis.url"}},
		"an address without a port":    {gatehouse.Redis{URL: "redis://h", Addresses: []string{"h2"}}, []string{"redis.addresses[0]"}},
		"addresses alone":              {gatehouse.Redis{Addresses: []string{"h:1"}}, []string{"redis.addresses"}},
		"certificates without TLS":     {gatehouse.Redis{URL: "redis://h", CAFile: "/ca.pem"}, []string{"redis.ca_file"}},
		"two seconds":                  {gatehouse.Redis{URL: "redis://h", Timeout: 2 * time.Second}, []string{"redis.timeout"}},
	} {
		c := config(t)
		c.Redis = tt.redis
		err := c.Validate()
		if diff := cmp.Diff(tt.want, problemFields(t, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	c := config(t)
	c.Redis.URL = "redis://me:horse-battery@h:port/0"
	if err := c.Validate(); err == nil || strings.Contains(err.Error(), "horse") {
		t.Errorf("the problem shows the password: %v", err)
	}
}
