package doctor_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
	"github.com/gatehouse-auth/gatehouse/internal/redistest"
)

// Redis that is away makes nobody wait and no server unready, so only the doctor
// and the log tell.
func TestJudge_redisIsAway(t *testing.T) {
	redis := redistest.Start(t, "--requirepass", "right-battery")
	for _, tt := range []struct {
		password string
		found    bool
	}{{"right-battery", false}, {"wrong-battery", true}} {
		s := settle(t, func(s *doctor.Settings) {
			s.Redis.URL = gatehouse.Secret("redis://:" + tt.password + "@" + redis.Address())
		}).serve()
		r := s.judge()
		if found := strings.Contains(ids(r), "redis-away"); found != tt.found || strings.Contains(r.Text(), tt.password) {
			t.Errorf("%s: %s", tt.password, r.Text())
		}
	}
	redis.Kill9()
	s := settle(t, func(s *doctor.Settings) { s.Redis.URL = gatehouse.Secret(redis.URL()) }).serve()
	s.atTLS(s.nginx())
	r := s.judge()
	if ids(r) != "redis-away" || !strings.Contains(r.Text(), "refused") {
		t.Fatalf("killed: %s", r.Text())
	}
	seeded(r)
}
