package security_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// proves: ASVS 6.1.3
func TestSigningIn_everyWayIsInTheTable(t *testing.T) {
	var is []string
	for room, kind := range map[string]reflect.Type{"signin.Room": reflect.TypeFor[*signin.Room](), "user.Room": reflect.TypeFor[*user.Room](), "session.Mount": reflect.TypeFor[*session.Mount]()} {
		for m := range kind.Methods() {
			for out := range m.Type.Outs() {
				if begins := out == reflect.TypeFor[signin.Outcome]() || room != "session.Mount" && out == reflect.TypeFor[session.Token](); begins || strings.HasPrefix(m.Name, "Adopt") {
					is = append(is, room+"."+m.Name)
				}
			}
		}
	}
	rows := table(t, section(t, "docs/security/signing-in.md", "## The ways"))
	var said, names []string
	for _, row := range rows {
		names = append(names, code(row[0])...)
		said = append(said, code(row[2])...)
		for i, cell := range row {
			if cell == "" {
				t.Errorf("%s: column %d is empty", row[0], i+1)
			}
		}
	}
	sameSets(t, "ways to sign in", said, is)
	var providers map[string]any
	if err := json.Unmarshal([]byte(webtest.New(t, nil).Visitor().Get("/api/auth/providers").Body), &providers); err != nil || len(providers) == 0 {
		t.Fatal(err, providers)
	}
	for id := range providers {
		if !slices.Contains(names, id) {
			t.Errorf("the provider %s is not in the table", id)
		}
	}
}

// What a sign-in looks at beside the proof, and what follows from it: the names
// are those of the code, the numbers those of the defaults, and each row that
// decides something names a test that there is.
//
// proves: ASVS 8.1.3, ASVS 8.1.4
func TestSigningIn_surroundingsAreTheDocumentedOnes(t *testing.T) {
	var is []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[auth.Device]()) {
		is = append(is, f.Name)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[signin.Browser]()) {
		if !slices.Contains([]string{"Mount", "Device", "Claims", "Approve", "Within", "TokensOnly"}, f.Name) { // where to and what for, the above, and hooks
			is = append(is, f.Name)
		}
	}
	text := section(t, "docs/security/signing-in.md", "## What the surroundings decide")
	var said []string
	for _, row := range table(t, text) {
		said = append(said, code(row[0])...)
		if row[3] == "" {
			continue
		}
		name := code(row[4])
		if len(name) != 1 || !strings.Contains(testNames(t), "func "+name[0]+"(") {
			t.Errorf("%s: %q is no test", row[0], row[4])
		}
	}
	sameSets(t, "attributes", said, is)
	l := gatehouse.Config{}.WithDefaults().Limits
	for _, want := range []string{
		"`limits.address_failures` (" + itoa(l.AddressFailures) + ")", "`limits.address_period` (" + days(l.AddressPeriod) + ")", "`limits.unknown_failures` (" + itoa(l.UnknownFailures) + ")",
		"`limits.registrations` (" + itoa(l.Registrations) + ")", "`limits.account_failures` (" + itoa(l.AccountFailures) + ")", "`limits.account_max_delay` (" + days(l.AccountMaxDelay) + ")",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("signing-in.md does not say %s", want)
		}
	}
}
