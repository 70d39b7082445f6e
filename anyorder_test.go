package gatehouse_test

import (
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// layer is a middleware with its name.
type layer struct {
	name string
	wrap func(http.Handler) http.Handler
}

// orders are all orders of the layers, the outermost first.
func orders(layers []layer) iter.Seq[[]layer] {
	return func(yield func([]layer) bool) {
		var next func(chosen, rest []layer) bool
		next = func(chosen, rest []layer) bool {
			if len(rest) == 0 {
				return yield(chosen)
			}
			for i := range rest {
				if !next(append(chosen[:len(chosen):len(chosen)], rest[i]), slices.Delete(slices.Clone(rest), i, i+1)) {
					return false
				}
			}
			return true
		}
		next(nil, layers)
	}
}

// caller makes requests of one kind.
type caller struct {
	name  string
	bring http.Header
}

// callers are one of every kind, with the credentials to be told apart by what
// they may do.
func callers(t *testing.T, g *gatehouse.Gatehouse) []caller {
	t.Helper()
	jar := func(email string) string {
		var all []string
		for _, c := range call(g, "POST", "/api/auth/login", `{"email":"`+email+`","password":"`+password+`"}`).Result().Cookies() {
			all = append(all, c.Name+"="+c.Value)
		}
		if len(all) == 0 {
			t.Fatalf("%s could not sign in", email)
		}
		return strings.Join(all, "; ")
	}
	token := func(email, scope string) string {
		w := call(g, "POST", "/api/auth/token", `{"email":"`+email+`","password":"`+password+`","audience":"https://own.example","refresh":false,"scope":"`+scope+`"}`)
		return "Bearer " + readTokens(t, w).Access
	}
	for email, roles := range map[string][]string{"root@example.test": {auth.RoleAdmin, "editor"}, "gone@example.test": {"editor"}} {
		if _, err := g.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: email, Roles: roles, Password: password}); err != nil {
			t.Fatal(err)
		}
	}
	ann, root, gone := jar("ann@example.test"), jar("root@example.test"), jar("gone@example.test")
	u, err := g.Users().Find(t.Context(), "gone@example.test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Users().Disable(t.Context(), "test", u.ID); err != nil {
		t.Fatal(err)
	}
	whole, narrowed, annsWide := token("root@example.test", "profile"), token("root@example.test", "orders:read profile"), token("ann@example.test", "*:*")
	key := func(d gatehouse.NewAPIKey) string {
		made, err := g.APIKeys().Create(t.Context(), gatehouse.APIKeyBy{Operator: "test"}, d)
		if err != nil {
			t.Fatal(err)
		}
		return made.Text.Reveal()
	}
	rootID, annID := find(t, g, "root@example.test"), find(t, g, "ann@example.test")
	service, narrowedService := key(gatehouse.NewAPIKey{Name: "s", Roles: []string{auth.RoleAdmin, "editor"}}), key(gatehouse.NewAPIKey{Name: "n", Roles: []string{auth.RoleAdmin, "editor"}, Scopes: []string{"orders:read"}})
	roots, anns := key(gatehouse.NewAPIKey{Name: "r", UserID: rootID}), key(gatehouse.NewAPIKey{Name: "a", UserID: annID, Scopes: []string{"*:*"}})
	elsewhere := key(gatehouse.NewAPIKey{Name: "e", UserID: rootID, Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	over := key(gatehouse.NewAPIKey{Name: "o", UserID: rootID})
	if parsed, err := g.APIKeys().List(t.Context(), store.APIKeyFilter{User: rootID}, "", 10); err != nil || len(parsed) != 3 {
		t.Fatalf("%d keys, %v", len(parsed), err)
	} else if _, err := g.APIKeys().Revoke(t.Context(), gatehouse.APIKeyBy{Operator: "test"}, parsed[2].ID); err != nil {
		t.Fatal(err)
	}
	list := []caller{
		{"a service's key", http.Header{"X-Api-Key": {service}}},
		{"a service's key as bearer", http.Header{"Authorization": {"Bearer " + service}}},
		{"a service's narrowed key", http.Header{"X-Api-Key": {narrowedService}}},
		{"root's key", http.Header{"X-Api-Key": {roots}}},
		{"ann's key with every scope", http.Header{"X-Api-Key": {anns}}},
		{"ann's key beside root's cookie", http.Header{"X-Api-Key": {anns}, "Cookie": {root}}},
		{"a key that was revoked, beside root's cookie", http.Header{"X-Api-Key": {over}, "Cookie": {root}}},
		{"a key for another network", http.Header{"X-Api-Key": {elsewhere}}},
		{"a key and a token", http.Header{"X-Api-Key": {roots}, "Authorization": {whole}}},
		{"a key of the application's", http.Header{"X-Api-Key": {"app"}, "Cookie": {root}}},
		{"nobody", nil},
		{"a browser that is signed out", http.Header{"Cookie": {gone}}},
		{"ann", http.Header{"Cookie": {ann}}},
		{"root", http.Header{"Cookie": {root}}},
		{"root's token", http.Header{"Authorization": {whole}}},
		{"root's narrowed token", http.Header{"Authorization": {narrowed}}},
		{"ann's token with every scope", http.Header{"Authorization": {annsWide}}},
		{"ann's token beside root's cookie", http.Header{"Authorization": {annsWide}, "Cookie": {root}}},
		{"a bad token beside root's cookie", http.Header{"Authorization": {"Bearer x"}, "Cookie": {root}}},
		{"two tokens", http.Header{"Authorization": {whole, whole}}},
		{"a password that the browser keeps", http.Header{"Authorization": {"Basic eDp5"}}},
		{"root, with such a password", http.Header{"Authorization": {"Basic eDp5"}, "Cookie": {root}}},
	}
	return list
}

func find(t *testing.T, g *gatehouse.Gatehouse, email string) gatehouse.UserID {
	t.Helper()
	u, err := g.Users().Find(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// what is asked: something that changes nothing, a form that states nothing, one
// of our own pages, one of a foreign page.
var asking = map[string]func(r *http.Request){
	"opens a page": func(*http.Request) {},
	"sends a form": func(r *http.Request) { r.Method = "POST" },
	"sends our form": func(r *http.Request) {
		r.Method = "POST"
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	},
	"sends a foreign form": func(r *http.Request) {
		r.Method = "POST"
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	},
}

// Whatever stands inside of whatever: who gets in is who would get through each
// of them alone, and the handler is told the same of them. Each request against
// each order.
//
// proves: ASVS 8.2.1, NEXT-9, NEXT-12, NEXT-20
func TestMiddlewares_inAnyOrderLetTheSameIn(t *testing.T) {
	g := withTokens(t, func(cfg *gatehouse.Config) {
		cfg.Tokens.Audiences[2].Scopes = []string{"orders:read", "profile", "*:*"}
		cfg.ClientAddress.PeerIsClient = true
	})
	all := callers(t, g)
	who, admitted := "", false
	reached := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, known := gatehouse.PrincipalFrom(r.Context())
		who, admitted = fmt.Sprint(known, p.UserID, p.APIKeyID, p.Roles, p.NarrowedRoles), true
	})
	try := func(h http.Handler, c caller, change func(*http.Request)) (bool, string) {
		r := httptest.NewRequest("GET", "http://localhost:3000/page", nil)
		for name, values := range c.bring {
			r.Header[name] = values
		}
		change(r)
		admitted, who = false, ""
		h.ServeHTTP(httptest.NewRecorder(), r)
		return admitted, who
	}
	require := func(name string, n ...gatehouse.Need) layer { return layer{"Require(" + name + ")", g.Require(n...)} }
	authenticate, csrf := layer{"Authenticate", g.Authenticate}, layer{"CSRF", g.CSRF}
	// A limit that nobody reaches lets nobody in, and nobody out.
	plenty := layer{"RateLimit", g.RateLimitBy(gatehouse.RateLimitPolicy{Name: "plenty", Per: []string{"principal"}, Burst: 100_000})}
	for _, set := range [][]layer{
		{authenticate, csrf, require(""), require("Role", gatehouse.Role("editor")), require("Permission", gatehouse.Permission("orders:read"))},
		{authenticate, csrf, require("Scope", gatehouse.Scope("profile")), require("Permission", gatehouse.Permission("orders:read")), require("Fresh", gatehouse.Fresh())},
		{authenticate, csrf, require("AnyOf", gatehouse.AnyOf(gatehouse.Scope("profile"), gatehouse.BrowserSession())), require("BrowserSession", gatehouse.BrowserSession())},
		{authenticate, csrf, require("APIKey", gatehouse.APIKey())},
		{csrf, authenticate},
		{csrf, authenticate, plenty, require("Role", gatehouse.Role("editor"))},
		{plenty, authenticate, require("Scope", gatehouse.Scope("profile"))},
	} {
		passes := 0
		for _, c := range all {
			for what, change := range asking {
				want, seen := true, ""
				for _, l := range set {
					alone, as := try(l.wrap(reached), c, change)
					want = want && alone
					if l.name != "CSRF" && l.name != "RateLimit" && alone {
						seen = as
					}
				}
				for order := range orders(set) {
					var h http.Handler = reached
					for _, l := range slices.Backward(order) {
						h = l.wrap(h)
					}
					got, as := try(h, c, change)
					if got != want || got && as != seen {
						t.Errorf("%s %s, through %v: %v as %q, want %v as %q", c.name, what, names(order), got, as, want, seen)
					}
				}
				if want {
					passes++
				}
			}
		}
		if passes == 0 {
			t.Errorf("nobody gets through %v", names(set))
		}
	}
}

func names(layers []layer) (list []string) {
	for _, l := range layers {
		list = append(list, l.name)
	}
	return list
}
