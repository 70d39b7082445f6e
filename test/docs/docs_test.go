//go:build unix

package docs_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

var update = flag.Bool("update", false, "write testdata/skipped.txt anew")

// patience is how long one document may take, npm install included.
const patience = 6 * time.Minute

// documents are all that is covered, relative to the top of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"README.md", "docs/*.md", "examples/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(root(t), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			rel, err := filepath.Rel(root(t), name)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, filepath.ToSlash(rel))
		}
	}
	return names
}

// circumstances are what a document's reader has done before reading it. A
// document that is not listed begins in an empty folder.
var circumstances = map[string]struct {
	needs []string // programs; Node.js 20.9 or newer where node is named
	long  bool     // takes more than seconds
	begin string   // run before the first block
	// postgres: psql and the like reach a server of their own, as its superuser.
	postgres bool
}{
	"docs/quickstart.md":     {needs: []string{"git", "make", "curl", "node", "npm"}, long: true},
	"docs/operating.md":      {needs: []string{"curl", "sqlite3"}},
	"docs/audit.md":          {begin: settled + "\ngatehouse user create ada@example.org --temporary\ntimeout -s INT 4 gatehouse serve || true"},
	"docs/cli.md":            {begin: settled + "\ngatehouse migrate"},
	"docs/deploying.md":      {needs: []string{"psql", "pg_dump", "pg_restore", "createdb"}, postgres: true},
	"docs/keys.md":           {begin: settled + "\ngatehouse migrate"},
	"docs/tokens.md":         {begin: settled},
	"docs/authorization.md":  {begin: settled},
	"docs/api-keys.md":       {needs: []string{"curl", "python3"}, begin: served},
	"docs/management-api.md": {needs: []string{"curl"}, begin: served},
}

// served is a server that runs, and a user.
const served = settled + `
printf %s "$PASSWORD" | gatehouse user create ada@app.example --password-stdin
gatehouse serve > served.log 2>&1 &
curl -sf --retry 30 --retry-delay 1 --retry-connrefused http://127.0.0.1:8788/readyz`

// settled is a server with its settings and secrets.
const settled = `
gatehouse secret generate > own; gatehouse secret generate > authjs; chmod 600 own authjs
cat > gatehouse.yaml <<'END'
public_origin: http://localhost:3000
listen: 127.0.0.1:8787
ops_listen: 127.0.0.1:8788
secrets_file: own
mounts: [{secrets_file: authjs}]
END
export GATEHOUSE_CONFIG=$PWD/gatehouse.yaml PASSWORD="mauve kettle sings at noon"`

func TestDocs_doWhatTheySay(t *testing.T) {
	for _, name := range documents(t) {
		all := read(t, name)
		if !slices.ContainsFunc(all, func(b block) bool { return b.kind == "sh" && b.skip == "" }) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := circumstances[name]
			need(t, append(c.needs, "bash", "go")...)
			if c.long && testing.Short() {
				t.Skip("takes long")
			}
			var more []replacement
			if c.postgres {
				s := pgtest.Start(t)
				c.begin += fmt.Sprintf("\nexport PGHOST=127.0.0.1 PGPORT=%d PGUSER=%s PGDATABASE=postgres", s.Port(), pgtest.Superuser)
				more = []replacement{{regexp.MustCompile(`\b5432\b`), strconv.Itoa(s.Port())}, {regexp.MustCompile(`\bdb\.internal\b`), "127.0.0.1"}}
			}
			runDocument(t, all, c.begin, more...)
		})
	}
}

