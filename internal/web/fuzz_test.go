package web_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// FuzzUnmarshalObject holds what is accepted against a reader that believes
// nothing: one object, in UTF-8, no member twice (by case alone neither), not
// nested too deeply, and every text as it was written. Written anew, it is
// accepted again and means the same.
func FuzzUnmarshalObject(f *testing.F) {
	for _, seed := range []string{
		`{"a":"b"}`, `{"a":"b","A":"c"}`, `{"a":1,"\u0061":2}`, `{"k":"x","\u212a":"y"}`, `{"a":{"b":1,"b":2}}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`, `{"a":"\\ud83d"}`,
		"{\"a\":\"\xff\"}", "\ufeff{}", " {} ", "{}{}", "{} x", `{"a":[[[[]]]]}`, `{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, `{"a":"[[[[{{{{"}`,
		`{"a":1e999}`, `{"a":-0}`, `{"":""}`, `{"a":"` + strings.Repeat(`\"`, 20) + `"}`, `{"a":"\u0000"}`, `{"__proto__":1,"constructor":2}`, "{\"a\\\xff\":1}", `{"ſ":1,"s":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got map[string]json.RawMessage
		if web.UnmarshalObject(body, &got) != nil {
			return
		}
		if !utf8.Valid(body) || got == nil {
			t.Fatalf("%q is accepted as %v", body, got)
		}
		names, deepest := members(t, body)
		if len(names) != len(got) {
			t.Fatalf("%q has %d members, and %d are read", body, len(names), len(got))
		}
		for i, name := range names {
			if _, ok := got[name]; !ok {
				t.Fatalf("%q: member %q is lost", body, name)
			}
			for _, other := range names[:i] {
				if strings.EqualFold(name, other) {
					t.Fatalf("%q: %q and %q are one member", body, name, other)
				}
			}
			if strings.ContainsRune(name, utf8.RuneError) && !bytes.ContainsRune(body, utf8.RuneError) && !bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`)) {
				t.Fatalf("%q: the name %q was mended", body, name)
			}
		}
		if deepest > 40 {
			t.Fatalf("%q is nested %d deep", body, deepest)
		}
		anew, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again map[string]json.RawMessage
		if err := web.UnmarshalObject(anew, &again); err != nil || len(again) != len(got) {
			t.Fatalf("%q, written as %q: %v", body, anew, err)
		}
	})
}

// members are the names of an object in their order, and how deep it goes.
func members(t *testing.T, body []byte) (names []string, deepest int) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	depth, expectName := 0, false
	for {
		token, err := d.Token()
		if err == io.EOF {
			return names, deepest
		}
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		switch delimiter, _ := token.(json.Delim); {
		case delimiter == '{' || delimiter == '[':
			depth++
			deepest = max(deepest, depth)
			expectName = depth == 1
			continue
		case delimiter == '}' || delimiter == ']':
			depth--
			expectName = depth == 1
			continue
		}
		if depth == 1 && expectName {
			names = append(names, token.(string))
		}
		expectName = depth == 1 && !expectName
	}
}
