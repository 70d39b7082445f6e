package attack_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

const jwtSecret auth.Secret = "Qz7mT4cB2sVx9pHk1eRt6uJw8nLf3aDg"

type issued struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (s *site) tokens(t *testing.T, more string) (got issued) {
	t.Helper()
	a := s.send(request{http.MethodPost, v4.base + "/token", jsonType, `{"identifier":"victim@app.example","password":"` + password + `"` + more + `}`, nil, nil})
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Access == "" {
		t.Fatalf("token: %d %s", a.status, a.body)
	}
	return got
}

func (s *site) refresh(token string) answer {
	return s.send(request{http.MethodPost, v4.base + "/refresh", jsonType, `{"refresh_token":"` + token + `"}`, nil, nil})
}

// guarded asks for something behind Require and returns the status.
func (s *site) guarded(token string) (int, string) {
	h := s.Require(gatehouse.Role("admin"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	r := httptest.NewRequest(http.MethodGet, origin+"/admin", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Header().Get("WWW-Authenticate")
}

// Whoever has the secret that a service verifies its tokens with, or the one of
// the application, makes himself administrator of that service, and of nothing
// at Gatehouse.
//
// proves: ASVS 9.1.2
func TestTokens_anApplicationsSecretForgesNothingHere(t *testing.T) {
	s := newSite(t, func(c *gatehouse.Config) {
		c.Tokens.Audiences = []gatehouse.Audience{{ID: "https://legacy.example", Secret: jwtSecret}, {ID: "https://own.example", Own: true}}
	})
	u := s.newUser(t, "victim@app.example")
	good := s.tokens(t, `,"audience":"https://own.example"`)
	if status, _ := s.guarded(good.Access); status != http.StatusForbidden {
		t.Fatalf("the victim, who is no administrator: %d", status)
	}
	if _, err := s.Users().SetRoles(t.Context(), "test", u.ID, []string{"admin"}); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.guarded(good.Access); status != http.StatusNoContent {
		t.Fatalf("the control, an administrator: %d", status)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(good.Access, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(good.Access, ".")
	for name, secret := range map[string]auth.Secret{"the service's": jwtSecret, "the application's": secretV4} {
		key, err := jwt.NewSecret("", jwt.HS256, []byte(secret.Reveal()))
		if err != nil {
			t.Fatal(err)
		}
		forged, err := key.Sign("at+jwt", payload)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(forged, ".")
		for what, text := range map[string]string{"HS256": forged, "HS256 under the header of ours": head + "." + rest} {
			if status, challenge := s.guarded(text); status != http.StatusUnauthorized || !strings.HasSuffix(challenge, `error="invalid_token"`) {
				t.Errorf("%s secret, %s: %d %q", name, what, status, challenge)
			}
		}
	}
}

// The family's ID stands in every access token and in logs. Whoever has read it
// there ends nobody's session with it, and learns nothing of it.
func TestTokens_theFamilysIDIsNoWeapon(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	got := s.tokens(t, "")
	family, _, _ := strings.Cut(got.Refresh, ".")
	answers := map[string]bool{}
	for _, token := range []string{
		family, family + ".1.", family + ".1." + strings.Repeat("A", 43), family + ".0." + strings.Repeat("A", 43), family + ".99." + strings.Repeat("A", 43),
		"fam_019cd2f1-0000-7000-8000-000000000000.1." + strings.Repeat("A", 43),
	} {
		a := s.refresh(token)
		var said struct{ Error, Error_description string }
		_ = json.Unmarshal([]byte(a.body), &said)
		answers[said.Error+"|"+said.Error_description] = true
		if a.status != http.StatusBadRequest || said.Error != "invalid_grant" {
			t.Errorf("%q: %d %s", token, a.status, a.body)
		}
		for _, path := range []string{"/revoke"} {
			if r := s.send(request{http.MethodPost, v4.base + path, formType, "token=" + token, nil, nil}); r.status != http.StatusOK {
				t.Errorf("%s %q: %d %s", path, token, r.status, r.body)
			}
		}
	}
	if len(answers) != 1 {
		t.Errorf("answers differ: %v", answers)
	}
	if a := s.refresh(got.Refresh); a.status != http.StatusOK {
		t.Errorf("the victim's refresh: %d %s", a.status, a.body)
	}
}

// No token is in the log, whatever became of it.
func TestTokens_areNotInTheLog(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	got := s.tokens(t, "")
	a := s.refresh(got.Refresh)
	var next issued
	if err := json.Unmarshal([]byte(a.body), &next); err != nil {
		t.Fatal(err)
	}
	s.guarded(next.Access)
	s.guarded(next.Access + "x")
	s.send(request{http.MethodPost, v4.base + "/revoke", formType, "token=" + next.Refresh, nil, nil})
	s.refresh(next.Refresh)
	log := s.log.String()
	for _, token := range []string{got.Refresh, got.Access, next.Refresh, next.Access} {
		parts := strings.Split(token, ".")
		if secret := parts[len(parts)-1]; strings.Contains(log, secret) {
			t.Errorf("the log has a secret: %s", log)
		}
	}
	if !strings.Contains(log, "/token") || !strings.Contains(log, "invalid_grant") {
		t.Error("the log has nothing at all")
	}
	s.log.clean(t)
}
