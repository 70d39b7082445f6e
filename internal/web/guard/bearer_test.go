package guard_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
)

// judge knows the tokens "good" and "admin", and nothing of "away".
func judge(_ context.Context, token string) (auth.Principal, error) {
	switch token {
	case "good":
		return auth.Principal{UserID: "usr_ann", SessionID: "ses_1", Roles: []string{"user"}, ClientID: "app"}, nil
	case "admin":
		return auth.Principal{UserID: "usr_root", Roles: []string{"admin"}}, nil
	case "away":
		return auth.Principal{}, auth.Unavailable(errors.New("deaf"))
	}
	return auth.Principal{}, auth.NewError(auth.CodeInvalidToken, errors.New("for the log alone"))
}

// RFC 6750 §3: no error code without a token, and no more than its name with
// one.
//
// proves: ASVS 9.2.1, NEXT-14
func TestBearer_decidesAndSaysNoMoreThanItMust(t *testing.T) {
	s := newSite(t)
	s.guard.Bearer = judge
	_, token := s.Begin(t, s.V4, s.NewUser(t, "ann", "user"), nil)
	const realm = `Bearer realm="https://app.example"`
	for name, c := range map[string]struct {
		authorization []string
		cookie        bool
		method        string
		status        int
		challenge     string
	}{
		"nothing":                         {nil, false, "GET", 401, realm},
		"good":                            {[]string{"Bearer good"}, false, "GET", 200, ""},
		"good, in other letters":          {[]string{"bEARER good"}, false, "GET", 200, ""},
		"good, on an unsafe method":       {[]string{"Bearer good"}, false, "POST", 200, ""},
		"wrong":                           {[]string{"Bearer wrong"}, false, "GET", 401, realm + `, error="invalid_token"`},
		"empty":                           {[]string{"Bearer "}, false, "GET", 401, realm + `, error="invalid_token"`},
		"the scheme alone":                {[]string{"Bearer"}, false, "GET", 401, realm + `, error="invalid_token"`},
		"good, behind two blanks":         {[]string{"Bearer  good"}, false, "GET", 200, ""},
		"a list":                          {[]string{"Bearer good, Bearer good"}, false, "GET", 401, realm + `, error="invalid_token"`},
		"a list of schemes":               {[]string{"Basic eA==, Bearer good"}, false, "GET", 401, realm},
		"a tab for a blank":               {[]string{"Bearer\tgood"}, false, "GET", 401, realm},
		"a blank at the end":              {[]string{"Bearer good "}, false, "GET", 401, realm + `, error="invalid_token"`},
		"no blank":                        {[]string{"Bearergood"}, false, "GET", 401, realm},
		"a colon":                         {[]string{"Bearer: good"}, false, "GET", 401, realm},
		"the token alone":                 {[]string{"good"}, false, "GET", 401, realm},
		"an empty header":                 {[]string{""}, false, "GET", 401, realm},
		"two words":                       {[]string{"Bearer good good"}, false, "GET", 401, realm + `, error="invalid_token"`},
		"two headers":                     {[]string{"Bearer good", "Bearer good"}, false, "GET", 400, realm + `, error="invalid_request"`},
		"beside another scheme":           {[]string{"Basic eA==", "Bearer good"}, false, "GET", 400, realm + `, error="invalid_request"`},
		"another scheme":                  {[]string{"Basic eA=="}, false, "GET", 401, realm},
		"another scheme, with a cookie":   {[]string{"Basic eA=="}, true, "GET", 200, ""},
		"wrong, beside a good cookie":     {[]string{"Bearer wrong"}, true, "GET", 401, realm + `, error="invalid_token"`},
		"good, beside a cookie, unproven": {[]string{"Bearer good"}, true, "POST", 200, ""},
		"a cookie alone, unproven":        {nil, true, "POST", 403, ""},
		"nothing to be said":              {[]string{"Bearer away"}, true, "GET", 503, ""},
	} {
		r := httptest.NewRequest(c.method, "https://app.example/x", nil)
		r.Header["Authorization"] = c.authorization
		if c.authorization == nil {
			r.Header.Del("Authorization")
		}
		if c.cookie {
			cookie(s.V4, token.Text)(r)
		}
		w := httptest.NewRecorder()
		caller := s.guard.Identify(w, r)
		if d := caller.Decide(t.Context(), guard.Policy{}); d.Allowed() {
			caller.Pass(w, r, http.HandlerFunc(ok), guard.Private)
		} else {
			s.guard.Refuse(w, r, caller, d)
		}
		challenges := w.Header()["Www-Authenticate"]
		last := ""
		if len(challenges) > 0 {
			last = challenges[len(challenges)-1]
		}
		if w.Code != c.status || last != c.challenge {
			t.Errorf("%s: %d %q, want %d %q", name, w.Code, challenges, c.status, c.challenge)
		}
		if strings.Contains(w.Body.String(), "for the log") || len(w.Result().Cookies()) > 0 && c.authorization != nil && strings.HasPrefix(c.authorization[0], "Bearer") {
			t.Errorf("%s: says too much, or touches a cookie: %s %v", name, w.Body, w.Result().Cookies())
		}
	}
}

func TestBearer_isThePrincipalWithItsOwnRoles(t *testing.T) {
	s := newSite(t)
	s.guard.Bearer = judge
	admins := needs("admin")
	for token, allowed := range map[string]bool{"good": false, "admin": true} {
		r := httptest.NewRequest("GET", "https://app.example/x", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		caller := s.guard.Identify(w, r)
		p, known := caller.Principal()
		d := caller.Decide(t.Context(), admins)
		if !known || d.Allowed() != allowed || (p.ClientID == "app") == allowed {
			t.Errorf("%s: %+v, admitted as admin: %v", token, p, d.Allowed())
		}
		p.Roles[0] = "admin"
		if again := caller.Decide(t.Context(), admins); again.Allowed() != allowed {
			t.Errorf("%s: a handler that writes into its Principal changes the decision", token)
		}
		if !allowed {
			if s.guard.Refuse(w, r, caller, d); w.Code != 403 || w.Header().Get("WWW-Authenticate") != "" {
				t.Errorf("%s: %d, WWW-Authenticate %q", token, w.Code, w.Header().Get("WWW-Authenticate"))
			}
		}
	}
}
