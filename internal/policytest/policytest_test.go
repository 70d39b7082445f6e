package policytest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/policytest"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// policy is what the tables here are judged by.
func policy() *rbac.Policy {
	return rbac.Compile([]auth.Role{
		{Name: "viewer", Origin: auth.RoleConfigured, Permissions: []string{"orders:read"}},
		{Name: "editor", Origin: auth.RoleConfigured, Permissions: []string{"orders:write"}, Inherits: []string{"viewer"}},
		{Name: "owner", Origin: auth.RoleConfigured, Permissions: []string{"*:*"}},
		{Name: "accountant", Origin: auth.RoleConfigured, Permissions: []string{"billing.*:read"}},
	})
}

const declared = `
route  GET    /orders          permission=orders:read
route  POST   /orders          permission=orders:write
route  DELETE /orders/{id}     permission=orders:write session|role=owner
route  POST   /imports         api-key scope=imports:create
route  /prices/                public          # any method
route  GET    /me              signed-in
route  GET    /reports         permission=billing.invoices:read,orders:write

caller ann    session   roles=viewer
caller ed     session   roles=editor
caller olga   session   roles=owner
caller pia    session
caller ci     api-key   roles=owner scopes=imports:create,orders:read
caller robot  api-key   roles=owner
caller app    token     roles=editor scopes=profile
caller phone  token     roles=editor scopes=orders:read,profile
caller acc    token     roles=accountant
`

// run returns what each line came to as "line: got (want) why".
func run(t *testing.T, cases string) (lines []string) {
	t.Helper()
	table, err := policytest.Parse("t", []byte(declared+cases))
	if err != nil {
		t.Fatal(err)
	}
	report, err := table.Run("t", policy())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		lines = append(lines, fmt.Sprintf("%s %s %d: %s", r.Caller.Name, r.Request, r.Got, r.Why))
	}
	return lines
}

