package reference_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/config/reference"
)

const root = "../../.."

var update = flag.Bool("update", false, "write docs/gatehouse.schema.json and docs/gatehouse.example.yaml anew")

// scratch is a folder for thousands of small files, one after the other.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if scratch, err = os.MkdirTemp("", "reference"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// golden compares with a file in docs, or writes it.
func golden(t *testing.T, name string, made func(root string) ([]byte, error)) []byte {
	t.Helper()
	got, err := made(root)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "docs", name)
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
		t.Errorf("docs/%s is not what the settings are (make golden, and read the change in review): %s", name, diff)
	}
	return got
}

func TestSchema_isWhatTheSettingsAre(t *testing.T) {
	golden(t, "gatehouse.schema.json", reference.Schema)
}

func TestExample_isWhatTheSettingsAre(t *testing.T) {
	golden(t, "gatehouse.example.yaml", reference.Example)
}
