package gatehouse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

// A program that embeds Gatehouse: it opens one, runs it, and serves its
// Handler at the mount's base path.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "gatehouse-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	g, err := gatehouse.New(ctx, gatehouse.Config{
		PublicOrigin: "https://app.example",
		Secrets:      []gatehouse.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"},                               // from the environment, in earnest
		Mounts:       []gatehouse.Mount{{Secrets: []gatehouse.Secret{"8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"}}}, // at /api/auth
		Database:     gatehouse.Database{Path: filepath.Join(dir, "gatehouse.db")},
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()

	mux := http.NewServeMux()
	mux.Handle("/api/auth/", g.Handler())
	mux.Handle("/members", g.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gatehouse.PrincipalFrom(r.Context())
		fmt.Fprintf(w, "Hello, %s", p.UserID)
	})))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest("GET", "https://app.example/api/auth/providers", nil))
	fmt.Println(answer.Code, answer.Body)

	stop()
	if err := errors.Join(<-ended, g.Close()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200 {"credentials":{"id":"credentials","name":"Credentials","type":"credentials","signinUrl":"https://app.example/api/auth/signin/credentials","callbackUrl":"https://app.example/api/auth/callback/credentials"}}
}

// What is wrong with a configuration is said all at once, each with its cure,
// and no secret is shown.
func ExampleNew_refused() {
	_, err := gatehouse.New(context.Background(), gatehouse.Config{
		PublicOrigin: "http://app.example/",
		Mounts:       []gatehouse.Mount{{Dialect: "v6", Secrets: []gatehouse.Secret{"hunter2"}}},
		Session:      gatehouse.Session{AbsoluteLifetime: 500 * 24 * time.Hour},
	})
	var problems *gatehouse.Problems
	if errors.As(err, &problems) {
		for _, p := range problems.List {
			fmt.Printf("%s %s\n\tcure: %s\n", p.Member, p.Problem, p.Cure)
		}
	}
	// Output:
	// Config.PublicOrigin ends with a slash
	// 	cure: write https://app.example (plain http is for this machine alone)
	// Config.Secrets is missing
	// 	cure: make one with "gatehouse secret generate"
	// Config.Mounts[0].Secrets[0] has 7 characters, and 32 are needed
	// 	cure: make one with "gatehouse secret generate"
	// Config.Mounts[0].Dialect "v6" is not a dialect
	// 	cure: say "v4" for next-auth 4 or "v5" for Auth.js (next-auth 5)
	// Config.Session.AbsoluteLifetime 500d is out of bounds
	// 	cure: give 1m to 400d
}

// Only who is signed in sees the page, and only administrators the second one.
func ExampleGatehouse_Require() {
	g, ann := embedded()
	defer g.end()

	members := g.Require()(http.HandlerFunc(hello))
	admins := g.Require(gatehouse.Role("admin"))(http.HandlerFunc(hello))
	editors := g.Require(gatehouse.AnyRole("admin", "editor"))(http.HandlerFunc(hello))

	fmt.Println("a script, not signed in:", g.get(members, nil, nil))
	fmt.Println("a person, not signed in:", g.get(members, http.Header{"Sec-Fetch-Mode": {"navigate"}}, nil))
	fmt.Println("Ann, an editor:         ", g.get(members, nil, ann))
	fmt.Println("Ann among editors:      ", g.get(editors, nil, ann))
	fmt.Println("Ann among admins:       ", g.get(admins, nil, ann))
	// Output:
	// a script, not signed in: 401 Unauthorized
	// a person, not signed in: 303 https://app.example/api/auth/signin?callbackUrl=https%3A%2F%2Fapp.example%2Fpage
	// Ann, an editor:          200 Hello, editor
	// Ann among editors:       200 Hello, editor
	// Ann among admins:        403 Forbidden
}

// What is asked for is the right, and not the name of a role: who has it, the
// settings say.
func ExamplePermission() {
	g, ann := embedded(func(cfg *gatehouse.Config) {
		cfg.Roles = []gatehouse.RoleDefinition{
			{Name: "reader", Permissions: []string{"orders:read"}},
			{Name: "editor", Inherits: []string{"reader"}, Permissions: []string{"orders:write"}},
		}
	})
	defer g.end()

	list := g.Require(gatehouse.Permission("orders:read"))(http.HandlerFunc(hello))
	refund := g.Require(gatehouse.Permission("orders:refund"))(http.HandlerFunc(hello))

	fmt.Println("not signed in:           ", g.get(list, nil, nil))
	fmt.Println("Ann, an editor, reads:   ", g.get(list, nil, ann))
	fmt.Println("Ann, an editor, refunds: ", g.get(refund, nil, ann))
	// Output:
	// not signed in:            401 Unauthorized
	// Ann, an editor, reads:    200 Hello, editor
	// Ann, an editor, refunds:  403 Forbidden
}

