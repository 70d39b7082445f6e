package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// suggestKey names the keys of the group that look like the unknown one, or
// says where else the key belongs.
func suggestKey(fields []field, path, key string) string {
	var keys []string
	for _, f := range fields {
		keys = append(keys, f.key)
		if f.holdsSecrets() {
			keys = append(keys, f.key+fileSuffix)
		}
	}
	if best := nearest(key, keys); best != "" {
		return "did you mean " + best + "?"
	}
	for _, p := range paths(reflect.TypeFor[Settings](), "") {
		if p != under(path, key) && (p == key || strings.HasSuffix(p, "."+key)) {
			return "did you mean " + p + "?"
		}
	}
	slices.Sort(keys)
	return "remove it; known here are " + strings.Join(keys, ", ")
}

var numberInName = regexp.MustCompile(`_\d+(_|$)`)

// suggestVariable names the variable that looks like the unknown one, with the
// unknown one's own numbers.
func suggestVariable(name string) string {
	var names []string
	for _, p := range paths(reflect.TypeFor[Settings](), "") {
		names = append(names, EnvName(p))
	}
	numbers := numberInName.FindAllString(name, -1)
	best := nearest(numberInName.ReplaceAllString(name, "_0$1"), names)
	if best == "" {
		return `remove it; "gatehouse config print" lists the settings, and a variable is GATEHOUSE_ and the path of a setting in capitals`
	}
	for _, n := range numbers {
		best = strings.Replace(best, "_0_", "_\x00"+strings.Trim(n, "_")+"_", 1)
	}
	return "did you mean " + strings.ReplaceAll(best, "\x00", "") + "?"
}

// paths lists every setting there is, with [0] for the elements of lists of
// groups and the keys for files of secrets.
func paths(t reflect.Type, path string) (all []string) {
	for _, f := range fieldsOf(t) {
		at := under(path, f.key)
		switch kindOf(f.typ) {
		case kindGroup:
			all = append(all, paths(f.typ, at)...)
		case kindGroups:
			all = append(all, paths(f.typ.Elem(), item(at, 0))...)
		default:
			all = append(all, at)
		}
		if f.holdsSecrets() {
			all = append(all, at+fileSuffix)
		}
	}
	return all
}

// Nearest returns the candidate that word is most likely a misspelling of, or
// "" when none is near.
func Nearest(word string, candidates []string) string { return nearest(word, candidates) }

// nearest returns the candidate with the fewest edits, or "" when none is
// near: a wild suggestion is worse than none.
func nearest(word string, candidates []string) string {
	best, least := "", 3+len(word)/8
	if len(word) > 100 {
		return ""
	}
	for _, c := range candidates {
		if d := edits(strings.ToLower(word), strings.ToLower(c)); d < least && d < len(word) {
			best, least = c, d
		}
	}
	return best
}

// edits counts insertions, deletions, replacements and swaps of neighbours
// that turn a into b (optimal string alignment).
func edits(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// Paths lists every setting there is by its path in the file, with [0] for
// the elements of a list of groups. Documentation and tests walk it.
func Paths() []string { return paths(reflect.TypeFor[Settings](), "") }
