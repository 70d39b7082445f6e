package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The rows fit the code, and their tests make the claim; that they fail is what
// "go run ./scripts/evidence -break all" shows.
func TestBreaks_fitTheCode(t *testing.T) {
	b, err := gather("../..")
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.readBreaks("../..")
	if err != nil {
		t.Error(err)
	}
	if len(list) < 25 {
		t.Errorf("only %d breaks", len(list))
	}
}

// breakable is a module with a control, a test that sees it, and one that does
// not.
func breakable(t *testing.T, breaks string) string {
	t.Helper()
	root := project(t, "import \"testing\"\n\n// proves: ASVS 1.1.1\nfunc TestSees(t *testing.T) {\n\tif open(2) {\n\t\tt.Error(2)\n\t}\n}\n\n"+
		"// proves: CB-2\nfunc TestIsBlind(t *testing.T) {\n\t_ = open(2)\n}\n\n// proves: CB-2\nfunc TestIsRed(t *testing.T) {\n\tt.Error(open(2))\n}\n", "")
	for name, text := range map[string]string{
		"go.mod": "module example.test/breakable\n\ngo 1.26\n", "a/a.go": "package a\n\nfunc open(n int) bool { return n == 1 }\n",
		"scripts/evidence/breaks.tsv": "id\tfile\ttext\tbroken\tfolder\ttest\n" + breaks,
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

func TestRunBreaks_tellsTestsThatSeeFromThoseThatDoNot(t *testing.T) {
	for name, c := range map[string]struct{ row, ids, want string }{
		"seen":               {"1.1.1\ta/a.go\tn == 1\ttrue\ta\tTestSees\n", "all", ""},
		"not seen":           {"CB-2\ta/a.go\tn == 1\ttrue\ta\tTestIsBlind\n", "CB-2", "passes without the control"},
		"red before":         {"CB-2\ta/a.go\tn == 1\ttrue\ta\tTestIsRed\n", "all", "before anything is broken"},
		"a break that jams":  {"1.1.1\ta/a.go\tn == 1\tnonsense\ta\tTestSees\n", "all", "does not run"},
		"another's break":    {"1.1.1\ta/a.go\tn == 1\ttrue\ta\tTestSees\n", "CB-2", "nothing for"},
		"code that is gone":  {"1.1.1\ta/a.go\tn == 7\ttrue\ta\tTestSees\n", "all", "0 times"},
		"a test that claims": {"1.1.1\ta/a.go\tn == 1\ttrue\ta\tTestIsBlind\n", "all", "does not claim"},
		"no change":          {"1.1.1\ta/a.go\tn == 1\tn == 1\ta\tTestSees\n", "all", "nothing is changed"},
	} {
		root := breakable(t, c.row)
		b, err := gather(root)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = b.runBreaks(root, c.ids, &out)
		if c.want == "" && (err != nil || !strings.HasPrefix(out.String(), "seen")) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q\n%s", name, err, c.want, out.String())
		}
		if text, _ := os.ReadFile(filepath.Join(root, "a/a.go")); !strings.Contains(string(text), "n == 1") {
			t.Errorf("%s: the file was changed", name)
		}
	}
}
