package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What the reader of .gitignore says, git says too.
func TestInit_readsGitignoreAsGitDoes(t *testing.T) {
	files := []string{"gatehouse-secret", "data/gatehouse.db", "deep/down/gatehouse.db"}
	for _, c := range []struct{ text, covered string }{
		{"", ""},
		{"# gatehouse-secret\n\n", ""},
		{"gatehouse-secret\n", "gatehouse-secret"},
		{"/gatehouse-secret  \r\n", "gatehouse-secret"},
		{"gatehouse-secret/\n", ""},
		{"*-secret\n", "gatehouse-secret"},
		{"*-secret\n!gatehouse-*\n", ""},
		{"*\n", "gatehouse-secret data/gatehouse.db deep/down/gatehouse.db"},
		{"*.db", "data/gatehouse.db deep/down/gatehouse.db"},
		{"/*.db\n", ""},
		{"data/\n!data/gatehouse.db\n", "data/gatehouse.db"},
		{"data/*\n!data/gatehouse.db\n", ""},
		{"/down/\n", ""},
		{"down\n", "deep/down/gatehouse.db"},
		{"**/down/\n", "deep/down/gatehouse.db"},
		{"deep/down/gatehouse.db*\n", "deep/down/gatehouse.db"},
		{"[\n", ""},
		{"/\n!\n", ""},
	} {
		var covered []string
		for _, f := range files {
			if ignores(c.text, f) {
				covered = append(covered, f)
			}
		}
		if got := strings.Join(covered, " "); got != c.covered {
			t.Errorf("%q covers %q, want %q", c.text, got, c.covered)
		}
		if got, ok := gitIgnores(t, c.text, files); ok && got != c.covered {
			t.Errorf("%q: git covers %q, the table says %q", c.text, got, c.covered)
		}
	}
}

// gitIgnores asks git; false where there is none.
func gitIgnores(t *testing.T, text string, files []string) (string, bool) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		return "", false
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.Output()
		if err != nil && args[0] == "init" {
			t.Fatal(err)
		}
		return string(out)
	}
	git("init", "-q")
	return strings.Join(strings.Fields(git(append([]string{"check-ignore"}, files...)...)), " "), true
}
