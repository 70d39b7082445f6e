package main

import (
	"bytes"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the golden files and the expected output of scripts anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gatehouse": main})
}

// TestScripts runs testdata/*.txtar, which read like a manual. Beside the
// commands of testscript there are:
//
//	secretfile NAME     a new secret in a file of its own
//	await URL           waits until URL is answered with 200
//	status URL CODE     asks once
//	posts URL FILE CODE posts the JSON in the file; the answer goes to the file answer
//	shows URL TEXT      asks once; TEXT must be in the answer
//	exits CODE CMD…     runs CMD, which must end with that exit code
//
// $PORT, $OPS_PORT and $OTHER_PORT are free.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			for _, name := range []string{"PORT", "OPS_PORT", "OTHER_PORT"} {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				env.Defer(func() { ln.Close() })
				_, port, _ := net.SplitHostPort(ln.Addr().String())
				env.Setenv(name, port)
				if name != "OTHER_PORT" { // that one stays taken
					ln.Close()
				}
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"secretfile": scriptSecretFile,
			"await":      scriptAwait,
			"status":     scriptStatus,
			"posts":      scriptPosts,
			"shows":      scriptShows,
			"exits":      scriptExits,
		},
	})
}

func scriptSecretFile(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(newSecret()+"\n"), 0o600))
	}
}

// statusOf returns 0 when nobody answers.
func statusOf(url string) int {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(url)
	if err != nil {
		return 0
	}
	r.Body.Close()
	return r.StatusCode
}

func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if statusOf(args[0]) == http.StatusOK {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	ts.Fatalf("%s is not answered", args[0])
}

func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if got := http.StatusText(statusOf(args[0])); got != strings.Join(args[1:], " ") {
		ts.Fatalf("%s: %q", args[0], got)
	}
}

func scriptPosts(ts *testscript.TestScript, neg bool, args []string) {
	r, err := http.Post(args[0], "application/json", strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), body, 0o600))
	if got := http.StatusText(r.StatusCode); got != strings.Join(args[2:], " ") {
		ts.Fatalf("%s: %q %s", args[0], got, body)
	}
}

func scriptShows(ts *testscript.TestScript, neg bool, args []string) {
	r, err := http.Get(args[0])
	ts.Check(err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	ts.Check(err)
	if !strings.Contains(string(body), args[1]) {
		ts.Fatalf("%s does not show %q", args[0], args[1])
	}
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if e, ok := err.(*exec.ExitError); ok {
		code = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want := args[0]; want != strconv.Itoa(code) {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

var contentHash = regexp.MustCompile(`\.[0-9a-f]{12}\.css`)

// golden compares with a file in testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (run with -update and read the change in review): %s", path, diff)
	}
}

func TestDocs_nameEveryCommandAndFlag(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&commands{}, kong.Name("gatehouse"))
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		if !strings.Contains(string(text), "gatehouse "+leaf.Path()) {
			t.Errorf("docs/cli.md does not name %s", leaf.Path())
		}
		for _, flag := range leaf.Flags {
			if !strings.Contains(string(text), "--"+flag.Name) {
				t.Errorf("docs/cli.md does not name --%s of %s", flag.Name, leaf.Path())
			}
		}
	}
}

// The posture of every endpoint is in review whenever it changes.
func TestEndpoints_table(t *testing.T) {
	var out bytes.Buffer
	p := &program{ctx: t.Context(), stdout: &out, stderr: &out}
	if err := (&endpointsCmd{}).Run(p); err != nil {
		t.Fatal(err)
	}
	golden(t, "endpoints.golden", contentHash.ReplaceAll(out.Bytes(), []byte(".HASH.css")))
}
