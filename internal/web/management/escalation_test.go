package management_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	rooms "github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

// withRoles are roles of the application beside Gatehouse's own: the helpdesk may
// look after users and give roles, and holds "user" for that; the boss may do more.
func withRoles(c *gatehouse.Config) {
	c.Roles = []gatehouse.RoleDefinition{
		{Name: "user", Permissions: []string{"orders:read"}},
		{Name: "boss", Permissions: []string{"orders:*", "billing:*"}},
		{Name: "helpdesk", Inherits: []string{"user"}, Permissions: []string{
			"gatehouse.users:*", "gatehouse.sessions:*", "gatehouse.roles:*", "gatehouse.api-keys:*",
		}},
	}
}

// Whoever has a right to change users gets no other by it: not for himself, not
// for an accomplice, not by a key, a role, an invitation, nor by taking somebody
// over.
//
// proves: ASVS 8.2.1, ASVS 8.2.2
func TestRights_nobodyLiftsHimselfAboveWhatHeHolds(t *testing.T) {
	s := newSite(t, withRoles)
	me, helpdesk := s.signedIn("helpdesk")
	admin, boss, customer := s.user(auth.RoleAdmin), s.user("boss"), s.user("user")
	adminKey, _ := s.key(apikey.Draft{UserID: admin.ID})
	wide, _ := s.key(apikey.Draft{Roles: []string{"boss"}})
	stored, err := s.Roles().Create(t.Context(), "test", auth.Role{Name: "cashier", Permissions: []string{"billing:read"}})
	if err != nil {
		t.Fatal(err)
	}
	whichever := helpdesk.with("If-Match", "*")
	at := func(u auth.User, rest string) string { return "/users/" + string(u.ID) + rest }
	type body = map[string]any
	roles := func(names ...string) body { return body{"roles": append([]string{}, names...)} }
	for name, try := range map[string]struct {
		method, path string
		body         any
	}{
		"gives himself everything":                       {"PUT", at(me, "/roles"), roles("helpdesk", auth.RoleAdmin)},
		"gives himself more of the application":          {"PUT", at(me, "/roles"), roles("helpdesk", "boss")},
		"gives himself more by a patch":                  {"PATCH", at(me, ""), roles("helpdesk", auth.RoleAdmin)},
		"gives a customer more":                          {"PUT", at(customer, "/roles"), roles("user", "boss")},
		"gives himself another of Gatehouse's roles":     {"PUT", at(me, "/roles"), roles("helpdesk", auth.RoleAuditor)},
		"makes a user with more":                         {"POST", "/users", body{"username": "accomplice", "roles": []string{"boss"}}},
		"invites somebody to more":                       {"POST", "/invitations", roles("boss")},
		"strips an administrator":                        {"PUT", at(admin, "/roles"), roles()},
		"strips somebody who holds more":                 {"PUT", at(boss, "/roles"), roles("user")},
		"changes the address of an administrator":        {"PATCH", at(admin, ""), body{"email": "me@evil.example"}},
		"changes the address of somebody who holds more": {"PATCH", at(boss, ""), body{"email": "me@evil.example", "email_verified": true}},
		"changes the name of somebody who holds more":    {"PATCH", at(boss, ""), body{"username": "mine"}},
		"resets the password of an administrator":        {"POST", at(admin, "/password-reset"), nil},
		"resets the password of somebody who holds more": {"POST", at(boss, "/password-reset"), nil},
		"disables an administrator":                      {"POST", at(admin, "/disable"), nil},
		"enables somebody who holds more":                {"POST", at(boss, "/enable"), nil},
		"deletes an administrator":                       {"DELETE", at(admin, ""), nil},
		"signs an administrator out":                     {"DELETE", at(admin, "/sessions"), nil},
		"makes a key that may do more":                   {"POST", "/api-keys", body{"name": "k", "roles": []string{"boss"}}},
		"makes a key of Gatehouse's own":                 {"POST", "/api-keys", body{"name": "k", "roles": []string{auth.RoleAdmin}}},
		"makes a key with scopes beyond himself":         {"POST", "/api-keys", body{"name": "k", "roles": []string{"boss"}, "scopes": []string{"billing:*"}}},
		"makes a key of an administrator":                {"POST", "/api-keys", body{"name": "k", "user_id": admin.ID}},
		"makes a narrow key of an administrator":         {"POST", "/api-keys", body{"name": "k", "user_id": admin.ID, "scopes": []string{"orders:read"}}},
		"rotates an administrator's key":                 {"POST", "/api-keys/" + string(adminKey.ID) + "/rotate", body{}},
		"rotates a wider key":                            {"POST", "/api-keys/" + string(wide.ID) + "/rotate", body{}},
		"changes a wider key":                            {"PATCH", "/api-keys/" + string(wide.ID), body{"name": "mine"}},
		"ends a wider key":                               {"POST", "/api-keys/" + string(wide.ID) + "/revoke", nil},
		"defines a role with what he lacks":              {"POST", "/roles", body{"name": "x", "permissions": []string{"billing:read"}}},
		"defines a role with everything":                 {"POST", "/roles", body{"name": "x", "permissions": []string{"*:*"}}},
		"defines a role with all of Gatehouse":           {"POST", "/roles", body{"name": "x", "permissions": []string{"gatehouse.*:*"}}},
		"defines a role that inherits more":              {"POST", "/roles", body{"name": "x", "inherits": []string{auth.RoleAdmin}}},
		"widens a role":                                  {"PATCH", "/roles/cashier", body{"permissions": []string{"*:*"}}},
		"narrows a role that grants more":                {"PATCH", "/roles/cashier", body{"permissions": []string{}}},
		"describes a role that grants more":              {"PATCH", "/roles/cashier", body{"description": "mine"}},
		"deletes a role that grants more":                {"DELETE", "/roles/cashier?in_use=true", nil},
	} {
		if got := s.ask(whichever, try.method, try.path, try.body); got.Code != 403 {
			t.Errorf("somebody of the helpdesk %s: %d %s", name, got.Code, got.Body)
		}
	}
	for _, u := range []auth.User{me, admin, boss, customer} {
		if now, err := s.Users().Find(t.Context(), string(u.ID)); err != nil || now.Version != u.Version || strings.Join(now.Roles, " ") != strings.Join(u.Roles, " ") {
			t.Errorf("%+v has become %+v, %v", u, now, err)
		}
	}
	if now, err := s.Roles().Role(t.Context(), "cashier"); err != nil || now.Version != stored.Version {
		t.Errorf("the role has become %+v, %v", now, err)
	}
	// What he does hold, he may do: the refusals above are not of everything.
	for name, try := range map[string]struct {
		method, path string
		body         any
		want         int
	}{
		"gives what he holds":               {"PUT", at(s.user(), "/roles"), roles("user"), 200},
		"renames a customer":                {"PATCH", at(customer, ""), body{"name": "Cid"}, 200},
		"leaves a role that somebody has":   {"PUT", at(customer, "/roles"), roles("user"), 200},
		"makes a user with his role":        {"POST", "/users", body{"username": "colleague", "roles": []string{"helpdesk"}}, 201},
		"invites a customer":                {"POST", "/invitations", roles("user"), 201},
		"makes a key of a customer":         {"POST", "/api-keys", body{"name": "k", "user_id": customer.ID}, 201},
		"makes a key of a service":          {"POST", "/api-keys", body{"name": "k", "roles": []string{"user"}}, 201},
		"defines a role with what he holds": {"POST", "/roles", body{"name": "reader", "permissions": []string{"orders:read"}, "inherits": []string{"user"}}, 201},
		"drops his own role":                {"PUT", at(s.user("helpdesk"), "/roles"), roles(), 200},
	} {
		s.ask(whichever, try.method, try.path, try.body).is("somebody of the helpdesk "+name, try.want)
	}
}

