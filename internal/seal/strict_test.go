package seal_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

func TestStrings_readsArraysOfStringsAlone(t *testing.T) {
	for raw, want := range map[string][]string{
		`[]`: {}, ` []`: nil, `[ ]`: {}, `["a"]`: {"a"}, `[ "a" , "b\n" ]`: {"a", "b\n"},
		``: nil, `"a"`: nil, `[1]`: nil, `["a",null]`: nil, `[["a"]]`: nil, `["a",]`: nil, `["a" "b"]`: nil, `["a"] `: nil, `["a"`: nil, `[,]`: nil,
	} {
		got, ok := seal.Strings([]byte(raw))
		if ok != (want != nil) {
			t.Errorf("%s: accepted is %v", raw, ok)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
	}
}

func TestAppendDecode_takesOneSpellingAlone(t *testing.T) {
	for text, want := range map[string]string{"": "", "Zg": "f", "Zm8": "fo", "Zm9v": "foo", "Zm9vYmFyLWJhei1xdXg": "foobar-baz-qux"} {
		got, ok := seal.AppendDecode([]byte("before "), text)
		if !ok || string(got) != "before "+want {
			t.Errorf("%q: got %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"Z", "Zg==", "Zh", "Zm9", "Zm9v\n", "Zm9 v", "Zm+v", "Zm9vY", "Zm9vYmFyLWJhei1xdX="} {
		if got, ok := seal.AppendDecode(make([]byte, 0, 64), text); ok || len(got) != 0 {
			t.Errorf("%q: taken as %q", text, got)
		}
	}
}
