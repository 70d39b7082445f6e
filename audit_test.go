package gatehouse_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// proves: ASVS 16.2.1, ASVS 16.2.2, ASVS 16.2.4, ASVS 16.2.5, ASVS 16.3.1
//
// Whatever people type and whatever they are given, the whole audit record has
// nothing of it; and each event says what, when, who and what came of it.
func TestAudit_hasNothingSecretInIt(t *testing.T) {
	site := webtest.New(t, func(c *gatehouse.Config) { c.Registration.Mode = "open" })
	ctx := t.Context()
	secrets := []string{ // what is looked for
		"planted-address", "planted-right-password", "planted-wrong-password", "planted-new-password", "planted-name", "planted-user-agent",
		"planted-unknown", "planted-token", "argon2",
	}
	u, err := site.Users().Create(ctx, "cli", gatehouse.NewUser{
		Email: "planted-address@example.org", Name: "planted-name", Password: "planted-right-password 17", Roles: []string{"editor"},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := site.Visitor()
	for _, try := range [][2]string{
		{"planted-unknown@example.org", "planted-wrong-password 1"}, {"planted-address@example.org", "planted-wrong-password 2"}, {"planted-address@example.org", "planted-right-password 17"},
	} {
		v.Get("/api/auth/signin").Submit(map[string]string{"identifier": try[0], "password": try[1]})
		v.JSON("/api/auth/token", `{"identifier":"`+try[0]+`","password":"`+try[1]+`"}`)
		if i := strings.Index(v.Body, `"refresh_token":"`); i >= 0 {
			secrets = append(secrets, strings.Split(v.Body[i+len(`"refresh_token":"`):], `"`)[0])
		}
	}
	v.JSON("/api/auth/token/refresh", `{"refresh_token":"planted-token"}`)
	if v.SignedInAs() == "" {
		t.Fatal("nobody is signed in")
	}
	v.Get("/api/auth/account/password").Submit(map[string]string{"currentPassword": "planted-wrong-password 3", "newPassword": "planted-new-password 99"})
	invitation, code, err := site.Invitations().Create(ctx, "cli", gatehouse.NewInvitation{Note: "planted-name"})
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, strings.TrimPrefix(code.Reveal(), string(invitation.ID)+"."))
	if _, err := site.Users().Disable(ctx, "cli", u.ID); err != nil {
		t.Fatal(err)
	}
	if err := site.Users().Delete(ctx, "cli", u.ID); err != nil {
		t.Fatal(err)
	}

	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // for the server's own round
		report, err := site.Audit().Verify(ctx, nil, nil)
		if err != nil || !report.OK() {
			t.Fatalf("got %v and %v, want a whole chain", report.Findings, err)
		}
		if report.Events > 0 && report.Unchained == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the server has not chained its events")
		}
	}
	var all strings.Builder
	var types []auth.EventType
	if err := site.Audit().Export(ctx, "cli", 0, audit.Filter{}, func(e audit.Record) error {
		line, err := e.Line()
		all.Write(append(line, '\n'))
		types = append(types, e.Type)
		info, known := e.Type.Info()
		if !known || e.Result == "" || e.At.Location() != time.UTC || time.Since(e.At) > time.Minute {
			t.Errorf("%s does not say what, when, and what came of it", line)
		}
		if e.Detail != "" && e.Type != auth.EventAccessRefused && !slices.Contains(info.Details, e.Detail) {
			t.Errorf("%s: the detail is no word of the vocabulary", line)
		}
		if kind, _, _ := strings.Cut(e.Subject, ":"); e.Subject != "" && kind != string(info.Subject) {
			t.Errorf("%s: the subject is none of this type", line)
		}
		if !json.Valid(line) {
			t.Errorf("%s is no JSON", line)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []auth.EventType{
		auth.EventUserCreated, auth.EventSignInFailed, auth.EventSignInSucceeded, auth.EventFamilyStarted, auth.EventPasswordChangeFailed,
		auth.EventInvitationCreated, auth.EventUserDisabled, auth.EventUserDeleted, auth.EventKeyCreated,
	} {
		if !slices.Contains(types, want) {
			t.Errorf("there is no %s in the record: %v", want, types)
		}
	}
	if !strings.Contains(all.String(), string(u.ID)) || len(secrets) < 11 {
		t.Errorf("the test sees nothing: %d secrets, record\n%s", len(secrets), all.String())
	}
	for _, s := range secrets {
		if strings.Contains(all.String(), s) {
			t.Errorf("%q is in the record", s)
		}
	}
}
