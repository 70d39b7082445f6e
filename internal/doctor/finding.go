package doctor

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Severity is how grave a finding is.
type Severity string

// The severities, gravest first.
const (
	// Error: something does not work, or is open to attack.
	Error Severity = "error"
	// Warning: it works today, and will not always, or not as safely as it could.
	Warning Severity = "warning"
	// Note: worth knowing.
	Note Severity = "note"
)

var bySeverity = []Severity{Error, Warning, Note}

// Finding is one thing that is wrong. None of its texts shows a secret.
type Finding struct {
	// ID is stable: scripts and docs/doctor.md name it.
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	// Setting is the path of the setting to change first, if there is one.
	Setting string `json:"setting,omitempty"`
	// Seen is what was observed, Cause why that is so and what follows, Cure
	// what to do.
	Seen  string `json:"seen"`
	Cause string `json:"cause"`
	Cure  string `json:"cure"`
}

// Skipped is something that was not looked at.
type Skipped struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Report is the answer of the doctor.
type Report struct {
	// Findings are in the order in which to deal with them: the gravest first,
	// and of equal ones the cause before its consequences.
	Findings []Finding `json:"findings"`
	// Looked names what was looked at.
	Looked  []string  `json:"looked_at"`
	Skipped []Skipped `json:"skipped"`
}

// Failed says whether there is a finding of severity Error.
func (r Report) Failed() bool { return r.count(Error) > 0 }

func (r Report) count(s Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Text is the report for a terminal.
func (r Report) Text() string {
	var b strings.Builder
	if len(r.Findings) == 0 {
		b.WriteString("No findings.\n")
	} else {
		var parts []string
		for _, s := range bySeverity {
			if n := r.count(s); n == 1 {
				parts = append(parts, "1 "+string(s))
			} else if n > 1 {
				parts = append(parts, fmt.Sprintf("%d %ss", n, s))
			}
		}
		b.WriteString(strings.Join(parts, ", ") + ". Begin with the first; others may follow from it.\n")
	}
	for _, f := range r.Findings {
		head := fmt.Sprintf("\n%s: %s", f.Severity, f.ID)
		if f.Setting != "" {
			head += " (" + f.Setting + ")"
		}
		fmt.Fprintf(&b, "%s\n  seen   %s\n  cause  %s\n  cure   %s\n", head, f.Seen, f.Cause, strings.ReplaceAll(f.Cure, "\n", "\n         "))
	}
	if len(r.Looked) > 0 {
		b.WriteString("\nLooked at: " + strings.Join(r.Looked, ", ") + ".\n")
	}
	for _, s := range r.Skipped {
		b.WriteString("Not looked at: " + s.What + ": " + s.Why + ".\n")
	}
	return b.String()
}

// inOrder sorts by severity and then by cause, and leaves out what another
// finding explains.
func inOrder(found []Finding) []Finding {
	explained := map[string]bool{}
	for _, f := range found {
		for _, name := range kindOf(f.ID).explains {
			explained[name] = true
		}
	}
	kept := slices.DeleteFunc(slices.Clone(found), func(f Finding) bool {
		return explained[f.ID] || explained[string(kindOf(f.ID).stage)]
	})
	slices.SortStableFunc(kept, func(a, b Finding) int {
		if d := slices.Index(bySeverity, a.Severity) - slices.Index(bySeverity, b.Severity); d != 0 {
			return d
		}
		return placeOf(a.ID) - placeOf(b.ID)
	})
	return kept
}

// tame makes text from outside fit to be shown: one line, printable, short.
func tame(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
	if rs := []rune(s); len(rs) > 160 {
		s = string(rs[:160]) + "…"
	}
	return s
}