// runDocument runs the blocks in one bash.
func runDocument(t *testing.T, all []block, begin string, more ...replacement) {
	folder := t.TempDir()
	prepared(t, folder)
	clone := ""
	if slices.ContainsFunc(all, func(b block) bool { return strings.Contains(b.text, repository) }) {
		clone = repositoryOf(t)
	}
	table := append(replacements(t, folder, clone), more...)
	if err := os.Symlink(binary(t), filepath.Join(folder, "bin", "gatehouse")); err != nil {
		t.Fatal(err)
	}

	var script strings.Builder
	fmt.Fprintf(&script, "%s\ncd %s/work\n%s\n", terminal, folder, replace(table, begin))
	var run []block
	for _, b := range all {
		if b.kind != "sh" || b.skip != "" {
			continue
		}
		file := filepath.Join(folder, fmt.Sprintf("%d.sh", len(run)))
		if err := os.WriteFile(file, []byte(replace(table, b.text)), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&script, ". %s > %[1]s.out 2>&1\ntouch %[1]s.done; echo 'line %d:' ${SECONDS}s\n", file, b.line)
		run = append(run, b)
	}
	failed := bash(t, folder, script.String())

	for n, b := range run {
		file := filepath.Join(folder, fmt.Sprintf("%d.sh", n))
		printed, err := os.ReadFile(file + ".out")
		if errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("before line %d: %v", b.line, failed)
		}
		if _, err := os.Stat(file + ".done"); err != nil {
			t.Fatalf("line %d: %v\n%s\nprinted\n%s", b.line, failed, replace(table, b.text), printed)
		}
		if b.prints != nil && !matches(replace(table, *b.prints), string(printed)) {
			t.Errorf("line %d:\n%s\nprinted\n%s\nand the document says\n%s", b.line, replace(table, b.text), printed, replace(table, *b.prints))
		}
	}
	if failed != nil {
		t.Errorf("after the last block: %v", failed)
	}
}

// terminal makes a bash that reads a script behave as one in a terminal does,
// where each job is a process group and kill %1 ends all of it; but for a
// command that fails, which ends the script. In the end it ends its jobs.
const terminal = `set -mEeo pipefail
trap 'for job in $(jobs -p); do kill -- -$job 2>/dev/null || true; done; wait' EXIT`

// bash runs the script.
func bash(t *testing.T, folder, script string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-c", script)
	c.Dir = folder
	c.Env = environ(t, folder)
	c.Cancel = func() error { killTree(c.Process.Pid); return nil }
	log, err := os.Create(filepath.Join(folder, "bash.out"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log // a file: nobody waits for what goes on in the background
	began := time.Now()
	err = c.Run()
	text, _ := os.ReadFile(log.Name())
	t.Logf("took %v\n%s", time.Since(began).Round(100*time.Millisecond), text)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// killTree ends a process and all that came from it.
func killTree(pid int) {
	out, _ := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	children := map[int][]int{}
	for _, line := range strings.Split(string(out), "\n") {
		var child, parent int
		if _, err := fmt.Sscan(line, &child, &parent); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		next = append(next, children[next[0]]...)
		_ = syscall.Kill(next[0], syscall.SIGKILL)
	}
}

// environ is the environment of a reader who has just opened a terminal: no
// settings of ours, a home with nothing in it, and the caches of this machine.
func environ(t *testing.T, folder string) []string {
	t.Helper()
	env := []string{
		"HOME=" + filepath.Join(folder, "home"), "PATH=" + filepath.Join(folder, "bin") + ":" + os.Getenv("PATH"),
		"NEXT_TELEMETRY_DISABLED=1", "npm_config_prefer_offline=true", "npm_config_audit=false", "npm_config_fund=false", "npm_config_update_notifier=false",
	}
	for name, ask := range map[string][]string{
		"GOCACHE": {"go", "env", "GOCACHE"}, "GOMODCACHE": {"go", "env", "GOMODCACHE"}, "npm_config_cache": {"npm", "config", "get", "cache"},
	} {
		if out, err := exec.Command(ask[0], ask[1:]...).Output(); err == nil { // without npm no document needs it
			env = append(env, name+"="+strings.TrimSpace(string(out)))
		}
	}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		switch {
		case name == "HOME", name == "PATH", strings.HasPrefix(name, "GATEHOUSE_"), strings.HasPrefix(name, "NEXTAUTH_"), strings.HasPrefix(name, "AUTH_"), name == "NOTIFY_SOCKET", name == "PORT", name == "NODE_ENV":
		default:
			env = append(env, e)
		}
	}
	return env
}

var built struct {
	once   sync.Once
	folder string
	err    error
}

// binary builds the program once for all documents.
func binary(t *testing.T) string {
	t.Helper()
	lookAtSources(t)
	built.once.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "gatehouse-docs-"); built.err != nil {
			return
		}
		c := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(built.folder, "gatehouse"), "./cmd/gatehouse")
		c.Dir = root(t)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.folder, "gatehouse")
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.folder != "" {
		os.RemoveAll(built.folder)
	}
	os.Exit(code)
}

