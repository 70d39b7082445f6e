package guard

import (
	"net/http"
	"slices"
	"strings"
)

// keepFromSharedCaches says whether a Set-Cookie may go into the answer. It may
// not where the handler lets some shared cache keep the answer. Where its
// Cache-Control says neither yes nor no, it becomes a no.
func keepFromSharedCaches(h http.Header) bool {
	for name, lines := range h {
		if targets(name) && !forbids(name, lines) {
			return false
		}
	}
	d := directives(h["Cache-Control"])
	if d.has("public") || d.has("s-maxage") || d.with("private") {
		return false
	}
	if !d.bare("private") && (!d.bare("no-store") || d.has("must-understand")) {
		h.Add("Cache-Control", "private")
	}
	return true
}

// targets says whether a field speaks to the caches of a delivery network
// alone, and overrules Cache-Control there: the targeted ones of RFC 9213, by
// the ending that their names have, and those that are older than it.
func targets(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "surrogate-control", "edge-control", "x-accel-expires":
		return true
	}
	return strings.HasSuffix(name, "-cache-control")
}

// forbids says whether a targeted field lets nobody keep the answer. What
// could be read in two ways does not: RFC 9213 §2.1 has values ("no-store=?0"),
// Surrogate-Control has parameters that speak to one cache alone.
func forbids(name string, lines []string) bool {
	if strings.EqualFold(name, "X-Accel-Expires") {
		return !slices.ContainsFunc(lines, func(s string) bool { return strings.TrimSpace(s) != "0" })
	}
	if slices.ContainsFunc(lines, func(s string) bool { return strings.Contains(s, ";") }) {
		return false
	}
	d := directives(lines)
	if d.has("public") || d.has("s-maxage") || d.has("must-understand") || d.with("private") || d.with("no-store") {
		return false
	}
	return d.bare("private") || d.bare("no-store")
}

// directive is one of a Cache-Control (RFC 9111 §5.2), its name in lower case.
type directive struct {
	name   string
	valued bool
}

type directiveList []directive

func (d directiveList) bare(name string) bool { return slices.Contains(d, directive{name, false}) }
func (d directiveList) with(name string) bool { return slices.Contains(d, directive{name, true}) }
func (d directiveList) has(name string) bool  { return d.bare(name) || d.with(name) }

// directives reads all lines of a field. A comma in a quoted string (RFC 9110
// §5.6.4) ends nothing, so what stands in one is no directive; a string that
// does not end reaches to the end of its line.
func directives(lines []string) (list directiveList) {
	for _, rest := range lines {
		for more := true; more; {
			var one string
			one, rest, more = cutUnquoted(rest)
			name, _, valued := strings.Cut(one, "=")
			if name = strings.ToLower(strings.Trim(name, " \t")); name != "" {
				list = append(list, directive{name, valued})
			}
		}
	}
	return list
}

// cutUnquoted cuts s at its first comma outside of quotes.
func cutUnquoted(s string) (before, after string, found bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