// A route of an API in one line: how often, who, and whether they may.
func ExampleGatehouse_Protect() {
	g, ann := embedded(func(cfg *gatehouse.Config) {
		cfg.Roles = []gatehouse.RoleDefinition{{Name: "editor", Permissions: []string{"orders:*"}}}
		cfg.RateLimits = []gatehouse.RateLimitPolicy{{Name: "api", Per: []string{"principal"}, Burst: 2, Period: time.Hour}}
	})
	defer g.end()

	orders := g.Protect("api", gatehouse.Permission("orders:read"))(http.HandlerFunc(hello))
	fmt.Println("not signed in:", g.get(orders, nil, nil))
	for range 3 {
		fmt.Println("Ann:          ", g.get(orders, nil, ann))
	}
	// Output:
	// not signed in: 401 Unauthorized
	// Ann:           200 Hello, editor
	// Ann:           200 Hello, editor
	// Ann:           429 Too Many Requests
}

// A route for people in browsers, and for programs whose credential was made for
// it.
func ExampleAnyOf() {
	g, ann := embedded()
	defer g.end()

	profile := g.Require(gatehouse.AnyOf(gatehouse.BrowserSession(), gatehouse.Scope("profile")))(http.HandlerFunc(hello))
	fmt.Println(g.get(profile, nil, ann))
	// Output:
	// 200 Hello, editor
}

// A handler that finds out by itself who calls, by a cookie of its own.
func ExampleGatehouse_CSRF() {
	g, _ := embedded()
	defer g.end()

	legacy := g.CSRF(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "done") }))
	post := func(site string) int {
		r := httptest.NewRequest("POST", "https://app.example/legacy", nil)
		r.Header.Set("Cookie", "legacy-session=1")
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		legacy.ServeHTTP(w, r)
		return w.Code
	}
	fmt.Println("a form of ours:  ", post("same-origin"))
	fmt.Println("a foreign form:  ", post("cross-site"))
	// Output:
	// a form of ours:   200
	// a foreign form:   403
}

// Which links a page has may rest on a guess. What is behind them does not.
func ExampleGatehouse_Hint() {
	g, ann := embedded()
	defer g.end()

	navigation := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch h := g.Hint(r); {
		case h.ProbablyHasRole("editor"):
			fmt.Fprint(w, "Home, Drafts, Sign out")
		case h.ProbablySignedIn():
			fmt.Fprint(w, "Home, Sign out")
		default:
			fmt.Fprint(w, "Home, Sign in")
		}
	})
	fmt.Println(g.get(navigation, nil, nil))
	fmt.Println(g.get(navigation, nil, ann))
	// Output:
	// 200 Home, Sign in
	// 200 Home, Drafts, Sign out
}

// A data-access layer asks where the data is, and gives what is made to be shown.
func ExampleGatehouse_Access() {
	g, ann := embedded()
	defer g.end()

	me := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := g.Access(r)
		who, err := a.Me(r.Context())
		if err != nil {
			a.Refuse(w, err)
			return
		}
		fmt.Fprintf(w, "%s <%s>, %s", who.Name, who.Email, strings.Join(who.Roles, " and "))
	})
	fmt.Println(g.get(me, nil, nil))
	fmt.Println(g.get(me, nil, ann))
	// Output:
	// 401 Unauthorized
	// 200 Ann <ann@app.example>, editor
}

// A page that everybody may see, and that greets whoever is signed in.
func ExampleGatehouse_Authenticate() {
	g, ann := embedded()
	defer g.end()

	front := g.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, signedIn := gatehouse.PrincipalFrom(r.Context()); !signedIn {
			io.WriteString(w, "Hello, stranger")
			return
		}
		hello(w, r)
	}))

	fmt.Println(g.get(front, nil, nil))
	fmt.Println(g.get(front, nil, ann))
	// Output:
	// 200 Hello, stranger
	// 200 Hello, editor
}

// What useSession shows beside name, e-mail address, picture, id and roles: the
// callback session of NextAuth, in Go.
func ExampleConfig_sessionMembers() {
	plans := map[string]string{"ann@app.example": "pro"} // a table of the program's
	g, ann := embedded(func(cfg *gatehouse.Config) {
		cfg.SessionMembers = func(_ context.Context, s gatehouse.SessionSubject) (gatehouse.SessionMembers, error) {
			return gatehouse.SessionMembers{
				User:    map[string]any{"plan": plans[s.Email]},
				Session: map[string]any{"region": "eu"},
			}, nil
		}
	})
	defer g.end()

	r := httptest.NewRequest("GET", "https://app.example/api/auth/session", nil)
	for _, c := range ann {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	var session struct {
		User   struct{ Name, Plan string }
		Region string
	}
	check(json.Unmarshal(w.Body.Bytes(), &session))
	fmt.Printf("%+v", session)
	// Output:
	// {User:{Name:Ann Plan:pro} Region:eu}
}

// A handler that decides more finely than a role can.
func ExamplePrincipalFrom() {
	g, ann := embedded()
	defer g.end()

	notes := g.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := gatehouse.PrincipalFrom(r.Context())
		switch {
		case !ok:
			http.Error(w, "this handler stands behind no Require", http.StatusInternalServerError)
		case !p.HasRole("editor"):
			http.Error(w, "for editors", http.StatusForbidden)
		case time.Since(p.SignedInAt) > time.Hour:
			http.Error(w, "sign in again for this", http.StatusForbidden)
		default:
			fmt.Fprint(w, "the notes of an editor")
		}
	}))
	fmt.Println(g.get(notes, nil, ann))

	_, ok := gatehouse.PrincipalFrom(context.Background())
	fmt.Println("in a context that came through nothing:", ok)
	// Output:
	// 200 the notes of an editor
	// in a context that came through nothing: false
}

