//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the README tells a newcomer to type.
func TestExpress_theReadmeLeadsThere(t *testing.T) {
	need(t, "node", "npm")
	if err := all.packages(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "made")
	listen, port := freePort(), freePort()
	where := environ(fmt.Sprintf("LISTEN=127.0.0.1:%d", listen), fmt.Sprintf("OPS_LISTEN=127.0.0.1:%d", freePort()))
	example := func(env []string, program, argument string, flags ...string) string {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		cmd := exec.CommandContext(ctx, "node", append(flags[:len(flags):len(flags)], filepath.Join(root(), "examples", "express", program), argument)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
		return string(out)
	}
	example(where, "setup.js", folder)
	settings := filepath.Join(folder, "gatehouse.yaml")
	before, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	example(where, "setup.js", folder) // a second time overwrites nothing
	if after, err := os.ReadFile(settings); err != nil || string(after) != string(before) {
		t.Errorf("the second setup changed the settings (%v)", err)
	}
	g := &gatehouse{t: t, base: fmt.Sprintf("http://127.0.0.1:%d", listen), where: []string{"--config", settings}, command: []string{"serve", "--config", settings}}
	g.start()
	g.createUser(userEmail, userPassword, "user")

	file := "--env-file=" + filepath.Join(folder, "env")
	cmd := exec.Command("node", file, filepath.Join(root(), "examples", "express", "server.js"))
	cmd.Env = environ(fmt.Sprintf("PORT=%d", port))
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	if err := p.await(base + "/hello"); err != nil {
		t.Fatal(err)
	}
	said := example(environ("API="+base, "PASSWORD="+userPassword), "try.js", userEmail, file)

	readme, err := os.ReadFile(filepath.Join(root(), "examples", "express", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, printed, _ := strings.Cut(string(readme), "```text\n")
	printed, _, _ = strings.Cut(printed, "```")
	printed = strings.ReplaceAll(printed, "ada@example.test", userEmail)
	said = regexp.MustCompile(`usr_[\w-]+`).ReplaceAllString(said, "usr_…")
	if diff := cmp.Diff(printed, said); diff != "" {
		t.Errorf("npm run try (-README +printed):\n%s", diff)
	}
}