func TestTable_answersAsRequireDoes(t *testing.T) {
	got := run(t, `
nobody GET  /prices/today   200
nobody PUT  /prices/x       200
nobody GET  /orders         401
nobody orders:read          401
pia    GET  /me             200
pia    GET  /orders         403
ann    GET  /orders         200
ann    POST /orders         403
ed     GET  /orders         200
ed     DELETE /orders/17    200
ed     orders:delete        403
olga   orders:delete        200
olga   gatehouse.users:read 403
robot  DELETE /orders/17    200
ci     DELETE /orders/17    403
ci     GET  /orders         200
ci     POST /imports        200
robot  POST /imports        403
ed     POST /imports        403
app    POST /orders         200
phone  GET  /orders         200
phone  POST /orders         403
phone  HEAD /orders         200
acc    GET /reports         200
acc    billing:read         403
ed     GET /reports         200
`)
	want := []string{
		"nobody GET /prices/today 200: the route is public",
		"nobody PUT /prices/x 200: the route is public",
		"nobody GET /orders 401: nobody is signed in",
		"nobody orders:read 401: nobody is signed in",
		"pia GET /me 200: it is enough to be signed in",
		"pia GET /orders 403: the route needs permission=orders:read: no role is held",
		"ann GET /orders 200: the role viewer has orders:read",
		"ann POST /orders 403: the route needs permission=orders:write: nothing that the role viewer has matches orders:write: orders:read",
		"ed GET /orders 200: the role editor has orders:read (editor inherits viewer)",
		"ed DELETE /orders/17 200: the role editor has orders:write; ed shows a session",
		"ed orders:delete 403: nothing that the role editor has matches orders:delete: orders:read, orders:write",
		"olga orders:delete 200: the role owner has *:*",
		"olga gatehouse.users:read 403: nothing that the role owner has matches gatehouse.users:read: *:*; *:… never reaches Gatehouse's own permissions",
		"robot DELETE /orders/17 200: the role owner has *:*; robot holds the role owner",
		"ci DELETE /orders/17 403: the route needs permission=orders:write: the role owner has *:*, but none of the scopes imports:create, orders:read matches orders:write",
		"ci GET /orders 200: the role owner has *:*, and the scope orders:read matches it",
		"ci POST /imports 200: ci shows an API key; ci has the scope imports:create",
		"robot POST /imports 403: the route needs scope=imports:create: robot does not name it",
		"ed POST /imports 403: the route needs api-key: ed shows a session",
		"app POST /orders 200: the role editor has orders:write",
		"phone GET /orders 200: the role editor has orders:read (editor inherits viewer), and the scope orders:read matches it",
		"phone POST /orders 403: the route needs permission=orders:write: the role editor has orders:write, but none of the scopes orders:read, profile matches orders:write",
		"phone HEAD /orders 200: the role editor has orders:read (editor inherits viewer), and the scope orders:read matches it",
		"acc GET /reports 200: the role accountant has billing.*:read",
		"acc billing:read 403: nothing that the role accountant has matches billing:read: billing.*:read",
		"ed GET /reports 200: the role editor has orders:write",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// A key that scopes narrow holds no role as a whole.
func TestTable_aNarrowedKeyHoldsNoRole(t *testing.T) {
	table, err := policytest.Parse("t", []byte(declared+"route GET /admin role=owner\nci GET /admin 403\nrobot GET /admin 200\n"))
	if err != nil {
		t.Fatal(err)
	}
	report, err := table.Run("t", policy())
	if err != nil || report.Failed != 0 {
		t.Errorf("%+v, %v", report.Results, err)
	}
}

func TestTable_saysWhatFailedAndWhatNobodyAsksAbout(t *testing.T) {
	table, err := policytest.Parse("t", []byte(declared+"ann POST /orders 200\nann GET /orders 200\n"))
	if err != nil {
		t.Fatal(err)
	}
	report, err := table.Run("t", policy())
	if err != nil {
		t.Fatal(err)
	}
	if report.Failed != 1 || report.Results[0].Passed() || !report.Results[1].Passed() || report.Results[0].Line != 19 {
		t.Errorf("%+v", report)
	}
	var unasked []string
	for _, r := range report.Unasked {
		unasked = append(unasked, r.Pattern)
	}
	if diff := cmp.Diff([]string{"DELETE /orders/{id}", "POST /imports", "/prices/", "GET /me", "GET /reports"}, unasked); diff != "" {
		t.Errorf("unasked (-want +got):\n%s", diff)
	}
}

func TestRun_refusesRolesThatThereAreNot(t *testing.T) {
	table, err := policytest.Parse("orders.policy", []byte("route GET /x role=ownr\ncaller ann session roles=viewer,edtor\nann GET /x 403\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = table.Run("orders.policy", policy())
	want := "orders.policy:1: there is no role \"ownr\"\norders.policy:2: there is no role \"edtor\""
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// Where none is defined, a role is only a name.
	if report, err := table.Run("orders.policy", rbac.Compile(nil)); err != nil || report.Failed != 0 {
		t.Errorf("no roles defined: %+v, %v", report, err)
	}
}

func TestParse_tellsAllThatIsWrongWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                         "t: the table expects nothing: add lines as \"nobody GET /orders 401\"",
		"# a comment":                              "t: the table expects nothing: add lines as \"nobody GET /orders 401\"",
		"nobody GET /x 200":                        "t:1: no route takes GET /x",
		"route GET /x":                             "t:1: the route does not say what it needs: write public, signed-in, session, api-key, role=…, permission=… or scope=…",
		"route GET /x public role=a":               "t:1: public stands alone: the route cannot need more",
		"route GET /x role=a signed-in":            "t:1: signed-in stands alone: the route cannot need more",
		"route GET /x permision=a:b":               "t:1: \"permision=a:b\" is not a need: write public, signed-in, session, api-key, role=…, permission=… or scope=…",
		"route GET /x permission=a:*":              "t:1: permission=a:*: \"a:*\" is no permission: only roles and scopes have *.",
		"route GET /x permission=":                 "t:1: permission=: write one, or several with commas between them and no blanks",
		"route GET /x role=a,":                     "t:1: role=a,: write one, or several with commas between them and no blanks",
		"route GET /x role=ü":                      "t:1: ü: A role is 1 to 64 letters, digits, colon, dot, hyphen or underscore.",
		"route GET x public":                       "t:1: a route is a method and a pattern, as \"route GET /orders/{id} permission=orders:read\"",
		"route public":                             "t:1: a route is a method and a pattern, as \"route GET /orders/{id} permission=orders:read\"",
		"route GET /{ public":                      "t:1: parsing \"GET /{\": at offset 5: bad wildcard segment (must end with '}')",
		"route GET /a public\nroute GET /a public": "t:2: pattern \"GET /a\" conflicts with pattern \"GET /a\"",
		"caller":                                   "t:1: a caller is a name and what they show, as \"caller ada session roles=editor\"",
		"caller ann cookie":                        "t:1: ann shows \"cookie\": write session, api-key or token",
		"caller ann nobody":                        "t:1: ann shows \"nobody\": write session, api-key or token",
		"caller nobody session":                    "t:1: nobody is always there, and shows nothing",
		"caller ann session\ncaller ann session":   "t:2: the caller ann stands in line 1 already",
		"caller ann session scopes=a:b":            "t:1: a session has no scopes; write api-key or token",
		"caller ann token role=a":                  "t:1: \"role=a\" is not understood: write roles=…, or scopes=…",
		"caller ann token roles=a roles=b":         "t:1: roles= stands twice",
		"ann a:b 200":                              "t:1: nobody told who ann is: add \"caller ann session roles=…\"",
		"nobody a:b 404":                           "t:1: \"404\" is not an answer: write 200, 401 or 403",
		"nobody a:b +200x":                         "t:1: \"+200x\" is not an answer: write 200, 401 or 403",
		"nobody a:* 401":                           "t:1: a:* is neither a method with a path nor a permission: \"a:*\" is no permission: only roles and scopes have *.",
		"nobody get /x 401":                        "t:1: \"get\" is not a method, as GET",
		"nobody GET x 401":                         "t:1: \"x\" is not a path, as /orders/17",
		"nobody GET http://a/x 401":                "t:1: \"http://a/x\" is not a path, as /orders/17",
		"nobody":                                   "t:1: a line begins with route or caller, or expects something, as \"ada GET /orders 200\"",
		"nobody a:b 401 # why\nx\ncaller":          "t:2: a line begins with route or caller, or expects something, as \"ada GET /orders 200\"\nt:3: a caller is a name and what they show, as \"caller ada session roles=editor\"",
		"nobody a:b \x00":                          "t: the table is not text in UTF-8",
		"nobody a:b \xff":                          "t: the table is not text in UTF-8",
		strings.Repeat(" ", policytest.MaxSize+1):  "t: the table is larger than 1048576 bytes",
	} {
		_, err := policytest.Parse("t", []byte(text))
		var e *policytest.Error
		if !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%.60q\n got %v\nwant %s", text, err, want)
		}
	}
}

// What a mux would redirect, or find under another name, is no route.
func TestParse_findsRoutesAsTheMuxDoes(t *testing.T) {
	const routes = "route GET /a/ public\nroute GET /a/{id} signed-in\nroute POST /b public\n"
	for path, found := range map[string]bool{
		"GET /a/": true, "GET /a/1": true, "GET /a/1/2": true, "HEAD /a/1": true, "POST /b": true, "GET /a": false, "GET /b": false, "POST /b/": false, "GET /a//1": false, "GET /a/../b": false, "GET /A/1": false,
	} {
		_, err := policytest.Parse("t", []byte(routes+"nobody "+path+" 401\n"))
		if (err == nil) != found {
			t.Errorf("%s: %v, want found %v", path, err, found)
		}
	}
}

// A table with very many mistakes tells some of them.
func TestParse_gathersABoundedNumberOfProblems(t *testing.T) {
	_, err := policytest.Parse("t", []byte(strings.Repeat("x\n", 10_000)))
	var e *policytest.Error
	if !errors.As(err, &e) || len(e.Problems) != policytest.MaxProblems {
		t.Errorf("%v", err)
	}
}

// FuzzParse: no text makes it panic or speak of lines that there are not, what
// it takes gives the same answers twice, and nobody is let in anywhere but on a
// public route.
func FuzzParse(f *testing.F) {
	f.Add(declared + "ann POST /orders 200\nnobody GET /prices/x 200\n")
	f.Add("route GET /{$} public\nroute example.org/x/{y...} session|api-key|role=a\ncaller k api-key scopes=*:*,x\nk GET / 200\nk GET /x/%2F 403")
	f.Add("route GET /{ public\nroute /a/{x} public\nroute /{x}/a public\ncaller ann token roles= scopes=,\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := policytest.Parse("t", []byte(text))
		var e *policytest.Error
		if errors.As(err, &e) {
			for _, p := range e.Problems {
				if p.Line < 0 || p.Line > 1+strings.Count(text, "\n") || p.Text == "" {
					t.Errorf("a problem in line %d: %q", p.Line, p.Text)
				}
			}
			return
		}
		once, err1 := table.Run("t", rbac.Compile(nil))
		again, err2 := table.Run("t", rbac.Compile(nil))
		if (err1 == nil) != (err2 == nil) || len(once.Results) != len(again.Results) || len(once.Results) == 0 {
			t.Fatalf("%v, %v", err1, err2)
		}
		for i, r := range once.Results {
			if r.Got != again.Results[i].Got || r.Why == "" {
				t.Errorf("line %d: %+v, then %+v", r.Line, r, again.Results[i])
			}
			if r.Caller.Kind == policytest.Nobody && r.Got != 401 && r.Why != "the route is public" {
				t.Errorf("line %d: nobody got %d", r.Line, r.Got)
			}
		}
	})
}
