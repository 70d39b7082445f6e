package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
)

// Problem is one thing that is wrong, with both names of the setting.
type Problem struct {
	gatehouse.Problem
	// Env is the setting's name in the environment, empty when it has none.
	Env string
	// Where is the line of the file that the value stands in, or the variable;
	// empty when there is no value.
	Where string
}

// String prints the Problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Where != "" && p.Where != p.Env {
		b.WriteString(p.Where + ": ")
	}
	if p.Field != "" { // empty: about the file as a whole
		b.WriteString(p.Field + " ")
	}
	if p.Env != "" && p.Env != p.Field { // the same: a variable that is no setting
		b.WriteString("(" + p.Env + ") ")
	}
	b.WriteString(p.Problem.Problem + "; " + p.Cure)
	return b.String()
}

// Error is everything that is wrong with the settings.
type Error struct {
	Problems []Problem
}

// Error prints one Problem a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// note adds a Problem of the setting at path.
func (l *loader) note(path, cure, problem string, args ...any) {
	l.problems = append(l.problems, l.problem(path, cure, fmt.Sprintf(problem, args...)))
}

// warn adds a warning about the setting at path.
func (l *loader) warn(path, cure, problem string, args ...any) {
	l.settings.Warnings = append(l.settings.Warnings, l.problem(path, cure, fmt.Sprintf(problem, args...)))
}

func (l *loader) problem(path, cure, problem string) Problem {
	return Problem{
		Problem: gatehouse.Problem{Field: path, Problem: problem, Cure: cure},
		Env:     envFor(path),
		Where:   l.settings.origins[path],
	}
}

// noteValidation adds what validation found, except about settings that could
// not even be read: those have their problem already.
func (l *loader) noteValidation(err error) {
	if err == nil {
		return
	}
	var all *gatehouse.Problems
	if !errors.As(err, &all) {
		l.note("", "correct it", "%v", err)
		return
	}
	unread := slices.Clone(l.problems)
	for _, p := range all.InSettings().List {
		if !slices.ContainsFunc(unread, func(u Problem) bool { return related(u.Field, p.Field) }) {
			l.problems = append(l.problems, l.problem(p.Field, p.Cure, p.Problem))
		}
	}
}

// related says whether one path is the other or lies above it.
func related(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	a = strings.TrimSuffix(a, fileSuffix)
	return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '.' || b[len(a)] == '[' || b[len(a):] == fileSuffix)
}
