package security_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the top of the repository.
const root = "../.."

// document is a text of the repository, by its path from the top.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is the part of a document below a heading, up to the next heading of
// the same rank or a higher one.
func section(t *testing.T, name, heading string) string {
	t.Helper()
	rank := strings.Repeat("#", strings.IndexByte(heading, ' '))
	_, rest, found := strings.Cut("\n"+document(t, name), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", name, heading)
	}
	end := regexp.MustCompile(`(?m)^#{1,` + fmt.Sprint(len(rank)) + `} `).FindStringIndex(rest)
	if end != nil {
		rest = rest[:end[0]]
	}
	if strings.TrimSpace(rest) == "" {
		t.Fatalf("%s: the section %q is empty", name, heading)
	}
	return rest
}

// table are the rows of the first table in the text, without heading and rule.
func table(t *testing.T, text string) (rows [][]string) {
	t.Helper()
	within := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if within {
				break
			}
			continue
		}
		within = true
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, `\|`, "\x00"), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 || !strings.HasPrefix(rows[1][0], "-") {
		t.Fatalf("no table in %.80q", text)
	}
	return rows[2:]
}

// code are the pieces of a text that stand between back-quotes.
func code(text string) (list []string) {
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// sameSets compares what a document says with what the code has.
func sameSets(t *testing.T, what string, said, is []string) {
	t.Helper()
	if len(is) == 0 {
		t.Fatalf("%s: nothing was found in the code", what)
	}
	for _, x := range sorted(is) {
		if !slices.Contains(said, x) {
			t.Errorf("%s: the document lacks %s", what, x)
		}
	}
	for _, x := range sorted(said) {
		if !slices.Contains(is, x) {
			t.Errorf("%s: the document has %s, and the code does not", what, x)
		}
	}
}

func sorted(list []string) []string {
	set := map[string]bool{}
	for _, x := range list {
		set[x] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// testNames is the text of all tests of the repository.
func testNames(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && file != root):
			return filepath.SkipDir
		case strings.HasSuffix(file, "_test.go"):
			text, err := os.ReadFile(file)
			b.Write(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestIndex_namesEveryDocument(t *testing.T) {
	index := document(t, "docs/security/README.md")
	files, err := filepath.Glob(filepath.Join(root, "docs/security/*"))
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if name := filepath.Base(file); name != "README.md" && !strings.Contains(index, "("+name+")") {
			t.Errorf("docs/security/README.md does not name %s", name)
		}
	}
	// Links within the folder lead somewhere.
	for _, file := range files {
		if !strings.HasSuffix(file, ".md") {
			continue
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(document(t, "docs/security/"+filepath.Base(file)), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", filepath.Base(file), m[1])
			}
		}
	}
}
