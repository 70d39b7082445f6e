package config

import (
	"slices"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// LoadRoles reads the roles of the settings alone, as [Load] does, and looks at
// nothing else: whoever judges what roles allow, in CI for one, need not have the
// secrets and the folders of a server. The error is an *[Error] with what is
// wrong with the roles.
func LoadRoles(file string, environ []string) ([]auth.Role, error) {
	l := &loader{settings: Settings{origins: map[string]string{}}, secretFiles: map[string]secretFile{}}
	if file != "" && !l.readFile(file) {
		return nil, l.err()
	}
	l.readEnviron(environ)
	l.noteValidation(l.settings.Config.WithDefaults().Validate())
	l.problems = slices.DeleteFunc(l.problems, func(p Problem) bool { return !related(p.Field, "roles") })
	if err := l.err(); err != nil {
		return nil, err
	}
	roles := make([]auth.Role, len(l.settings.Config.Roles))
	for i, d := range l.settings.Config.Roles {
		roles[i] = auth.Role{Name: d.Name, Description: d.Description, Permissions: d.Permissions, Inherits: d.Inherits, Origin: auth.RoleConfigured}
	}
	return roles, nil
}
