package doctor

import (
	"fmt"
	"strings"
)

// judge gathers the findings of one set of facts.
type judge struct {
	Facts
	found []Finding
}

// Judge says what is wrong. It looks at nothing but the facts.
func Judge(f Facts) Report {
	j := &judge{Facts: f}
	report := Report{Findings: []Finding{}, Looked: []string{"settings"}, Skipped: []Skipped{}}
	if len(f.Problems) > 0 {
		j.refusedSettings()
		report.Skipped = append(report.Skipped, Skipped{"files, database, server and public origin", "the settings cannot be used"})
		report.Findings = append(report.Findings, inOrder(j.found)...)
		return report
	}
	j.advice()
	j.adoption()
	j.secrets()
	j.files()
	j.certificateFile()
	j.database()
	j.peppers()
	j.keys()
	j.listeners()
	j.hashing()
	report.Looked = append(report.Looked, "secrets", "files and permissions", "database", "hashing")
	if f.Offline {
		report.Skipped = append(report.Skipped, Skipped{"running server and public origin", "--offline"})
	} else {
		j.redis()
		j.server()
		j.origin()
		report.Looked = append(report.Looked, "running server", "public origin", "clock")
		if at, why := j.caller(); at {
			report.Looked = append(report.Looked, "address of the caller")
		} else {
			report.Skipped = append(report.Skipped, Skipped{"address of the caller", why})
		}
	}
	report.Findings = append(report.Findings, inOrder(j.found)...)
	return report
}

// add notes a finding of a kind.
func (j *judge) add(id, setting, cure, seen string, args ...any) {
	k := kindOf(id)
	j.found = append(j.found, Finding{
		ID: id, Severity: k.severity, Setting: setting, Seen: fmt.Sprintf(seen, args...), Cause: k.cause, Cure: cure,
	})
}

// flag is the --config of commands in cures.
func (j *judge) flag() string {
	if j.Settings.ConfigFile == "" {
		return ""
	}
	return " --config " + quoted(j.Settings.ConfigFile)
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r))
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

func (j *judge) https() bool { return strings.HasPrefix(j.Settings.PublicOrigin, "https://") }
