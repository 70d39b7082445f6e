package rbac_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

func role(name string, permissions []string, inherits ...string) auth.Role {
	return auth.Role{Name: name, Permissions: permissions, Inherits: inherits, Origin: auth.RoleStored}
}

func list(texts ...string) []string { return texts }

// shop is a policy as a shop might have it.
var shop = rbac.Compile([]auth.Role{
	role("customer", list("orders:place")),
	role("clerk", list("orders:*", "billing.*:read"), "customer"),
	role("manager", list("billing.*:*"), "clerk"),
	role("reader", list("*:read")),
	role("owner", list("*:*")),
	role("badge", nil),
})

// proves: NEXT-20
func TestPolicy_deniesWhatNobodyAllowed(t *testing.T) {
	read := permission(t, "orders:read")
	for name, c := range map[string]struct {
		policy *rbac.Policy
		roles  []string
		asked  rbac.Permission
	}{
		"no role":               {shop, nil, read},
		"an unknown role":       {shop, list("nobody"), read},
		"the empty name":        {shop, list(""), read},
		"another case":          {shop, list("Clerk", "CLERK", "clerk "), read},
		"a role of no rights":   {shop, list("badge"), read},
		"the zero permission":   {shop, list("owner", auth.RoleAdmin), rbac.Permission{}},
		"no policy":             {nil, list("clerk"), read},
		"the zero policy":       {&rbac.Policy{}, list("clerk"), read},
		"a policy of no roles":  {rbac.Compile(nil), list("clerk"), read},
		"Gatehouse's own":       {shop, list("owner", "reader"), permission(t, "gatehouse.users:read")},
		"what nobody names":     {shop, list("clerk"), permission(t, "stock:count")},
		"below what is named":   {shop, list("clerk"), permission(t, "orders.old:read")},
		"above what is named":   {shop, list("manager"), permission(t, "billing:read")},
		"what an heir has":      {shop, list("customer"), read},
		"by a hand in a name":   {shop, list("*", "*:*", "clerk,owner"), read},
		"a name that is a rule": {shop, list("orders:*"), read},
	} {
		if c.policy.Allows(c.roles, c.asked) || c.policy.Permits(auth.Principal{Roles: c.roles}, c.asked) {
			t.Errorf("%s: allowed", name)
		}
		if d := c.policy.Why(auth.Principal{Roles: c.roles}, c.asked); d.Allowed || d.Grant != nil {
			t.Errorf("%s: why says %+v", name, d)
		}
	}
	if !shop.Allows(list("clerk"), read) { // the control
		t.Error("a clerk may not read orders")
	}
}

func TestPolicy_inheritsAndMatches(t *testing.T) {
	for asked, roles := range map[string][]string{
		"orders:place":           list("customer", "clerk", "manager", "owner"),
		"orders:read":            list("clerk", "manager", "reader", "owner"),
		"orders:burn":            list("clerk", "manager", "owner"),
		"billing.invoices:read":  list("clerk", "manager", "reader", "owner"),
		"billing.invoices:write": list("manager", "owner"),
		"stock:read":             list("reader", "owner"),
		"stock.a.b:move":         list("owner"),
		"gatehouse.users:read":   list(auth.RoleAuditor, auth.RoleSupport),
		"gatehouse.audit:read":   list(auth.RoleAuditor),
		"gatehouse.users:delete": nil, // but for the administrator, who may do all of it
	} {
		roles = append(roles, auth.RoleAdmin)
		for _, r := range shop.Roles() {
			if got, want := shop.Allows(list(r.Name), permission(t, asked)), slices.Contains(roles, r.Name); got != want {
				t.Errorf("%s as %s: got %v, want %v", asked, r.Name, got, want)
			}
		}
	}
	if !shop.Allows(list("badge", "nobody", "clerk"), permission(t, "orders:read")) {
		t.Error("the third role does not count")
	}
}

