package audit_test

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/audit"
)

// vocabulary is the table of docs/audit.md.
func vocabulary() string {
	var b strings.Builder
	b.WriteString("| type | result | subject | detail | means |\n|---|---|---|---|---|\n")
	for _, i := range auth.EventTypes() {
		subject, details := "", make([]string, len(i.Details))
		if i.Subject != "" {
			subject = "`" + string(i.Subject) + ":…`"
		}
		for n, d := range i.Details {
			details[n] = "`" + d + "`"
		}
		b.WriteString("| `" + string(i.Type) + "` | " + string(i.Result) + " | " + subject + " | " + strings.Join(details, ", ") + " | " + i.About + " |\n")
	}
	return b.String()
}

// proves: ASVS 16.1.1
func TestDocs_vocabularyIsTheCodes(t *testing.T) {
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), vocabulary()) {
		t.Errorf("the table of docs/audit.md is not the vocabulary; it should be\n%s", vocabulary())
	}
	for _, k := range []audit.FindingKind{
		audit.FindingChanged, audit.FindingMissing, audit.FindingCutOff, audit.FindingBeyond, audit.FindingMark, audit.FindingOtherHead,
		audit.FindingUnknownKey, audit.FindingContinued,
	} {
		if !strings.Contains(string(text), "| `"+cmp.Or(string(k), "?")+"` | ") {
			t.Errorf("docs/audit.md does not explain the finding %s", k)
		}
	}
}