// lookAtSources walks everything that the program is made of. The go command
// remembers which folders a test has read, and runs it again when they change;
// of what programs started here read, it knows nothing.
func lookAtSources(t *testing.T) {
	for _, part := range []string{"auth", "cmd", "internal", "docs"} {
		err := filepath.WalkDir(filepath.Join(root(t), part), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if _, err := os.ReadDir(root(t)); err != nil {
		t.Fatal(err)
	}
}

// repositoryOf is a repository with this checkout, changes included, as its
// only commit.
func repositoryOf(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "gatehouse")
	git := func(dir string, args ...string) string {
		c := exec.Command("git", append([]string{"-c", "user.name=Test", "-c", "user.email=test@example.test", "-c", "commit.gpgsign=false"}, args...)...)
		c.Dir = dir
		out, err := c.Output()
		if err != nil {
			t.Fatalf("git %q: %v", args, err)
		}
		return string(out)
	}
	for _, name := range strings.Split(strings.TrimRight(git(root(t), "ls-files", "-z", "-co", "--exclude-standard"), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root(t), name))
		if err != nil || !info.Mode().IsRegular() {
			continue // deleted, and not committed yet
		}
		content, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, content, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	git(folder, "init", "-q")
	git(folder, "add", "-A")
	git(folder, "commit", "-q", "-m", "all of it")
	return folder
}

// root is the top of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, name string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	all, err := blocks(string(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return all
}

// need skips a document whose programs are missing on a user's machine. Where
// CI=true everything must be there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	missing := func(what string) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing(p + " is not installed")
		}
		if p == "node" && exec.Command("node", "-e", "const [a, b] = process.versions.node.split('.'); process.exit(a > 20 || (a == 20 && b >= 9) ? 0 : 1)").Run() != nil {
			missing("Node.js is older than 20.9")
		}
	}
}

// What is not run is listed, with the reason, so that the list is looked at
// whenever it grows.
func TestDocs_listWhatIsNotRun(t *testing.T) {
	var list strings.Builder
	ran := 0
	for _, name := range documents(t) {
		for _, b := range read(t, name) {
			switch {
			case b.kind == "sh" && b.skip == "":
				ran++
			case b.kind == "sh":
				first, _, _ := strings.Cut(b.text, "\n")
				fmt.Fprintf(&list, "%s: %s: %s\n", name, b.skip, first)
			}
		}
	}
	const golden = "testdata/skipped.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(list.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), list.String()); diff != "" {
		t.Errorf("%s (run with -update and read the change in review): %s", golden, diff)
	}
	t.Logf("%d blocks are run, %d are not", ran, strings.Count(list.String(), "\n"))
}

// What a reader copies into a file must at least be one.
func TestDocs_configurationIsWellFormed(t *testing.T) {
	for _, name := range documents(t) {
		for _, b := range read(t, name) {
			var err error
			switch b.kind {
			case "yaml":
				err = yaml.Unmarshal([]byte(b.text), new(any))
			case "json":
				err = json.Unmarshal([]byte(b.text), new(any))
			}
			if err != nil {
				t.Errorf("%s:%d: %v", name, b.line, err)
			}
		}
	}
}

// A command that is only indented is not run and not listed.
func TestDocs_hideNoCommandInIndentedBlocks(t *testing.T) {
	command := regexp.MustCompile(`^(    |\t)\(?(\$ |sudo |gatehouse |bin/gatehouse |npm |npx |docker |kubectl |systemctl |curl |make |go (run|test|build) |git |sqlite3 |mkdir |export )`)
	for _, name := range documents(t) {
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			t.Fatal(err)
		}
		fenced, before := false, ""
		for n, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			}
			inBlock := strings.TrimSpace(before) == "" || strings.HasPrefix(before, "    ")
			if !fenced && inBlock && command.MatchString(line) {
				t.Errorf("%s:%d: fence it as sh, so that it is run, or as console:\n%s", name, n+1, line)
			}
			before = line
		}
	}
}
