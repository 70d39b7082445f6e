package guard_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
)

var shop = rbac.Compile([]auth.Role{
	{Name: "clerk", Permissions: []string{"orders:read"}},
	{Name: "boss", Permissions: []string{"orders:*"}, Inherits: []string{"clerk"}},
})

func shopPolicy(context.Context) (*rbac.Policy, error) { return shop, nil }

func permission(t *testing.T, text string) guard.Condition {
	t.Helper()
	p, err := rbac.ParsePermission(text)
	if err != nil {
		t.Fatal(err)
	}
	return guard.Condition{Permissions: []rbac.Permission{p}}
}

// judgeScoped knows tokens by their scopes: all are Root's, who is boss.
func judgeScoped(_ context.Context, token string) (auth.Principal, error) {
	p := auth.Principal{UserID: "usr_root", Roles: []string{"boss"}, ClientID: "app", Scopes: strings.Split(token, ",")}
	if rbac.IsPattern(p.Scopes[0]) {
		p.Roles, p.NarrowedRoles = nil, p.Roles
	}
	return p, nil
}

func judgeKey(_ context.Context, key string, from netip.Addr) (auth.Principal, error) {
	switch {
	case key == "gh_live_busy":
		return auth.Principal{}, &auth.Error{Code: auth.CodeTooManyAttempts}
	case key == "gh_live_away":
		return auth.Principal{}, auth.Unavailable(errors.New("deaf"))
	case key != "gh_live_good" || from != netip.MustParseAddr("192.0.2.1"):
		return auth.Principal{}, auth.NewError(auth.CodeInvalidToken, errors.New("for the log alone"))
	}
	return auth.Principal{APIKeyID: "key_1", NarrowedRoles: []string{"boss"}, Scopes: []string{"orders:read"}}, nil
}

func (s *site) withKeys() {
	s.guard.Bearer, s.guard.Policy, s.guard.APIKey = judgeScoped, shopPolicy, judgeKey
	s.guard.ClientAddress = func(r *http.Request) netip.Addr {
		return netip.MustParseAddrPort(r.RemoteAddr).Addr()
	}
}

// Each caller against each condition; everything that is not named is refused.
//
// proves: ASVS 8.2.1, NEXT-12, NEXT-20
func TestDecide_byConditionAndCaller(t *testing.T) {
	s := newSite(t)
	s.withKeys()
	_, clerk := s.Begin(t, s.V4, s.NewUser(t, "ann", "clerk"), nil)
	_, boss := s.Begin(t, s.V4, s.NewUser(t, "bob", "boss"), nil)
	_, ghost := s.Begin(t, s.V4, s.NewUser(t, "eve", "no-such-role"), nil)
	callers := map[string]func(*http.Request){
		"clerk": cookie(s.V4, clerk.Text), "boss": cookie(s.V4, boss.Text), "ghost": cookie(s.V4, ghost.Text),
		"whole token": header("Authorization", "Bearer profile"), "narrowed token": header("Authorization", "Bearer orders:read,profile"),
		"key": header("X-Api-Key", "gh_live_good"), "key as bearer": header("Authorization", "Bearer gh_live_good"),
	}
	read, write := permission(t, "orders:read"), permission(t, "orders:write")
	for what, c := range map[string]struct {
		all     []guard.Condition
		allowed string // names of callers, " " between
	}{
		"nothing":             {nil, "clerk, boss, ghost, whole token, narrowed token, key, key as bearer"},
		"role clerk":          {[]guard.Condition{{Roles: []string{"clerk"}}}, "clerk"},
		"role boss":           {[]guard.Condition{{Roles: []string{"boss"}}}, "boss, whole token"},
		"orders:read":         {[]guard.Condition{read}, "clerk, boss, whole token, narrowed token, key, key as bearer"},
		"orders:write":        {[]guard.Condition{write}, "boss, whole token"},
		"billing:read":        {[]guard.Condition{permission(t, "billing:read")}, ""},
		"gatehouse":           {[]guard.Condition{permission(t, "gatehouse.users:read")}, ""},
		"scope profile":       {[]guard.Condition{{Scopes: []string{"profile"}}}, "whole token, narrowed token"},
		"scope orders:read":   {[]guard.Condition{{Scopes: []string{"orders:read"}}}, "narrowed token, key, key as bearer"},
		"a key":               {[]guard.Condition{{APIKey: true}}, "key, key as bearer"},
		"a session":           {[]guard.Condition{{Session: true}}, "clerk, boss, ghost"},
		"a key and session":   {[]guard.Condition{{APIKey: true}, {Session: true}}, ""},
		"a key or session":    {[]guard.Condition{guard.Condition{APIKey: true}.Or(guard.Condition{Session: true})}, "clerk, boss, ghost, key, key as bearer"},
		"read, in a browser":  {[]guard.Condition{read, {Session: true}}, "clerk, boss"},
		"clerk, or may write": {[]guard.Condition{guard.Condition{Roles: []string{"clerk"}}.Or(write)}, "clerk, boss, whole token"},
		"the zero condition":  {[]guard.Condition{{}}, ""},
	} {
		for name, brings := range callers {
			want := auth.Code("")
			if !contains(c.allowed, name) {
				want = auth.CodeForbidden
			}
			if got := s.decide(ask("GET", "/x", brings), guard.Policy{All: c.all}); got != want {
				t.Errorf("%s, %s: %q, want %q", what, name, got, want)
			}
		}
		if got := s.decide(ask("GET", "/x"), guard.Policy{All: c.all}); got != auth.CodeSignedOut {
			t.Errorf("%s, nobody: %q", what, got)
		}
	}
}

