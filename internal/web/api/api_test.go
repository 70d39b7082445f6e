package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

const (
	ann    = "ann@example.test"
	first  = "violet tractor monsoon 77"
	second = "umbrella granite otter 88"
)

func registered(t *testing.T) (*webtest.Site, *webtest.Visitor) {
	t.Helper()
	s := webtest.New(t, nil)
	v := s.Visitor().JSON("/api/auth/register", `{"email":"Ann@Example.TEST","name":"Ann","password":"`+first+`","roles":["admin"],"extra":{"a":1}}`)
	if v.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", v.Status, v.Body)
	}
	return s, v
}

func loggedIn(t *testing.T, s *webtest.Site) *webtest.Visitor {
	t.Helper()
	v := s.Visitor().JSON("/api/auth/login", `{"identifier":"`+ann+`","password":"`+first+`"}`)
	if v.Status != http.StatusOK {
		t.Fatalf("login: %d %s", v.Status, v.Body)
	}
	return v
}

// wantProblem says whether the last answer is a problem document with the
// status and Code.
func wantProblem(t *testing.T, v *webtest.Visitor, status int, code string) {
	t.Helper()
	var p web.Problem
	if err := json.Unmarshal([]byte(v.Body), &p); err != nil || !strings.HasPrefix(v.Header.Get("Content-Type"), "application/problem+json") {
		t.Errorf("%s: no problem document: %v\n%s", v.Address, err, v.Body)
	}
	if v.Status != status || p.Status != status || p.Code != code || p.Title == "" || p.Detail == "" || p.Reference == "" {
		t.Errorf("%s: %d %+v, want %d %s", v.Address, v.Status, p, status, code)
	}
}

// proves: ASVS 15.3.1
func TestRegister_answersWithTheUserAndTakesNothingItWasNotAskedFor(t *testing.T) {
	_, v := registered(t)
	var got struct {
		Success bool           `json:"success"`
		User    map[string]any `json:"user"`
	}
	if err := json.Unmarshal([]byte(v.Body), &got); err != nil {
		t.Fatal(err)
	}
	if id, _ := got.User["id"].(string); !got.Success || !strings.HasPrefix(id, "usr_") {
		t.Errorf("%s", v.Body)
	}
	delete(got.User, "id")
	want := map[string]any{"email": ann, "name": "Ann", "roles": []any{}}
	if a, b := marshal(got.User), marshal(want); a != b {
		t.Errorf("user %s, want %s", a, b)
	}
	if v.SignedInAs() != "" {
		t.Error("registering signed in")
	}
}

func marshal(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestRegister_refusals(t *testing.T) {
	s, _ := registered(t)
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"taken", `{"username":"` + `ann2","email":"ANN@example.test","password":"` + second + `"}`, 409, "identifier_taken"},
		{"no identifier", `{"password":"` + second + `"}`, 400, "invalid_identifier"},
		{"an address that is none", `{"email":"nobody","password":"` + second + `"}`, 400, "invalid_identifier"},
		{"short", `{"email":"b@example.test","password":"short"}`, 400, "password_too_short"},
		{"long", `{"email":"b@example.test","password":"` + strings.Repeat("correct horse ", 20) + `"}`, 400, "password_too_long"},
		{"common", `{"email":"b@example.test","password":"passwordpassword"}`, 400, "password_common"},
		{"own name", `{"email":"bartholomew.smith@example.test","password":"bartholomew.smith"}`, 400, "password_contains_name"},
		{"a name over two lines", `{"email":"b@example.test","name":"a\nb","password":"` + second + `"}`, 400, "invalid_name"},
		{"an object for text", `{"email":{"$ne":""},"password":"` + second + `"}`, 400, "invalid_request"},
		{"an array for text", `{"email":["b@example.test"],"password":"` + second + `"}`, 400, "invalid_request"},
		{"an array for the body", `["b@example.test"]`, 400, "invalid_request"},
		{"no JSON", `{"email":`, 400, "invalid_request"},
		{"nothing", ``, 400, "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, s.Visitor().JSON("/api/auth/register", c.body), c.status, c.code)
		})
	}
}

func TestLogin_takesAnyOfTheThreeNames(t *testing.T) {
	s, _ := registered(t)
	for _, name := range []string{"identifier", "email", "username"} {
		v := s.Visitor().JSON("/api/auth/login", `{"`+name+`":" ann@EXAMPLE.test ","password":"`+first+`"}`)
		if v.Status != 200 || !strings.Contains(v.Body, `"success":true`) || v.SignedInAs() != ann {
			t.Errorf("%s: %d %s", name, v.Status, v.Body)
		}
	}
}

