package attack_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// managed is a site whose management API is where visitors are, a key that may
// do everything there, and the API's endpoints.
func managed(t *testing.T) (s *site, admin http.Header, operations []web.Endpoint) {
	t.Helper()
	s = newSite(t, func(c *gatehouse.Config) {
		c.Management.Listen, c.Management.Requests = "public", 1_000_000
	})
	made, err := s.APIKeys().Create(t.Context(), apikey.By{Operator: "cli"}, apikey.Draft{Name: "all", Roles: []string{auth.RoleAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := gatehouse.Endpoints(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range table {
		if strings.HasPrefix(e.Pattern, "/api/v1/") && e.Guard == web.Permitted {
			operations = append(operations, e)
		}
	}
	if len(operations) < 30 {
		t.Fatalf("only %d operations in the table", len(operations))
	}
	return s, http.Header{"X-Api-Key": {made.Text.Reveal()}, "If-Match": {"*"}}, operations
}

// state is what the management API would have changed.
func (s *site) state(t *testing.T, admin http.Header) string {
	t.Helper()
	var text strings.Builder
	for _, path := range []string{"/users?limit=200", "/roles", "/invitations", "/api-keys?limit=200"} {
		a := s.send(request{http.MethodGet, "/api/v1" + path, "", "", admin, nil})
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		for line := range strings.SplitSeq(a.body, ",") {
			if !strings.Contains(line, "last_used_at") {
				text.WriteString(line + "\n")
			}
		}
	}
	return text.String()
}

// Whatever stands in the body or the address, and though somebody with every
// permission sends it: nothing is changed, nothing breaks, and nothing of it
// comes back or gets into the log.
//
// proves: ASVS 16.5.1, ASVS 4.1.4
func TestManagement_hostileBodiesAndAddressesChangeNothing(t *testing.T) {
	s, admin, operations := managed(t)
	victim := s.newUser(t, "victim@app.example")
	before := s.state(t, admin)
	fill := func(e web.Endpoint, value string) string {
		path := e.Pattern
		if value == "none" && (e.Method == http.MethodPatch || e.Method == http.MethodPut) { // which read a body: these find somebody
			path = strings.Replace(path, "{user}", string(victim.ID), 1)
		}
		for _, name := range []string{"{user}", "{session}", "{app}", "{invitation}", "{role}", "{key}"} {
			path = strings.ReplaceAll(path, name, value)
		}
		return path
	}
	refused := func(what string, a answer) {
		t.Helper()
		sound(t, what, a)
		if a.status < 400 || a.status == http.StatusTooManyRequests || a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
			t.Errorf("%s: status %d\n%.300s", what, a.status, a.body)
		}
	}
	for _, e := range operations {
		if e.Method != http.MethodGet {
			for contentType, bodies := range hostileBodies() {
				for i, body := range bodies {
					if text := strings.TrimSpace(body); text == "" || text == "{}" {
						continue // nothing hostile, where nothing is wanted
					}
					what := fmt.Sprintf("%s %s, %.40s, body %d (%.40q)", e.Method, e.Pattern, contentType, i, body)
					refused(what, s.send(request{e.Method, fill(e, "none"), contentType, body, admin, nil}))
				}
			}
		}
		for _, value := range []string{"%00", "..", "%2e%2e", "a%2fb", "%ff", "%c0%af", "usr_%0d%0aSet-Cookie:x=y", "'%20OR%201=1--", "{{.}}", strings.Repeat("a", 5000), "%F0%9F%A6%8A", planted} {
			if strings.Contains(e.Pattern, "{") {
				what := fmt.Sprintf("%s %s with %.20s", e.Method, e.Pattern, value)
				refused(what, s.send(request{e.Method, fill(e, value), jsonType, `{}`, admin, nil}))
			}
			query := "?limit=" + value + "&text=" + value + "&cursor=" + value + "&x=1"
			refused(e.Method+" "+e.Pattern+query, s.send(request{e.Method, fill(e, "none") + query, jsonType, `{}`, admin, nil}))
		}
		for _, tag := range []string{"", `"`, `"1`, `"-1"`, `"99999999999999999999"`, `W/"*"`, "**", strings.Repeat(`"1",`, 1000)} {
			header := admin.Clone()
			header.Set("If-Match", tag)
			header.Set("Idempotency-Key", strings.Repeat("k", 300)+tag)
			if e.Method != http.MethodGet {
				refused(fmt.Sprintf("%s %s with If-Match %.20q", e.Method, e.Pattern, tag), s.send(request{e.Method, fill(e, "none"), jsonType, `{"x":1}`, header, nil}))
			}
		}
	}
	if after := s.state(t, admin); after != before {
		t.Errorf("something was changed; before:\n%s\nafter:\n%s", before, after)
	}
	s.log.clean(t)

	// The control: the same key is let in with what is right.
	a := s.send(request{http.MethodPost, "/api/v1/users", jsonType, `{"username":"grace"}`, admin, nil})
	if a.status != http.StatusCreated || s.state(t, admin) == before {
		t.Errorf("the control: %d %s", a.status, a.body)
	}
}

// A page of somebody else's, opened by an administrator who is signed in, makes
// nobody: not by a form, not by a script, not by an image.
func TestManagement_foreignPagesSendNothing(t *testing.T) {
	s, admin, operations := managed(t)
	if _, err := s.Users().SetRoles(t.Context(), "test", s.newUser(t, "victim@app.example").ID, []string{auth.RoleAdmin}); err != nil {
		t.Fatal(err)
	}
	victim := s.browser(v4).signIn(t, "victim@app.example", password)
	before := s.state(t, admin)
	const body = `{"username":"mallory","name":"mallory","roles":["gatehouse.admin"]}`
	for _, e := range operations {
		if e.Method == http.MethodGet {
			continue
		}
		path := strings.NewReplacer("{user}", "none", "{session}", "none", "{app}", "none", "{invitation}", "none", "{role}", "none", "{key}", "none").Replace(e.Pattern)
		for name, q := range map[string]request{
			"a script":                  {e.Method, path, jsonType, body, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, victim.jar},
			"a script of a sister":      {e.Method, path, jsonType, body, http.Header{"Origin": {"https://evil.app.example"}, "Sec-Fetch-Site": {"same-site"}}, victim.jar},
			"a script of nowhere":       {e.Method, path, jsonType, body, http.Header{"Origin": {"null"}}, victim.jar},
			"nobody knows whence":       {e.Method, path, "", "", http.Header{}, victim.jar},
			"a form without fields":     {e.Method, path, formType, "", http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, victim.jar},
			"a form":                    {e.Method, path, formType, url.Values{"username": {"mallory"}}.Encode(), http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, victim.jar},
			"a form that looks as JSON": {e.Method, path, "text/plain", body, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, victim.jar},
			"our own form":              {e.Method, path, formType, url.Values{"username": {"mallory"}}.Encode(), http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"same-origin"}}, victim.jar},
		} {
			q.header.Set("If-Match", "*")
			a := s.send(q)
			sound(t, name, a)
			good := a.status == http.StatusForbidden || a.status == http.StatusUnsupportedMediaType
			if name == "our own form" { // where nothing is read, a body is refused before its type is looked at
				good = good || a.status == http.StatusBadRequest
			}
			if !good {
				t.Errorf("%s, %s %s: %d %s", name, e.Method, e.Pattern, a.status, a.body)
			}
		}
	}
	if after := s.state(t, admin); after != before {
		t.Error("a foreign page has changed something")
	}
	a := s.send(request{http.MethodPost, "/api/v1/users", jsonType, `{"username":"grace"}`, http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"same-origin"}}, victim.jar})
	if a.status != http.StatusCreated {
		t.Errorf("the control, a script of the site's own: %d %s", a.status, a.body)
	}
}
