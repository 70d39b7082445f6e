package packaging_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// ignored reads .dockerignore: of the rules that fit, the last one counts; a
// rule that fits a folder fits what is in it. Of the wildcards it knows the ones
// that are used: * within a name, and a leading **/.
func ignored(t *testing.T) func(name string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rules = append(rules, line)
		}
	}
	return func(name string) bool {
		out := false
		for _, rule := range rules {
			rule, allows := strings.CutPrefix(rule, "!")
			if fits(t, rule, name) {
				out = !allows
			}
		}
		return out
	}
}

func fits(t *testing.T, rule, name string) bool {
	t.Helper()
	rule, deep := strings.CutPrefix(rule, "**/")
	if strings.Contains(rule, "**") {
		t.Fatalf(".dockerignore: this test cannot read %s", rule)
	}
	steps := strings.Split(name, "/")
	for from := range steps {
		for to := from + 1; to <= len(steps); to++ {
			if ok, err := path.Match(rule, strings.Join(steps[from:to], "/")); err != nil {
				t.Fatalf(".dockerignore: %s: %v", rule, err)
			} else if ok {
				return true
			}
		}
		if !deep {
			break
		}
	}
	return false
}

// sources lists the files of the checkout that are under version control or
// could be.
func sources(t *testing.T) []string {
	t.Helper()
	need(t, "git")
	list := exec.Command("git", "ls-files", "-z", "-co", "--exclude-standard")
	list.Dir = root(t)
	out, err := list.Output()
	if err != nil {
		t.Skipf("this is no checkout: %v", err)
	}
	var names []string
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(root(t), name)); err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	return names
}

// buildContext copies what a build of the image gets to see.
func buildContext(t *testing.T, to string) {
	t.Helper()
	skip := ignored(t)
	for _, name := range sources(t) {
		if !skip(name) {
			copyFile(t, filepath.Join(root(t), name), filepath.Join(to, name), 0o644)
		}
	}
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, mode); err != nil {
		t.Fatal(err)
	}
}

// need skips a test whose programs are missing on a user's machine. Where
// CI=true everything must be there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", p)
		}
		t.Skipf("%s is not installed", p)
	}
}

func TestDockerignore_keepsSecretsAndLeftoversOut(t *testing.T) {
	skip := ignored(t)
	for _, name := range []string{
		".git/config", ".gatehouse/secret", ".gatehouse/gatehouse.db", "secret", ".env", ".env.local", "gatehouse.yaml", "key.pem", "bin/gatehouse",
		"node_modules/next/package.json", "examples/nextjs/.env.local", "test/e2e/main_test.go", "dist/SHA256SUMS", "Dockerfile",
		"gatehouse_test.go", "internal/config/config_test.go", "internal/web/authjs/testdata/x.json",
	} {
		if !skip(name) {
			t.Errorf("%s would be sent to the build", name)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "wire.go", "cmd/gatehouse/main.go", "LICENSE"} {
		if skip(name) {
			t.Errorf("%s would be missing in the build", name)
		}
	}
}
