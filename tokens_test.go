package gatehouse_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

const (
	api          = "https://api.example"
	clientSecret = "kW2m8Yq1c5Tz7Lr3Vn9Xb4Hf6Js0Dp8Ge2Ua5Oi1Qy"
	jwtSecret    = "Qz7mT4cB2sVx9pHk1eRt6uJw8nLf3aDg"
)

// withTokens is a Gatehouse that runs, with audiences and clients, and Ann.
func withTokens(t *testing.T, change func(cfg *gatehouse.Config)) *gatehouse.Gatehouse {
	t.Helper()
	cfg := config(t)
	cfg.Tokens = gatehouse.Tokens{
		Audiences: []gatehouse.Audience{
			{ID: api, Scopes: []string{"read"}, Claims: []gatehouse.Claim{{Name: "roles", From: "roles"}, {Name: "email", From: "user.email"}, {Name: "tenant", Value: "acme"}}},
			{ID: "https://shared.example", Secret: jwtSecret},
			{ID: "https://own.example", Own: true},
		},
		Clients: []gatehouse.Client{
			{ID: "resource", SecretHash: seal.HashSecret(clientSecret), Audiences: []string{api}, MayIntrospect: true},
			{ID: "mobile", Audiences: []string{api}},
		},
	}
	if change != nil {
		change(&cfg)
	}
	g := open(t, cfg)
	createAnn(t, g)
	run(t, g)
	return g
}

// tokens is the answer of the endpoints that hand tokens out.
type tokens struct {
	TokenType string `json:"token_type"`
	Access    string `json:"access_token"`
	ExpiresIn int    `json:"expires_in"`
	Refresh   string `json:"refresh_token"`
	Scope     string `json:"scope"`
	Token     string `json:"token"`
}

// askToken posts to /token and wants tokens.
func askToken(t *testing.T, g *gatehouse.Gatehouse, more string, cookies ...*http.Cookie) tokens {
	t.Helper()
	body := `{"email":"ann@example.test","password":"` + password + `"` + more + `}`
	if len(cookies) > 0 {
		body = `{` + strings.TrimPrefix(more, ",") + `}`
	}
	w := call(g, "POST", "/api/auth/token", body, cookies...)
	return readTokens(t, w)
}

func readTokens(t *testing.T, w *httptest.ResponseRecorder) (got tokens) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.TokenType != "Bearer" || got.Access == "" || got.Token != got.Access || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%s, Cache-Control %q", w.Body, w.Header().Get("Cache-Control"))
	}
	if c := w.Result().Cookies(); len(c) > 0 {
		t.Errorf("cookies: %v", c)
	}
	return got
}

// postForm sends a form to an endpoint of a standard.
func postForm(g *gatehouse.Gatehouse, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://localhost:3000/api/auth"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	return w
}

