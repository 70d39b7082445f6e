package doctor_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

var update = flag.Bool("update", false, "write the list of findings in docs/doctor.md anew")

// The list of findings in the documentation is the catalogue, word for word.
func TestDocs_listEveryFinding(t *testing.T) {
	const path, begin, end = "../../docs/doctor.md", "-update -->\n", "<!-- end of findings -->"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(content), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("the list has lost its marks")
	}
	var want strings.Builder
	want.WriteString("| finding | stage | severity | what it means |\n|---|---|---|---|\n")
	seen := map[string]bool{}
	for _, k := range doctor.Kinds() {
		if seen[k.ID] {
			t.Errorf("%s stands twice in the catalogue", k.ID)
		}
		seen[k.ID] = true
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", k.ID, k.Stage, k.Severity, k.Cause)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != want.String() {
		t.Error("docs/doctor.md does not list the findings as they are; run with -update")
	}
}

// What a finding explains is there, and is no cause of it in turn.
func TestKinds_explainWhatThereIs(t *testing.T) {
	kinds := map[string]doctor.Kind{}
	stages := map[string]bool{}
	for _, k := range doctor.Kinds() {
		kinds[k.ID], stages[k.Stage] = k, true
	}
	for _, k := range doctor.Kinds() {
		for _, name := range k.Explains {
			other, ok := kinds[name]
			switch {
			case !ok && !stages[name]:
				t.Errorf("%s explains %s, which is nothing", k.ID, name)
			case name == k.ID || name == k.Stage:
				t.Errorf("%s explains itself", k.ID)
			case slices.Contains(other.Explains, k.ID) || slices.Contains(other.Explains, k.Stage):
				t.Errorf("%s and %s explain each other", k.ID, name)
			}
		}
	}
}
