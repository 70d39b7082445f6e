package security_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// Each rule for fields together has a request that breaks it, beside one that
// keeps it.
//
// proves: ASVS 2.1.2
func TestInput_rulesForFieldsTogether(t *testing.T) {
	rules := map[string]func(t *testing.T){
		"1": ruleOneIdentifier, "2": ruleUnique, "3": rulePasswordOfNames, "4": ruleNewPassword, "5": ruleCSRF,
		"6": ruleCallback, "7": ruleInvitation, "8": ruleStepBefore, "9": ruleContentType, "10": ruleUpdate,
	}
	var said []string
	for _, row := range table(t, section(t, input, "## Rules for fields together")) {
		said = append(said, row[0])
	}
	sameSets(t, "rules", said, keys(rules))
	for _, n := range sorted(said) {
		t.Run(n, rules[n])
	}
}

// post sends a JSON body and returns status and code.
func post(s *webtest.Site, path string, fields map[string]string) string {
	body, _ := json.Marshal(fields)
	w := ask(s, "POST", "/api/auth"+path, "application/json", string(body), nil)
	var in struct{ Code string }
	_ = json.Unmarshal(w.Body.Bytes(), &in)
	return strings.TrimSpace(fmt.Sprintf("%d %s", w.Code, in.Code))
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func ruleOneIdentifier(t *testing.T) {
	s := webtest.New(t, nil)
	expect(t, "no identifier", post(s, "/register", map[string]string{"password": password}), "400 invalid_identifier")
	expect(t, "an address as user name", post(s, "/register", map[string]string{"username": ann, "password": password}), "400 invalid_identifier")
	expect(t, "a user name as address", post(s, "/register", map[string]string{"email": "ann", "password": password}), "400 invalid_identifier")
	expect(t, "both", post(s, "/register", map[string]string{"email": ann, "username": "annie", "password": password}), "201")
	expect(t, "the first counts", post(s, "/login", map[string]string{"identifier": "nobody", "email": ann, "password": password}), "401 invalid_credentials")
	expect(t, "no identifier at sign-in", post(s, "/login", map[string]string{"password": password}), "400 invalid_request")
	expect(t, "one", post(s, "/login", map[string]string{"username": "annie", "password": password}), "200")
}

func ruleUnique(t *testing.T) {
	s := webtest.New(t, nil)
	expect(t, "the first", post(s, "/register", map[string]string{"email": ann, "username": "annie", "password": password}), "201")
	expect(t, "the same address", post(s, "/register", map[string]string{"email": "ANN@App.Example", "password": password}), "409 identifier_taken")
	expect(t, "the same user name", post(s, "/register", map[string]string{"username": "ANNIE", "password": password}), "409 identifier_taken")
	expect(t, "another", post(s, "/register", map[string]string{"email": "ann+x@app.example", "password": password}), "201")
}

func rulePasswordOfNames(t *testing.T) {
	s := webtest.New(t, nil)
	of := map[string]string{"username": "margarethe", "name": "Hohenstaufen", "password": "margarethe Hohenstaufen"}
	if got := post(s, "/register", of); !strings.HasPrefix(got, "400 password_") {
		t.Errorf("a password made of the names: %s", got)
	}
	of["username"], of["name"] = "somebody", "Else"
	expect(t, "the same password of another person", post(s, "/register", of), "201")
}

func ruleNewPassword(t *testing.T) {
	s := webtest.New(t, nil)
	v := signedUp(t, s)
	change := func(current, next string) int {
		body, _ := json.Marshal(map[string]string{"currentPassword": current, "newPassword": next})
		return v.JSON("/api/auth/change-password", string(body)).Status
	}
	for _, c := range []struct {
		current, next string
		want          int
	}{{password, password, 400}, {"not the password", "eleven tall poplars in a row", 401}, {password, "eleven tall poplars in a row", 200}} {
		if got := change(c.current, c.next); got != c.want {
			t.Errorf("from %q to %q: %d, want %d", c.current, c.next, got, c.want)
		}
	}
}

func ruleCSRF(t *testing.T) {
	s := webtest.New(t, nil)
	signedUp(t, s)
	pair := func() (cookie, token string) {
		w := ask(s, "GET", "/api/auth/csrf", "", "", nil)
		var in struct {
			Token string `json:"csrfToken"`
		}
		_ = json.Unmarshal(w.Body.Bytes(), &in)
		cookie, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
		return cookie, in.Token
	}
	cookie, token := pair()
	_, foreign := pair()
	signsIn := func(cookie, token string) bool {
		header := http.Header{"Origin": {webtest.Origin}}
		if cookie != "" {
			header.Set("Cookie", cookie)
		}
		w := ask(s, "POST", "/api/auth/callback/credentials", formType, url.Values{"csrfToken": {token}, "email": {ann}, "password": {password}}.Encode(), header)
		return strings.Contains(strings.Join(w.Header().Values("Set-Cookie"), "\n"), "session-token")
	}
	for what, pair := range map[string][2]string{"a token of another cookie": {cookie, foreign}, "no token": {cookie, ""}, "no cookie": {"", token}} {
		if signsIn(pair[0], pair[1]) {
			t.Errorf("%s signs in", what)
		}
	}
	if !signsIn(cookie, token) {
		t.Error("cookie and token together do not sign in")
	}
}

func ruleCallback(t *testing.T) {
	s := webtest.New(t, nil)
	for callback, want := range map[string]string{"https://evil.example/x": webtest.Origin, "https://evil.example@app/x": webtest.Origin, "/reports": webtest.Origin + "/reports"} {
		v := s.Visitor()
		v.Get("/api/auth/signup?callbackUrl=" + url.QueryEscape(callback))
		v.Submit(map[string]string{"identifier": "u" + strconv.Itoa(len(callback)) + "@app.example", "name": "", "password": password})
		if strings.TrimSuffix(v.Address, "/") != want {
			t.Errorf("%s leads to %s, want %s", callback, v.Address, want)
		}
	}
}

func ruleInvitation(t *testing.T) {
	s := webtest.New(t, func(c *gatehouse.Config) { c.Registration.Mode = string(registration.ByInvitation) })
	_, code, err := s.Invitations().Create(t.Context(), "test", registration.NewInvitation{Uses: 1})
	if err != nil {
		t.Fatal(err)
	}
	with := func(who, code string) string {
		return post(s, "/register", map[string]string{"username": who, "password": password, "invitationCode": code})
	}
	expect(t, "no code", with("one", ""), "403 invitation_invalid")
	expect(t, "another code", with("one", "inv_x.y"), "403 invitation_invalid")
	expect(t, "the code", with("one", code.Reveal()), "201")
	expect(t, "the code again", with("two", code.Reveal()), "403 invitation_invalid")
}

func ruleStepBefore(t *testing.T) {
	s := webtest.New(t, nil)
	if _, err := s.Users().Create(t.Context(), "test", user.New{Email: ann, Password: password, MustChange: true}); err != nil {
		t.Fatal(err)
	}
	without := s.Visitor()
	without.Get("/api/auth/signin") // a CSRF cookie and no attempt
	if got := without.Get("/api/auth/new-password").Status; got < 400 {
		t.Errorf("without the step before: %d", got)
	}
	v := s.Visitor()
	v.Get("/api/auth/signin").Submit(map[string]string{"identifier": ann, "password": password})
	v.Submit(map[string]string{"newPassword": "eleven tall poplars in a row"})
	if v.SignedInAs() != ann {
		t.Errorf("with it: %s %d", v.Address, v.Status)
	}
}

func ruleContentType(t *testing.T) {
	s := webtest.New(t, nil)
	signedUp(t, s)
	form := url.Values{"email": {ann}, "password": {password}}.Encode()
	for kind, body := range map[string]string{formType: form, "text/plain": `{"email":"` + ann + `","password":"` + password + `"}`} {
		if got := ask(s, "POST", "/api/auth/login", kind, body, nil).Code; got != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d", kind, got)
		}
	}
	expect(t, "JSON", post(s, "/login", map[string]string{"email": ann, "password": password}), "200")
}

func ruleUpdate(t *testing.T) {
	s := webtest.New(t, nil)
	v := signedUp(t, s)
	before := v.Get("/api/auth/session").Body
	var token struct {
		CSRF string `json:"csrfToken"`
	}
	_ = json.Unmarshal([]byte(v.Get("/api/auth/csrf").Body), &token)
	body, _ := json.Marshal(map[string]any{"csrfToken": token.CSRF, "data": map[string]any{
		"id": "usr_x", "email": "root@app.example", "roles": []string{"admin"}, "name": "Annabel", "user": nil}})
	v.JSON("/api/auth/session", string(body))
	after := v.Get("/api/auth/session").Body
	cut := regexp.MustCompile(`"name":"[^"]*"|"expires":"[^"]*"`)
	if got, want := cut.ReplaceAllString(after, ""), cut.ReplaceAllString(before, ""); got != want || !strings.Contains(after, "Annabel") {
		t.Errorf("after the update %s, before %s", after, before)
	}
}