func basicAuth(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func claimsOf(t *testing.T, text string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", text)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func TestTokens_areWhatTheStandardsWant(t *testing.T) {
	g := withTokens(t, nil)
	got := askToken(t, g, `,"scope":"read offline_access"`)
	header, c := claimsOf(t, got.Access)
	if header["typ"] != "at+jwt" || header["alg"] != "ES256" || header["kid"] == "" {
		t.Errorf("header %v", header)
	}
	now := float64(time.Now().Unix())
	for name, ok := range map[string]bool{
		"iss": c["iss"] == "http://localhost:3000/api/auth", "aud": c["aud"] == api, "client_id": c["client_id"] == "first-party",
		"sub": c["sub"] != "", "jti": len(c["jti"].(string)) == 22, "exp": c["exp"].(float64)-c["iat"].(float64) == 900,
		"iat": c["iat"].(float64) >= now-60, "auth_time": c["auth_time"].(float64) >= now-60, "scope": c["scope"] == "read offline_access",
		"sid": strings.HasPrefix(c["sid"].(string), "ses_"), "fam": strings.HasPrefix(c["fam"].(string), "fam_"),
		"email": c["email"] == "ann@example.test", "tenant": c["tenant"] == "acme",
	} {
		if !ok {
			t.Errorf("%s is %v in %v", name, c[name], c)
		}
	}
	if got.ExpiresIn != 900 || got.Scope != "read offline_access" || !strings.HasPrefix(got.Refresh, "fam_") {
		t.Errorf("answer %+v", got)
	}
	header, _ = claimsOf(t, askToken(t, g, `,"audience":"https://shared.example"`).Access)
	if header["alg"] != "HS256" || header["kid"] != nil {
		t.Errorf("for a shared secret: header %v", header)
	}
}

func TestTokens_arePublished(t *testing.T) {
	g := withTokens(t, nil)
	const issuer = "http://localhost:3000/api/auth"
	for _, path := range []string{
		"/api/auth/.well-known/oauth-authorization-server", "/api/auth/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/api/auth",
	} {
		w := call(g, "GET", path, "")
		var m map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		if m["issuer"] != issuer || m["jwks_uri"] != issuer+"/.well-known/jwks.json" || m["token_endpoint"] != issuer+"/refresh" ||
			m["revocation_endpoint"] != issuer+"/revoke" || m["introspection_endpoint"] != issuer+"/introspect" {
			t.Errorf("%s: %s", path, w.Body)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "*" || !strings.HasPrefix(w.Header().Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
	w := call(g, "GET", "/api/auth/.well-known/jwks.json", "")
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || len(set.Keys) < 2 {
		t.Fatalf("keys: %d %s", w.Code, w.Body)
	}
	for _, k := range set.Keys {
		if k["d"] != nil || k["kid"] == "" || k["use"] != "sig" || k["alg"] != "ES256" {
			t.Errorf("key %v", k)
		}
	}
	r := httptest.NewRequest("GET", "http://localhost:3000/api/auth/.well-known/jwks.json", nil)
	r.Header.Set("If-None-Match", `"other", W/`+w.Header().Get("ETag"))
	again := httptest.NewRecorder()
	if g.Handler().ServeHTTP(again, r); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("asked again with its ETag: %d", again.Code)
	}
}

func TestTokens_forASessionsCookie(t *testing.T) {
	g := withTokens(t, nil)
	cookies := loginAt(t, g, "/api/auth")
	got := askToken(t, g, `,"scope":"read offline_access"`, cookies...)
	if got.Scope != "read" || got.Refresh == "" {
		t.Errorf("a cookie alone gives the scope %q; offline_access needs a password", got.Scope)
	}
	if alone := askToken(t, g, `,"refresh":false`, cookies...); alone.Refresh != "" {
		t.Error("a refresh token that nobody wanted")
	}
	for name, c := range map[string]struct {
		body    string
		headers http.Header
		cookies []*http.Cookie
		want    int
	}{
		"no cookie":              {"{}", nil, nil, http.StatusUnauthorized},
		"a foreign page":         {"{}", http.Header{"Origin": {"https://evil.example"}}, cookies, http.StatusForbidden},
		"a sibling page":         {"{}", http.Header{"Sec-Fetch-Site": {"same-site"}}, cookies, http.StatusForbidden},
		"a form":                 {"audience=x", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, cookies, http.StatusUnsupportedMediaType},
		"an unknown audience":    {`{"audience":"https://evil.example"}`, nil, cookies, http.StatusBadRequest},
		"a scope that is not":    {`{"scope":"admin"}`, nil, cookies, http.StatusBadRequest},
		"a client that is not":   {`{"client_id":"x"}`, nil, cookies, http.StatusUnauthorized},
		"a name alone":           {`{"email":"ann@example.test"}`, nil, cookies, http.StatusBadRequest},
		"a password alone":       {`{"password":"x"}`, nil, cookies, http.StatusBadRequest},
		"the control":            {"{}", http.Header{"Origin": {"http://localhost:3000"}}, cookies, http.StatusOK},
		"a wrong password":       {`{"email":"ann@example.test","password":"wrong"}`, nil, cookies, http.StatusUnauthorized},
		"somebody who is nobody": {`{"email":"eve@example.test","password":"wrong"}`, nil, nil, http.StatusUnauthorized},
	} {
		r := httptest.NewRequest("POST", "http://localhost:3000/api/auth/token", strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		for name, values := range c.headers {
			r.Header[name] = values
		}
		for _, one := range c.cookies {
			r.AddCookie(one)
		}
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
	}
	// Sign-out ends what hangs from the session.
	if w := call(g, "POST", "/api/auth/logout", "{}", cookies...); w.Code != http.StatusOK {
		t.Fatalf("logout: %d", w.Code)
	}
	if w := postForm(g, "/refresh", url.Values{"refresh_token": {got.Refresh}}); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"error":"invalid_grant"`) {
		t.Errorf("refresh after sign-out: %d %s", w.Code, w.Body)
	}
}

// proves: NEXT-15
func TestTokens_refreshTakesAFormAndJSON(t *testing.T) {
	g := withTokens(t, nil)
	got := askToken(t, g, "")
	next := readTokens(t, postForm(g, "/refresh", url.Values{"refresh_token": {got.Refresh}, "grant_type": {"refresh_token"}}))
	again := readTokens(t, call(g, "POST", "/api/auth/refresh", `{"refresh_token":"`+got.Refresh+`"}`))
	if next.Refresh == got.Refresh || again.Refresh != next.Refresh {
		t.Error("form and JSON disagree")
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"no token":         postForm(g, "/refresh", url.Values{}),
		"another grant":    postForm(g, "/refresh", url.Values{"grant_type": {"password"}, "refresh_token": {got.Refresh}}),
		"twice":            postForm(g, "/refresh", url.Values{"refresh_token": {got.Refresh, got.Refresh}}),
		"no token at all":  postForm(g, "/refresh", url.Values{"refresh_token": {"x"}}),
		"an access token":  postForm(g, "/refresh", url.Values{"refresh_token": {got.Access}}),
		"an unknown media": postForm(g, "/refresh", nil, "Content-Type", "text/plain"),
	} {
		var refused struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &refused); err != nil || w.Code != http.StatusBadRequest || refused.Error == "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestTokens_areRevokedAndExplained(t *testing.T) {
	g := withTokens(t, nil)
	service := basicAuth("resource", clientSecret)
	introspect := func(token string) string {
		t.Helper()
		w := postForm(g, "/introspect", url.Values{"token": {token}, "token_type_hint": {"access_token"}}, "Authorization", service)
		if w.Code != http.StatusOK {
			t.Fatalf("introspect: %d %s", w.Code, w.Body)
		}
		return w.Body.String()
	}
	const inactive = `{"active":false}`
	for _, by := range []string{"access", "refresh"} {
		got, other := askToken(t, g, ""), askToken(t, g, "")
		for _, text := range []string{got.Access, got.Refresh} {
			if told := introspect(text); !strings.Contains(told, `"active":true,"token_type":"`) || !strings.Contains(told, `"sub":"usr_`) {
				t.Errorf("before: %s", told)
			}
		}
		text := map[string]string{"access": got.Access, "refresh": got.Refresh}[by]
		// The second time there is nothing left, which is no error: of that it is
		// known when it ended, and no more.
		for _, said := range []string{`{"effective":"everywhere"}`, `{"effective":"pending","pending_until":"`} {
			if w := postForm(g, "/revoke", url.Values{"token": {text}}); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), said) {
				t.Errorf("revoke by %s token: %d %s", by, w.Code, w.Body)
			}
		}
		for _, text := range []string{got.Access, got.Refresh} {
			if told := introspect(text); told != inactive {
				t.Errorf("revoked by the %s token: %s", by, told)
			}
		}
		if told := introspect(other.Access); told == inactive {
			t.Error("another family is revoked too")
		}
	}
	alone := askToken(t, g, `,"refresh":false`)
	if introspect(alone.Access) == inactive {
		t.Fatal("a token without a refresh token is not active")
	}
	postForm(g, "/revoke", url.Values{"token": {alone.Access}})
	if told := introspect(alone.Access); told != inactive {
		t.Errorf("a token without a refresh token, revoked: %s", told)
	}
	shared := askToken(t, g, `,"audience":"https://shared.example"`)
	own := askToken(t, g, `,"audience":"https://own.example"`)
	for name, text := range map[string]string{"a shared secret": shared.Access, "another audience": own.Access, "nonsense": "x"} {
		if told := introspect(text); told != inactive {
			t.Errorf("%s: %s", name, told)
		}
	}
	if w := postForm(g, "/revoke", url.Values{"token": {shared.Access}}); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "unsupported_token_type") {
		t.Errorf("revoke a token under a shared secret: %d %s", w.Code, w.Body)
	}
	if w := postForm(g, "/revoke", url.Values{"token": {"nonsense"}}); w.Code != http.StatusOK {
		t.Errorf("revoke nonsense: %d", w.Code)
	}
}

