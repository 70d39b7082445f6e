package management_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// site is a whole Gatehouse whose management API is asked.
type site struct {
	*webtest.Site
	t         *testing.T
	ahead     atomic.Int64
	made      int
	residents map[string]resident
}

func newSite(t *testing.T, change func(*gatehouse.Config)) *site {
	t.Helper()
	s := &site{t: t}
	s.Site = webtest.New(t, func(c *gatehouse.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
		if change != nil {
			change(c)
		}
	})
	return s
}

// advance moves the clock and waits until the server has looked at the feed.
func (s *site) advance(d time.Duration) {
	s.t.Helper()
	s.ahead.Add(int64(d))
	for deadline := time.Now().Add(20 * time.Second); s.Ready(s.t.Context()) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal("the server does not become ready again")
		}
	}
}

const password = gatehouse.Secret("seven quiet lanterns drift")

// user makes a user without a password, which costs no hash.
func (s *site) user(roles ...string) auth.User {
	s.t.Helper()
	s.made++
	u, err := s.Users().Create(s.t.Context(), "test", user.New{Username: fmt.Sprintf("user%04d", s.made), Roles: roles})
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// signedIn makes a user who is signed in, and returns the credential.
func (s *site) signedIn(roles ...string) (auth.User, caller) {
	s.t.Helper()
	s.made++
	name := fmt.Sprintf("user%04d", s.made)
	u, err := s.Users().Create(s.t.Context(), "test", user.New{Username: name, Roles: roles, Password: password})
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", webtest.Origin+"/api/auth/login", strings.NewReader(`{"identifier":"`+name+`","password":"`+string(password)+`"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	var cookies []string
	for _, c := range w.Result().Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if w.Code != 200 || len(cookies) == 0 {
		s.t.Fatal(w.Code, w.Body)
	}
	return u, caller{"Cookie": strings.Join(cookies, "; ")}
}

// key makes an API key at the command line.
func (s *site) key(d apikey.Draft) (auth.APIKey, caller) {
	s.t.Helper()
	if d.Name == "" {
		d.Name = "a key"
	}
	made, err := s.APIKeys().Create(s.t.Context(), apikey.By{Operator: "cli"}, d)
	if err != nil {
		s.t.Fatal(err)
	}
	return made.Key, caller{"X-Api-Key": made.Text.Reveal()}
}

// caller are the headers by which somebody is known; nil is nobody.
type caller map[string]string

// with is the caller with one more header.
func (c caller) with(name, value string) caller {
	out := caller{}
	for k, v := range c {
		out[k] = v
	}
	out[name] = value
	return out
}

// answered is an answer.
type answered struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// ask sends one request. body is JSON, or nil.
func (s *site) ask(c caller, method, path string, body any) answered {
	s.t.Helper()
	var text string
	switch b := body.(type) {
	case nil:
	case string:
		text = b
	default:
		out, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		text = string(out)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, webtest.Origin+"/api/v1"+path, strings.NewReader(text))
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ManagementHandler().ServeHTTP(w, r)
	return answered{w, s.t}
}

// is demands a status, and returns the answer.
func (a answered) is(what string, status int) answered {
	a.t.Helper()
	if a.Code != status {
		a.t.Errorf("%s: %d %s, want %d", what, a.Code, a.Body, status)
	}
	return a
}

// member is a text or another member of a JSON answer.
func (a answered) member(name string) any {
	a.t.Helper()
	var all map[string]any
	if err := json.Unmarshal(a.Body.Bytes(), &all); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
	return all[name]
}

// code is that of a problem document.
func (a answered) code() string {
	a.t.Helper()
	code, _ := a.member("code").(string)
	return code
}