func contains(list, name string) bool {
	for one := range strings.SplitSeq(list, ", ") {
		if one == name {
			return true
		}
	}
	return false
}

// Where the roles cannot be read, what rests on them is 503, and what is refused
// anyway stays refused, in whatever order it was asked for.
//
// proves: ASVS 16.5.3
func TestDecide_saysNothingWhereRolesCannotBeRead(t *testing.T) {
	s := newSite(t)
	s.withKeys()
	s.guard.Policy = func(context.Context) (*rbac.Policy, error) { return nil, auth.Unavailable(errors.New("roles")) }
	_, boss := s.Begin(t, s.V4, s.NewUser(t, "bob", "boss"), nil)
	read, role, key := permission(t, "orders:read"), guard.Condition{Roles: []string{"boss"}}, guard.Condition{APIKey: true}
	for what, c := range map[string]struct {
		all  []guard.Condition
		want auth.Code
	}{
		"a role":                       {[]guard.Condition{role}, ""},
		"a permission":                 {[]guard.Condition{read}, auth.CodeUnavailable},
		"a role or a permission":       {[]guard.Condition{role.Or(read)}, ""},
		"a permission, then a refusal": {[]guard.Condition{read, key}, auth.CodeForbidden},
		"a refusal, then a permission": {[]guard.Condition{key, read}, auth.CodeForbidden},
	} {
		if got := s.decide(ask("GET", "/x", cookie(s.V4, boss.Text)), guard.Policy{All: c.all}); got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
	res := s.serve(ask("GET", "/x", cookie(s.V4, boss.Text)), guard.Policy{All: []guard.Condition{read}}, ok)
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

// Of two credentials one counts by a rule that is written down, or none does;
// rights never add up, and nothing is read from the address.
//
// proves: NEXT-18, NEXT-36
func TestIdentify_takesOneCredential(t *testing.T) {
	s := newSite(t)
	s.withKeys()
	_, boss := s.Begin(t, s.V4, s.NewUser(t, "bob", "boss"), nil)
	bossCookie := cookie(s.V4, boss.Text)
	type change = func(*http.Request)
	for what, c := range map[string]struct {
		brings []change
		status int
		who    string
	}{
		"a key":                            {[]change{header("X-Api-Key", "gh_live_good")}, 200, "key_1"},
		"a key from elsewhere":             {[]change{header("X-Api-Key", "gh_live_good"), func(r *http.Request) { r.RemoteAddr = "192.0.2.2:1" }}, 401, ""},
		"a wrong key":                      {[]change{header("X-Api-Key", "gh_live_wrong")}, 401, ""},
		"a wrong key beside a good cookie": {[]change{header("X-Api-Key", "gh_live_wrong"), bossCookie}, 401, ""},
		"a good key beside a good cookie":  {[]change{header("X-Api-Key", "gh_live_good"), bossCookie}, 200, "key_1"},
		"a key that is the application's":  {[]change{header("X-Api-Key", "app-key"), bossCookie}, 200, "cookie"},
		"the application's beside a token": {[]change{header("X-Api-Key", "app-key"), header("Authorization", "Bearer profile")}, 200, "usr_root"},
		"a key beside Basic":               {[]change{header("X-Api-Key", "gh_live_good"), header("Authorization", "Basic eDp5")}, 200, "key_1"},
		"a key beside a token":             {[]change{header("X-Api-Key", "gh_live_good"), header("Authorization", "Bearer profile")}, 400, ""},
		"a key twice":                      {[]change{header("X-Api-Key", "gh_live_good"), header("X-Api-Key", "gh_live_good")}, 400, ""},
		"a key in both headers":            {[]change{header("X-Api-Key", "gh_live_good"), header("Authorization", "Bearer gh_live_good")}, 400, ""},
		"two keys, one the application's":  {[]change{header("X-Api-Key", "app-key"), header("X-Api-Key", "gh_live_good")}, 400, ""},
		"a key in a list":                  {[]change{header("X-Api-Key", "gh_live_good, gh_live_good")}, 401, ""},
		"a key in a cookie":                {[]change{header("Cookie", "x-api-key=gh_live_good")}, 401, ""},
		"a key in the address": {[]change{func(r *http.Request) {
			r.URL.RawQuery = "x-api-key=gh_live_good&api_key=gh_live_good&access_token=gh_live_good"
		}}, 401, ""},
		"a key that must wait":         {[]change{header("X-Api-Key", "gh_live_busy")}, 429, ""},
		"nothing can be said of a key": {[]change{header("X-Api-Key", "gh_live_away"), bossCookie}, 503, ""},
	} {
		w, who := httptest.NewRecorder(), ""
		r := ask("GET", "/x", c.brings...)
		caller := s.guard.Identify(w, r)
		if d := caller.Decide(r.Context(), guard.Policy{}); !d.Allowed() {
			s.guard.Refuse(w, r, caller, d)
		} else if p, _ := caller.Principal(); p.APIKeyID != "" {
			who = string(p.APIKeyID)
		} else if who = string(p.UserID); p.SessionID != "" {
			who = "cookie"
		}
		if w.Code != c.status || who != c.who {
			t.Errorf("%s: %d %q, want %d %q", what, w.Code, who, c.status, c.who)
		}
		if w.Code == 401 && !strings.Contains(strings.Join(w.Header()["Www-Authenticate"], " "), "Bearer realm=") {
			t.Errorf("%s: no challenge: %v", what, w.Header())
		}
		if strings.Contains(w.Body.String()+s.log.String(), "gh_live") {
			t.Errorf("%s: the key is in the answer or the log", what)
		}
	}
}