// The right to change users is not the right to give roles, by whatever way roles
// are named.
func TestRights_rolesAreGivenByTheirOwnPermission(t *testing.T) {
	s := newSite(t, withRoles)
	_, key := s.key(apikey.Draft{Roles: []string{auth.RoleAdmin}, Scopes: []string{"gatehouse.users:*", "orders:*"}})
	u := s.user("user")
	whichever := key.with("If-Match", "*")
	for _, try := range []struct{ method, path, body string }{
		{"POST", "/users", `{"username":"x1","roles":["user"]}`},
		{"PATCH", "/users/" + string(u.ID), `{"roles":[]}`},
		{"PATCH", "/users/" + string(u.ID), `{"roles":null}`},
		{"PUT", "/users/" + string(u.ID) + "/roles", `{"roles":[]}`},
		{"POST", "/invitations", `{"roles":["user"]}`},
	} {
		s.ask(whichever, try.method, try.path, try.body).is(try.method+" "+try.path+" "+try.body, 403)
	}
	s.ask(whichever, "POST", "/users", `{"username":"x2"}`).is("without roles", 201)
}

// Of the users who may do everything one stays, however they go.
func TestLastAdministrator_staysHoweverHeGoes(t *testing.T) {
	s := newSite(t, nil)
	me, admin := s.signedIn(auth.RoleAdmin)
	whichever := admin.with("If-Match", "*")
	at := "/users/" + string(me.ID)
	tries := []struct {
		method, path string
		body         any
	}{
		{"POST", at + "/disable", nil}, {"DELETE", at, nil}, {"PUT", at + "/roles", map[string]any{"roles": []string{}}}, {"PATCH", at, map[string]any{"roles": nil}},
	}
	disabled := s.user(auth.RoleAdmin)
	s.ask(whichever, "POST", "/users/"+string(disabled.ID)+"/disable", nil).is("the other one", 200)
	for _, try := range tries {
		if got := s.ask(whichever, try.method, try.path, try.body).is(try.method+" "+try.path, 409); got.code() != "last_admin" {
			t.Errorf("%s", got.Body)
		}
	}
	// Another name for the same is as good; and a role is no way round.
	s.ask(admin, "POST", "/roles", map[string]any{"name": "owner", "permissions": []string{"*:*", "gatehouse.*:*"}}).is("define", 201)
	s.ask(whichever, "PUT", at+"/roles", map[string]any{"roles": []string{"owner"}}).is("another name", 200)
	s.ask(whichever, "PATCH", "/roles/owner", map[string]any{"permissions": []string{"*:*"}}).is("strip the role", 409)
	s.ask(whichever, "DELETE", "/roles/owner?in_use=true", nil).is("delete the role", 409)
	for i, try := range tries {
		another := s.user(auth.RoleAdmin)
		path := strings.Replace(try.path, string(me.ID), string(another.ID), 1)
		if got := s.ask(whichever, try.method, path, try.body); got.Code >= 300 {
			t.Errorf("one of two, try %d: %d %s", i, got.Code, got.Body)
		}
	}
}

