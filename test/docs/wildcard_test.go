package docs_test

import (
	"regexp"
	"strings"
	"testing"
)

// matches says whether got is what want describes. Spaces at the ends of lines
// and empty lines at both ends do not count.
func matches(want, got string) bool {
	var pattern strings.Builder
	pattern.WriteString(`^`)
	for _, line := range strings.Split(tidy(want), "\n") {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:[^\n]*\n)*`)
			continue
		}
		for i, part := range strings.Split(line, "…") {
			if i > 0 {
				pattern.WriteString(`[^\n]*`)
			}
			pattern.WriteString(regexp.QuoteMeta(part))
		}
		pattern.WriteString(`\n`)
	}
	pattern.WriteString(`$`)
	return regexp.MustCompile(pattern.String()).MatchString(tidy(got) + "\n")
}

func tidy(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		want, got string
		ok        bool
	}{
		{"a\nb", "a \nb\r\n\n", true},
		{"a\nb", "a\nbb", false},
		{"a", "a\nb", false},
		{"id usr_… made", "id usr_01 made", true},
		{"id usr_… made", "id usr_01\n made", false},
		{"…\nlast", "1\n2\nlast", true},
		{"…\nlast", "last", true},
		{"first\n…", "first\n", true},
		{"first\n…", "first\n2\n3", true},
		{"first\n…\nlast", "first\nlast", true},
		{"first\n…\nlast", "first\nat last", false},
		{"a.c", "abc", false},
		{"", "something", false},
	} {
		if got := matches(tt.want, tt.got); got != tt.ok {
			t.Errorf("%q for %q: %v", tt.want, tt.got, got)
		}
	}
}