// So does a permission that nobody can have.
func ExamplePermission_refused() {
	defer func() { fmt.Println(recover()) }()
	gatehouse.Permission("orders:*")
	// Output:
	// gatehouse: Permission("orders:*"): nobody can have this permission. "orders:*" is no permission: only roles and scopes have *.
}

// A role that nobody can ever hold stops the program where it is wired.
func ExampleRole_refused() {
	defer func() { fmt.Println(recover()) }()
	gatehouse.Role("the admins")
	// Output:
	// gatehouse: Role("the admins"): no user can hold this role. A role is 1 to 64 letters, digits, colon, dot, hyphen or underscore.
}

// example is a running Gatehouse with one user.
type example struct {
	*gatehouse.Gatehouse
	end func()
}

func hello(w http.ResponseWriter, r *http.Request) {
	p, _ := gatehouse.PrincipalFrom(r.Context())
	fmt.Fprintf(w, "Hello, %s", strings.Join(p.Roles, " and "))
}

// embedded runs a Gatehouse with the user Ann, an editor, and signs her in.
func embedded(change ...func(cfg *gatehouse.Config)) (example, []*http.Cookie) {
	dir, err := os.MkdirTemp("", "gatehouse-example-")
	check(err)
	ctx, stop := context.WithCancel(context.Background())
	cfg := gatehouse.Config{
		PublicOrigin: "https://app.example",
		Secrets:      []gatehouse.Secret{ownSecret},
		Mounts:       []gatehouse.Mount{{Secrets: []gatehouse.Secret{appSecret}}},
		Database:     gatehouse.Database{Path: filepath.Join(dir, "gatehouse.db")},
		Logger:       slog.New(slog.DiscardHandler),
	}
	for _, do := range change {
		do(&cfg)
	}
	g, err := gatehouse.New(ctx, cfg)
	check(err)
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	for g.Ready(ctx) != nil {
		time.Sleep(time.Millisecond)
	}
	_, err = g.Users().Create(ctx, "example", gatehouse.NewUser{
		Email: "ann@app.example", Name: "Ann", Roles: []string{"editor"}, Password: password,
	})
	check(err)
	r := httptest.NewRequest("POST", "https://app.example/api/auth/login", strings.NewReader(`{"email":"ann@app.example","password":"`+password+`"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	return example{g, func() {
		stop()
		check(errors.Join(<-ended, g.Close(), os.RemoveAll(dir)))
	}}, w.Result().Cookies()
}

// get asks for a page and says what came of it.
func (e example) get(h http.Handler, headers http.Header, cookies []*http.Cookie) string {
	r := httptest.NewRequest("GET", "https://app.example/page", nil)
	for name, values := range headers {
		r.Header[name] = values
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	switch {
	case w.Header().Get("Location") != "":
		return fmt.Sprint(w.Code, " ", w.Header().Get("Location"))
	case w.Code != http.StatusOK:
		return fmt.Sprint(w.Code, " ", http.StatusText(w.Code))
	}
	return fmt.Sprint(w.Code, " ", w.Body)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Support ends where somebody is signed in. The answer says how far that has
// come.
func ExampleGatehouse_Sessions() {
	dir, err := os.MkdirTemp("", "gatehouse-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	g, err := gatehouse.New(ctx, gatehouse.Config{
		PublicOrigin: "https://app.example",
		Secrets:      []gatehouse.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"},
		Mounts:       []gatehouse.Mount{{Secrets: []gatehouse.Secret{"8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"}}},
		Database:     gatehouse.Database{Path: filepath.Join(dir, "gatehouse.db")},
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer g.Close()
	ann, err := g.Users().Create(ctx, "example", gatehouse.NewUser{Email: "ann@example.test"})
	if err != nil {
		log.Fatal(err)
	}

	list, err := g.Sessions().List(ctx, ann.ID)
	if err != nil {
		log.Fatal(err)
	}
	done, err := g.Sessions().RevokeUser(ctx, "support", ann.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(list), len(done.Sessions), done.Effective)

	_, err = g.Sessions().Revoke(ctx, "support", "ses_01900000-0000-7000-8000-000000000000")
	fmt.Println(err)
	// Output:
	// 0 0 everywhere
	// not_found: store: not found
}
