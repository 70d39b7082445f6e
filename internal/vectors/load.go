package vectors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Variable is the environment variable that names another folder of vectors.
const Variable = "GATEHOUSE_VECTORS"

// Load decodes one file of the folder, "csrf.json" for instance, into v. Any
// failure ends the test.
func Load(t testing.TB, file string, v any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir(t), file))
	if err != nil {
		t.Fatalf("read vectors: %v", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("decode vectors of %s: %v", file, err)
	}
}

// Dir returns the folder the vectors are read from: the one that
// GATEHOUSE_VECTORS names, a relative path being relative to the root of the
// module, else testdata/protocol there.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(Variable)
	if dir == "" {
		dir = filepath.Join("testdata", "protocol")
	}
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(root(t), dir)
}

// root walks up from this source file, or from the working folder when the
// binary does not know its sources (-trimpath), to the folder with go.mod.
func root(t testing.TB) string {
	t.Helper()
	starts := []string{"."}
	if _, self, _, ok := runtime.Caller(0); ok && filepath.IsAbs(self) {
		starts = []string{filepath.Dir(self), "."}
	}
	for _, start := range starts {
		dir, err := filepath.Abs(start)
		if err != nil {
			continue
		}
		for ; ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return dir
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	t.Fatal("vectors: no go.mod above the sources or the working folder")
	return ""
}

// A Vector is what every vector has. Embed it and add typed inputs.
type Vector struct {
	Name     string `json:"name"`
	Op       string `json:"op"`
	Optional bool   `json:"optional"` // the library accepts; a stricter reader may refuse
	Expect   Expect `json:"expect"`
}

// Expect is the verdict of a vector.
type Expect struct {
	Result string          `json:"result"` // accept, reject, equal, replaced
	Why    string          `json:"why"`
	Claims json.RawMessage `json:"claims"`
}

// File is one vector file with vectors of type V.
type File[V any] struct {
	Format  int `json:"format"`
	Vectors []V `json:"vectors"`
}

// Each loads a file and runs fn as a subtest for each of its vectors. A file
// without vectors, or of another format than 1, ends the test.
func Each[V Named](t *testing.T, file string, fn func(t *testing.T, v V)) {
	t.Helper()
	var f File[V]
	Load(t, file, &f)
	if f.Format != 1 || len(f.Vectors) == 0 {
		t.Fatalf("%s: format %d with %d vectors, want format 1 and some vectors", file, f.Format, len(f.Vectors))
	}
	for _, v := range f.Vectors {
		t.Run(v.VectorName(), func(t *testing.T) { fn(t, v) })
	}
	t.Logf("%s: %d vectors", file, len(f.Vectors))
}

// Named is what [Each] takes the name of a subtest from; [Vector] has it.
type Named interface{ VectorName() string }

// VectorName returns the name of the vector.
func (v Vector) VectorName() string { return v.Name }

// Texts is a JSON text or array of texts: one secret or several.
type Texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *Texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*s = Texts{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(data, &many)
	*s = many
	return err
}
