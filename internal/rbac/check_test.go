package rbac_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

func many(n int, text func(i int) string) (texts []string) {
	for i := range n {
		texts = append(texts, text(i))
	}
	return texts
}

func orders(i int) string { return fmt.Sprintf("orders:a%d", i) }

// Whatever is wrong is said with the name of the role and of what is wrong.
func TestCheck_namesTheRoleAndTheFault(t *testing.T) {
	for name, c := range map[string]struct {
		roles []auth.Role
		says  []string
	}{
		"fine":                       {[]auth.Role{role("a", list("orders:read"), "b", auth.RoleSupport), role("b", nil)}, nil},
		"an unknown role":            {[]auth.Role{role("a", nil, "gone")}, list("inherits", `"a"`, `"gone"`, "no such role")},
		"another case":               {[]auth.Role{role("a", nil, "B"), role("b", nil)}, list("inherits", `"a"`, `"B"`)},
		"itself":                     {[]auth.Role{role("a", nil, "a")}, list("inherits", `"a"`, "a → a")},
		"two":                        {[]auth.Role{role("a", nil, "b"), role("b", nil, "a")}, list("inherits", "a → b → a")},
		"a circle behind another":    {[]auth.Role{role("x", nil, "a"), role("a", nil, "b"), role("b", nil, "c"), role("c", nil, "a")}, list("inherits", "a → b → c → a")},
		"two ways are no circle":     {[]auth.Role{role("a", nil, "b", "c"), role("b", nil, "d"), role("c", nil, "d"), role("d", nil)}, nil},
		"a bad pattern":              {[]auth.Role{role("a", list("orders:read", "**:x"))}, list("permissions", `"a"`, `"**:x"`)},
		"a reserved name":            {[]auth.Role{role("gatehouse.helper", nil)}, list("name", `"gatehouse.helper"`, `"gatehouse."`)},
		"the administrator":          {[]auth.Role{role(auth.RoleAdmin, nil)}, list("name", auth.RoleAdmin)},
		"no name":                    {[]auth.Role{role("", nil)}, list("name", `""`)},
		"a name with a blank":        {[]auth.Role{role("a b", nil)}, list("name", `"a b"`)},
		"a name of another script":   {[]auth.Role{role("аdmin", nil)}, list("name", "dmin")},
		"a long name":                {[]auth.Role{role(strings.Repeat("a", 65), nil)}, list("name", "aaaa", "1 to 64")},
		"two of a name":              {[]auth.Role{role("a", nil), role("a", nil)}, list("name", `"a"`, "two roles")},
		"a long description":         {[]auth.Role{{Name: "a", Description: strings.Repeat("ä", 201)}}, list("description", `"a"`, "200")},
		"a description of 200":       {[]auth.Role{{Name: "a", Description: strings.Repeat("ä", 200)}}, nil},
		"a description of two lines": {[]auth.Role{{Name: "a", Description: "x\ny"}}, list("description", `"a"`)},
		"too many permissions":       {[]auth.Role{role("a", many(rbac.MaxPermissions+1, orders))}, list("permissions", `"a"`, "10001")},
		"as many as may be":          {[]auth.Role{role("a", many(rbac.MaxPermissions, orders))}, nil},
		"too many in all":            {[]auth.Role{role("a", many(rbac.MaxPermissions, orders)), role("b", many(rbac.MaxPermissions, orders)), role("c", list("x:y"))}, list("permissions", "20000")},
		"too many inherited":         {append(numberedRoles(65), role("a", nil, many(65, func(i int) string { return fmt.Sprintf("n%d", i) })...)), list("inherits", `"a"`, "65")},
		"too deep":                   {row(rbac.MaxDepth + 1), list("inherits", `"n0"`, "64")},
		"as deep as may be":          {row(rbac.MaxDepth), nil},
		"too many roles":             {numberedRoles(rbac.MaxRoles + 1), list("", "n1000", "1001")},
		"as many roles as may be":    {numberedRoles(rbac.MaxRoles), nil},
	} {
		problems := rbac.Check(c.roles)
		if len(c.says) == 0 {
			if len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
			}
			continue
		}
		if len(problems) != 1 || problems[0].Field != c.says[0] {
			t.Errorf("%s: %d problems: %.400v", name, len(problems), problems)
			continue
		}
		for _, want := range c.says[1:] {
			if text := problems[0].Text; !strings.Contains(text, want) && problems[0].Role != want || len(text) > 500 {
				t.Errorf("%s: %q does not say %q", name, text, want)
			}
		}
	}
}

