//go:build unix

package packaging_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	releaseVersion = "v1.2.3-test"
	releaseTime    = "2026-02-03T04:05:06Z"
)

// checkout is a repository with these files as its only commit, tagged.
func checkout(t *testing.T, names []string) string {
	t.Helper()
	need(t, "git", "bash", "go")
	folder := filepath.Join(t.TempDir(), "checkout")
	for _, name := range names {
		info, err := os.Stat(filepath.Join(root(t), name))
		if err != nil {
			t.Fatal(err)
		}
		copyFile(t, filepath.Join(root(t), name), filepath.Join(folder, name), info.Mode().Perm())
	}
	git(t, folder, "init", "-q")
	git(t, folder, "add", "-A")
	git(t, folder, "commit", "-q", "-m", "all of it")
	git(t, folder, "tag", releaseVersion)
	return folder
}

func git(t *testing.T, folder string, args ...string) {
	t.Helper()
	c := exec.Command("git", append([]string{"-c", "user.name=Test", "-c", "user.email=test@example.test", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}, args...)...)
	c.Dir = folder
	c.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+releaseTime, "GIT_COMMITTER_DATE="+releaseTime)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// runRelease runs the script and returns its exit code and what it said.
func runRelease(t *testing.T, folder, dist string, args ...string) (int, string) {
	t.Helper()
	c := exec.Command("bash", append([]string{filepath.Join(folder, "scripts", "release.sh")}, args...)...)
	c.Env = append(os.Environ(), "RELEASE_DIST="+dist, "GOFLAGS=-tags=elsewhere", "GOAMD64=v3", "TZ=Asia/Tokyo") // which must not count
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// packed is what the archive of this machine's target has in it.
type packed struct {
	header  tar.Header
	content []byte
}

func unpack(t *testing.T, name string) map[string]packed {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]packed{}
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		folder, inside, _ := strings.Cut(h.Name, "/")
		if want := strings.TrimSuffix(filepath.Base(name), ".tar.gz"); folder != want {
			t.Errorf("%s is not below %s", h.Name, want)
		}
		out[inside] = packed{*h, content}
	}
}

// Anybody who builds the same commit gets the same bytes, so a release can be
// checked without trusting who made it.
//
// proves: ASVS 15.1.2
func TestRelease_isTheSameEachTimeAndSaysWhatIsInIt(t *testing.T) {
	first := checkout(t, sources(t))
	dist := t.TempDir()
	if code, out := runRelease(t, first, dist, releaseVersion, "host"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	second := filepath.Join(t.TempDir(), "elsewhere", "and", "deeper")
	git(t, first, "clone", "-q", first, second)
	again := t.TempDir()
	if code, out := runRelease(t, second, again, releaseVersion, "host"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	sums := read(t, dist, "SHA256SUMS")
	if diff := cmp.Diff(sums, read(t, again, "SHA256SUMS")); diff != "" {
		t.Errorf("two runs differ: %s", diff)
	}
	checkSums(t, dist, sums)

	name := "gatehouse_" + strings.TrimPrefix(releaseVersion, "v") + "_" + runtime.GOOS + "_" + runtime.GOARCH
	files := unpack(t, filepath.Join(dist, name+".tar.gz"))
	for _, want := range []string{"gatehouse", "LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "THIRD-PARTY-LICENSES.txt", "sbom.cdx.json", "systemd/gatehouse.service",
		"completion/gatehouse.bash", "completion/_gatehouse", "completion/gatehouse.fish", "man/gatehouse.1", "gatehouse.example.yaml", "gatehouse.schema.json"} {
		if len(files[want].content) == 0 {
			t.Errorf("%s is not in the archive, or empty", want)
		}
	}
	checkHeaders(t, files)
	checkVersion(t, files["gatehouse"].content, first)
	bill := read(t, dist, name+".cdx.json")
	if string(files["sbom.cdx.json"].content) != bill {
		t.Error("the bill of materials in the archive is another than the one beside it")
	}
	checkBill(t, []byte(bill), files["gatehouse"].content)
	for _, place := range []string{first, second} {
		if strings.Contains(string(files["gatehouse"].content), place) {
			t.Errorf("the program has the folder %s in it", place)
		}
	}
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkSums(t *testing.T, dist, sums string) {
	t.Helper()
	var got []string
	for lines := bufio.NewScanner(strings.NewReader(sums)); lines.Scan(); {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		got = append(got, name)
		if want := fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, dist, name)))); sum != want {
			t.Errorf("SHA256SUMS has %s for %s, and it is %s", sum, name, want)
		}
	}
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, e := range entries {
		if e.Name() != "SHA256SUMS" {
			want = append(want, e.Name())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SHA256SUMS does not cover what is there: %s", diff)
	}
}

