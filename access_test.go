package gatehouse_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// asked is a request as Access gets it.
func asked(method string, header http.Header, cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(method, "http://localhost:3000/page", nil)
	for name, values := range header {
		r.Header[name] = values
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// codeOf is the Code of what a reading came to; empty when it succeeded.
func codeOf[T any](_ T, err error) auth.Code {
	if err == nil {
		return ""
	}
	return auth.AsError(err).Code
}

// Each reading, by each kind of caller: one's own, and others' by permission
// alone. Without it, nobody learns whether there is such a user.
//
// proves: ASVS 8.2.2, ASVS 8.3.1, ASVS 15.3.1
func TestAccess_readsOnesOwnAndOthersByPermission(t *testing.T) {
	g := withTokens(t, func(cfg *gatehouse.Config) {
		cfg.Tokens.Audiences[2].Scopes = []string{"orders:read", "gatehouse.*:read", "profile"}
	})
	ann, err := g.Users().Find(t.Context(), "ann@example.test")
	if err != nil {
		t.Fatal(err)
	}
	bob, err := g.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: "bob@example.test", Roles: []string{auth.RoleSupport}, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	bearer := func(scope string) http.Header {
		got := askToken(t, g, `,"audience":"https://own.example","refresh":false,"scope":"`+scope+`"`)
		return http.Header{"Authorization": {"Bearer " + got.Access}}
	}
	bobs := call(g, "POST", "/api/auth/login", `{"email":"bob@example.test","password":"`+password+`"}`).Result().Cookies()
	noone := auth.NewUserID(ann.CreatedAt)
	for who, c := range map[string]struct {
		r                                            *http.Request
		me, sessions, ann, bob, nobody, bobsSessions auth.Code
	}{
		"nobody":                    {asked("GET", nil), auth.CodeSignedOut, auth.CodeSignedOut, auth.CodeSignedOut, auth.CodeSignedOut, auth.CodeSignedOut, auth.CodeSignedOut},
		"a bad token":               {asked("GET", http.Header{"Authorization": {"Bearer x"}}), auth.CodeInvalidToken, auth.CodeInvalidToken, auth.CodeInvalidToken, auth.CodeInvalidToken, auth.CodeInvalidToken, auth.CodeInvalidToken},
		"ann":                       {asked("GET", nil, login(t, g)...), "", "", "", auth.CodeForbidden, auth.CodeForbidden, auth.CodeForbidden},
		"ann, by a form of nowhere": {asked("POST", nil, login(t, g)...), auth.CodeCSRF, auth.CodeCSRF, auth.CodeCSRF, auth.CodeCSRF, auth.CodeCSRF, auth.CodeCSRF},
		"ann's token":               {asked("POST", bearer("profile")), "", "", "", auth.CodeForbidden, auth.CodeForbidden, auth.CodeForbidden},
		"ann's token for orders":    {asked("GET", bearer("orders:read")), "", auth.CodeForbidden, auth.CodeForbidden, auth.CodeForbidden, auth.CodeForbidden, auth.CodeForbidden},
		"ann's token, asking for more than she may": {asked("GET", bearer("gatehouse.*:read")), "", auth.CodeForbidden, auth.CodeForbidden, auth.CodeForbidden, auth.CodeForbidden, auth.CodeForbidden},
		"bob, of support": {asked("GET", nil, bobs...), "", "", "", "", auth.CodeNotFound, ""},
	} {
		a, ctx := g.Access(c.r), t.Context()
		for what, got := range map[string][2]auth.Code{
			"me": {codeOf(a.Me(ctx)), c.me}, "sessions": {codeOf(a.Sessions(ctx)), c.sessions},
			"ann": {codeOf(a.User(ctx, ann.ID)), c.ann}, "bob": {codeOf(a.User(ctx, bob.ID)), c.bob},
			"nobody": {codeOf(a.User(ctx, noone)), c.nobody}, "bob's sessions": {codeOf(a.SessionsOf(ctx, bob.ID)), c.bobsSessions},
			"an address for an ID": {codeOf(a.User(ctx, "bob@example.test")), c.nobody}, "no ID": {codeOf(a.User(ctx, "")), c.nobody},
		} {
			if got[0] != got[1] {
				t.Errorf("%s reads %s: %q, want %q", who, what, got[0], got[1])
			}
		}
	}
	me, err := g.Access(asked("GET", nil, bobs...)).Me(t.Context())
	if err != nil || me.ID != string(bob.ID) || me.Email != bob.Email {
		t.Errorf("%+v, %v", me, err)
	}
	list, err := g.Access(asked("GET", nil, bobs...)).Sessions(t.Context())
	if err != nil || len(list) != 1 || !list[0].Current || list[0].UserID != string(bob.ID) {
		t.Errorf("%+v, %v", list, err)
	}
}

// Keys are listed to their user, without what they are made of, and never those
// of others.
//
// proves: NEXT-24, NEXT-37
func TestAccess_listsOnesOwnKeys(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	ann := find(t, g, "ann@example.test")
	by := gatehouse.APIKeyBy{Operator: "test"}
	made, err := g.APIKeys().Create(t.Context(), by, gatehouse.NewAPIKey{Name: "hers", UserID: ann})
	if err != nil {
		t.Fatal(err)
	}
	service, err := g.APIKeys().Create(t.Context(), by, gatehouse.NewAPIKey{Name: "a service's", Roles: []string{"editor"}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := g.Access(asked("GET", nil, login(t, g)...)).APIKeys(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "hers" || list[0].ID != string(made.Key.ID) {
		t.Fatalf("%+v, %v", list, err)
	}
	shown, err := json.Marshal(list)
	if text := made.Text.Reveal(); err != nil || !strings.HasPrefix(text, list[0].Shown) || strings.Contains(string(shown), text[len(list[0].Shown)+1:]) {
		t.Errorf("%s, %v", shown, err)
	}
	own := g.Access(asked("GET", http.Header{"X-Api-Key": {service.Text.Reveal()}}))
	if codeOf(own.Check(t.Context())) != "" || codeOf(own.Me(t.Context())) != auth.CodeNotFound || codeOf(own.APIKeys(t.Context())) != auth.CodeNotFound {
		t.Error("the key of a service is somebody")
	}
	if _, err := g.APIKeys().Revoke(t.Context(), by, made.Key.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := g.Access(asked("GET", nil, login(t, g)...)).APIKeys(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after the revocation %+v, %v", list, err)
	}
}

// A handler that runs for long hears of a revocation at its next call, whatever
// a middleware has let through before.
//
// proves: ASVS 8.3.2, NEXT-23
func TestAccess_checksAnewEachTime(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	var before, after, needs, now auth.Code
	h := g.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ctx := g.Access(r), r.Context()
		before = codeOf(a.Me(ctx))
		needs = codeOf(a.Check(ctx, gatehouse.Permission("orders:read")))
		p, _ := gatehouse.PrincipalFrom(ctx)
		if _, err := g.Users().SetRoles(ctx, "test", p.UserID, []string{auth.RoleAdmin}); err != nil {
			t.Error(err)
		}
		now = codeOf(a.Check(ctx, gatehouse.Permission("orders:read")))
		if _, err := g.Sessions().RevokeUser(ctx, "test", p.UserID); err != nil {
			t.Error(err)
		}
		_, err := a.Me(ctx)
		after = auth.AsError(err).Code
		a.Refuse(w, err)
	}))
	w := through(h, "GET", "/", nil, login(t, g)...)
	if before != "" || needs != auth.CodeForbidden || now != "" || after != auth.CodeSessionExpired || w.Code != 401 {
		t.Errorf("before %q, a permission %q, once it is given %q, after the revocation %q, answered %d", before, needs, now, after, w.Code)
	}
}

func TestAccess_refusesAsRequireDoes(t *testing.T) {
	g := open(t, config(t))
	createAnn(t, g)
	run(t, g)
	for what, c := range map[string]struct {
		r      *http.Request
		err    error
		status int
	}{
		"a page, nobody":         {asked("GET", navigation), auth.NewError(auth.CodeSignedOut, nil), 303},
		"a script, nobody":       {asked("GET", nil), auth.NewError(auth.CodeSignedOut, nil), 401},
		"somebody, not allowed":  {asked("GET", nil, login(t, g)...), auth.NewError(auth.CodeForbidden, nil), 403},
		"what is not there":      {asked("GET", nil, login(t, g)...), auth.NewError(auth.CodeNotFound, nil), 404},
		"an error of somebody's": {asked("GET", nil, login(t, g)...), errors.New("dial tcp: secret.internal"), 500},
	} {
		w := httptest.NewRecorder()
		g.Access(c.r).Refuse(w, c.err)
		if w.Code != c.status || w.Header().Get("X-Request-Id") == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v, want %d", what, w.Code, w.Header(), c.status)
		}
		if strings.Contains(w.Body.String(), "dial tcp") {
			t.Errorf("%s: the answer says why: %s", what, w.Body)
		}
	}
}
