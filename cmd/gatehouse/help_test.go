package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

func topicText(t *testing.T, name string) string {
	t.Helper()
	about, text, err := readTopic(name)
	if err != nil {
		t.Fatal(err)
	}
	if about == "" || text == "" {
		t.Errorf("%s is empty", name)
	}
	return about + "\n" + text
}

func TestHelp_topicsFitATerminal(t *testing.T) {
	pages, err := topicFiles.ReadDir("help")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range pages {
		if name := strings.TrimSuffix(f.Name(), ".txt"); !slices.Contains(topics(), name) {
			t.Errorf("the page %s is not listed", name)
		}
	}
	for _, name := range topics() {
		for line := range strings.Lines(topicText(t, name)) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 80 || strings.Contains(line, "\t") || strings.HasSuffix(line, " \n") {
				t.Errorf("%s: longer than 80 characters, or with tabs or blanks at its end: %q", name, line)
			}
		}
	}
}

var (
	commandInText = regexp.MustCompile(`gatehouse ([a-z-]+(?: [a-z-]+)?)`)
	settingInText = regexp.MustCompile(`\b([a-z]+(?:\[0\])?\.[a-z_]+)\b`)
	variable      = regexp.MustCompile(`GATEHOUSE_[A-Z0-9_]+`)
)

// A topic must not speak of what is not there.
func TestHelp_topicsNameWhatExists(t *testing.T) {
	parser, err := newParser(&program{})
	if err != nil {
		t.Fatal(err)
	}
	groups, keys := map[string]bool{}, map[string]bool{}
	config.Walk(config.Tree(), func(s config.Setting) {
		path := strings.ReplaceAll(s.Path, "[]", "[0]")
		keys[path] = true
		if s.Filed() {
			keys[path+"_file"] = true
		}
		if i := strings.Index(path, "."); i > 0 {
			groups[path[:i]] = true
		}
	})
	for _, name := range topics() {
		text := topicText(t, name)
		for _, m := range commandInText.FindAllStringSubmatch(text, -1) {
			words := strings.Split(m[1], " ")
			if commandAt(parser.Model.Node, words) == nil && commandAt(parser.Model.Node, words[:1]) == nil {
				t.Errorf("%s: there is no command %q", name, m[0])
			}
		}
		for _, m := range settingInText.FindAllStringSubmatch(text, -1) {
			if group, _, _ := strings.Cut(m[1], "."); groups[group] && !keys[m[1]] {
				t.Errorf("%s: there is no setting %s", name, m[1])
			}
		}
		for _, v := range variable.FindAllString(text, -1) {
			if _, err := config.Load("", []string{v + "=x"}); strings.Contains(err.Error(), v+" is not a setting") {
				t.Errorf("%s: there is no variable %s", name, v)
			}
		}
	}
}

func TestHelp_namesEveryVariable(t *testing.T) {
	text := topicText(t, "environment")
	for _, path := range config.Paths() {
		if !strings.Contains(text, "  "+config.EnvName(path)+"\n") {
			t.Errorf("%s is missing", config.EnvName(path))
		}
	}
}

func man(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	if err := (&helpCmd{Man: true}).Run(&program{ctx: t.Context(), stdout: &out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestMan_hasEveryCommandAndTopic(t *testing.T) {
	page := man(t)
	parser, err := newParser(&program{})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		if !strings.Contains(page, ".SS gatehouse "+escapeRoff(leaf.Path())) {
			t.Errorf("no %s", leaf.Path())
		}
		for _, f := range leaf.Flags {
			if !strings.Contains(page, `\-\-`+escapeRoff(f.Name)+`\fR`) {
				t.Errorf("no --%s of %s", f.Name, leaf.Path())
			}
		}
	}
	for _, name := range topics() {
		_, text, err := readTopic(name)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(text, "\n")
		if !strings.Contains(page, escapeRoff(first)) {
			t.Errorf("no topic %s", name)
		}
	}
}

func TestMan_isFormattedWithoutWarnings(t *testing.T) {
	if _, err := exec.LookPath("groff"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("groff is not installed")
		}
		t.Skip("groff is not installed")
	}
	cmd := exec.CommandContext(t.Context(), "groff", "-man", "-ww", "-Tutf8", "-P-cbou")
	cmd.Stdin = strings.NewReader(man(t))
	var out, warnings bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &warnings
	if err := cmd.Run(); err != nil || warnings.Len() > 0 {
		t.Fatalf("%v\n%s", err, warnings.Bytes())
	}
	for _, line := range []string{"gatehouse - sign the users of a web application in", "gatehouse user import FILE", "--password-stdin", "GATEHOUSE_MOUNTS_0_SECRETS_FILE", "X-Forwarded-For"} {
		if !strings.Contains(strings.ReplaceAll(out.String(), "‐", "-"), line) {
			t.Errorf("%q is not to be read", line)
		}
	}
}
