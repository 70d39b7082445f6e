package vectors_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/vectors"
)

// runs says which package's tests run every vector of a file.
var runs = map[string]string{
	"v4-session-tokens.json": "internal/seal",
	"v5-session-tokens.json": "internal/seal",
	"check-cookies.json":     "internal/seal",
	"jwt-verify.json":        "internal/jwt",
	"cookie-chunks.json":     "internal/web/authjs/wire",
	"get-token.json":         "internal/web/authjs/wire",
	"csrf.json":              "internal/web/authjs/wire",
	"callback-urls.json":     "internal/web/authjs/wire",
	"http-v4.json":           "internal/web/authjs",
	"http-v5.json":           "internal/web/authjs",
	"iron.json":              "internal/seal and, for cookies, internal/web/authjs/wire",
}

// pending says why nobody runs a file yet.
var pending = map[string]string{
	"email.json":  "sign-in by e-mail link is not built yet",
	"client.json": "records what the browser clients make of answers; the end-to-end tests run those clients themselves",
}

func TestVectors_eachFileIsRunOrPendingByName(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, path := range files {
		file := filepath.Base(path)
		seen[file] = true
		if runs[file] != "" {
			continue
		}
		reason := pending[file]
		if reason == "" {
			t.Errorf("%s: no package runs it and no reason says why", file)
			continue
		}
		var f vectors.File[vectors.Vector]
		vectors.Load(t, file, &f)
		names := make([]string, len(f.Vectors))
		for i, v := range f.Vectors {
			names[i] = v.Name
		}
		t.Logf("%s: %d vectors pending, %s:\n\t%s", file, len(names), reason, strings.Join(names, "\n\t"))
	}
	for file := range runs {
		if !seen[file] && !strings.HasPrefix(file, "http-") {
			t.Errorf("%s is missing from %s", file, vectors.Dir(t))
		}
	}
}

func TestDir_followsTheEnvironment(t *testing.T) {
	t.Setenv(vectors.Variable, "")
	if _, err := os.Stat(filepath.Join(vectors.Dir(t), "csrf.json")); err != nil {
		t.Errorf("own vectors: %v", err)
	}
	other := t.TempDir()
	t.Setenv(vectors.Variable, other)
	if got := vectors.Dir(t); got != other {
		t.Errorf("Dir() = %q, want %q", got, other)
	}
}
