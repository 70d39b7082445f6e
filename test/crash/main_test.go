//go:build linux

package crash_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long anything that must happen may take to happen: a test
// waits for the thing, not for the time.
const patience = 30 * time.Second

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "gatehouse-crash-")
	if err == nil {
		defer os.RemoveAll(folder)
		err = os.Chmod(folder, 0o755) // some tests run the program as somebody else
	}
	if err == nil {
		binary, err = build(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build makes the program as it is shipped.
func build(folder string) (string, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	if given := os.Getenv("GATEHOUSE_BIN"); given != "" {
		return filepath.Abs(given)
	}
	// The go command runs a test again when folders have changed that it has
	// read; of what a build reads, it knows nothing.
	for _, part := range []string{"auth", "cmd", "internal"} {
		_ = filepath.WalkDir(filepath.Join(root, part), func(string, fs.DirEntry, error) error { return nil })
	}
	if _, err := os.ReadDir(root); err != nil {
		return "", err
	}
	out := filepath.Join(folder, "gatehouse")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "./cmd/gatehouse")
	cmd.Dir, cmd.Env = root, environ("CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build gatehouse: %w\n%s", err, text)
	}
	return out, nil
}

// environ is the environment without what would be taken for settings.
func environ(more ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GATEHOUSE_") {
			env = append(env, e)
		}
	}
	return append(env, more...)
}

// chance is the source of all that is random in a test, and says how to have it
// again.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("GATEHOUSE_CRASH_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("GATEHOUSE_CRASH_SEED is %q, want a number", text)
		}
	}
	t.Logf("GATEHOUSE_CRASH_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