func TestTokens_clientsAuthenticate(t *testing.T) {
	g := withTokens(t, nil)
	token := url.Values{"token": {"x"}}
	with := func(more ...string) url.Values {
		v := url.Values{"token": {"x"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for name, c := range map[string]struct {
		form    url.Values
		headers []string
		want    int
	}{
		"in the header":                 {token, []string{"Authorization", basicAuth("resource", clientSecret)}, 200},
		"in the body":                   {with("client_id", "resource", "client_secret", clientSecret), nil, 200},
		"in both":                       {with("client_secret", clientSecret), []string{"Authorization", basicAuth("resource", clientSecret)}, 400},
		"two names":                     {with("client_id", "mobile"), []string{"Authorization", basicAuth("resource", clientSecret)}, 400},
		"not at all":                    {token, nil, 401},
		"with another secret":           {token, []string{"Authorization", basicAuth("resource", clientSecret+"x")}, 401},
		"without a secret":              {with("client_id", "resource"), nil, 401},
		"with the hash for a secret":    {with("client_id", "resource", "client_secret", seal.HashSecret(clientSecret)), nil, 401},
		"as a public client":            {with("client_id", "mobile"), nil, 401},
		"as the application":            {with("client_id", "first-party"), nil, 401},
		"as nobody, with no secret":     {token, []string{"Authorization", basicAuth("", "")}, 401},
		"with a bearer token":           {token, []string{"Authorization", "Bearer x"}, 401},
		"in two headers":                {token, []string{"Authorization", basicAuth("resource", clientSecret), "Authorization", basicAuth("resource", clientSecret)}, 401},
		"in a header that is no base64": {token, []string{"Authorization", "Basic ***"}, 401},
	} {
		w := postForm(g, "/introspect", c.form, c.headers...)
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
		if challenge := w.Header().Get("WWW-Authenticate"); (w.Code == 401) != strings.HasPrefix(challenge, "Basic realm=") {
			t.Errorf("%s: %d with WWW-Authenticate %q", name, w.Code, challenge)
		}
	}
}

func TestConfig_TokenClaims_addsAndCannotTouchOurs(t *testing.T) {
	give := map[string]any{"plan": "pro"}
	g := withTokens(t, func(cfg *gatehouse.Config) {
		cfg.TokenClaims = func(_ context.Context, s gatehouse.TokenSubject) (map[string]any, error) {
			if s.User.Email != "ann@example.test" || s.Audience != api || s.Subject == "" || s.SignedInAt.IsZero() {
				t.Errorf("the hook is told %+v", s)
			}
			return give, nil
		}
	})
	if _, c := claimsOf(t, askToken(t, g, "").Access); c["plan"] != "pro" {
		t.Errorf("claims %v", c)
	}
	for _, name := range []string{"sub", "exp", "roles", "email", "fam", "__proto__", ""} {
		give = map[string]any{name: "x"}
		if w := call(g, "POST", "/api/auth/token", `{"email":"ann@example.test","password":"`+password+`"}`); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "hook") {
			t.Errorf("a hook that writes %q: %d %s", name, w.Code, w.Body)
		}
	}
}

// The session callback of NextAuth, as settings: what Gatehouse sealed, and
// nothing that an application wrote into the cookie.
func TestMount_SessionClaims_showMoreOfTheUser(t *testing.T) {
	cfg := config(t)
	cfg.Mounts[0].SessionClaims = []gatehouse.Claim{
		{Name: "tenant", Value: "acme"}, {Name: "mail", From: "user.email"}, {Name: "picture", From: "user.image", Value: "/nobody.png"},
		{Name: "groups", From: "roles"}, {Name: "since", From: "session.signed_in_at"}, {Name: "session", From: "session.id"}, {Name: "own", From: "user.id"},
		{Name: "known", From: "session.subject"}, {Name: "called", From: "user.name"},
	}
	g := open(t, cfg)
	createAnn(t, g)
	run(t, g)
	w := call(g, "GET", "/api/auth/session", "", login(t, g)...)
	var got struct{ User map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	u := got.User
	if u["tenant"] != "acme" || u["mail"] != "ann@example.test" || u["picture"] != "/nobody.png" || u["own"] != u["id"] || u["known"] != u["id"] ||
		!strings.HasPrefix(u["session"].(string), "ses_") || u["since"].(float64) < float64(time.Now().Add(-time.Minute).Unix()) || u["groups"] == nil {
		t.Errorf("%s", w.Body)
	}
	for _, bad := range []gatehouse.Claim{
		{Name: "id", From: "user.email"}, {Name: "roles", Value: "admin"}, {Name: "__proto__", Value: "x"}, {Name: "a b", Value: "x"}, {Name: "x"}, {Name: "x", From: "user.username"}, {Value: "x"},
	} {
		c := validConfig()
		c.Mounts[0].SessionClaims = []gatehouse.Claim{bad}
		if list := problems(t, c); len(list) != 1 || !strings.HasPrefix(list[0].Field, "mounts[0].session_claims[0].") {
			t.Errorf("%+v: %v", bad, list)
		}
	}
}

// Every 401 says how to come to be let in (RFC 9110 §15.5.2): a client by Basic,
// whoever else by the cookie of a sign-in. Nothing else of what is wrong is a
// 401, and nothing is a 500.
func TestTokens_everyWrongDemandHasItsAnswer(t *testing.T) {
	g := withTokens(t, nil)
	const who = `"email":"ann@example.test","password":"` + password + `"`
	const cookie, basic = "Cookie realm=", "Basic realm="
	disabled, err := g.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: "dis@example.test", Password: password, Disabled: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: "new@example.test", Password: password, MustChange: true}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body, code string
		status     int
		challenge  string
		headers    []string
	}{
		"control":                      {"{" + who + "}", "", 200, "", nil},
		"wrong password":               {`{"email":"ann@example.test","password":"wrong, and long enough"}`, "invalid_credentials", 401, cookie, nil},
		"nobody":                       {`{"email":"nobody@example.test","password":"` + password + `"}`, "invalid_credentials", 401, cookie, nil},
		"disabled":                     {`{"email":"` + disabled.Email + `","password":"` + password + `"}`, "invalid_credentials", 401, cookie, nil},
		"must choose another password": {`{"email":"new@example.test","password":"` + password + `"}`, "password_change_needed", 403, "", nil},
		"neither session nor password": {`{}`, "signed_out", 401, cookie, nil},
		"a password for nobody":        {`{"password":"x"}`, "invalid_request", 400, "", nil},
		"somebody without a password":  {`{"email":"ann@example.test"}`, "invalid_request", 400, "", nil},
		"unknown audience":             {"{" + who + `,"audience":"https://x.example"}`, "invalid_target", 400, "", nil},
		"several audiences":            {"{" + who + `,"audience":["https://x.example"]}`, "invalid_request", 400, "", nil},
		"unknown scope":                {"{" + who + `,"scope":"admin"}`, "invalid_scope", 400, "", nil},
		"unknown client":               {"{" + who + `,"client_id":"x"}`, "invalid_client", 401, basic, nil},
		"a client with a wrong secret": {"{" + who + `,"client_id":"resource","client_secret":"x"}`, "invalid_client", 401, basic, nil},
		"an access token in its place": {"{" + who + `}`, "invalid_client", 401, basic, []string{"Authorization", "Bearer x"}},
		"another audience's client":    {"{" + who + `,"client_id":"mobile","audience":"https://own.example"}`, "invalid_target", 400, "", nil},
		"an array":                     {`[]`, "invalid_request", 400, "", nil},
		"null":                         {`null`, "invalid_request", 400, "", nil},
		"cut off":                      {`{"email":`, "invalid_request", 400, "", nil},
		"something behind it":          {"{" + who + `} {}`, "invalid_request", 400, "", nil},
		"a member twice":               {"{" + who + `,"email":"ann@example.test"}`, "invalid_request", 400, "", nil},
		"a number for a name":          {`{"email":1,"password":"x"}`, "invalid_request", 400, "", nil},
		"a text for a truth":           {"{" + who + `,"refresh":"no"}`, "invalid_request", 400, "", nil},
		"bytes that are no text":       {"{\"email\":\"\xff\",\"password\":\"x\"}", "invalid_request", 400, "", nil},
		"more than a server will read": {`{"email":"` + strings.Repeat("a", 70_000) + `"}`, "invalid_request", 413, "", nil},
		"very deep":                    {`{"email":` + strings.Repeat("[", 5_000) + `}`, "invalid_request", 400, "", nil},
		"no type":                      {"{" + who + "}", "invalid_request", 415, "", []string{"Content-Type", ""}},
		"another site's page":          {"{" + who + "}", "csrf_failed", 403, "", []string{"Origin", "https://evil.example"}},
	} {
		r := httptest.NewRequest("POST", "http://localhost:3000/api/auth/token", strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Set(c.headers[i], c.headers[i+1])
		}
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, r)
		if w.Code != c.status || c.code != "" && !strings.Contains(w.Body.String(), `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if got := w.Header().Get("WWW-Authenticate"); (c.challenge == "") != (got == "") || !strings.HasPrefix(got, c.challenge) {
			t.Errorf("%s: WWW-Authenticate is %q", name, got)
		}
		if c.status != 200 && (strings.Contains(w.Body.String(), "access_token") || len(w.Header()["Set-Cookie"]) > 0) {
			t.Errorf("%s: %s %v", name, w.Body, w.Header())
		}
	}
}

// Whoever signs in for tokens has a session without a cookie. It is listed as
// long as there are tokens, and no longer; a browser's session is not touched.
func TestTokens_aSessionBegunForThemEndsWithThem(t *testing.T) {
	g := withTokens(t, nil)
	cookies := login(t, g)
	_, claims := claimsOf(t, askToken(t, g, `,"refresh":false`, cookies...).Access)
	ann := auth.UserID(claims["sub"].(string))
	sessions := func() (n int) {
		t.Helper()
		list, err := g.Sessions().List(t.Context(), ann)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	revoke := func(text string) {
		t.Helper()
		if w := postForm(g, "/revoke", url.Values{"token": {text}}); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	revokeApp := func() {
		t.Helper()
		apps, err := g.Sessions().Apps(t.Context(), ann)
		if err != nil || len(apps) != 1 {
			t.Fatalf("%d apps, %v", len(apps), err)
		}
		if _, err := g.Sessions().RevokeApp(t.Context(), "support", apps[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	for what, end := range map[string]func(){
		"by its refresh token":       func() { revoke(askToken(t, g, "").Refresh) },
		"by its access token":        func() { revoke(askToken(t, g, "").Access) },
		"by an access token alone":   func() { revoke(askToken(t, g, `,"refresh":false`).Access) },
		"of an app, by the token":    func() { revoke(askToken(t, g, `,"scope":"offline_access"`).Refresh) },
		"of an app, from the list":   func() { askToken(t, g, `,"scope":"offline_access"`); revokeApp() },
		"of a browser's, by a token": func() { revoke(askToken(t, g, "", cookies...).Refresh) },
	} {
		if end(); sessions() != 1 {
			t.Errorf("%s: %d sessions are listed, want the browser's", what, sessions())
		}
	}
	if askToken(t, g, ""); sessions() != 2 {
		t.Errorf("%d sessions with a token that lives: the test shows nothing", sessions())
	}
	if w := call(g, "GET", "/api/auth/session", "", cookies...); !strings.Contains(w.Body.String(), "ann@example.test") {
		t.Errorf("the browser is signed out: %s", w.Body)
	}
}
