package rbac

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Limits on the definitions of roles. What is beyond is refused, with the name
// of the role.
const (
	// MaxRoles is how many roles there may be beside the built-in ones.
	MaxRoles = 1000
	// MaxPermissions is how many patterns one role has at most, and
	// MaxPermissionsInAll how many all have together.
	MaxPermissions      = 10_000
	MaxPermissionsInAll = 20_000
	// MaxInherits is how many roles one role inherits directly, and MaxDepth how
	// many are in a row, from one that inherits to one that does not.
	MaxInherits = 64
	MaxDepth    = 64
	// MaxDescription is in characters.
	MaxDescription = 200
)

// Problem is one thing that is wrong with a definition.
type Problem struct {
	// Role is the name of the role, as it was given, and Index where it stands.
	Role  string
	Index int
	// Field is "name", "description", "permissions" or "inherits"; empty when
	// there is too much of everything.
	Field string
	// Text says what is wrong, beginning with the role's name.
	Text string
}

// Check returns what is wrong with the roles, which may inherit each other, the
// known ones and those that are built in. It also brings them into their normal
// form: lists sorted and without doubles.
func Check(roles []auth.Role, known ...auth.Role) (problems []Problem) {
	c := checker{roles: roles, names: map[string]*auth.Role{}}
	for _, list := range [][]auth.Role{BuiltIn(), known} {
		for i := range list {
			c.names[list[i].Name] = &list[i]
			c.permissions += len(list[i].Permissions)
		}
	}
	for i := range roles {
		c.names[roles[i].Name] = &roles[i]
	}
	seen := map[string]bool{}
	for i := range roles {
		r := &roles[i]
		if seen[r.Name] {
			c.say(r, "name", "there are two roles of this name")
		}
		seen[r.Name] = true
		c.role(r)
	}
	if len(roles)+len(known) > MaxRoles {
		last := len(roles) - 1
		c.problems = append(c.problems, Problem{Role: roles[last].Name, Index: last, Text: fmt.Sprintf("there are %d roles; at most %d may be defined", len(roles)+len(known), MaxRoles)})
	}
	c.inheritance(roles)
	return c.problems
}

type checker struct {
	roles       []auth.Role
	names       map[string]*auth.Role
	permissions int
	problems    []Problem
}

func (c *checker) say(r *auth.Role, field, format string, args ...any) {
	c.problems = append(c.problems, Problem{
		Role: r.Name, Index: c.index(r), Field: field, Text: fmt.Sprintf("role %s: %s", shown(r.Name), fmt.Sprintf(format, args...)),
	})
}

// index is where a role stands; a role that is not among those that are judged
// counts as the first.
func (c *checker) index(r *auth.Role) int {
	for i := range c.roles {
		if r == &c.roles[i] {
			return i
		}
	}
	return 0
}

// role judges what can be said of a role alone.
func (c *checker) role(r *auth.Role) {
	if _, err := auth.CleanRoles([]string{r.Name}); err != nil {
		c.say(r, "name", "a name is 1 to 64 letters, digits, colon, dot, hyphen or underscore")
	} else if auth.ReservedRole(r.Name) {
		c.say(r, "name", "names that begin with %q are Gatehouse's own", auth.ReservedRoles)
	}
	if !cleanDescription(r.Description) {
		c.say(r, "description", "a description is at most %d characters, without line breaks and control characters", MaxDescription)
	}
	slices.Sort(r.Permissions)
	r.Permissions = slices.Compact(r.Permissions)
	slices.Sort(r.Inherits)
	r.Inherits = slices.Compact(r.Inherits)
	for _, text := range r.Permissions {
		if _, err := ParsePattern(text); err != nil {
			c.say(r, "permissions", "%s", strings.TrimSuffix(auth.AsError(err).Text(), "."))
		}
	}
	if len(r.Permissions) > MaxPermissions {
		c.say(r, "permissions", "it has %d permissions; at most %d may be", len(r.Permissions), MaxPermissions)
	}
	before := c.permissions
	if c.permissions += len(r.Permissions); c.permissions > MaxPermissionsInAll && before <= MaxPermissionsInAll {
		c.say(r, "permissions", "with it all roles have more than %d permissions together; put those that several have into a role that these inherit", MaxPermissionsInAll)
	}
	if len(r.Inherits) > MaxInherits {
		c.say(r, "inherits", "it inherits %d roles; at most %d may be", len(r.Inherits), MaxInherits)
	}
	for _, name := range r.Inherits {
		if c.names[name] == nil {
			c.say(r, "inherits", "it inherits %s, and there is no such role", shown(name))
		}
	}
}

func cleanDescription(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= MaxDescription &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// inheritance looks for roles that inherit themselves, and for rows that are too
// long. Each cycle is named once.
func (c *checker) inheritance(roles []auth.Role) {
	w := walk{checker: c, depth: map[string]int{}}
	for i := range roles {
		w.from(&roles[i], nil)
	}
}

// walk follows who inherits whom. depth is how long the longest row from a role
// is: -1 while it is being walked.
type walk struct {
	*checker
	depth map[string]int
}

func (w *walk) from(r *auth.Role, way []string) int {
	depth, known := w.depth[r.Name]
	if depth < 0 {
		w.say(r, "inherits", "roles inherit each other: %s", cycle(way, r.Name))
		return 0
	}
	if known {
		return depth
	}
	w.depth[r.Name] = -1
	way = append(way, r.Name)
	depth = 1
	for _, name := range r.Inherits {
		if next := w.names[name]; next != nil {
			depth = max(depth, 1+w.from(next, way))
		}
	}
	if depth == MaxDepth+1 {
		w.say(r, "inherits", "it inherits through more than %d roles in a row", MaxDepth)
	}
	w.depth[r.Name] = depth
	return depth
}

// cycle is the part of the way that goes in a circle: a → b → a.
func cycle(way []string, back string) string {
	return strings.Join(append(slices.Clone(way[slices.Index(way, back):]), back), " → ")
}