func numberedRoles(n int) (roles []auth.Role) {
	for i := range n {
		roles = append(roles, role(fmt.Sprintf("n%d", i), nil))
	}
	return roles
}

// row is so many roles of which each inherits the next.
func row(n int) []auth.Role {
	roles := numberedRoles(n)
	for i := range n - 1 {
		roles[i].Inherits = list(roles[i+1].Name)
	}
	return roles
}

func TestCheck_saysEverythingAtOnce(t *testing.T) {
	problems := rbac.Check([]auth.Role{role("a", list("x", "y"), "gone"), role("gatehouse.x", nil, "lost")})
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s %d %s", p.Role, p.Index, p.Field))
	}
	slices.Sort(got)
	if diff := cmp.Diff(list("a 0 inherits", "a 0 permissions", "a 0 permissions", "gatehouse.x 1 inherits", "gatehouse.x 1 name"), got); diff != "" {
		t.Error(diff)
	}
}

func TestCheck_knowsWhatOthersDefined(t *testing.T) {
	roles := []auth.Role{role("a", list("b:b", "a:a", "b:b"), "known", "known")}
	if problems := rbac.Check(roles, role("known", nil)); len(problems) > 0 {
		t.Error(problems)
	}
	if diff := cmp.Diff(role("a", list("a:a", "b:b"), "known"), roles[0]); diff != "" {
		t.Errorf("the normal form: %s", diff)
	}
	if problems := rbac.Check(numberedRoles(rbac.MaxRoles), role("known", nil)); len(problems) != 1 {
		t.Errorf("known ones do not count: %v", problems)
	}
}

func TestBuiltIn_isFineAndDoesWhatItSays(t *testing.T) {
	for _, b := range rbac.BuiltIn() {
		if !auth.ReservedRole(b.Name) || b.Origin != auth.RoleBuiltIn || b.Description == "" {
			t.Errorf("%+v", b)
		}
		for _, text := range b.Permissions {
			pattern(t, text)
		}
	}
	p := rbac.Compile(nil)
	if p.Defined() {
		t.Error("built-in roles count as definitions")
	}
	for asked, who := range map[string][]string{
		"orders:read":               list(auth.RoleAdmin),
		"gatehouse.users:read":      list(auth.RoleAdmin, auth.RoleAuditor, auth.RoleSupport),
		"gatehouse.users:write":     list(auth.RoleAdmin, auth.RoleSupport),
		"gatehouse.users:delete":    list(auth.RoleAdmin),
		"gatehouse.users:export":    list(auth.RoleAdmin),
		"gatehouse.sessions:read":   list(auth.RoleAdmin, auth.RoleAuditor, auth.RoleSupport),
		"gatehouse.sessions:revoke": list(auth.RoleAdmin, auth.RoleSupport),
		"gatehouse.roles:read":      list(auth.RoleAdmin, auth.RoleAuditor, auth.RoleSupport),
		"gatehouse.roles:write":     list(auth.RoleAdmin),
		"gatehouse.roles:assign":    list(auth.RoleAdmin),
		"gatehouse.api-keys:read":   list(auth.RoleAdmin, auth.RoleAuditor),
		"gatehouse.api-keys:write":  list(auth.RoleAdmin),
		"gatehouse.audit:read":      list(auth.RoleAdmin, auth.RoleAuditor),
	} {
		for _, b := range rbac.BuiltIn() {
			if got, want := p.Allows(list(b.Name), permission(t, asked)), slices.Contains(who, b.Name); got != want {
				t.Errorf("%s as %s: got %v, want %v", asked, b.Name, got, want)
			}
		}
	}
}
