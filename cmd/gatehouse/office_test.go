package main

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestOffice_isTheSameHereAndAtAServer runs testdata/office/*.txtar twice: on the
// database of this machine, and against the server on it with an API key. Both
// must say the same, but where a line is marked [here] or [there]. Beside the
// commands of TestScripts there are:
//
//	at CMD…           runs a command there
//	refused CODE CMD… the same, which must end with that exit code
//	until TEXT CMD…   runs it there again and again until it prints the text
//
// An argument @FILE is what is in the file.
func TestOffice_isTheSameHereAndAtAServer(t *testing.T) {
	for where, flags := range map[string][]string{"here": {"--config", "gatehouse.yaml"}, "there": {"--api-key-file", "key", "--server"}} {
		t.Run(where, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir: "testdata/office", RequireExplicitExec: true, RequireUniqueNames: true,
				Setup: func(env *testscript.Env) error {
					env.Setenv("HOME", env.WorkDir)
					for _, name := range []string{"PORT", "OPS_PORT"} {
						ln, err := net.Listen("tcp", "127.0.0.1:0")
						if err != nil {
							return err
						}
						_, port, _ := net.SplitHostPort(ln.Addr().String())
						env.Setenv(name, port)
						ln.Close()
					}
					return nil
				},
				Condition: func(cond string) (bool, error) { return cond == where, nil },
				Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
					"secretfile": scriptSecretFile,
					"await":      scriptAwait,
					"exits":      scriptExits,
					"at": func(ts *testscript.TestScript, _ bool, args []string) {
						args = read(ts, args)
						ts.Check(ts.Exec(args[0], append(args[1:], atFlags(ts, flags)...)...))
					},
					"until": func(ts *testscript.TestScript, _ bool, args []string) {
						for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
							ts.Check(ts.Exec(args[1], append(read(ts, args[2:]), atFlags(ts, flags)...)...))
							if strings.Contains(ts.ReadFile("stdout"), args[0]) {
								return
							}
							if time.Now().After(deadline) {
								ts.Fatalf("%q was not printed within a minute", args[0])
							}
						}
					},
					"refused": func(ts *testscript.TestScript, neg bool, args []string) {
						scriptExits(ts, neg, append(read(ts, args), atFlags(ts, flags)...))
					},
				},
			})
		})
	}
}

func read(ts *testscript.TestScript, args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if name, file := strings.CutPrefix(arg, "@"); file {
			args[i] = strings.TrimSpace(ts.ReadFile(name))
		}
	}
	return args
}

// atFlags are the flags that say where; an address is added to --server.
func atFlags(ts *testscript.TestScript, flags []string) []string {
	if flags[len(flags)-1] == "--server" {
		return append(flags[:len(flags):len(flags)], "http://127.0.0.1:"+ts.Getenv("OPS_PORT"))
	}
	return flags
}
