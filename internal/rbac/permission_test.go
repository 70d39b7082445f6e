package rbac_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

func permission(t testing.TB, text string) rbac.Permission {
	t.Helper()
	p, err := rbac.ParsePermission(text)
	if err != nil {
		t.Fatalf("permission %q: %v", text, err)
	}
	return p
}

func pattern(t testing.TB, text string) rbac.Pattern {
	t.Helper()
	q, err := rbac.ParsePattern(text)
	if err != nil {
		t.Fatalf("pattern %q: %v", text, err)
	}
	return q
}

// What each pattern matches stands beside what it must not match, which looks
// like it.
//
// proves: ASVS 8.2.1
func TestPattern_matchesThatAndNothingElse(t *testing.T) {
	for text, c := range map[string]struct{ yes, no []string }{
		"orders:read": {[]string{"orders:read"}, []string{"orders:write", "order:read", "orderss:read", "orders.a:read", "a.orders:read", "orders:reads", "orders:rea", "orders-:read"}},
		"orders:*":    {[]string{"orders:read", "orders:x", "orders:-"}, []string{"orders.a:read", "ordersx:read", "order:read", "x.orders:read"}},
		"billing.*:read": {
			[]string{"billing.invoices:read", "billing.a.b:read", "billing.gatehouse:read"},
			[]string{"billing:read", "billingx.a:read", "billing-a:read", "billing.invoices:write", "xbilling.a:read", "a.billing.b:read", "billin.a:read"},
		},
		"billing.a.*:*": {[]string{"billing.a.b:read", "billing.a.b.c:write"}, []string{"billing.a:read", "billing.b.a:read", "billing.ab.c:read"}},
		"*:read":        {[]string{"orders:read", "a.b.c:read", "gatehousex:read", "x.gatehouse:read", "gate:read", "gatehouse-a:read", "gatehouse_a.b:read"}, []string{"orders:write", "gatehouse:read", "gatehouse.users:read", "gatehouse.a.b:read"}},
		"*:*":           {[]string{"orders:read", "a.b:c", "gatehouses.users:read"}, []string{"gatehouse:read", "gatehouse.users:read", "gatehouse.users.x:write"}},
		"gatehouse.*:*": {[]string{"gatehouse.users:read", "gatehouse.a.b:x"}, []string{"gatehouse:read", "gatehousex.a:read", "orders:read"}},
		"gatehouse:*":   {[]string{"gatehouse:read"}, []string{"gatehouse.users:read"}},
		"0-_.9:_":       {[]string{"0-_.9:_"}, []string{"0-_.9:-", "0__.9:_"}},
	} {
		q := pattern(t, text)
		for _, yes := range c.yes {
			if !q.Matches(permission(t, yes)) {
				t.Errorf("%s does not match %s", text, yes)
			}
		}
		for _, no := range c.no {
			if q.Matches(permission(t, no)) {
				t.Errorf("%s matches %s", text, no)
			}
		}
		if q.Matches(rbac.Permission{}) {
			t.Errorf("%s matches the zero permission", text)
		}
	}
	if (rbac.Pattern{}).Matches(permission(t, "orders:read")) {
		t.Error("the zero pattern matches something")
	}
}

// never are texts that are neither permission nor pattern.
var never = []string{
	"", ":", "orders", "orders:", ":read", "orders:read:write", "orders::read", "orders.:read", ".orders:read", "a..b:read", ".:read", "..:x",
	"Orders:read", "orders:Read", "ORDERS:READ", "orders:read ", " orders:read", "orders :read", "orders\t:read", "orders:read\n", "orders:read\x00",
	"**:read", "***:*", "a.**:read", "*.a:read", "a.*.b:read", "*.*:read", "a*:read", "*a:read", "a.b*:read", "a.*b:read", ".*:read", "a..*:read", "a.*.:read", "a.*.*:read",
	"orders:**", "orders:r*", "orders:*d", "orders:*.*", "orders:read.all", "orders:a*b", "*", "**", "*:", ":*", "*:*:*", "a.*:", "a.*",
	"оrders:read", "orders:rеad", "ordеrs:read", "orders\u200b:read", "orders:read\u200d", "ｏrders:read", "orders：read", "orders:＊", "＊:*", "a．b:read", "café:read", "cafe\u0301:read", "ſ:read", "K:read", "orders:\u2217",
	"orders\u202e:read", "\ufefforders:read", "orders:\xff", "\xc0\xae:read", "a/b:read", `a\b:read`, "a%2eb:read", "a+b:read", "a,b:read", "a;b:read", "${a}:read", "a'--:read", "$:read", "a:re?d", "[a]:read", "a|b:read",
	strings.Repeat("a", 129) + ":b", "a:" + strings.Repeat("b", 127), strings.Repeat("a.", 8) + "a:b", strings.Repeat("a", 1<<20), strings.Repeat("a.", 9) + "*:b",
}

