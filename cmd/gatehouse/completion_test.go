package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shells say what they would offer behind a line.
var shells = map[string]func(t *testing.T, script, line, dir string) []string{
	"bash": inBash, "zsh": inZsh, "fish": inFish,
}

// completionScript is what "gatehouse completion" prints.
func completionScript(t *testing.T, shell string) string {
	t.Helper()
	var out bytes.Buffer
	if err := (&completionCmd{Shell: shell}).Run(&program{ctx: t.Context(), stdout: &out, stderr: &out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func runShell(t *testing.T, dir, shell string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	return string(out)
}

func wordsIn(line string) (words []string, last string) {
	words = strings.Split(line, " ")
	return words, words[len(words)-1]
}

func quotedWords(words []string) string {
	for i, w := range words {
		words[i] = quoted(w)
	}
	return strings.Join(words, " ")
}

// inBash calls the function as bash does, which takes = for a word of its own.
func inBash(t *testing.T, script, line, dir string) []string {
	words, last := wordsIn(line)
	if flag, value, ok := strings.Cut(last, "="); ok {
		words = append(words[:len(words)-1], flag, "=")
		if value != "" {
			words = append(words, value)
		}
	}
	n := len(words) - 1
	return strings.Split(runShell(t, dir, "bash", "--norc", "-uc", script+"\nCOMP_WORDS=("+quotedWords(words)+")\nCOMP_CWORD="+string(rune('0'+n))+
		"\n_gatehouse\nprintf '%s\\n' ${COMPREPLY[@]+\"${COMPREPLY[@]}\"}"), "\n")
}

// inZsh calls the function with stand-ins for what zsh has only while it
// completes.
func inZsh(t *testing.T, script, line, dir string) []string {
	words, last := wordsIn(line)
	n := len(words)
	out := runShell(t, dir, "zsh", "-fc", `setopt nullglob
compdef() { }
compset() { PREFIX=${PREFIX#*=}; }
compadd() { shift; print -l -- "$@"; }
_describe() { local name=${@[-1]}; print -l -- ${${(P)name}%%:*}; }
_files() { if [[ ${1:-} == -/ ]]; then print -l -- *(/); else print -l -- *; fi }
_message() { }
words=(`+quotedWords(words)+`)
CURRENT=`+string(rune('0'+n))+`
PREFIX=`+quoted(last)+"\n"+script+"\n_gatehouse")
	if _, value, ok := strings.Cut(last, "="); ok {
		last = value
	}
	return slices.DeleteFunc(strings.Split(out, "\n"), func(s string) bool { return !strings.HasPrefix(s, last) })
}

// inFish asks fish itself.
func inFish(t *testing.T, script, line, dir string) []string {
	out := strings.Split(runShell(t, dir, "fish", "-N", "-c", script+"\ncomplete -C "+fishQuoted(line)), "\n")
	for i, s := range out {
		s, _, _ = strings.Cut(s, "\t")
		if _, value, ok := strings.Cut(s, "="); ok {
			s = value
		}
		out[i] = strings.TrimSuffix(s, "/")
	}
	return out
}

func TestCompletion_offersWhatCanFollow(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a file.yaml", "users.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	parser, err := newParser(&program{})
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, n := range parser.Model.Children {
		commands = append(commands, n.Name)
	}
	files := []string{"a file.yaml", "folder", "users.jsonl"}
	for shell, complete := range shells {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("%s is not installed", shell)
				}
				t.Skipf("%s is not installed", shell)
			}
			script := completionScript(t, shell)
			for _, tt := range []struct {
				line string
				want []string
			}{
				{"gatehouse ", commands},
				{"gatehouse inv", []string{"invitation"}},
				{"gatehouse user s", []string{"set-password", "set-roles", "show", "sign-out"}},
				{"gatehouse user create --te", []string{"--temporary"}},
				{"gatehouse user create --name list --te", []string{"--temporary"}},
				{"gatehouse config --te", nil},
				{"gatehouse dev --dialect ", []string{"v4", "v5"}},
				{"gatehouse dev --dialect=", []string{"v4", "v5"}},
				{"gatehouse dev --dialect=v5", []string{"v5"}},
				{"gatehouse init --registration i", []string{"invitation"}},
				{"gatehouse serve --config ", files},
				{"gatehouse serve --config=us", []string{"users.jsonl"}},
				{"gatehouse user import ", files},
				{"gatehouse dev --data ", []string{"folder"}},
				{"gatehouse completion ", []string{"bash", "fish", "zsh"}},
				{"gatehouse help se", []string{"secret", "secrets", "serve", "session", "sessions", "setup-token"}},
				{"gatehouse dev --listen ", nil},
			} {
				got := slices.DeleteFunc(complete(t, script, tt.line, dir), func(s string) bool { return s == "" })
				want := slices.Clone(tt.want)
				slices.Sort(got)
				slices.Sort(want)
				if diff := cmp.Diff(want, slices.Compact(got)); diff != "" && len(want)+len(got) > 0 {
					t.Errorf("%q: %s", tt.line, diff)
				}
			}
		})
	}
}

// Whatever is hidden from the help is not offered; everything else is.
func TestCompletion_hasEveryCommandAndFlag(t *testing.T) {
	parser, err := newParser(&program{})
	if err != nil {
		t.Fatal(err)
	}
	for shell := range shells {
		script := completionScript(t, shell)
		for _, leaf := range parser.Model.Leaves(true) {
			if !strings.Contains(script, leaf.Name) {
				t.Errorf("%s: no %s", shell, leaf.Path())
			}
			for _, f := range leaf.Flags {
				way := "--" + f.Name
				if shell == "fish" {
					way = "-l " + f.Name + " "
				}
				if !strings.Contains(script, way) {
					t.Errorf("%s: no --%s of %s", shell, f.Name, leaf.Path())
				}
			}
		}
	}
}
