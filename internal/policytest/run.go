package policytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// Result is what became of a Case.
type Result struct {
	Case
	// Got is 200, 401 or 403.
	Got int
	// Why says what decided, in words for whoever reads the table.
	Why string
}

// Passed says whether the answer is the expected one.
func (r Result) Passed() bool { return r.Got == r.Want }

// Report is what a whole table came to.
type Report struct {
	Results []Result
	// Failed counts those that did not pass.
	Failed int
	// Unasked are the routes that no Case asks about.
	Unasked []Route
}

// Run asks the policy every Case, in the order of the lines. A caller or a
// route that names a role which the policy does not know is an *[Error], as in
// [Parse]: the table would speak of nobody.
func (t *Table) Run(name string, p *rbac.Policy) (Report, error) {
	if err := t.knownRoles(name, p); err != nil {
		return Report{}, err
	}
	var report Report
	asked := make([]bool, len(t.Routes))
	for _, c := range t.Cases {
		r := Result{Case: c}
		if r.Got, r.Why = t.answer(p, c); !r.Passed() {
			report.Failed++
		}
		if c.route >= 0 {
			asked[c.route] = true
		}
		report.Results = append(report.Results, r)
	}
	for i, route := range t.Routes {
		if !asked[i] {
			report.Unasked = append(report.Unasked, route)
		}
	}
	return report, nil
}

// knownRoles refuses roles that there are not. Where none is defined, any may
// be held.
func (t *Table) knownRoles(name string, p *rbac.Policy) error {
	var problems []Problem
	check := func(line int, roles []string) {
		for _, role := range roles {
			if _, ok := p.Role(role); !ok && p.Defined() {
				problems = append(problems, Problem{line, fmt.Sprintf("there is no role %q", role)})
			}
		}
	}
	for _, r := range t.Routes {
		for _, n := range r.Needs {
			for _, part := range n.AnyOf {
				if part.Kind == PartRole {
					check(r.Line, part.Names)
				}
			}
		}
	}
	for _, c := range t.Callers {
		check(c.Line, c.Roles)
	}
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
	return &Error{Name: name, Problems: problems}
}

// answer decides as Gatehouse.Require does.
func (t *Table) answer(p *rbac.Policy, c Case) (status int, why string) {
	if c.route < 0 {
		if c.Caller.Kind == Nobody {
			return http.StatusUnauthorized, "nobody is signed in"
		}
		return verdict(p.Permits(c.Caller.Principal(), c.permission), Explain(p, c.Caller.Principal(), c.permission))
	}
	route := t.Routes[c.route]
	switch {
	case route.Public:
		return http.StatusOK, "the route is public"
	case c.Caller.Kind == Nobody:
		return http.StatusUnauthorized, "nobody is signed in"
	case len(route.Needs) == 0:
		return http.StatusOK, "it is enough to be signed in"
	}
	var met []string
	for _, n := range route.Needs {
		ok, why := meets(p, c.Caller, n)
		if !ok {
			return http.StatusForbidden, "the route needs " + n.Text + ": " + why
		}
		met = append(met, why)
	}
	return http.StatusOK, strings.Join(met, "; ")
}

func verdict(allowed bool, why string) (int, string) {
	if allowed {
		return http.StatusOK, why
	}
	return http.StatusForbidden, why
}

// meets says whether one of the parts is met, and by what, or why none is.
func meets(p *rbac.Policy, c Caller, n Need) (met bool, why string) {
	var not []string
	for _, part := range n.AnyOf {
		met, why := part.met(p, c)
		if met {
			return true, why
		}
		not = append(not, why)
	}
	return false, strings.Join(not, ", and ")
}

func (part Part) met(p *rbac.Policy, c Caller) (met bool, why string) {
	who := c.Principal()
	switch part.Kind {
	case PartSession:
		return c.Kind == Session, fmt.Sprintf("%s shows %s", c.Name, shows[c.Kind])
	case PartAPIKey:
		return c.Kind == APIKey, fmt.Sprintf("%s shows %s", c.Name, shows[c.Kind])
	case PartRole:
		for _, role := range part.Names {
			if who.HasRole(role) {
				return true, fmt.Sprintf("%s holds the role %s", c.Name, role)
			}
			if slices.Contains(who.NarrowedRoles, role) {
				return false, fmt.Sprintf("%s is narrowed by scopes, and so holds no role as a whole", c.Name)
			}
		}
		return false, fmt.Sprintf("%s does not hold it", c.Name)
	case PartScope:
		for _, scope := range part.Names {
			if slices.Contains(who.Scopes, scope) {
				return true, fmt.Sprintf("%s has the scope %s", c.Name, scope)
			}
		}
		return false, fmt.Sprintf("%s does not name it", c.Name)
	}
	var not []string
	for _, permission := range part.permissions {
		why := Explain(p, who, permission)
		if p.Permits(who, permission) {
			return true, why
		}
		not = append(not, why)
	}
	return false, strings.Join(not, ", and ")
}

var shows = map[Kind]string{Session: "a session", APIKey: "an API key", Token: "an access token"}

// Principal is who the caller is to the rest of Gatehouse: a key that has
// scopes, and a token one of whose scopes has the form of a permission, hold no
// role as a whole.
func (c Caller) Principal() auth.Principal {
	who := auth.Principal{Scopes: c.Scopes}
	narrowed := c.Kind == APIKey && len(c.Scopes) > 0 || c.Kind == Token && slices.ContainsFunc(c.Scopes, rbac.IsPattern)
	if narrowed {
		who.NarrowedRoles = c.Roles
	} else {
		who.Roles = c.Roles
	}
	if c.Kind == APIKey {
		who.APIKeyID = "key_" + auth.APIKeyID(c.Name)
	}
	return who
}
