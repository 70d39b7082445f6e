//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	userEmail     = "user@example.test"
	adminEmail    = "admin@example.test"
	userPassword  = "seven blue lanterns in rain"
	adminPassword = "nine green umbrellas in fog"
)

// gatehouse is the program with its data, which outlive a restart.
type gatehouse struct {
	*process
	t       *testing.T
	folder  string
	base    string   // http://127.0.0.1:…, of the program itself
	ops     string   // http://127.0.0.1:…, of its operator; dev has none
	command []string // that starts it
	where   []string // the flags that name its data to the commands beside it
}

// dev starts gatehouse dev for an application at origin; more flags may follow.
func dev(t *testing.T, port int, origin string, more ...string) *gatehouse {
	t.Helper()
	g := &gatehouse{t: t, folder: t.TempDir(), base: fmt.Sprintf("http://127.0.0.1:%d", port)}
	// The secret that Next.js already has; dev keeps what it finds.
	write(t, filepath.Join(g.folder, "authjs-secret"), sharedSecret+"\n")
	g.where = []string{"--data", g.folder}
	g.command = []string{"dev", "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--origin", origin, "--data", g.folder}
	g.command = append(g.command, more...)
	g.start()
	return g
}

// serve starts gatehouse serve; more is added to the configuration file, whose
// own part has one mount at /api/auth.
func serve(t *testing.T, port int, origin, more string) *gatehouse {
	t.Helper()
	return serveMounts(t, port, origin, fmt.Sprintf("  - secrets: [%q]\n", sharedSecret), more)
}

// serveMounts is serve with mounts of the test's own, a YAML list.
func serveMounts(t *testing.T, port int, origin, mounts, more string) *gatehouse {
	t.Helper()
	return serveOn(t, port, origin, "", mounts, more)
}

// serveOn is serveMounts on a database of the test's own, a line of YAML; empty
// means a file.
func serveOn(t *testing.T, port int, origin, database, mounts, more string) *gatehouse {
	t.Helper()
	g := serveNobody(t, port, origin, database, mounts, more)
	g.createUser(userEmail, userPassword, "user")
	g.createUser(adminEmail, adminPassword, "admin", "user")
	return g
}

// serveNobody is serveOn without users.
func serveNobody(t *testing.T, port int, origin, database, mounts, more string) *gatehouse {
	t.Helper()
	ops := freePort()
	g := &gatehouse{t: t, folder: t.TempDir(), base: fmt.Sprintf("http://127.0.0.1:%d", port), ops: fmt.Sprintf("http://127.0.0.1:%d", ops)}
	if database == "" {
		database = "path: " + filepath.Join(g.folder, "gatehouse.db")
	}
	file := filepath.Join(g.folder, "gatehouse.yaml")
	write(t, file, fmt.Sprintf(`
public_origin: %s
listen: 127.0.0.1:%d
ops_listen: 127.0.0.1:%d
secrets: ["t5Hk2XvQ8mRz7LcW4pNd9YbJ6gFs3EuA-own"]
database:
  %s
mounts:
%s%s`, origin, port, ops, database, mounts, more))
	g.where = []string{"--config", file}
	g.command = []string{"serve", "--config", file}
	g.start()
	return g
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (g *gatehouse) program(ctx context.Context, arguments ...string) *exec.Cmd {
	g.t.Helper()
	binary, err := all.binary()
	if err != nil {
		g.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, binary, arguments...)
	cmd.Env = environ("GATEHOUSE_DEV_USER_PASSWORD="+userPassword, "GATEHOUSE_DEV_ADMIN_PASSWORD="+adminPassword)
	return cmd
}

// start runs the program until the test ends.
func (g *gatehouse) start() {
	g.t.Helper()
	p, err := start(g.program(context.Background(), g.command...))
	if err != nil {
		g.t.Fatal(err)
	}
	g.process = p
	g.t.Cleanup(func() {
		p.kill()
		if g.t.Failed() {
			g.t.Logf("gatehouse %s said:\n%s", g.command[0], p.out.since(0))
		}
	})
	// Whatever is mounted where: an address that nobody has is 404, and until
	// the server is ready it does not listen.
	until(g.t, "gatehouse "+g.command[0]+" starts", func() error {
		select {
		case <-p.done:
			g.t.Fatalf("gatehouse %s ended: %v", g.command[0], p.err)
		default:
		}
		answer, err := plain.Get(g.base + "/")
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})
}

// restart ends the program as an operator does and starts it on the same data.
func (g *gatehouse) restart() {
	g.t.Helper()
	if err := g.end(); err != nil {
		g.t.Fatalf("gatehouse %s did not end well: %v", g.command[0], err)
	}
	g.start()
}

// cli runs a command beside the server and returns what it printed.
func (g *gatehouse) cli(stdin string, arguments ...string) string {
	g.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	cmd := g.program(ctx, append(arguments, g.where...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("gatehouse %s: %v\n%s", strings.Join(arguments, " "), err, complaints.String())
	}
	return string(out)
}

func (g *gatehouse) createUser(email, password string, roles ...string) {
	g.t.Helper()
	arguments := []string{"user", "create", email, "--password-stdin"}
	for _, r := range roles {
		arguments = append(arguments, "--role", r)
	}
	g.cli(password+"\n", arguments...)
}
