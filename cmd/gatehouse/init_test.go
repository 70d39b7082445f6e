package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// entries lists what is in the folder.
func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

func TestInit_interruptedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	in, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	shown, prompts := io.Pipe()
	p := &program{ctx: ctx, stdin: in, stdout: io.Discard, stderr: prompts}
	done := make(chan error, 1)
	go func() { done <- (&initCmd{Dir: dir}).Run(p) }()

	if _, err := io.WriteString(answers, "https://app.example\n5\n"); err != nil {
		t.Fatal(err)
	}
	seen := ""
	for buf := make([]byte, 512); !strings.Contains(seen, "Who may sign up"); {
		n, err := shown.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		seen += string(buf[:n])
	}
	interrupt()
	go io.Copy(io.Discard, shown)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := entries(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// ready is an installation with good answers.
func ready(dir string) *installation {
	return newInstallation(dir, config.Settings{Config: gatehouse.Config{
		PublicOrigin: "http://localhost:3000", Name: "Acme", Secrets: []auth.Secret{auth.Secret(newSecret())},
		Mounts:       []gatehouse.Mount{{BasePath: "/api/auth", Dialect: "v4", Secrets: []auth.Secret{auth.Secret(newSecret())}}},
		Database:     gatehouse.Database{Path: filepath.Join(dir, "data", devDatabase)},
		Registration: gatehouse.Registration{Mode: "closed"},
	}})
}

// Somebody else may make a file between the questions and the writing: it stays
// as it is, and what was made before it goes again.
func TestInit_overwritesNothingHoweverLateItComes(t *testing.T) {
	for _, name := range installationFiles() {
		dir := filepath.Join(t.TempDir(), "new")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := ready(dir).write(); err == nil {
			t.Errorf("%s: written over", name)
		}
		if content, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(content) != "precious" {
			t.Errorf("%s: %q, %v", name, content, err)
		}
		if left := entries(t, dir); len(left) != 1 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

// What was written is loaded before it is said to be good.
func TestInit_takesBackWhatCannotBeLoaded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	i := ready(dir)
	i.settings.Registration.Mode = "maybe"
	if err := i.write(); err == nil || !strings.Contains(err.Error(), "nothing was written") || !strings.Contains(err.Error(), "registration.mode") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("left behind: %v", entries(t, dir))
	}
}

func TestInit_showsNoSecret(t *testing.T) {
	i := ready(filepath.Join(t.TempDir(), "it's new"))
	if err := i.write(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := i.tell(&out); err != nil {
		t.Fatal(err)
	}
	settings, err := os.ReadFile(i.path(settingsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []auth.Secret{i.settings.Secrets[0], i.settings.Mounts[0].Secrets[0]} {
		if strings.Contains(out.String()+string(settings), secret.Reveal()) {
			t.Error("a secret is shown")
		}
	}
}

func TestInit_gatehouseEndsTLS(t *testing.T) {
	cert, key := writeCertificate(t, "app.example", nil)
	_, otherKey := writeCertificate(t, "app.example", nil)
	dir := t.TempDir()
	var out bytes.Buffer
	p := &program{ctx: t.Context(), stdout: &out, stderr: io.Discard}
	c := initCmd{Dir: dir, Origin: "https://app.example", TLSCert: cert, TLSKey: otherKey, Yes: true}
	if err := c.Run(p); err == nil || !strings.Contains(err.Error(), "cannot be loaded with its key") {
		t.Errorf("with the key of another certificate: %v", err)
	}
	if left := entries(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	c.TLSKey = key
	if err := c.Run(p); err != nil {
		t.Fatal(err)
	}
	s, err := config.Load(filepath.Join(dir, settingsFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.TLS.CertFile != cert || s.TLS.KeyFile != key || s.BehindProxy {
		t.Errorf("got %+v, behind a proxy: %v", s.TLS, s.BehindProxy)
	}
	if want := "destination: `${process.env.GATEHOUSE_URL ?? \"https://app.example:8787\"}/api/auth/:path*`"; !strings.Contains(out.String(), want) {
		t.Errorf("no %s in\n%s", want, out.String())
	}
}

// The command that init prints writes what gatehouse dev would show, whatever
// the folder is called.
func TestInit_printsACommandThatWritesTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "it's a secret")
	if err := os.WriteFile(secret, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dialect, want := range map[string]struct{ all, opening string }{
		"v4": {"NEXTAUTH_URL=https://app.example\nNEXTAUTH_URL_INTERNAL=http://127.0.0.1:8787\nGATEHOUSE_URL=http://127.0.0.1:8787\n", "NEXTAUTH_SECRET=abc\n"},
		"v5": {"GATEHOUSE_URL=http://127.0.0.1:8787\n", "AUTH_URL=https://app.example\nAUTH_SECRET=abc\n"},
	} {
		app := nextApp{base: "/api/auth", gatehouse: "http://127.0.0.1:8787", origin: "https://app.example", dialect: dialect}
		for _, step := range []struct{ command, want string }{{app.append(), want.all}, {app.appendSecret(secret), want.all + want.opening}} {
			runShell(t, dir, "sh", "-c", step.command)
			got, err := os.ReadFile(filepath.Join(dir, ".env.local"))
			if err != nil || string(got) != step.want {
				t.Errorf("%s: got %q, want %q (%v)", dialect, got, step.want, err)
			}
		}
		_ = os.Remove(filepath.Join(dir, ".env.local"))
		shown := strings.ReplaceAll(app.environment("abc"), "  ", "")
		commented := "# " + strings.ReplaceAll(strings.TrimSuffix(want.opening, "\n"), "\n", "\n# ") + "\n"
		if rest, ok := strings.CutPrefix(shown, want.all); !ok || !strings.HasPrefix(rest, "# Only for code that opens the cookie itself (") || !strings.HasSuffix(rest, commented) {
			t.Errorf("%s: shown is %q", dialect, shown)
		}
	}
}
