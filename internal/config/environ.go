package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// assignment is one variable of the environment and the setting it means.
type assignment struct {
	env, text string
	path      string
	// order compares assignments so that lists are filled from the front.
	order []int
	// list is the path of the list that an element or a file belongs to.
	list string
	// file: the text names a file of secrets for the list.
	file bool
}

// readEnviron reads the variables of ours over what the file has set. When a
// variable stands twice, the last one counts, as in os/exec.
func (l *loader) readEnviron(environ []string) {
	vars := map[string]string{}
	for _, e := range environ {
		if name, text, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, envPrefix) && !foreign(name, text) {
			vars[name] = text
		}
	}
	var all []assignment
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		a, ok := resolve(reflect.TypeFor[Settings](), name[len(envPrefix):], "")
		if !ok {
			l.note(name, suggestVariable(name), "is not a setting")
			continue
		}
		a.env, a.text = name, vars[name]
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b assignment) int { return slices.Compare(a.order, b.order) })
	l.assign(all)
}

// ours are variables of this project that are not settings of the program:
// where it finds its file, and what its tests and its example read.
var ours = []string{
	envPrefix + "CONFIG", envPrefix + "URL", // the example
	envPrefix + "VECTORS", envPrefix + "BIN", envPrefix + "SCREENSHOTS", envPrefix + "SOAK", // tests
	envPrefix + "API_KEY", // of the commands that work on another server
	envPrefix + "DEV_USER_PASSWORD", envPrefix + "DEV_ADMIN_PASSWORD",
}

// serviceLink matches what Kubernetes and Docker put into the environment of
// every container beside a service called "gatehouse".
var serviceLink = regexp.MustCompile(`^GATEHOUSE_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func foreign(name, text string) bool {
	return slices.Contains(ours, name) || serviceLink.MatchString(name) && (name != "GATEHOUSE_PORT" || strings.Contains(text, "://"))
}

// resolve finds the setting that the rest of a variable's name means in a
// group. The keys have underscores themselves, so every key is tried; a test
// shows that no name means two settings.
func resolve(t reflect.Type, rest, path string) (assignment, bool) {
	for i, f := range fieldsOf(t) {
		key := strings.ToUpper(f.key)
		at := under(path, f.key)
		switch {
		case rest == key && kindOf(f.typ) < kindGroup:
			return assignment{path: at, list: at, order: []int{i}}, true
		case f.holdsSecrets() && rest == key+strings.ToUpper(fileSuffix):
			return assignment{path: at + fileSuffix, list: at, file: true, order: []int{i, -1}}, true
		case strings.HasPrefix(rest, key+"_"):
			if a, ok := resolveWithin(f.typ, rest[len(key)+1:], at); ok {
				a.order = append([]int{i}, a.order...)
				return a, true
			}
		}
	}
	return assignment{}, false
}

// resolveWithin goes on below a key: into a group, or to an element of a list.
func resolveWithin(t reflect.Type, rest, path string) (assignment, bool) {
	switch kindOf(t) {
	case kindGroup:
		return resolve(t, rest, path)
	case kindGroups, kindList:
		number, rest, more := strings.Cut(rest, "_")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i > 999 || strconv.Itoa(i) != number {
			return assignment{}, false
		}
		at := item(path, i)
		if kindOf(t) == kindList {
			return assignment{path: at, list: path, order: []int{i}}, !more
		}
		if !more {
			return assignment{}, false
		}
		a, ok := resolve(t.Elem(), rest, at)
		a.order = append([]int{i}, a.order...)
		return a, ok
	}
	return assignment{}, false
}

// assign carries the assignments out, in their order. A list is given as a
// whole, element by element or as a file: two of these at once would leave
// open which one counts.
func (l *loader) assign(all []assignment) {
	given := map[string]assignment{} // the first for each list
	for _, a := range all {
		switch first, again := given[a.list]; {
		case !again:
			given[a.list] = a
			l.replace(a)
		case a.file || first.file || first.path == a.list:
			l.note(a.path, "keep one of them", "is also given by %s", first.env)
			continue
		}
		l.settings.origins[a.path] = a.env
		l.assignOne(a)
	}
}

// replace forgets the file of secrets that the configuration file named, once
// the environment says something about the same secrets.
func (l *loader) replace(a assignment) {
	if old, ok := l.secretFiles[a.list]; ok {
		delete(l.secretFiles, a.list)
		delete(l.settings.origins, old.setting)
	}
	if a.file {
		if v, ok := valueAt(reflect.ValueOf(&l.settings).Elem(), a.list); ok {
			v.SetZero()
		}
	}
}

func (l *loader) assignOne(a assignment) {
	if a.file {
		if l.reachable(a, a.list) && a.text != "" {
			l.secretFiles[a.list] = secretFile{name: a.text, setting: a.path}
		}
		return
	}
	if !l.reachable(a, a.path) {
		return
	}
	v, _ := valueAt(reflect.ValueOf(&l.settings).Elem(), a.path)
	if kindOf(v.Type()) == kindList {
		l.assignList(a, v)
		return
	}
	v.SetZero()
	if a.text == "" {
		return // back to the default
	}
	if problem, cure := setScalar(v, a.text); problem != "" {
		l.note(a.path, cure, "%s", problem)
	}
}

// reachable makes room for the element that the path names, and notes when
// elements before it are missing.
func (l *loader) reachable(a assignment, path string) bool {
	if _, ok := valueAt(reflect.ValueOf(&l.settings).Elem(), path); !ok {
		l.note(a.path, "number the elements from 0 without a gap", "has no element before it")
		return false
	}
	return true
}

// assignList reads a whole list from one variable: texts are separated by
// commas; a secret is never split, for it may have a comma in it.
func (l *loader) assignList(a assignment, v reflect.Value) {
	v.SetZero()
	if a.text == "" {
		return
	}
	texts := []string{a.text}
	if v.Type().Elem() != secretType {
		texts = strings.Split(a.text, ",")
	}
	for i, text := range texts {
		if v.Type().Elem() != secretType {
			text = strings.TrimSpace(text)
		}
		v.Set(reflect.Append(v, reflect.ValueOf(text).Convert(v.Type().Elem())))
		l.settings.origins[item(a.path, i)] = a.env
	}
}
