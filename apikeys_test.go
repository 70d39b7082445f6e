package gatehouse_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
)

func TestValidate_apiKeys(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		keys gatehouse.APIKeys
		want []string
	}{
		"nothing":                       {gatehouse.APIKeys{}, nil},
		"everything":                    {gatehouse.APIKeys{Environment: "staging2", Lifetime: day, MaxLifetime: 2 * day, MaxPerUser: 1, Requests: 1, Period: time.Second, CacheEntries: 1}, nil},
		"an environment in capitals":    {gatehouse.APIKeys{Environment: "Live"}, []string{"api_keys.environment"}},
		"an environment with a stroke":  {gatehouse.APIKeys{Environment: "live_eu"}, []string{"api_keys.environment"}},
		"an environment that is long":   {gatehouse.APIKeys{Environment: "abcdefghijklmnopq"}, []string{"api_keys.environment"}},
		"a life without an end":         {gatehouse.APIKeys{MaxLifetime: 401 * day}, []string{"api_keys.max_lifetime"}},
		"a life longer than the most":   {gatehouse.APIKeys{Lifetime: 2 * day, MaxLifetime: day}, []string{"api_keys.lifetime"}},
		"a life of a second":            {gatehouse.APIKeys{Lifetime: time.Second}, []string{"api_keys.lifetime"}},
		"too many":                      {gatehouse.APIKeys{MaxPerUser: 1001, Requests: 1_000_001, Period: 25 * time.Hour, CacheEntries: 10_000_001}, []string{"api_keys.max_per_user", "api_keys.requests", "api_keys.period", "api_keys.cache_entries"}},
		"fewer than none":               {gatehouse.APIKeys{MaxPerUser: -1, Requests: -1, Period: -1, CacheEntries: -1}, []string{"api_keys.max_per_user", "api_keys.requests", "api_keys.period", "api_keys.cache_entries"}},
		"a short most, and no lifetime": {gatehouse.APIKeys{MaxLifetime: day}, nil},
	} {
		cfg := validConfig()
		cfg.APIKeys = c.keys
		err := cfg.WithDefaults().Validate()
		var got []string
		if err != nil {
			got = fields(problems(t, cfg))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The keys of a developer's machine are not taken for those of an installation.
func TestWithDefaults_environmentOfAPIKeysIsTheMachines(t *testing.T) {
	for origin, want := range map[string]string{
		"http://localhost:3000": "test", "http://app.localhost": "test", "http://127.0.0.1:8080": "test", "http://[::1]:8080": "test",
		"https://app.example": "live", "https://localhost.example": "live", "https://127.0.0.1.example": "live",
	} {
		if got := (gatehouse.Config{PublicOrigin: origin}).WithDefaults().APIKeys.Environment; got != want {
			t.Errorf("%s: %s, want %s", origin, got, want)
		}
	}
}