// A credential that its scopes narrow may do what its roles allow as far as a
// scope says so, and holds none of them.
func TestPolicy_narrowsByScopes(t *testing.T) {
	narrowed := func(scopes ...string) auth.Principal {
		return auth.Principal{NarrowedRoles: list("clerk"), Scopes: scopes}
	}
	for name, c := range map[string]struct {
		who   auth.Principal
		asked string
		want  bool
	}{
		"a scope that says so":             {narrowed("orders:read"), "orders:read", true},
		"a scope as wide as the role":      {narrowed("orders:*"), "orders:burn", true},
		"a scope wider than the role":      {narrowed("*:*"), "orders:burn", true},
		"no scope says so":                 {narrowed("orders:read"), "orders:burn", false},
		"the role does not":                {narrowed("*:*"), "stock:read", false},
		"the scopes alone":                 {auth.Principal{Scopes: list("*:*", "gatehouse.*:*")}, "orders:read", false},
		"no scopes at all":                 {narrowed(), "orders:read", false},
		"scopes that are no patterns":      {narrowed("openid", "", "**:*", "orders", "orders:"), "orders:read", false},
		"one of several":                   {narrowed("profile", "billing.*:read", "orders:place"), "billing.x:read", true},
		"not narrowed":                     {auth.Principal{Roles: list("clerk"), Scopes: list("profile")}, "orders:read", true},
		"everything is not Gatehouse":      {auth.Principal{NarrowedRoles: list(auth.RoleAdmin), Scopes: list("*:*")}, "gatehouse.users:read", false},
		"Gatehouse by name":                {auth.Principal{NarrowedRoles: list(auth.RoleAdmin), Scopes: list("gatehouse.users:*")}, "gatehouse.users:read", true},
		"one role whole, another narrowed": {auth.Principal{Roles: list("customer"), NarrowedRoles: list("clerk"), Scopes: list("billing.*:*")}, "orders:place", true},
	} {
		asked := permission(t, c.asked)
		if got := shop.Permits(c.who, asked); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		if d := shop.Why(c.who, asked); d.Allowed != c.want {
			t.Errorf("%s: why says %+v", name, d)
		}
	}
	if narrowed("*:*").HasRole("clerk") {
		t.Error("a narrowed credential holds the role")
	}
}

