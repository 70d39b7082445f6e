package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/policytest"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// policyCmds ask what roles allow. They change nothing.
type policyCmds struct {
	Test    policyTestCmd    `cmd:"" help:"Judge a table of callers, requests and expected answers, without a database: for CI."`
	Explain policyExplainCmd `cmd:"" help:"Say whether somebody may do something, and which rule decides it."`
}

type policyExplainCmd struct {
	databaseFlags
	Offline    bool     `help:"Open no database: the roles of the settings alone, and those of --roles."`
	Roles      string   `help:"With --offline: roles that are kept in the database, as gatehouse role list --json printed them." placeholder:"FILE"`
	User       string   `help:"Ask about this user: ID, e-mail address or user name." placeholder:"USER"`
	Role       []string `help:"Ask about somebody who holds this role; may be repeated." placeholder:"ROLE" sep:","`
	Scope      []string `help:"Ask about an API key, or an access token, that this scope narrows; may be repeated." placeholder:"SCOPE" sep:","`
	Permission string   `required:"" help:"What they would do, as orders:read." placeholder:"PERMISSION"`
	JSON       bool     `name:"json" help:"Print JSON."`
}

// explained is the answer as --json prints it.
type explained struct {
	Allowed    bool     `json:"allowed"`
	Permission string   `json:"permission"`
	User       string   `json:"user,omitempty"`
	Roles      []string `json:"roles"`
	Scopes     []string `json:"scopes,omitempty"`
	// Grant is the rule that decided; missing when no role allows it.
	Grant *rbac.Grant `json:"grant,omitempty"`
	// Scope is the one that matches.
	Scope   string   `json:"scope,omitempty"`
	Unknown []string `json:"unknown,omitempty"`
	Why     string   `json:"why"`
	// Defined says of each role in the grant's path where it is defined.
	Defined map[string]auth.RoleOrigin `json:"defined,omitempty"`
}

// Run explains.
func (c *policyExplainCmd) Run(p *program) error {
	asked, err := rbac.ParsePermission(c.Permission)
	if err != nil {
		return usage("--permission: %s", refusal(err))
	}
	switch {
	case (c.User == "") == (len(c.Role) == 0):
		return usage("give --user, or --role")
	case c.Offline && c.User != "":
		return usage("a user is in the database: leave --offline out")
	case c.Roles != "" && !c.Offline:
		return usage("--roles belongs to --offline")
	}
	if c.Offline {
		policy, err := policyOfFiles(p, c.settingsFlag, c.Roles)
		if err != nil {
			return err
		}
		return c.explain(p, policy, asked, c.Role)
	}
	return c.with(p, func(g *gatehouse.Gatehouse) error {
		policy, err := g.Roles().Policy(p.ctx)
		if err != nil {
			return err
		}
		if c.User == "" {
			return c.explain(p, policy, asked, c.Role)
		}
		u, err := find(p, g, c.User)
		if err != nil {
			return err
		}
		c.User = label(u)
		if u.Disabled() {
			fmt.Fprintf(p.stderr, "%s is disabled and gets 401 whatever is asked for; this is what the roles would allow.\n", c.User)
		}
		return c.explain(p, policy, asked, u.Roles)
	})
}

// explain prints the answer and its reason.
func (c *policyExplainCmd) explain(p *program, policy *rbac.Policy, asked rbac.Permission, roles []string) error {
	if _, err := auth.CleanRoles(roles); err != nil {
		return err
	}
	who := auth.Principal{Roles: roles, Scopes: c.Scope}
	if slices.ContainsFunc(c.Scope, rbac.IsPattern) {
		who.Roles, who.NarrowedRoles = nil, roles
	}
	d := policy.Why(who, asked)
	out := explained{
		Allowed: d.Allowed, Permission: asked.String(), User: c.User, Roles: roles, Scopes: c.Scope, Grant: d.Grant, Scope: d.Scope,
		Unknown: d.Unknown, Why: policytest.Explain(policy, who, asked), Defined: map[string]auth.RoleOrigin{},
	}
	if d.Grant != nil {
		for _, name := range d.Grant.Path {
			if r, ok := policy.Role(name); ok {
				out.Defined[name] = r.Origin
			}
		}
	}
	if c.JSON {
		return printJSON(p.stdout, out)
	}
	return out.print(p, policy)
}

// whereDefined says in words where a role comes from.
var whereDefined = map[auth.RoleOrigin]string{
	auth.RoleBuiltIn: "part of Gatehouse", auth.RoleConfigured: "from the settings", auth.RoleStored: "kept in the database",
}

func (e explained) print(p *program, policy *rbac.Policy) error {
	answer, who := "no", "the roles "+strings.Join(e.Roles, ", ")
	if e.Allowed {
		answer = "yes"
	}
	if len(e.Roles) == 1 {
		who = "the role " + e.Roles[0]
	}
	if e.User != "" {
		who = e.User + ", who holds " + who
	}
	if len(e.Roles) == 0 {
		who = e.User + ", who holds no role"
	}
	if len(e.Scopes) > 0 {
		who += ", with the scopes " + strings.Join(e.Scopes, ", ")
	}
	if _, err := fmt.Fprintf(p.stdout, "%s: %s for %s\n  %s\n", answer, e.Permission, who, e.Why); err != nil {
		return err
	}
	if e.Grant != nil {
		for _, name := range e.Grant.Path {
			fmt.Fprintf(p.stdout, "  %s is %s\n", name, whereDefined[e.Defined[name]])
		}
	}
	if !policy.Defined() {
		fmt.Fprintln(p.stderr, "No role is defined beside those of Gatehouse: names of roles allow nothing by themselves.")
	}
	return nil
}

// policyOfFiles compiles the roles of the settings and of a file, without a
// database and without the rest of the settings, which CI may not have.
func policyOfFiles(p *program, settings settingsFlag, file string) (*rbac.Policy, error) {
	roles, err := config.LoadRoles(settings.Config, p.environ)
	if err != nil {
		return nil, err
	}
	if file != "" {
		more, err := readRoles(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		roles = append(roles, more...)
	}
	if len(roles) == 0 {
		return nil, usage("no roles: name the settings that define them with --config, or give --roles")
	}
	return rbac.Compile(roles), nil
}

// readRoles reads what gatehouse role list --json prints. The roles of the
// settings are among them; those of the file that --config names come first.
func readRoles(file string) (roles []auth.Role, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 4<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var r roleJSON
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.Name == "" {
			return nil, fmt.Errorf("line %d is not a role as gatehouse role list --json prints it", n)
		}
		if r.Origin != auth.RoleBuiltIn {
			roles = append(roles, auth.Role{Name: r.Name, Description: r.Description, Permissions: r.Permissions, Inherits: r.Inherits, Origin: r.Origin})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if problems := rbac.Check(slices.Clone(roles)); len(problems) > 0 {
		return nil, errors.New(problems[0].Text)
	}
	return roles, nil
}
