package management_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/registration"
	"github.com/gatehouse-auth/gatehouse/internal/web/management"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// expectation is how one operation is asked, and which of the built-in roles may.
// What everybody else hears follows from the operation's row.
type expectation struct {
	support, auditor bool
	// scope is the permission that a key needs for it, where the row has none.
	scope string
	// body is sent; path fills in what the address names beside a user.
	body any
	path func(s *site, target auth.User) map[string]string
	// acts: it is done to somebody, so not to one who holds more.
	acts bool
	// open: whoever is known may.
	open bool
}

// expectations has every operation. One that is not here fails the test.
var expectations = map[string]expectation{
	"getSelf": {open: true},

	"listUsers":     {support: true, auditor: true},
	"createUser":    {support: true, body: map[string]any{"username": "somebody-new"}},
	"getUser":       {support: true, auditor: true},
	"updateUser":    {support: true, acts: true, scope: "gatehouse.users:write", body: map[string]any{"name": "Ada"}},
	"deleteUser":    {acts: true},
	"disableUser":   {support: true, acts: true},
	"enableUser":    {support: true, acts: true},
	"setRoles":      {acts: true, body: map[string]any{"roles": []string{}}},
	"resetPassword": {support: true, acts: true},

	"listSessions":   {support: true, auditor: true},
	"revokeSessions": {support: true, acts: true},
	"revokeSession":  {support: true, acts: true, path: aSession},
	"revokeApp":      {support: true, acts: true, path: anApp},
	"listAccounts":   {support: true, auditor: true},

	"exportUser": {},

	"listInvitations":  {support: true, auditor: true},
	"createInvitation": {support: true, body: map[string]any{}},
	"deleteInvitation": {support: true, path: anInvitation},

	"listRoles":  {support: true, auditor: true},
	"createRole": {body: map[string]any{"name": "new"}},
	"getRole":    {support: true, auditor: true, path: aRole},
	"updateRole": {path: aRole, body: map[string]any{"description": "other"}},
	"deleteRole": {path: aRole},

	"listEvents":   {auditor: true},
	"followEvents": {auditor: true},

	"listAPIKeys":  {auditor: true},
	"createAPIKey": {body: map[string]any{"name": "of a service", "roles": []string{"gatehouse.auditor"}}},
	"getAPIKey":    {auditor: true, path: aKey},
	"updateAPIKey": {acts: true, path: aKey, body: map[string]any{"name": "other"}},
	"rotateAPIKey": {acts: true, path: aKey, body: map[string]any{"lifetime_seconds": 3600}},
	"revokeAPIKey": {acts: true, path: aKey},
}

func anInvitation(s *site, _ auth.User) map[string]string {
	i, _, err := s.Invitations().Create(s.t.Context(), "test", registration.NewInvitation{})
	if err != nil {
		s.t.Fatal(err)
	}
	return map[string]string{"invitation": string(i.ID)}
}

func aRole(s *site, _ auth.User) map[string]string {
	s.made++
	r, err := s.Roles().Create(s.t.Context(), "test", auth.Role{Name: fmt.Sprintf("role%04d", s.made)})
	if err != nil {
		s.t.Fatal(err)
	}
	return map[string]string{"role": r.Name}
}

func aKey(s *site, target auth.User) map[string]string {
	k, _ := s.key(apikey.Draft{UserID: target.ID})
	return map[string]string{"key": string(k.ID)}
}

// Every operation is asked by every kind of caller. The table of operations is the
// program's own, so that a new one without an expectation fails.
//
// proves: ASVS 8.2.1, ASVS 8.2.2, ASVS 8.1.1, ASVS 8.4.2
func TestOperations_answerEveryKindOfCallerAsTheyShould(t *testing.T) {
	s := newSite(t, nil)
	_, expired := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}, Lifetime: apikey.MinLifetime})
	s.advance(apikey.MinLifetime + time.Second)
	revokedKey, revoked := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}})
	if _, err := s.APIKeys().Revoke(t.Context(), apikey.By{Operator: "cli"}, revokedKey.ID); err != nil {
		t.Fatal(err)
	}
	_, plain := s.signedIn()
	_, member := s.signedIn("member")
	adminUser, admin := s.signedIn(auth.RoleAdmin)
	_, support := s.signedIn(auth.RoleSupport)
	_, auditor := s.signedIn(auth.RoleAuditor)
	_, elsewhere := s.key(apikey.Draft{UserID: adminUser.ID, Scopes: []string{"orders:*"}})
	scoped := map[string]caller{}
	for _, row := range management.Rows() {
		if p := scopeOf(row); p != "" && scoped[p] == nil {
			_, scoped[p] = s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}, Scopes: []string{p}})
		}
	}
	left := maps.Clone(expectations)
	for _, row := range management.Rows() {
		e, known := expectations[row.ID]
		if !known {
			t.Errorf("%s %s (%s) has no expectation", row.Method, row.Path, row.ID)
			continue
		}
		delete(left, row.ID)
		may := func(allowed bool) int {
			if allowed || e.open {
				return row.Status
			}
			return 403
		}
		for _, kind := range []struct {
			name   string
			caller caller
			target []string
			want   int
		}{
			{"nobody", nil, nil, 401},
			{"an expired key", expired, nil, 401},
			{"a revoked key", revoked, nil, 401},
			{"a text that is no key", caller{"X-Api-Key": "gh_live_x_y"}, nil, 401},
			{"a user without roles", plain, nil, may(false)},
			{"a user with a role of the application", member, nil, may(false)},
			{"an administrator", admin, nil, row.Status},
			{"an administrator, to another one", admin, []string{auth.RoleAdmin}, row.Status},
			{"support", support, nil, may(e.support)},
			{"support, to an administrator", support, []string{auth.RoleAdmin}, may(e.support && !e.acts)},
			{"an auditor", auditor, nil, may(e.auditor)},
			{"an administrator's key for something else", elsewhere, nil, may(false)},
			{"a service's key for this alone", scoped[scopeOf(row)], nil, row.Status},
			{"a service's key for this alone, to an administrator", scoped[scopeOf(row)], []string{auth.RoleAdmin}, may(!e.acts)},
		} {
			if row.Permission == "" && e.scope == "" && strings.HasPrefix(kind.name, "a service's") {
				continue
			}
			if strings.HasPrefix(kind.name, "a service's") && givesRoles(e) {
				kind.want = 403 // it holds that one permission, and would give more
			}
			s.asks(row, e, kind.name, kind.caller, kind.target, kind.want)
		}
	}
	if len(left) > 0 {
		t.Errorf("expectations of operations that there are not: %v", slices.Sorted(maps.Keys(left)))
	}
}

