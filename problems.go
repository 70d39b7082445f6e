package gatehouse

import (
	"fmt"
	"reflect"
	"strings"
)

// Problem is one thing that is wrong with a configuration. None of its texts
// ever shows a secret.
type Problem struct {
	// Member is the path in Go: "Config.Mounts[0].Secrets[1]". It is empty
	// where the Problem speaks of settings; see [Problems.InSettings].
	Member string
	// Field is the path of the setting, as in the configuration file:
	// "mounts[0].secrets[1]".
	Field string
	// Problem is what is wrong, a clause that goes on from the name: "is
	// missing".
	Problem string
	// Cure is what to do, an imperative clause: "set it to …".
	Cure string
}

// String prints the Problem in one line.
func (p Problem) String() string {
	name := p.Member
	if name == "" {
		name = p.Field
	}
	return name + " " + p.Problem + "; " + p.Cure
}

// Problems is the error of [Config.Validate]: everything that is wrong at
// once, in the order of the settings, in the words of a Go program.
type Problems struct {
	List     []Problem
	settings []Problem // as List, in the words of the configuration file
}

// Error prints one Problem a line.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// InSettings is the same in the words of the configuration file, for programs
// that read one.
func (p *Problems) InSettings() *Problems { return &Problems{List: p.settings, settings: p.settings} }

// wording is a piece of a text that a Go program and the configuration file
// call by different names.
type wording struct{ inGo, inFile string }

// setting is the wording of the setting at path.
func setting(path string) wording { return wording{member(path), path} }

// phrase is a text with the arguments of its verbs; some may be wordings.
type phrase struct {
	format string
	args   []any
}

func say(format string, args ...any) phrase { return phrase{format, args} }

func (p phrase) print(word func(w wording) string) string {
	args := make([]any, len(p.args))
	for i, a := range p.args {
		if w, ok := a.(wording); ok {
			a = word(w)
		}
		args[i] = a
	}
	return fmt.Sprintf(p.format, args...)
}

// add notes a Problem; problem may hold verbs for args.
func (p *Problems) add(field, cure, problem string, args ...any) {
	p.note(field, say("%s", cure), say(problem, args...))
}

// note notes a Problem whose cure has arguments too.
func (p *Problems) note(field string, cure, problem phrase) {
	inGo, inFile := func(w wording) string { return w.inGo }, func(w wording) string { return w.inFile }
	p.List = append(p.List, Problem{Member: member(field), Field: field, Problem: problem.print(inGo), Cure: cure.print(inGo)})
	p.settings = append(p.settings, Problem{Field: field, Problem: problem.print(inFile), Cure: cure.print(inFile)})
}

// err returns p, or nil when there is nothing wrong.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	return p
}

// member is the path in Go of the setting at path, by the conf tags:
// "Config.Mounts[0].BasePath" for "mounts[0].base_path".
func member(path string) string {
	at := reflect.TypeFor[Config]()
	steps := strings.Split(path, ".")
	for i, step := range steps {
		name, index, indexed := strings.Cut(step, "[")
		found := false
		for j := 0; at.Kind() == reflect.Struct && j < at.NumField() && !found; j++ {
			if f := at.Field(j); f.Tag.Get("conf") == name {
				found, steps[i], at = true, f.Name, f.Type
			}
		}
		if !found {
			return path
		}
		if indexed {
			steps[i] += "[" + index
			if at.Kind() == reflect.Slice {
				at = at.Elem()
			}
		}
	}
	return "Config." + strings.Join(steps, ".")
}