func TestParse_refusesWhatIsNoPermission(t *testing.T) {
	for _, text := range never {
		for name, parse := range map[string]func(string) error{
			"permission": func(s string) error { _, err := rbac.ParsePermission(s); return err },
			"pattern":    func(s string) error { _, err := rbac.ParsePattern(s); return err },
		} {
			err := parse(text)
			if !errors.Is(err, auth.CodeInvalidRequest) {
				t.Errorf("%s %.60q: got %v, want invalid_request", name, text, err)
			} else if shown := auth.AsError(err).Text(); len(shown) > 500 || strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r == '\u202e' || r == '\u200b' }) {
				t.Errorf("%s %.60q: says %.200q", name, text, shown)
			}
		}
		if rbac.IsPattern(text) {
			t.Errorf("%.60q narrows a credential", text)
		}
	}
	for _, text := range []string{"*:read", "orders:*", "a.*:b", "*:*"} {
		if _, err := rbac.ParsePermission(text); !errors.Is(err, auth.CodeInvalidRequest) {
			t.Errorf("%s is a permission: %v", text, err)
		}
		if !rbac.IsPattern(text) {
			t.Errorf("%s does not narrow", text)
		}
	}
	for _, scope := range []string{"openid", "profile", "offline_access", "https://api.example/orders"} {
		if rbac.IsPattern(scope) {
			t.Errorf("the scope %s narrows", scope)
		}
	}
}

func TestParse_takesWhatIsJustShortEnough(t *testing.T) {
	for _, text := range []string{strings.Repeat("a", 126) + ":b", "a:" + strings.Repeat("b", 126), strings.Repeat("a.", 7) + "a:b", "a:b"} {
		p := permission(t, text)
		if p.String() != text || p.Resource()+":"+p.Action() != text || p.IsZero() {
			t.Errorf("%q became %q", text, p)
		}
	}
	if zero := (rbac.Permission{}); !zero.IsZero() || zero.Resource() != "" || zero.Action() != "" || zero.String() != "" {
		t.Error("the zero permission is something")
	}
}

// One pattern covers another when it matches whatever that one matches. Whether
// it says so rightly is asked of a universe of permissions.
func TestPattern_coversExactlyWhatItMatchesAllOf(t *testing.T) {
	parts := []string{"a", "b", "ab", "gatehouse"}
	resources := append([]string{}, parts...)
	for _, x := range parts {
		for _, y := range append(parts, "new") {
			resources = append(resources, x+"."+y)
			for _, z := range []string{"a", "b", "new"} {
				resources = append(resources, x+"."+y+"."+z, x+"."+y+"."+z+".new")
			}
		}
	}
	resources = append(resources, "new", "new.new")
	var texts []string
	var universe []rbac.Permission
	for _, r := range resources {
		for _, action := range []string{"r", "w", "other"} {
			universe = append(universe, permission(t, r+":"+action))
		}
		if !strings.Contains(r, "new") {
			for _, action := range []string{"r", "w", "*"} {
				texts = append(texts, r+":"+action, r+".*:"+action)
			}
		}
	}
	texts = append(texts, "*:r", "*:w", "*:*")
	matched := map[string]map[string]bool{}
	for _, text := range texts {
		q := pattern(t, text)
		matched[text] = map[string]bool{}
		for _, p := range universe {
			if q.Matches(p) {
				matched[text][p.String()] = true
			}
		}
	}
	yes := 0
	for _, one := range texts {
		for _, other := range texts {
			want := true
			for p := range matched[other] {
				want = want && matched[one][p]
			}
			if got := pattern(t, one).Covers(pattern(t, other)); got != want {
				t.Errorf("%s covers %s: got %v, want %v", one, other, got, want)
			}
			if want {
				yes++
			}
		}
	}
	if yes < 2*len(texts) {
		t.Errorf("only %d pairs cover each other", yes)
	}
	if (rbac.Pattern{}).Covers(rbac.Pattern{}) || pattern(t, "*:*").Covers(rbac.Pattern{}) {
		t.Error("the zero pattern is covered")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range append(never, "orders:read", "billing.*:*", "*:*", "gatehouse.users:read", "a.b.c.d.e.f.g.h:i") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := rbac.ParsePattern(text)
		if rbac.IsPattern(text) != (err == nil) {
			t.Fatalf("%q: a pattern or not? %v", text, err)
		}
		p, bad := rbac.ParsePermission(text)
		if err != nil {
			if bad == nil {
				t.Fatalf("%q is a permission and no pattern", text)
			}
			return
		}
		if q.String() != text || !q.Covers(q) || len(text) > rbac.MaxPermissionLength || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.:*") != "" {
			t.Fatalf("%q was taken", text)
		}
		if strings.Contains(text, "*") != (bad != nil) {
			t.Fatalf("%q: an asterisk, and as a permission %v", text, bad)
		}
		if bad == nil && (!q.Matches(p) || p.String() != text || p.Resource()+":"+p.Action() != text) {
			t.Fatalf("%q does not match itself", text)
		}
	})
}
