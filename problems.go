package gatehouse

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a configuration. None of its texts
// ever shows a secret.
type Problem struct {
	// Field is the path of the setting, as in the configuration file:
	// "mounts[0].secrets[1]".
	Field string
	// Problem is what is wrong, a clause that goes on from the field's name:
	// "is missing".
	Problem string
	// Cure is what to do, an imperative clause: "set it to …".
	Cure string
}

// String prints the Problem in one line.
func (p Problem) String() string { return p.Field + " " + p.Problem + "; " + p.Cure }

// Problems is the error of [Config.Validate]: everything that is wrong at
// once, in the order of the settings.
type Problems struct {
	List []Problem
}

// Error prints one Problem a line.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// add notes a Problem; problem may hold verbs for args.
func (p *Problems) add(field, cure, problem string, args ...any) {
	p.List = append(p.List, Problem{Field: field, Problem: fmt.Sprintf(problem, args...), Cure: cure})
}

// err returns p, or nil when there is nothing wrong.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	return p
}
