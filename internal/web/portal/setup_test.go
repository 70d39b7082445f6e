package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

func setupToken(t *testing.T, s *webtest.Site) string {
	t.Helper()
	token, err := s.Setup().NewToken(t.Context(), "test", 0)
	if err != nil {
		t.Fatal(err)
	}
	return token.Text.Reveal()
}

func TestSetup_makesTheFirstAdministratorAndSignsInOnce(t *testing.T) {
	s := webtest.New(t, nil)
	token, second := setupToken(t, s), setupToken(t, s)
	v := s.Visitor().Get("/api/auth/setup")
	if !v.Shows("Create the first administrator") || !v.Shows(`name="setupToken" type="text" autocomplete="off"`) {
		t.Fatalf("%d:\n%s", v.Status, v.Body)
	}
	v.Submit(map[string]string{"setupToken": token, "identifier": ann, "name": "Ann", "password": first})
	if v.Address != "/api/auth/account" || v.SignedInAs() != ann {
		t.Errorf("at %s (%d), signed in as %q:\n%s", v.Address, v.Status, v.SignedInAs(), v.Body)
	}
	if u, err := s.Users().Find(t.Context(), ann); err != nil || !u.HasRole(auth.RoleAdmin) {
		t.Errorf("roles %v, %v", u.Roles, err)
	}
	for text, c := range map[string]struct {
		status int
		says   string
	}{
		token: {http.StatusForbidden, "The setup token is not good, or not any more."}, second: {http.StatusConflict, "There is an administrator already."},
	} {
		v := s.Visitor().Get("/api/auth/setup")
		v.Submit(map[string]string{"setupToken": text, "identifier": "eve@example.test", "password": first})
		if v.Status != c.status || !v.Shows(c.says) || !v.Shows(`href="http://localhost:3000/api/auth/signin"`) || v.SignedInAs() != "" {
			t.Errorf("afterwards: %d, want %d:\n%s", v.Status, c.status, v.Body)
		}
		if v.Shows(text) || v.Shows(first) {
			t.Error("the page shows what is secret")
		}
	}
}

// Without a token the page is the same whether there is an administrator, a
// token, or neither, and so is every answer.
func TestSetup_tellsNothingWithoutAToken(t *testing.T) {
	seen := map[string]string{}
	for name, prepare := range map[string]func(s *webtest.Site){
		"nobody": func(*webtest.Site) {}, "a token": func(s *webtest.Site) { setupToken(t, s) },
		"an administrator": func(s *webtest.Site) {
			if _, err := s.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: "root@example.test", Password: second, Roles: []string{auth.RoleAdmin}}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		s := webtest.New(t, nil)
		prepare(s)
		v := s.Visitor().Get("/api/auth/setup")
		page := once.ReplaceAllString(v.Body, "")
		v.Submit(map[string]string{"setupToken": "chl_0.x", "identifier": "root@example.test", "password": first})
		seen[name] = page + once.ReplaceAllString(v.Body, "")
		if v.Status != http.StatusForbidden {
			t.Errorf("%s: %d", name, v.Status)
		}
	}
	for name, page := range seen {
		if page != seen["nobody"] {
			t.Errorf("with %s the pages differ:\n%s\n%s", name, page, seen["nobody"])
		}
	}
}

func TestSetup_keepsWhatWasTypedWhenTheRestIsRefused(t *testing.T) {
	now := time.Now()
	s := webtest.New(t, func(c *gatehouse.Config) { c.Now = func() time.Time { return now } })
	token := setupToken(t, s)
	v := s.Visitor().Get("/api/auth/setup")
	v.Submit(map[string]string{"setupToken": token, "identifier": ann, "name": "Ann", "password": "short"})
	if v.Status != http.StatusBadRequest || !v.Shows(`value="`+ann+`"`) || !v.Shows(`value="Ann"`) || v.Shows(token) {
		t.Fatalf("%d:\n%s", v.Status, v.Body)
	}
	if v.Submit(map[string]string{"setupToken": token, "password": first}); v.SignedInAs() != ann {
		t.Errorf("the second try: %d:\n%s", v.Status, v.Body)
	}
	// Without the form's own token nothing is done.
	if v := s.Visitor().Get("/api/auth/setup"); v.Submit(map[string]string{"csrfToken": strings.Repeat("0", 64), "setupToken": token}).Status != http.StatusForbidden {
		t.Errorf("a foreign form: %d", v.Status)
	}
}