func scopeOf(row management.Row) string {
	if row.Permission != "" {
		return row.Permission
	}
	return expectations[row.ID].scope
}

// givesRoles says whether the body names a role to give.
func givesRoles(e expectation) bool {
	body, _ := e.body.(map[string]any)
	roles, _ := body["roles"].([]string)
	return len(roles) > 0
}

// asks sends the operation for a fresh target, and to one that is not there: who
// may not read hears no difference.
func (s *site) asks(row management.Row, e expectation, name string, c caller, roles []string, want int) {
	s.t.Helper()
	target := s.user(roles...)
	path := row.Path
	if e.path != nil {
		for part, value := range e.path(s, target) {
			path = strings.ReplaceAll(path, "{"+part+"}", value)
		}
	}
	path = strings.ReplaceAll(path, "{user}", string(target.ID))
	if c != nil && row.IfMatch {
		c = c.with("If-Match", "*")
	}
	body := e.body
	if m, ok := body.(map[string]any); ok { // what must be new
		m = maps.Clone(m)
		for _, name := range []string{"username", "name"} {
			if m[name] != nil {
				m[name] = target.Username + "x"
			}
		}
		body = m
	}
	got := s.ask(c, row.Method, path, body)
	if got.Code != want {
		s.t.Errorf("%s: %s %s: %d %s, want %d", name, row.Method, row.Path, got.Code, got.Body, want)
	}
	if want == http.StatusUnauthorized && got.Header().Get("WWW-Authenticate") == "" {
		s.t.Errorf("%s: %s %s: 401 without a challenge", name, row.Method, row.Path)
	}
	if !strings.Contains(row.Path, "{") || want == 401 {
		return
	}
	for part, missing := range map[string]string{"{user}": string(auth.NewUserID(time.Now())), "{key}": "key_none", "{role}": "no-such-role", "{invitation}": "inv_none"} {
		if !strings.Contains(row.Path, part) || want == 403 && len(roles) > 0 {
			continue
		}
		gone := strings.NewReplacer(part, missing, "{session}", "ses_none", "{app}", "fam_none").Replace(row.Path)
		wanted := http.StatusNotFound
		if want == 403 {
			wanted = 403
		}
		if got := s.ask(c, row.Method, gone, body); got.Code != wanted {
			s.t.Errorf("%s: %s %s of what is not there: %d %s, want %d", name, row.Method, row.Path, got.Code, got.Body, wanted)
		}
	}
}

// resident is somebody who is signed in, in a browser and with an app; one for each
// set of roles, because what is over may be ended again.
type resident struct {
	auth.User
	session auth.SessionID
	app     auth.FamilyID
}

func (s *site) resident(roles []string) resident {
	s.t.Helper()
	key := strings.Join(roles, " ")
	if in, known := s.residents[key]; known {
		return in
	}
	u, _ := s.signedIn(roles...)
	r := httptest.NewRequest("POST", webtest.Origin+"/api/auth/token", strings.NewReader(`{"username":"`+u.Username+`","password":"`+string(password)+`","scope":"offline_access"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	apps, err := s.Sessions().Apps(s.t.Context(), u.ID)
	if err != nil || len(apps) != 1 {
		s.t.Fatal(apps, err, w.Code, w.Body)
	}
	sessions, err := s.Sessions().List(s.t.Context(), u.ID)
	if err != nil || len(sessions) == 0 {
		s.t.Fatal(sessions, err)
	}
	in := resident{u, sessions[0].ID, apps[0].ID}
	if s.residents == nil {
		s.residents = map[string]resident{}
	}
	s.residents[key] = in
	return in
}

func aSession(s *site, target auth.User) map[string]string {
	in := s.resident(target.Roles)
	return map[string]string{"user": string(in.ID), "session": string(in.session)}
}

func anApp(s *site, target auth.User) map[string]string {
	in := s.resident(target.Roles)
	return map[string]string{"user": string(in.ID), "app": string(in.app)}
}
