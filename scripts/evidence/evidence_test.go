package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEvidence_isWhatTheMarksSay(t *testing.T) {
	if err := run("../..", true, ""); err != nil {
		t.Error(err)
	}
}

// cleared are the components of which nothing may be open: each row is proved,
// deviates, is proved in part, or is about a feature that comes later.
var cleared = []string{"password", "session", "csrf", "errors", "config", "pages"}

func TestEvidence_nothingIsOpenInTheClearedComponents(t *testing.T) {
	b, err := gather("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range b.unproved(cleared) {
		t.Errorf("%s (%s) is open: %s", r.id, r.component, r.text)
	}
}

// project writes a small one with the given tests and standings.
func project(t *testing.T, tests, standings string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"docs/security/requirements.tsv":   "id\tlevel\tparaphrase\tcomponent\ttest\n1.1.1\t1\tFirst\tpages\tlook\nCB-2\t1\tSecond\tcsrf\tlook\n",
		"docs/security/not-applicable.tsv": "id\tlevel\treason\n9.9.9\t1\tno XML\n",
		"docs/security/standings.tsv":      "id\tstanding\treason\n" + standings,
		"a/a_test.go":                      "package a\n\n" + tests,
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const oneMark = "// proves: ASVS 1.1.1\nfunc TestA(t *testing.T) {}\n"

func TestRun_writesAPageThatThenIsFresh(t *testing.T) {
	root := project(t, oneMark, "CB-2\tlater\tcomes with tokens\n")
	if err := run(root, true, ""); err == nil {
		t.Error("a missing page passes")
	}
	if err := run(root, false, ""); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true, ""); err != nil {
		t.Error(err)
	}
	page, err := os.ReadFile(filepath.Join(root, target))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"| 1.1.1 | 1 | First | [TestA](../../a/a_test.go) |", "| CB-2 | 1 | Second | **later**: comes with tokens |",
		"| pages | 1 | 1 | 0 | 0 | 0 | 0 |", "| 9.9.9 | 1 | no XML |",
	} {
		if !strings.Contains(string(page), part) {
			t.Errorf("the page lacks %q:\n%s", part, page)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "a/a_test.go"), []byte("package a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true, ""); err == nil {
		t.Error("a page that names a test that is gone passes")
	}
}

func TestGather_refusesClaimsThatMeanNothing(t *testing.T) {
	for name, c := range map[string]struct{ tests, standings, want string }{
		"unknown ID":              {"// proves: ASVS 7.7.7\nfunc TestA(t *testing.T) {}\n", "", "7.7.7"},
		"misspelt ID":             {"// proves: ASVS CB-2\nfunc TestA(t *testing.T) {}\n", "", "no ID"},
		"empty mark":              {"// proves:\nfunc TestA(t *testing.T) {}\n", "", "no ID"},
		"above no test":           {"// proves: CB-2\nfunc helper() {}\n", "", "above no test"},
		"above a method":          {"type x struct{}\n// proves: CB-2\nfunc (x) TestA() {}\n", "", "above no test"},
		"inside a test":           {"func TestA(t *testing.T) {\n// proves: CB-2\n}\n", "", "above no test"},
		"apart from its test":     {"// proves: CB-2\n\nfunc TestA(t *testing.T) {}\n", "", "above no test"},
		"standing of nothing":     {oneMark, "8.8.8\tlater\tx\n", "8.8.8"},
		"unknown standing":        {oneMark, "CB-2\tsoon\tx\n", "no standing"},
		"standing without reason": {oneMark, "CB-2\tdeviates\t\n", "no reason"},
		"later, and yet proved":   {oneMark, "1.1.1\tlater\tx\n", "proves"},
		"partly, and not proved":  {oneMark, "CB-2\tpartly\tx\n", "no test does"},
		"the same standing twice": {oneMark, "CB-2\tlater\tx\nCB-2\tlater\tx\n", "twice"},
		"a row of another shape":  {oneMark, "CB-2\tlater\n", "columns"},
	} {
		_, err := gather(project(t, c.tests, c.standings))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}
