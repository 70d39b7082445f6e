package doctor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

// withKeys is a site whose signing keys a server has made.
func withKeys(t *testing.T) *site {
	t.Helper()
	s := settle(t, nil).made()
	g, err := gatehouse.New(t.Context(), s.look.Settings.Config)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Keys().Prepare(t.Context()), g.Close()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) after(d time.Duration) *site {
	s.alter = []func(*doctor.Facts){func(f *doctor.Facts) { f.Now = f.Now.Add(d) }}
	return s
}

// A key that signs for longer than the schedule says, or is kept for longer.
func TestJudge_namesKeysThatAreNotReplaced(t *testing.T) {
	const every, lead = 90 * 24 * time.Hour, time.Hour
	s := withKeys(t)
	for _, d := range []time.Duration{0, every - time.Hour, every + lead + 59*time.Minute} {
		if r := s.after(d).judge(); len(r.Findings) > 0 {
			t.Errorf("after %s: %s", d, r.Text())
		}
	}
	r := s.after(every + lead + 61*time.Minute).judge()
	wants(t, r, "key-overdue", "gatehouse key rotate --config "+s.look.Settings.ConfigFile+" --algorithm ES256")
	if len(r.Findings) > 0 && !strings.Contains(r.Findings[0].Seen, "the next one, ") {
		t.Errorf("%+v", r.Findings[0])
	}
	s.exec("DELETE FROM keys WHERE state = 'next'")
	if r := s.judge(); len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Seen, "there is no next one") {
		t.Error(r.Text())
	}
	s.exec("UPDATE keys SET state = 'retiring', retiring_at = active_at")
	if r := s.after(20 * time.Hour).judge(); len(r.Findings) > 0 {
		t.Error(r.Text())
	}
	wants(t, s.after(28*time.Hour).judge(), "key-overdue", "schedule of signing keys")
}

// A master key that does not open a stored key, and one that opens it from
// behind another.
func TestJudge_namesAMasterKeyThatIsMissing(t *testing.T) {
	s := withKeys(t)
	old := s.look.Settings.Secrets
	other := secret()
	for _, tt := range []struct {
		name    string
		secrets []gatehouse.Secret
		master  []gatehouse.Secret
		list    string
		setting string
	}{
		{"as they are", old, nil, "", ""},
		{"rotated", append([]gatehouse.Secret{other}, old...), nil, "", ""},
		{"moved to a master key", []gatehouse.Secret{other}, old, "", ""},
		{"forgotten", []gatehouse.Secret{other}, nil, "key-unopened key-unopened", "secrets"},
		{"a master key alone", old, []gatehouse.Secret{other}, "key-unopened key-unopened", "keys.master"},
	} {
		facts := doctor.Look(t.Context(), s.look)
		facts.Settings.Secrets, facts.Settings.Keys.Master = tt.secrets, tt.master
		r := doctor.Judge(facts)
		if ids(r) != tt.list {
			t.Errorf("%s: %s", tt.name, r.Text())
			continue
		}
		if tt.list == "" {
			continue
		}
		seeded(r)
		if f := r.Findings[0]; f.Setting != tt.setting || !strings.Contains(f.Seen, "none of the master keys opens it") || !strings.Contains(f.Cure, "put the secret") || !strings.Contains(f.Cure, "key retire --now") {
			t.Errorf("%s: %+v", tt.name, f)
		}
		if strings.Contains(r.Text(), other.Reveal()) || strings.Contains(r.Text(), old[0].Reveal()) {
			t.Errorf("%s: the report shows a secret", tt.name)
		}
	}
	s.exec("UPDATE keys SET private = CAST(private || x'00' AS BLOB) WHERE state = 'active'")
	if r := s.judge(); len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Seen, "altered") || !strings.Contains(r.Findings[0].Cure, "restore a backup") {
		t.Error(r.Text())
	}
}
