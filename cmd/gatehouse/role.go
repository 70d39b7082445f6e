package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// roleCmds are the commands on roles. Those of the settings, and those that are
// part of Gatehouse, are shown here and changed there.
type roleCmds struct {
	List   roleListCmd   `cmd:"" help:"List all roles with what they allow."`
	Show   roleShowCmd   `cmd:"" help:"Show one role, and all that it comes to."`
	Create roleCreateCmd `cmd:"" help:"Define a role."`
	Update roleUpdateCmd `cmd:"" help:"Change a role; it is in force at the next check, everywhere."`
	Delete roleDeleteCmd `cmd:"" help:"Delete a role."`
}

// roleJSON is a role as --json prints it, and as policy test reads it.
type roleJSON struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Permissions []string `json:"permissions"`
	Inherits    []string `json:"inherits"`
	// Effective are the patterns that the role has by itself and by inheritance.
	Effective []string        `json:"effective,omitempty"`
	Origin    auth.RoleOrigin `json:"origin"`
}

func jsonRole(r management.Role) roleJSON {
	out := roleJSON{Name: r.Name, Description: r.Description, Permissions: r.Permissions, Inherits: r.Inherits, Effective: r.Effective, Origin: r.Origin}
	for _, list := range []*[]string{&out.Permissions, &out.Inherits} {
		if *list == nil {
			*list = []string{}
		}
	}
	return out
}

// fromWhere says in a word where a role is defined.
var fromWhere = map[auth.RoleOrigin]string{auth.RoleBuiltIn: "built in", auth.RoleConfigured: "settings", auth.RoleStored: "database"}

type roleListCmd struct {
	officeFlags
	JSON bool `name:"json" help:"Print one JSON object a line, which gatehouse policy test --roles reads."`
}

// Run lists the roles.
func (c *roleListCmd) Run(p *program) error {
	return c.at(p, false, func(o office) error {
		list, err := o.ListRoles(p.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		if !c.JSON {
			fmt.Fprintln(w, "NAME\tFROM\tPERMISSIONS\tINHERITS\tDESCRIPTION")
		}
		for _, r := range list {
			if c.JSON {
				if err := printJSON(p.stdout, jsonRole(r)); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, fromWhere[r.Origin], shortList(r.Permissions), strings.Join(r.Inherits, ","), r.Description)
		}
		return w.Flush()
	})
}

// shortList keeps a line of a list from becoming a page.
func shortList(items []string) string {
	const most = 6
	if len(items) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ","), len(items)-most)
	}
	return strings.Join(items, ",")
}

// roleFlags are common to the commands on one role.
type roleFlags struct {
	officeFlags
	JSON bool   `name:"json" help:"Print JSON."`
	Name string `arg:"" help:"Name of the role."`
}

// on does the work and prints the role.
func (f roleFlags) on(p *program, force bool, done string, do func(o office) (management.Role, error)) error {
	return f.at(p, force, func(o office) error {
		r, err := do(o)
		if errors.Is(err, auth.CodeNotFound) {
			return fmt.Errorf("there is no role %q; gatehouse role list shows them all", f.Name)
		}
		if err != nil {
			return forced(o, err)
		}
		if f.JSON {
			return printJSON(p.stdout, jsonRole(r))
		}
		if done != "" {
			_, err = fmt.Fprintf(p.stdout, "%s %s.\n", r.Name, done)
			return err
		}
		return printRole(p, r)
	})
}

func printRole(p *program, r management.Role) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"Name", r.Name}, {"Description", r.Description}, {"From", fromWhere[r.Origin]}, {"Permissions", strings.Join(r.Permissions, ", ")},
		{"Inherits", strings.Join(r.Inherits, ", ")}, {"In all", strings.Join(r.Effective, ", ")},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	return w.Flush()
}

type roleShowCmd struct{ roleFlags }

// Run shows one role.
func (c *roleShowCmd) Run(p *program) error {
	return c.on(p, false, "", func(o office) (management.Role, error) { return o.Role(p.ctx, c.Name) })
}

type roleCreateCmd struct {
	roleFlags
	Permission  []string `help:"Permission or pattern that it allows, as orders:read; may be repeated." placeholder:"PERMISSION" sep:","`
	Inherit     []string `help:"Role whose permissions it has too; may be repeated." placeholder:"ROLE" sep:","`
	Description string   `help:"What it is for." placeholder:"TEXT"`
}

// Run defines the role.
func (c *roleCreateCmd) Run(p *program) error {
	return c.on(p, false, "created", func(o office) (management.Role, error) {
		return o.CreateRole(p.ctx, auth.Role{Name: c.Name, Description: c.Description, Permissions: c.Permission, Inherits: c.Inherit})
	})
}

type roleUpdateCmd struct {
	roleFlags
	forceFlag
	Permission    []string `help:"All permissions and patterns that it shall allow; may be repeated." placeholder:"PERMISSION" sep:"," xor:"permissions"`
	NoPermissions bool     `help:"Take all permissions away." xor:"permissions"`
	Inherit       []string `help:"All roles whose permissions it shall have too; may be repeated." placeholder:"ROLE" sep:"," xor:"inherits"`
	NoInherits    bool     `help:"Let it inherit nothing." xor:"inherits"`
	Description   *string  `help:"What it is for." placeholder:"TEXT"`
}

// Run changes the role.
func (c *roleUpdateCmd) Run(p *program) error {
	d := rbac.Definition{Description: c.Description}
	if len(c.Permission) > 0 || c.NoPermissions {
		d.Permissions = &c.Permission
	}
	if len(c.Inherit) > 0 || c.NoInherits {
		d.Inherits = &c.Inherit
	}
	if d == (rbac.Definition{}) {
		return usage("say what shall be different: --permission, --inherit or --description")
	}
	return c.on(p, c.Force, "changed", func(o office) (management.Role, error) { return o.UpdateRole(p.ctx, c.Name, d) })
}

type roleDeleteCmd struct {
	roleFlags
	forceFlag
	InUse bool `help:"Delete it though somebody has it or another role inherits it: the name stays there, and allows nothing."`
}

// Run deletes the role.
func (c *roleDeleteCmd) Run(p *program) error {
	return c.on(p, c.Force, "deleted", func(o office) (management.Role, error) {
		r, err := o.Role(p.ctx, c.Name)
		if err != nil {
			return r, err
		}
		err = o.DeleteRole(p.ctx, c.Name, c.InUse)
		if errors.Is(err, auth.CodeRoleInUse) {
			err = fmt.Errorf("%s Give --in-use to delete it all the same", refusal(err))
		}
		return r, err
	})
}

type userDataCmd struct {
	officeFlags
	User string `arg:"" help:"ID, e-mail address or user name."`
}

// Run writes one person's data, for whoever asks what is kept of them.
func (c *userDataCmd) Run(p *program) error {
	return c.at(p, false, func(o office) error {
		u, err := findIn(p, o, c.User)
		if err != nil {
			return err
		}
		person, err := o.ExportUser(p.ctx, u.ID)
		if err != nil {
			return err
		}
		return printJSON(p.stdout, person)
	})
}
