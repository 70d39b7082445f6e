package telemetry_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
)

func TestMetrics_tellOfSigningKeys(t *testing.T) {
	begun := time.Now()
	m := measure(t, nil)
	m.Visitor().Get("/api/auth/session")
	got := m.values()
	for name, want := range map[string]float64{
		`gatehouse_signing_keys{state="active"}`: 1, `gatehouse_signing_keys{state="next"}`: 1,
		`gatehouse_signing_keys{state="retiring"}`: 0, `gatehouse_signing_keys{state="retired"}`: 0,
	} {
		if v, found := got[name]; !found || v != want {
			t.Errorf("%s is %v, %v, want %v", name, v, found, want)
		}
	}
	since, next := got[`gatehouse_signing_key_active_timestamp_seconds{algorithm="ES256"}`], got[`gatehouse_signing_key_next_timestamp_seconds{algorithm="ES256"}`]
	if since < float64(begun.Unix())-1 || next != since+90*86400 {
		t.Errorf("the key signs since %v, and the next one may at %v", since, next)
	}
}

func TestMetrics_tellOfStoredSessionsInMemory(t *testing.T) {
	m := measure(t, func(c *gatehouse.Config) { c.Mounts[0].Carrier = "stored" })
	v := m.Visitor()
	v.JSON("/api/auth/register", `{"email":"ada@app.example","password":"`+passphrase+`"}`)
	v.JSON("/api/auth/login", `{"email":"ada@app.example","password":"`+passphrase+`"}`)
	v.Get("/api/auth/session")
	before := m.values()
	v.Get("/api/auth/session")
	after := m.values()
	got := map[string]float64{}
	for _, name := range []string{
		`gatehouse_session_cache_lookups_total{result="hit"}`, `gatehouse_session_cache_lookups_total{result="miss"}`,
		`gatehouse_session_cache_evictions_total`, `gatehouse_session_cache_entries`,
	} {
		got[name] = after[name] - before[name]
	}
	want := map[string]float64{
		`gatehouse_session_cache_lookups_total{result="hit"}`: 1, `gatehouse_session_cache_lookups_total{result="miss"}`: 0,
		`gatehouse_session_cache_evictions_total`: 0, `gatehouse_session_cache_entries`: 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("one more check (-want +got):\n%s", diff)
	}
	if n := after[`gatehouse_session_cache_entries`]; n != 1 || after[`gatehouse_session_cache_bytes`] <= 0 {
		t.Errorf("%v sessions in %v bytes, want the one", n, after[`gatehouse_session_cache_bytes`])
	}
}