// proves: CS-5
func TestLogin_tellsNobodyWhatWasWrong(t *testing.T) {
	s, _ := registered(t)
	u, err := s.Users().Find(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]bool{}
	ask := func(email string) {
		v := s.Visitor().JSON("/api/auth/login", `{"email":"`+email+`","password":"wrong but quite long enough"}`)
		wantProblem(t, v, 401, "invalid_credentials")
		var p map[string]any
		_ = json.Unmarshal([]byte(v.Body), &p)
		delete(p, "reference")
		answers[marshal(p)] = true
	}
	ask(ann)
	ask("nobody@example.test")
	ask("no identifier at all")
	if _, err := s.Users().Disable(t.Context(), "cli", u.ID); err != nil {
		t.Fatal(err)
	}
	ask(ann)
	if len(answers) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
}

func TestEndpoints_answerOtherMethodsWith405(t *testing.T) {
	s := webtest.New(t, nil)
	for _, name := range []string{"register", "login", "logout", "change-password", "delete-account", "sessions/revoke", "sessions/revoke-others", "sessions/revoke-all"} {
		v := s.Visitor().Get("/api/auth/" + name)
		wantProblem(t, v, 405, "invalid_request")
		if v.Header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow %q", name, v.Header.Get("Allow"))
		}
	}
}

// Whoever guesses the address of the sign-up page in a browser finds it.
func TestRegister_leadsBrowsersToThePage(t *testing.T) {
	s := webtest.New(t, nil)
	v := s.Visitor()
	v.Sends.Set("Sec-Fetch-Mode", "navigate")
	if v.Get("/api/auth/register"); v.Status != 200 || v.Address != "/api/auth/signup" || !v.Shows("Create account") {
		t.Errorf("%d at %s", v.Status, v.Address)
	}
	wantProblem(t, v.Get("/api/auth/login"), 405, "invalid_request")
	wantProblem(t, v.Post("/api/auth/register", "application/x-www-form-urlencoded", ""), 415, "invalid_request")
}

// proves: ASVS 3.5.2
func TestEndpoints_takeJSONAlone(t *testing.T) {
	s, _ := registered(t)
	v := loggedIn(t, s)
	for _, name := range []string{"register", "login", "logout", "change-password", "delete-account", "sessions/revoke", "sessions/revoke-others", "sessions/revoke-all"} {
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""} {
			v.Post("/api/auth/"+name, kind, `{"email":"`+ann+`","password":"`+first+`"}`)
			wantProblem(t, v, 415, "invalid_request")
		}
	}
	if v.SignedInAs() != ann {
		t.Error("one of them had an effect")
	}
}

func TestLogout_isFinal(t *testing.T) {
	s, _ := registered(t)
	v := loggedIn(t, s)
	copied := v.Copy()
	if v.JSON("/api/auth/logout", `{}`); v.Status != 200 || v.SignedInAs() != "" {
		t.Errorf("%d %s", v.Status, v.Body)
	}
	if copied.SignedInAs() != "" {
		t.Error("a copy of the cookie is still good")
	}
	if v.JSON("/api/auth/logout", ``); v.Status != 200 {
		t.Errorf("again, with nobody signed in: %d", v.Status)
	}
}

func TestChangePassword_needsASessionAndTheOldOne(t *testing.T) {
	s, stranger := registered(t)
	wantProblem(t, stranger.JSON("/api/auth/change-password", `{"currentPassword":"`+first+`","newPassword":"`+second+`"}`), 401, "signed_out")
	v, other := loggedIn(t, s), loggedIn(t, s)
	wantProblem(t, v.JSON("/api/auth/change-password", `{"currentPassword":"`+second+`","newPassword":"`+second+`"}`), 401, "invalid_credentials")
	wantProblem(t, v.JSON("/api/auth/change-password", `{"currentPassword":"`+first+`","newPassword":"short"}`), 400, "password_too_short")
	if v.JSON("/api/auth/change-password", `{"currentPassword":"`+first+`","newPassword":"`+second+`"}`); v.Status != 200 {
		t.Fatalf("%d %s", v.Status, v.Body)
	}
	if v.SignedInAs() != ann || other.SignedInAs() != "" {
		t.Error("want this session alone to go on")
	}
}

func TestDeleteAccount_needsThePassword(t *testing.T) {
	s, _ := registered(t)
	v := loggedIn(t, s)
	wantProblem(t, v.JSON("/api/auth/delete-account", `{"password":"`+second+`"}`), 401, "invalid_credentials")
	if v.JSON("/api/auth/delete-account", `{"password":"`+first+`"}`); v.Status != 200 || v.SignedInAs() != "" {
		t.Errorf("%d %s", v.Status, v.Body)
	}
	wantProblem(t, v.JSON("/api/auth/login", `{"email":"`+ann+`","password":"`+first+`"}`), 401, "invalid_credentials")
}
