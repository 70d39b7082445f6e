package security_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/docs"
)

const components = "docs/security/components.md"

// linkedModules are the modules of which something is in the program.
func linkedModules(t *testing.T) []string {
	t.Helper()
	return sorted(strings.Fields(run(t, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./cmd/gatehouse")))
}

// proves: ASVS 15.1.1
func TestComponents_haveDeadlinesForUpdates(t *testing.T) {
	rows := table(t, section(t, components, "## How soon"))
	if len(rows) < 3 {
		t.Errorf("only %d deadlines", len(rows))
	}
	last := 0
	for _, row := range rows {
		m := regexp.MustCompile(`(\d+) days`).FindStringSubmatch(row[1])
		if m == nil {
			t.Errorf("%s: no number of days in %q", row[0], row[1])
			continue
		}
		var days int
		_ = json.Unmarshal([]byte(m[1]), &days)
		if days < last {
			t.Errorf("%s has less time than what is worse", row[0])
		}
		last = days
	}
}

// The risky components are linked, and each says what stands in front of it;
// parsers and cryptography are among them whatever the list forgets.
//
// proves: ASVS 15.1.4
func TestComponents_riskyOnesAreNamed(t *testing.T) {
	linked := linkedModules(t)
	var said []string
	for _, row := range table(t, section(t, components, "## Risky components")) {
		name := code(row[0])[0]
		said = append(said, name)
		if !slices.Contains(linked, name) {
			t.Errorf("%s is not linked", name)
		}
		if row[1] == "" || row[2] == "" {
			t.Errorf("%s: why, or what stands in front, is not said", name)
		}
	}
	all := document(t, "docs/dependencies.md")
	for _, name := range linked {
		if regexp.MustCompile(`sqlite|libc$|crypto|yaml|xml|json|jose|jwt|cbor|proto(buf)?$|goose|x/net|x/text|prometheus/client_golang`).MatchString(name) && !slices.Contains(said, name) {
			t.Errorf("%s is linked and not among the risky ones", name)
		}
		if short := name[strings.LastIndexByte(strings.TrimSuffix(name, "/v2"), '/')+1:]; !strings.Contains(all, name) && !strings.Contains(all, short) {
			t.Errorf("docs/dependencies.md does not name %s", name)
		}
	}
}

// Each dangerous function is where the document says, and is fuzzed by a target
// that exists and names what it calls; parsers that are not there are not linked.
//
// proves: ASVS 15.1.5
func TestComponents_dangerousFunctionsAreNamedAndFuzzed(t *testing.T) {
	fuzzed, spoken := 0, section(t, components, "## Dangerous functions of our own")
	for _, row := range table(t, spoken) {
		where := code(row[1])[0]
		if _, err := os.Stat(filepath.Join(root, where)); err != nil {
			t.Errorf("%s: %v", row[0], err)
		}
		names := code(row[3])
		if len(names) != 2 || !strings.HasPrefix(names[0], "Fuzz") {
			continue
		}
		fuzzed++
		if !strings.Contains(document(t, names[1]), "func "+names[0]+"(f *testing.F)") {
			t.Errorf("%s: there is no %s in %s", row[0], names[0], names[1])
		}
		if filepath.Dir(names[1]) != filepath.Dir(where) {
			t.Errorf("%s is in %s, and fuzzed in %s", row[0], where, names[1])
		}
	}
	if fuzzed < 6 {
		t.Errorf("only %d are fuzzed", fuzzed)
	}
	for _, s := range sources(t) {
		for path := range s.imports {
			if strings.Contains(spoken, "`"+path+"`") || strings.HasPrefix(path, module) {
				continue
			}
			if slices.Contains([]string{"encoding/gob", "encoding/xml", "encoding/asn1", "image", "archive/zip", "archive/tar", "net/http/httputil", "text/template", "mime/multipart"}, path) ||
				regexp.MustCompile(`cbor|webauthn|jose|jwt`).MatchString(path) {
				t.Errorf("%s imports %s: say in components.md what guards it", s.name, path)
			}
		}
	}
}

// proves: ASVS 15.2.4
func TestComponents_comeFromWhereTheyShould(t *testing.T) {
	var mod struct {
		Require []struct{ Path, Version string }
		Replace []any
		Exclude []any
	}
	if err := json.Unmarshal([]byte(run(t, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Require) < 15 || len(mod.Replace) > 0 {
		t.Errorf("%d modules, %d of them replaced", len(mod.Require), len(mod.Replace))
	}
	sums := document(t, "go.sum")
	for _, m := range mod.Require {
		if !strings.Contains(sums, m.Path+" "+m.Version+" h1:") {
			t.Errorf("go.sum has no checksum of %s %s", m.Path, m.Version)
		}
	}
	for _, name := range []string{"Makefile", "Dockerfile", ".ci/run", "scripts/release.sh", "scripts/run.sh"} {
		if found := regexp.MustCompile(`GONOSUMDB|GONOSUMCHECK|GOINSECURE|GOFLAGS=-insecure|GOSUMDB=off|GOPROXY=http:|--no-verify|curl[^\n|]*\|\s*(ba)?sh`).FindString(document(t, name)); found != "" {
			t.Errorf("%s has %s", name, found)
		}
	}
	exact := regexp.MustCompile(`^(npm:[@\w/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$`)
	for _, name := range strings.Fields(string(tracked(t, "*package.json"))) {
		var p struct{ Dependencies, DevDependencies map[string]string }
		if err := json.Unmarshal([]byte(document(t, name)), &p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, list := range []map[string]string{p.Dependencies, p.DevDependencies} {
			for dependency, version := range list {
				if !exact.MatchString(version) {
					t.Errorf("%s wants %s %s, which is not one version", name, dependency, version)
				}
			}
		}
	}
}

// tracked are the files of the repository.
func tracked(t *testing.T, pattern ...string) []byte {
	t.Helper()
	c := exec.Command("git", append([]string{"ls-files", "-co", "--exclude-standard", "--"}, pattern...)...)
	c.Dir = root
	out, err := c.Output()
	if err != nil || len(out) == 0 {
		t.Skip("not a checkout of git")
	}
	return out
}

// No secret of anybody lies in the repository, and none that stands in it is
// one that a server would start with.
//
// proves: NEXT-32
func TestRepository_holdsNoSecret(t *testing.T) {
	looks := regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{40}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abpr]-[0-9A-Za-z-]{10,}|\bsk_live_[0-9A-Za-z]{16,}|\bAIza[0-9A-Za-z_-]{35}\b|\bglpat-[\w-]{20}|\bnpm_[A-Za-z0-9]{36}\b|://[^/\s:@"'<>{}$]+:[^/\s:@"'<>{}$*]{6,}@[a-z0-9.-]+\.(com|net|org|io)\b`)
	if !looks.MatchString("AKIA" + "ABCDEFGHIJKLMNOP") {
		t.Fatal("the pattern finds nothing")
	}
	n := 0
	for name := range strings.SplitSeq(strings.TrimSpace(string(tracked(t))), "\n") {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil || info.IsDir() || info.Size() > 4<<20 {
			continue
		}
		n++
		if base := filepath.Base(name); strings.HasPrefix(base, ".env") && !strings.Contains(base, "example") {
			t.Errorf("%s lies in the repository", name)
		}
		if bytes.HasPrefix([]byte(name), []byte("testdata/")) || strings.Contains(name, "/testdata/") || strings.HasSuffix(name, ".png") {
			continue // keys of published vectors
		}
		if found := looks.FindString(document(t, name)); found != "" {
			t.Errorf("%s has %.30q", name, found)
		}
	}
	if n < 200 {
		t.Fatalf("only %d files", n)
	}
	var example struct {
		Secrets []gatehouse.Secret `yaml:"secrets"`
	}
	if err := yaml.Unmarshal(docs.Example, &example); err != nil {
		t.Fatal(err)
	}
	cfg := gatehouse.Config{PublicOrigin: "https://app.example", Secrets: example.Secrets, Mounts: []gatehouse.Mount{{Secrets: []gatehouse.Secret{"8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"}}}}
	if err := cfg.WithDefaults().Validate(); err == nil {
		t.Error("a server starts with the secrets of the example file")
	}
}

// The program itself carries no secret either: what is built in is code, pages,
// and lists that are published.
//
// proves: NEXT-32
func TestProgram_carriesNoSecret(t *testing.T) {
	var embedded []string
	for _, s := range sources(t) {
		for _, group := range s.Comments {
			for _, c := range group.List {
				if files, ok := strings.CutPrefix(c.Text, "//go:embed "); ok {
					for pattern := range strings.FieldsSeq(files) {
						found, _ := filepath.Glob(filepath.Join(root, s.folder, pattern))
						embedded = append(embedded, found...)
					}
				}
			}
		}
	}
	if len(embedded) < 10 {
		t.Fatalf("embedded are %q", embedded)
	}
	for _, file := range embedded {
		if info, err := os.Stat(file); err != nil || info.Mode().Type() == fs.ModeDir {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)PRIVATE KEY|^\s*secrets?:\s*\[?["']?[A-Za-z0-9_+/-]{32,}`).Match(text) {
			t.Errorf("%s is built in and looks like a secret", file)
		}
	}
}