// Two administrators who remove each other at the same moment do not both
// succeed.
func TestLastAdministrator_staysWhenTwoRemoveEachOther(t *testing.T) {
	s := newSite(t, nil)
	a, first := s.signedIn(auth.RoleAdmin)
	b, second := s.signedIn(auth.RoleAdmin)
	done := make(chan int, 2)
	for _, one := range []struct {
		who  caller
		whom auth.User
	}{{first, b}, {second, a}} {
		go func() {
			done <- s.ask(one.who.with("If-Match", "*"), "POST", "/users/"+string(one.whom.ID)+"/disable", nil).Code
		}()
	}
	codes := []int{<-done, <-done}
	if fmt.Sprint(codes) == "[200 200]" {
		t.Error("both are disabled")
	}
	u, err := s.Users().Find(t.Context(), string(a.ID))
	v, err2 := s.Users().Find(t.Context(), string(b.ID))
	if err != nil || err2 != nil || u.Disabled() == v.Disabled() {
		t.Errorf("%v: %t and %t, %v %v", codes, u.Disabled(), v.Disabled(), err, err2)
	}
}

// He does not go by deleting his own account either.
func TestLastAdministrator_keepsHisOwnAccount(t *testing.T) {
	s := newSite(t, nil)
	_, admin := s.signedIn(auth.RoleAdmin)
	leave := func() answered {
		r := httptest.NewRequest("POST", webtest.Origin+"/api/auth/delete-account", strings.NewReader(`{"password":"`+string(password)+`"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Cookie", admin["Cookie"])
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return answered{w, t}
	}
	if got := leave().is("the last one", 409); got.code() != "last_admin" {
		t.Errorf("%s", got.Body)
	}
	s.user(auth.RoleAdmin)
	leave().is("one of two", 200)
}

// What the other one's role allows counts as it is when the change is made, not as
// it was when the request came.
func TestLastAdministrator_staysWhenTheOtherOnesRoleWentMeanwhile(t *testing.T) {
	s := newSite(t, nil)
	a := s.user(auth.RoleAdmin)
	if _, err := s.Roles().Create(t.Context(), "test", auth.Role{Name: "owner", Permissions: []string{"gatehouse.*:*"}}); err != nil {
		t.Fatal(err)
	}
	b := s.user("owner")
	before, err := s.Roles().Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	room := s.Management()
	cli := rooms.CommandLine(false)
	if _, err := room.UpdateRole(t.Context(), cli, "owner", 0, rbac.Definition{Permissions: &[]string{"gatehouse.users:read"}}); err != nil {
		t.Fatal(err)
	}
	room.Policy = func(context.Context) (*rbac.Policy, error) { return before, nil }
	if _, err := room.DisableUser(t.Context(), cli, a.ID, 0); !errors.Is(err, auth.CodeLastAdmin) {
		t.Errorf("%v, want last_admin", err)
	}
	if _, err := room.DisableUser(t.Context(), cli, b.ID, 0); err != nil {
		t.Errorf("who is none any more: %v", err)
	}
}
