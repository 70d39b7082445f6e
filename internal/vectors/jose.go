package vectors

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// JoseVariable is the environment variable that names another folder of JOSE
// vectors.
const JoseVariable = "GATEHOUSE_JOSE_VECTORS"

// JoseDir returns the folder of the published JOSE vectors: the one that
// GATEHOUSE_JOSE_VECTORS names, a relative path being relative to the root of
// the module, else testdata/jose there. Where they come from and under which
// licences stands in its README.
func JoseDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(JoseVariable)
	if dir == "" {
		dir = filepath.Join("testdata", "jose")
	}
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(root(t), dir)
}

// LoadJose decodes one file of that folder into v.
func LoadJose(t testing.TB, file string, v any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(JoseDir(t), filepath.FromSlash(file)))
	if err != nil {
		t.Fatalf("read vectors: %v", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("decode vectors of %s: %v", file, err)
	}
}

// JoseFiles returns the files of one of its folders, "jose-cookbook/jws", by
// their names below [JoseDir]. None is a failure.
func JoseFiles(t testing.TB, folder string) (names []string) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(JoseDir(t), filepath.FromSlash(folder), "*.json"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no vectors in %s of %s (error: %v)", folder, JoseDir(t), err)
	}
	for _, name := range list {
		names = append(names, folder+"/"+filepath.Base(name))
	}
	return names
}

// Hex is octets written in hexadecimal digits.
type Hex []byte

// UnmarshalJSON implements json.Unmarshaler.
func (h *Hex) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	b, err := hex.DecodeString(s)
	*h = b
	return err
}

// A Wycheproof is one file of Project Wycheproof, with groups of type G and
// tests of type T.
type Wycheproof[G, T any] struct {
	NumberOfTests int `json:"numberOfTests"`
	Groups        []struct {
		Key   G
		Tests []T
	}
}

// UnmarshalJSON implements json.Unmarshaler: what a group says beside its tests
// differs from file to file.
func (w *Wycheproof[G, T]) UnmarshalJSON(text []byte) error {
	var file struct {
		NumberOfTests int               `json:"numberOfTests"`
		TestGroups    []json.RawMessage `json:"testGroups"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return err
	}
	w.NumberOfTests = file.NumberOfTests
	for _, raw := range file.TestGroups {
		var tests struct {
			Tests []T `json:"tests"`
		}
		if err := json.Unmarshal(raw, &tests); err != nil {
			return err
		}
		var key G
		if err := json.Unmarshal(raw, &key); err != nil {
			return err
		}
		w.Groups = append(w.Groups, struct {
			Key   G
			Tests []T
		}{key, tests.Tests})
	}
	return nil
}

// WycheproofTest is what every test of such a file has. Embed it and add typed
// inputs.
type WycheproofTest struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Flags   []string `json:"flags"`
	Result  string   `json:"result"` // valid, invalid, acceptable
}

// EachWycheproof loads a file and runs fn for each of its tests with the group
// it is in. A file that holds another number of tests than it says fails.
func EachWycheproof[G, T any](t *testing.T, file string, fn func(t *testing.T, group G, test T)) {
	t.Helper()
	var f Wycheproof[G, T]
	LoadJose(t, "wycheproof/"+file, &f)
	n := 0
	for _, g := range f.Groups {
		for _, test := range g.Tests {
			fn(t, g.Key, test)
			n++
		}
	}
	if n == 0 || n != f.NumberOfTests {
		t.Errorf("%s: %d tests were run, the file speaks of %d", file, n, f.NumberOfTests)
	}
	t.Logf("%s: %d tests", file, n)
}