func TestPolicy_saysWhichRuleDecided(t *testing.T) {
	got := shop.Why(auth.Principal{Roles: list("nobody", "badge", "manager", "owner")}, permission(t, "orders:place"))
	want := rbac.Decision{Allowed: true, Unknown: list("nobody"), Grant: &rbac.Grant{Role: "manager", Path: list("manager", "clerk"), Pattern: "orders:*"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = shop.Why(auth.Principal{NarrowedRoles: list("manager"), Scopes: list("profile", "orders:read")}, permission(t, "orders:place"))
	want = rbac.Decision{Narrowed: true, Grant: &rbac.Grant{Role: "manager", Path: list("manager", "clerk"), Pattern: "orders:*"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := shop.Grants(list("manager", "nobody")); !cmp.Equal(got, list("billing.*:*", "billing.*:read", "orders:*", "orders:place")) {
		t.Errorf("grants: %v", got)
	}
}

// Nobody gives away more than he has, whoever he is and however it is put.
//
// proves: ASVS 8.2.1
func TestPolicy_coversNoMoreThanWhatOneHas(t *testing.T) {
	manager := auth.Principal{Roles: list("manager")}
	key := auth.Principal{NarrowedRoles: list("owner"), Scopes: list("orders:*", "billing.*:read")}
	admin := auth.Principal{Roles: list(auth.RoleAdmin)}
	for name, c := range map[string]struct {
		who             auth.Principal
		roles, patterns []string
		want            bool
	}{
		"nothing":                             {auth.Principal{}, nil, nil, true},
		"one's own role":                      {manager, list("manager"), nil, true},
		"an inherited role":                   {manager, list("clerk", "customer"), nil, true},
		"an heir's role":                      {auth.Principal{Roles: list("clerk")}, list("manager"), nil, false},
		"one of two":                          {manager, list("clerk", "reader"), nil, false},
		"a role without rights":               {manager, list("badge"), nil, false},
		"a name that is not defined":          {manager, list("director"), nil, false},
		"that name, for who has it":           {auth.Principal{Roles: list("director")}, list("director"), nil, true},
		"any name, for who may do all":        {auth.Principal{Roles: list("owner")}, list("badge", "director", "manager"), nil, true},
		"Gatehouse's roles, for the owner":    {auth.Principal{Roles: list("owner")}, list(auth.RoleAuditor), nil, false},
		"everything, for the administrator":   {admin, list(auth.RoleAdmin, "owner", "director", auth.RoleSupport), list("*:*", "gatehouse.*:*"), true},
		"administrator, for support":          {auth.Principal{Roles: list(auth.RoleSupport)}, list(auth.RoleAdmin), nil, false},
		"patterns within":                     {manager, nil, list("orders:read", "billing.a:*", "billing.a.*:x", "orders:*"), true},
		"a pattern that is wider":             {manager, nil, list("orders:read", "*:read"), false},
		"above the pattern":                   {manager, nil, list("billing:read"), false},
		"what is no pattern":                  {admin, nil, list("orders"), false},
		"the resource gatehouse itself":       {admin, nil, list("gatehouse:read"), false},
		"a narrowed key within":               {key, nil, list("orders:read"), true},
		"a narrowed key beyond its scopes":    {key, nil, list("stock:read"), false},
		"a narrowed key beyond one scope":     {key, nil, list("billing.*:*"), false},
		"a role, for a narrowed key":          {key, list("customer"), nil, false},
		"a role, for a key of widest scopes":  {auth.Principal{NarrowedRoles: list("owner"), Scopes: list("*:*")}, list("customer", "owner", "badge"), nil, true},
		"scopes without roles":                {auth.Principal{Scopes: list("*:*", "gatehouse.*:*")}, list("customer"), nil, false},
		"a wide scope of a narrow role":       {auth.Principal{NarrowedRoles: list("clerk"), Scopes: list("*:*")}, list("manager"), nil, false},
		"Gatehouse's, by an asterisk":         {auth.Principal{NarrowedRoles: list(auth.RoleAdmin), Scopes: list("*:*")}, list(auth.RoleAuditor), nil, false},
		"nobody at all, a role of the config": {auth.Principal{}, list("customer"), nil, false},
	} {
		if got := shop.Covers(c.who, c.roles, c.patterns); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if (*rbac.Policy)(nil).Covers(admin, list("x"), nil) || (*rbac.Policy)(nil).Covers(admin, nil, list("a:b")) {
		t.Error("no policy covers something")
	}
}

// A definition that nothing lets in but a hand in the database, or another
// release, allows what can be understood of it.
func TestCompile_makesTheBestOfBadRows(t *testing.T) {
	p := rbac.Compile([]auth.Role{
		role("a", list("a:b", "bad", "**:x"), "b", "gone", "a"),
		role("b", list("b:b"), "c"),
		role("c", nil, "a"),
		role("a", list("*:*")), // the second of the name
		{Name: auth.RoleSupport, Permissions: list("*:*"), Origin: auth.RoleStored},
		{Name: "gatehouse.more", Permissions: list("*:*"), Origin: auth.RoleConfigured},
	})
	for _, name := range list("a", "b", "c") {
		for _, asked := range list("a:b", "b:b") {
			if !p.Allows(list(name), permission(t, asked)) {
				t.Errorf("%s has not %s", name, asked)
			}
		}
	}
	for _, name := range list("a", "b", "c", auth.RoleSupport, "gatehouse.more") {
		if p.Allows(list(name), permission(t, "x:x")) {
			t.Errorf("%s has what it was not given", name)
		}
	}
	if d := p.Why(auth.Principal{Roles: list("c")}, permission(t, "b:b")); !d.Allowed || !cmp.Equal(d.Grant.Path, list("c", "a", "b")) {
		t.Errorf("why: %+v", d.Grant)
	}
}

// The compiled policy answers as the definitions read, whatever they are.
func TestPolicy_answersAsANaiveReadingDoes(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	random := rand.New(rand.NewPCG(7, 11))
	asked, allowed := 0, 0
	for range rounds {
		roles := randomRoles(random, 1+random.IntN(90))
		p := rbac.Compile(roles)
		for range 400 {
			who := randomPrincipal(random, roles)
			q := permission(t, randomPattern(random, false))
			want := naive(append(rbac.BuiltIn(), roles...), who, q.String())
			if got := p.Permits(who, q); got != want {
				t.Fatalf("%+v asks for %s: got %v, want %v, of %+v", who, q, got, want, roles)
			}
			if d := p.Why(who, q); d.Allowed != want {
				t.Fatalf("%+v asks why %s: got %+v, want %v", who, q, d, want)
			}
			asked++
			if want {
				allowed++
			}
		}
	}
	if allowed < asked/10 || allowed > asked*9/10 {
		t.Errorf("%d of %d are allowed: the question is too easy", allowed, asked)
	}
}

func randomRoles(random *rand.Rand, n int) []auth.Role {
	roles := make([]auth.Role, n)
	for i := range roles {
		roles[i].Name, roles[i].Origin = fmt.Sprintf("r%d", i), auth.RoleStored
		for range random.IntN(4) {
			roles[i].Permissions = append(roles[i].Permissions, randomPattern(random, true))
		}
		for range random.IntN(3) {
			roles[i].Inherits = append(roles[i].Inherits, fmt.Sprintf("r%d", random.IntN(n+2)))
		}
	}
	return roles
}

func randomPrincipal(random *rand.Rand, roles []auth.Role) (who auth.Principal) {
	names := func() (names []string) {
		for range random.IntN(3) {
			names = append(names, fmt.Sprintf("r%d", random.IntN(len(roles)+1)))
		}
		if random.IntN(8) == 0 {
			names = append(names, auth.RoleAdmin)
		}
		return names
	}
	if who.Roles = names(); random.IntN(2) == 0 {
		who.Roles, who.NarrowedRoles = nil, who.Roles
		for range random.IntN(4) {
			who.Scopes = append(who.Scopes, randomPattern(random, true))
		}
	}
	return who
}

// randomPattern is of few words, so that many meet.
func randomPattern(random *rand.Rand, wild bool) string {
	words := []string{"a", "b", "aa", "gatehouse"}
	word := func() string { return words[random.IntN(len(words))] }
	resource := word()
	for range random.IntN(3) {
		resource += "." + word()
	}
	action := word()
	if wild && random.IntN(3) == 0 {
		action = "*"
	}
	if wild {
		switch random.IntN(6) {
		case 0:
			resource = "*"
		case 1, 2:
			resource += ".*"
		}
	}
	return resource + ":" + action
}

// naive reads the definitions as their documentation says, and nothing else.
func naive(roles []auth.Role, who auth.Principal, asked string) bool {
	if naiveAllows(roles, who.Roles, asked) {
		return true
	}
	return slices.ContainsFunc(who.Scopes, func(s string) bool { return naiveMatches(s, asked) }) && naiveAllows(roles, who.NarrowedRoles, asked)
}

func naiveAllows(roles []auth.Role, names []string, asked string) bool {
	seen := map[string]bool{}
	var has func(name string) bool
	has = func(name string) bool {
		if seen[name] {
			return false
		}
		seen[name] = true
		i := slices.IndexFunc(roles, func(r auth.Role) bool { return r.Name == name })
		if i < 0 {
			return false
		}
		return slices.ContainsFunc(roles[i].Permissions, func(q string) bool { return naiveMatches(q, asked) }) || slices.ContainsFunc(roles[i].Inherits, has)
	}
	return slices.ContainsFunc(names, has)
}

func naiveMatches(q, asked string) bool {
	resource, action, _ := strings.Cut(asked, ":")
	wantResource, wantAction, _ := strings.Cut(q, ":")
	if wantAction != "*" && wantAction != action {
		return false
	}
	segments, want := strings.Split(resource, "."), strings.Split(wantResource, ".")
	if wantResource == "*" {
		return segments[0] != "gatehouse"
	}
	if want[len(want)-1] != "*" {
		return resource == wantResource
	}
	want = want[:len(want)-1]
	return len(segments) > len(want) && slices.Equal(segments[:len(want)], want)
}
