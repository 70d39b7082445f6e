package gatehouse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// The whole chain in one line: each is counted as who they are, a refusal counts
// too, and nobody uses up what is somebody else's.
//
// proves: NEXT-9, NEXT-12
func TestProtect_countsAndAsks(t *testing.T) {
	g := withTokens(t, func(cfg *gatehouse.Config) {
		cfg.ClientAddress.PeerIsClient = true
		cfg.RateLimits = []gatehouse.RateLimitPolicy{
			{Name: "each", Per: []string{"principal"}, Burst: 3}, {Name: "from", Per: []string{"address"}, Burst: 3},
		}
	})
	if _, err := g.Users().Create(t.Context(), "test", gatehouse.NewUser{Email: "root@example.test", Roles: []string{auth.RoleAdmin}, Password: password}); err != nil {
		t.Fatal(err)
	}
	ann := http.Header{"Cookie": {""}}
	for _, c := range login(t, g) {
		ann["Cookie"][0] += c.Name + "=" + c.Value + "; "
	}
	made, err := g.APIKeys().Create(t.Context(), gatehouse.APIKeyBy{Operator: "test"}, gatehouse.NewAPIKey{Name: "r", UserID: find(t, g, "root@example.test")})
	if err != nil {
		t.Fatal(err)
	}
	root, bad := http.Header{"X-Api-Key": {made.Text.Reveal()}}, http.Header{"Authorization": {"Bearer x"}}
	reached := 0
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ })
	each, from := g.Protect("each", gatehouse.Permission("orders:read"))(handler), g.Protect("from", gatehouse.Permission("orders:read"))(handler)
	asks := func(h http.Handler, header http.Header, address string) (got []int) {
		for range 4 {
			r := httptest.NewRequest("GET", "http://localhost:3000/orders", nil)
			r.RemoteAddr = address + ":1"
			for name, values := range header {
				r.Header[name] = values
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got = append(got, w.Code); w.Header().Get("Ratelimit") == "" || (w.Code == 429) != (w.Header().Get("Retry-After") != "") {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		}
		return got
	}
	const one, other, third = "192.0.2.1", "192.0.2.2", "192.0.2.3"
	for _, c := range []struct {
		what   string
		h      http.Handler
		header http.Header
		from   string
		want   []int
	}{
		{"ann, who may not", each, ann, one, []int{403, 403, 403, 429}},
		{"ann, from elsewhere", each, ann, other, []int{429, 429, 429, 429}},
		{"root, from the address of ann", each, root, one, []int{200, 200, 200, 429}},
		{"nobody, from the same address", each, nil, one, []int{401, 401, 401, 429}},
		{"a bad token, from the same address", each, bad, one, []int{429, 429, 429, 429}},
		{"a bad token, from elsewhere", each, bad, other, []int{401, 401, 401, 429}},
		{"by address: a bad token", from, bad, one, []int{401, 401, 401, 429}},
		{"by address: root, from there", from, root, one, []int{429, 429, 429, 429}},
		{"by address: root, from elsewhere", from, root, third, []int{200, 200, 200, 429}},
	} {
		if got := asks(c.h, c.header, c.from); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	if reached != 6 {
		t.Errorf("the handler was reached %d times", reached)
	}
}