func checkHeaders(t *testing.T, files map[string]packed) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, releaseTime)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range files {
		mode := int64(0o644)
		if name == "gatehouse" {
			mode = 0o755
		}
		if h := f.header; !h.ModTime.Equal(at) || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || h.Mode != mode {
			t.Errorf("%s: %v, owner %d:%d %q:%q, mode %o", name, h.ModTime, h.Uid, h.Gid, h.Uname, h.Gname, h.Mode)
		}
	}
	terms := string(files["THIRD-PARTY-LICENSES.txt"].content)
	for _, want := range []string{"Go standard library go", "modernc.org/sqlite v", "github.com/alecthomas/kong v", "Permission is hereby granted", "Redistribution and use in source and binary forms"} {
		if !strings.Contains(terms, want) {
			t.Errorf("THIRD-PARTY-LICENSES.txt lacks %q", want)
		}
	}
}

// checkVersion asks the program what it is.
func checkVersion(t *testing.T, program []byte, folder string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "gatehouse")
	if err := os.WriteFile(name, program, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(name, "version", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version, Commit string
		Modified        bool
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	head := exec.Command("git", "rev-parse", "HEAD")
	head.Dir = folder
	commit, err := head.Output()
	if err != nil {
		t.Fatal(err)
	}
	checkInit(t, name)
	if got.Version != releaseVersion || got.Commit != strings.TrimSpace(string(commit)) || got.Modified {
		t.Errorf("gatehouse version --json: %s, want %s of %s", out, releaseVersion, commit)
	}
}

// checkInit proves that the systemd unit takes up what gatehouse init leaves in
// /etc/gatehouse: a file that is missing there is a service that does not start.
func checkInit(t *testing.T, program string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "etc")
	c := exec.Command(program, "init", "--dir", folder, "--data", filepath.Join(t.TempDir(), "var"), "--origin", "https://app.example", "--behind-proxy", "--yes")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("gatehouse init: %v\n%s", err, out)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var wrote, loaded []string
	for _, e := range entries {
		if e.Name() != ".gitignore" { // for folders of applications
			wrote = append(wrote, e.Name())
		}
	}
	for _, credential := range unit(t)["LoadCredential"] {
		_, file, _ := strings.Cut(credential, ":")
		loaded = append(loaded, strings.TrimPrefix(file, "/etc/gatehouse/"))
	}
	slices.Sort(loaded)
	if diff := cmp.Diff(wrote, loaded); diff != "" {
		t.Errorf("what init writes is not what the unit loads: %s", diff)
	}
}

