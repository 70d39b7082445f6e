package security_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/store/redisstore"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

const limitsPage = "docs/security/limits.md"

// The numbers of the page are those that are in force when nothing is set; each
// setting of the block has its row.
//
// proves: ASVS 2.1.3, ASVS 6.1.1
func TestLimits_areTheDocumentedDefaults(t *testing.T) {
	cfg := gatehouse.Config{}.WithDefaults()
	is := map[string]string{
		"session.max_per_user": itoa(cfg.Session.MaxPerUser), "api_keys.max_per_user": itoa(cfg.APIKeys.MaxPerUser), "api_keys.requests": itoa(cfg.APIKeys.Requests),
		"api_keys.period": days(cfg.APIKeys.Period), "management.requests": itoa(cfg.Management.Requests), "password.min_length": itoa(cfg.Password.MinLength),
	}
	block := reflect.ValueOf(cfg.Limits)
	for i := range block.NumField() {
		value := itoa(int(block.Field(i).Int()))
		if d, ok := block.Field(i).Interface().(time.Duration); ok {
			value = days(d)
		}
		is["limits."+block.Type().Field(i).Tag.Get("conf")] = value
	}
	said := map[string]string{}
	for _, row := range table(t, section(t, limitsPage, "## How much one may ask for")) {
		said[code(row[0])[0]] = row[2]
	}
	sameSets(t, "limits", keys(said), keys(is))
	for name, want := range is {
		if said[name] != want {
			t.Errorf("%s is %s, and limits.md says %q", name, want, said[name])
		}
	}
	guessing := section(t, "docs/security/passwords.md", "## Guessing")
	for _, want := range []string{
		"`limits.account_failures` (" + said["limits.account_failures"] + ")", "`limits.account_max_delay` (" + said["limits.account_max_delay"] + ")",
		"`limits.address_failures` (" + said["limits.address_failures"] + ")", "`limits.address_period` (" + said["limits.address_period"] + ")",
		"`limits.unknown_failures` (" + said["limits.unknown_failures"] + ")", "`limits.registrations` (" + said["limits.registrations"] + ")", "does not keep the owner out",
	} {
		if !strings.Contains(guessing, want) {
			t.Errorf("passwords.md does not say %s", want)
		}
	}
}

// Each function that costs much has what bounds it, and a test that there is.
//
// proves: ASVS 15.1.3
func TestLimits_costlyFunctionsAreBounded(t *testing.T) {
	rows := table(t, section(t, limitsPage, "## Costly functions"))
	all := testNames(t)
	for _, row := range rows {
		if name := code(row[3]); len(name) != 1 || !strings.Contains(all, "func "+name[0]+"(") {
			t.Errorf("%s: %s is no test", row[0], row[3])
		}
		if row[1] == "" || row[2] == "" {
			t.Errorf("%s: something is missing", row[0])
		}
	}
	if len(rows) < 8 {
		t.Errorf("only %d functions", len(rows))
	}
}

// proves: ASVS 13.1.2, ASVS 13.1.3
func TestLimits_whatIsWaitedForIsAsTheCodeHasIt(t *testing.T) {
	cfg := gatehouse.Config{}.WithDefaults()
	text := section(t, limitsPage, "## What is waited for")
	var pragmas, turns string
	for _, s := range sources(t) {
		switch s.name {
		case "internal/store/sqlstore/connection.go":
			pragmas = document(t, s.name)
		case "internal/store/sqlstore/pgtx.go":
			turns = document(t, s.name)
		}
	}
	for said, is := range map[string]bool{
		"`database.max_connections` (" + itoa(cfg.Database.MaxConnections) + ")":     true,
		"`database.statement_timeout` (" + days(cfg.Database.StatementTimeout) + ")": true,
		"`redis.timeout` (" + redisstore.DefaultTimeout.String() + ")":               true,
		"5 seconds for a lock of another process":                                    strings.Contains(pragmas, `"busy_timeout(5000)"`),
		"overtook 30 times, one whose connection was lost before its commit 3 times": strings.Contains(turns, "maxTurns = 30\n") && strings.Contains(turns, "maxLost = 3\n"),
	} {
		if !is || !strings.Contains(text, said) {
			t.Errorf("%q: in the document %t, in the code %t", said, strings.Contains(text, said), is)
		}
	}
	for _, row := range table(t, text) {
		for i, cell := range row {
			if cell == "" {
				t.Errorf("%s: column %d is empty", row[0], i+1)
			}
		}
	}
}

// Nobody is in a new installation, so nobody has a password that others know. The
// control is somebody who was created.
//
// proves: ASVS 6.3.2
func TestInstallation_hasNobodyInIt(t *testing.T) {
	s := webtest.New(t, nil)
	if list, err := s.Users().List(t.Context(), "", 10); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
	for _, pair := range [][2]string{
		{"admin", "admin"}, {"admin", "password"}, {"root", "root"}, {"gatehouse", "gatehouse"}, {"administrator", "changeme"}, {"ada@example.com", "password"},
	} {
		expect(t, pair[0]+" with "+pair[1], post(s, "/login", map[string]string{"identifier": pair[0], "password": pair[1]}), "401 invalid_credentials")
	}
	if _, err := s.Users().Create(t.Context(), "test", user.New{Username: "admin", Password: password}); err != nil {
		t.Fatal(err)
	}
	expect(t, "the control", post(s, "/login", map[string]string{"identifier": "admin", "password": password}), "200")
}
