package packaging_test

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// unit reads the systemd unit: key to values, in the order they stand there.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "packaging", "systemd", "gatehouse.service"))
	if err != nil {
		t.Fatal(err)
	}
	set := map[string][]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			set[key] = append(set[key], value)
		}
	}
	return set
}

// verifiable is a copy of the unit whose program exists on this machine.
func verifiable(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "packaging", "systemd", "gatehouse.service"))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "gatehouse.service")
	here := strings.Replace(string(text), "ExecStart=/usr/local/bin/gatehouse ", "ExecStart=/bin/sh ", 1)
	if err := os.WriteFile(name, []byte(here), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUnit_isUnderstoodBySystemd(t *testing.T) {
	analyze(t)
	text, err := exec.Command("systemd-analyze", "verify", "--man=no", verifiable(t)).CombinedOutput()
	if err != nil || len(text) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, text)
	}
}

// proves: ASVS 13.2.2
func TestUnit_isShutIn(t *testing.T) {
	analyze(t)
	text, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", verifiable(t)).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security finds more than 2.0 of 10: %v\n%s", err, text)
	}
	if !regexp.MustCompile(`Overall exposure level for gatehouse\.service: [0-9.]+ OK`).Match(text) {
		t.Errorf("systemd-analyze security gave no verdict:\n%s", text)
	}
}

// analyze skips where systemd-analyze is missing or cannot judge a file that is
// not installed (before 250). Distributions without systemd have none, so this
// is a skip in CI too.
func analyze(t *testing.T) {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "--version").Output()
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	m := regexp.MustCompile(`^systemd ([0-9]+)`).FindSubmatch(out)
	if m == nil {
		t.Skipf("systemd-analyze of an unknown version: %s", out)
	}
	if n, _ := strconv.Atoi(string(m[1])); n < 252 {
		t.Skipf("systemd %d is older than the unit asks for", n)
	}
}

func TestUnit_waitsLongerThanTheServerMayTakeToEnd(t *testing.T) {
	stop, err := time.ParseDuration(unit(t)["TimeoutStopSec"][0] + "s")
	if err != nil {
		t.Fatal(err)
	}
	s := config.Server{}.WithDefaults()
	if most := s.ShutdownTimeout + s.ShutdownDelay; stop <= most {
		t.Errorf("TimeoutStopSec is %v, and ending may take %v", stop, most)
	}
}

// Settings that are wrong end the service for good; what may pass is tried again
// for ever, also where an hour of a full disk lies between.
func TestUnit_triesAgainUnlessTheSettingsAreWrong(t *testing.T) {
	set := unit(t)
	for key, want := range map[string]string{"Restart": "on-failure", "RestartPreventExitStatus": "78", "StartLimitIntervalSec": "0"} {
		if got := set[key]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %s", key, got, want)
		}
	}
	if set["StartLimitBurst"] != nil {
		t.Error("StartLimitBurst means nothing without an interval")
	}
}

// The service reads copies of settings and secrets, at paths that only it can
// open; what it gets must be accepted with files as systemd makes them.
func TestUnit_settingsAndSecretsComeAsCredentials(t *testing.T) {
	set := unit(t)
	credentials := t.TempDir()
	// As gatehouse init has it: the file names the originals, for root's
	// commands, and the environment of the unit wins.
	content := map[string]string{"gatehouse.yaml": "public_origin: https://app.example\nbehind_proxy: true\n" +
		"secrets_file: /nowhere/gatehouse-secret\nmounts:\n  - secrets_file: /nowhere/authjs-secret\n"}
	for _, c := range set["LoadCredential"] {
		name, from, _ := strings.Cut(c, ":")
		if !strings.HasPrefix(from, "/etc/gatehouse/") {
			t.Errorf("LoadCredential=%s comes from elsewhere", c)
		}
		if content[name] == "" {
			content[name] = rand.Text() + rand.Text()
		}
		if err := os.WriteFile(filepath.Join(credentials, name), []byte(content[name]+"\n"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{}
	for _, e := range set["Environment"] {
		e = strings.ReplaceAll(e, "%d", credentials)
		environ = append(environ, strings.ReplaceAll(e, "%S", t.TempDir()))
	}
	if slices.ContainsFunc(environ, func(e string) bool { return strings.Contains(e, "%") }) {
		t.Fatalf("this test does not know all specifiers of %q", environ)
	}
	for _, e := range environ { // %S/gatehouse, which systemd makes
		if path, ok := strings.CutPrefix(e, "GATEHOUSE_DATABASE_PATH="); ok {
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, file, found := strings.Cut(set["ExecStart"][0], " serve --config %d/")
	if !found {
		t.Fatalf("ExecStart=%s does not read its settings from the credentials", set["ExecStart"][0])
	}
	s, err := config.Load(filepath.Join(credentials, file), environ)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Secrets[0].Reveal(); got != content["gatehouse-secret"] {
		t.Error("Gatehouse's own secret is not the credential")
	}
	if got := s.Mounts[0].Secrets[0].Reveal(); got != content["authjs-secret"] {
		t.Error("the application's secret is not the credential")
	}
	for _, w := range s.Warnings {
		if strings.Contains(w.Field, "secrets") {
			t.Errorf("a warning: %v", w)
		}
	}
}