// checkBill compares the bill of materials with what the program says of
// itself, and with the rules of CycloneDX 1.6 for the members that it has.
func checkBill(t *testing.T, text, program []byte) {
	t.Helper()
	type part struct {
		Type, Name, Version, Purl string
		Ref                       string `json:"bom-ref"`
		Hashes                    []struct{ Alg, Content string }
	}
	var bill struct {
		BomFormat, SpecVersion, SerialNumber string
		Version                              int
		Metadata                             struct {
			Timestamp time.Time
			Component part
		}
		Components   []part
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
		Compositions []struct {
			Aggregate                string
			Assemblies, Dependencies []string
		}
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	if bill.BomFormat != "CycloneDX" || bill.SpecVersion != "1.6" || bill.Version != 1 {
		t.Errorf("%s %s, version %d", bill.BomFormat, bill.SpecVersion, bill.Version)
	}
	// The pattern of the schema, with the version of RFC 9562 §5.8.
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(bill.SerialNumber) {
		t.Errorf("serialNumber %s", bill.SerialNumber)
	}
	if got := bill.Metadata.Timestamp.UTC().Format(time.RFC3339); got != releaseTime {
		t.Errorf("timestamp %s, want the commit's", got)
	}
	self := bill.Metadata.Component
	if want := fmt.Sprintf("%x", sha256.Sum256(program)); len(self.Hashes) != 1 || self.Hashes[0].Alg != "SHA-256" || self.Hashes[0].Content != want {
		t.Errorf("hashes of the program %v, want %s", self.Hashes, want)
	}

	got := []string{}
	refs := []string{self.Ref}
	purl := regexp.MustCompile(`^pkg:golang/[a-z0-9._~/-]+@[A-Za-z0-9.%~_-]+$`)
	for _, c := range bill.Components {
		if c.Type != "library" || !purl.MatchString(c.Purl) || c.Ref == "" {
			t.Errorf("component %+v", c)
		}
		if slices.Contains(refs, c.Ref) {
			t.Errorf("the reference %s stands twice", c.Ref)
		}
		if len(c.Hashes) > 0 {
			t.Errorf("%s has hashes, and no file that they are of", c.Name)
		}
		refs = append(refs, c.Ref)
		got = append(got, c.Name+" "+c.Version)
	}
	if diff := cmp.Diff(linked(t, program), got); diff != "" {
		t.Errorf("the bill is not what is linked: %s", diff)
	}
	for _, d := range bill.Dependencies {
		for _, ref := range append(d.DependsOn, d.Ref) {
			if !slices.Contains(refs, ref) {
				t.Errorf("dependencies name %s, which is nowhere", ref)
			}
		}
	}
	if len(bill.Dependencies) != len(refs) || len(bill.Dependencies[0].DependsOn) != len(bill.Components) {
		t.Errorf("%d dependencies for %d references", len(bill.Dependencies), len(refs))
	}
	for _, c := range bill.Compositions {
		for _, ref := range append(c.Assemblies, c.Dependencies...) {
			if !slices.Contains(refs, ref) {
				t.Errorf("compositions name %s, which is nowhere", ref)
			}
		}
	}
}

// linked is what the program says is in it.
func linked(t *testing.T, program []byte) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "gatehouse")
	if err := os.WriteFile(name, program, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{"stdlib " + strings.TrimPrefix(info.GoVersion, "go")}
	for _, d := range info.Deps {
		out = append(out, d.Path+" "+d.Version)
	}
	return out
}

func TestRelease_refusesWhatIsNoRelease(t *testing.T) {
	folder := checkout(t, []string{"scripts/release.sh", "LICENSE", "go.mod"})
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "old.tar.gz"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		dist string
		code int
		says string
	}{
		{nil, t.TempDir(), 2, "give a version such as v0.3.1"},
		{[]string{"1.2.3"}, t.TempDir(), 2, "give a version such as v0.3.1"},
		{[]string{"v1.2"}, t.TempDir(), 2, "give a version such as v0.3.1"},
		{[]string{"v1.2.3 -X x=y"}, t.TempDir(), 2, "give a version such as v0.3.1"},
		{[]string{"v1.2.4"}, t.TempDir(), 1, "v1.2.4 is not the tag of what is checked out"},
		{[]string{releaseVersion, "host"}, full, 1, "has files in it"},
	} {
		if code, out := runRelease(t, folder, tt.dist, tt.args...); code != tt.code || !strings.Contains(out, tt.says) {
			t.Errorf("%q: exit code %d, %q; want %d, %q", tt.args, code, out, tt.code, tt.says)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "LICENSE"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out := runRelease(t, folder, t.TempDir(), releaseVersion); code != 1 || !strings.Contains(out, "the checkout has changes") {
		t.Errorf("a changed file: exit code %d, %q", code, out)
	}
}
