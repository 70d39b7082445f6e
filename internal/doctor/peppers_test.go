package doctor_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

// A migration without an import, or with one that left the IDs out.
func TestJudge_namesAMigrationOfNobody(t *testing.T) {
	s := settle(t, func(s *doctor.Settings) { s.Mounts[0].AdoptUntil = time.Now().AddDate(0, 0, 10) }).made()
	s.look.Offline = true
	r := s.judge()
	wants(t, r, "adoption-of-nobody", "gatehouse user import FILE --mount "+s.look.Settings.Mounts[0].BasePath)
	g, err := gatehouse.New(t.Context(), s.look.Settings.Config)
	if err != nil {
		t.Fatal(err)
	}
	mount := s.look.Settings.Mounts[0].BasePath
	list := []transfer.User{{Email: "ann@example.org", OldIDs: []auth.OldID{{Mount: mount, Value: "1", Main: true}}}}
	out, err := g.Users().NewImport(user.ImportOptions{Actor: "test", Mounts: []string{mount}}).Users(t.Context(), list)
	if err := errors.Join(err, out[0].Refused, g.Close()); err != nil {
		t.Fatal(err)
	}
	if r := s.judge(); len(r.Findings) > 0 {
		t.Error(r.Text())
	}
}

// Which peppers stored hashes need is compared with those that there are.
func TestJudge_namesPeppersThatAreMissingOrUnused(t *testing.T) {
	first, second := secret(), secret()
	s := settle(t, func(s *doctor.Settings) { s.Password.Peppers = []gatehouse.Secret{first} }).made()
	g, err := gatehouse.New(t.Context(), s.look.Settings.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "bob"} {
		if _, err := g.Users().Create(t.Context(), "test", gatehouse.NewUser{Username: name, Password: "seven quiet lanterns drift"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		peppers []gatehouse.Secret
		skip    bool
		list    string
		setting string
		seen    string
	}{
		{"as they are", []gatehouse.Secret{first}, false, "", "", ""},
		{"rotated", []gatehouse.Secret{second, first}, false, "", "", ""},
		{"being turned off", []gatehouse.Secret{first}, true, "", "", ""},
		{"forgotten", nil, false, "pepper-missing", "password.peppers", "2 stored passwords were made with the pepper whose ID is " + password.PepperID(first)},
		{"another one", []gatehouse.Secret{second}, false, "pepper-missing", "password.peppers", password.PepperID(first)},
		{"no longer needed", []gatehouse.Secret{first, second}, false, "pepper-unused", "password.peppers[1]", password.PepperID(second)},
		{"never needed, and off", []gatehouse.Secret{second}, true, "pepper-missing pepper-unused", "password.peppers", password.PepperID(first)},
	} {
		facts := doctor.Look(t.Context(), s.look)
		facts.Settings.Password.Peppers, facts.Settings.Password.SkipPepper = tt.peppers, tt.skip
		r := doctor.Judge(facts)
		if ids(r) != tt.list {
			t.Errorf("%s: %s", tt.name, r.Text())
			continue
		}
		if tt.list == "" {
			continue
		}
		seeded(r)
		if f := r.Findings[0]; f.Setting != tt.setting || !strings.Contains(f.Seen, tt.seen) {
			t.Errorf("%s: %+v", tt.name, f)
		}
		for _, pepper := range append(tt.peppers, first, second) {
			if strings.Contains(r.Text(), pepper.Reveal()) {
				t.Errorf("%s: the report shows a pepper", tt.name)
			}
		}
	}
}

// The server goes on with the list that it opened, or refuses.
func TestJudge_namesAListOfBreachedPasswordsThatChangedUnderTheServer(t *testing.T) {
	s := settle(t, nil)
	s.write("lib/breached", strings.Repeat("0", 40)+"\n")
	s.look.Settings.Password.BreachedFile = s.path("lib/breached")
	s.serve()
	front := s.atTLS(s.nginx())
	begun := s.instance.Started
	at := func(when time.Time) doctor.Report {
		if err := os.Chtimes(s.path("lib/breached"), when, when); err != nil {
			t.Fatal(err)
		}
		return front.judge()
	}
	if r := at(begun.Add(-time.Hour)); len(r.Findings) > 0 {
		t.Errorf("as it was: %s", r.Text())
	}
	wants(t, at(begun.Add(time.Minute)), "breached-file-changed", "restart the server")
}
