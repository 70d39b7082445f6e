package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

type member struct{ Name, Raw string }

func scan(text string) (members []member, err error) {
	err = seal.Scan([]byte(text), func(name, raw []byte) error {
		members = append(members, member{string(name), string(raw)})
		return nil
	})
	return members, err
}

func TestScan_yieldsMembersInOrder(t *testing.T) {
	got, err := scan(` { "a" : 1 , "" : "x\"}" , "\u00e4\ud83d\ude00\n" : [ 1 , {"b":[]} ] , "a":-0.5e+7,"n":null,"t":true,"f":false,"o":{} } `)
	if err != nil {
		t.Fatal(err)
	}
	want := []member{
		{"a", "1"}, {"", `"x\"}"`}, {"ä😀\n", `[ 1 , {"b":[]} ]`}, {"a", "-0.5e+7"},
		{"n", "null"}, {"t", "true"}, {"f", "false"}, {"o", "{}"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestScan_stopsWhenToldTo(t *testing.T) {
	enough := errors.New("enough")
	n := 0
	err := seal.Scan([]byte(`{"a":1,"b":2}`), func(_, _ []byte) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("Scan = %v after %d members, want enough after 1", err, n)
	}
}

var notJSON = []string{
	``, ` `, `{`, `}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":1 "b":2}`,
	`{"a":01}`, `{"a":-}`, `{"a":+1}`, `{"a":1.}`, `{"a":.1}`, `{"a":1e}`, `{"a":1e+}`, `{"a":0x1}`, `{"a":NaN}`, `{"a":Infinity}`,
	`{"a":tru}`, `{"a":True}`, `{"a":nul`, `{"a":undefined}`, `{"a":"`, `{"a":"\`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\u`,
	"{\"a\":\"\n\"}", "{\"a\":\"\x00\"}", "{\"a\":\"\xff\"}", "{\"\xc0\x80\":1}", `{"a":[}`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":{"b"}}`, `{"a":{"b":}}`,
	`{"a":{"b":1,}}`, `{} x`, `{}{}`, `[]`, `1`, `"a"`, `null`, "\ufeff{}", "{\u00a0}", "{\"a\":1}\x00", `{"a":1}//`, `{/**/}`,
}

func TestScan_refusesWhatIsNotJSON(t *testing.T) {
	for _, text := range notJSON {
		if got, err := scan(text); !errors.Is(err, seal.ErrClaims) {
			t.Errorf("Scan(%q) = %v, %v, want ErrClaims", text, got, err)
		}
	}
}

func TestScan_boundsNesting(t *testing.T) {
	nest := func(n int) string {
		return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
	}
	if _, err := scan(nest(seal.MaxDepth)); err != nil {
		t.Errorf("depth %d: %v", seal.MaxDepth, err)
	}
	for _, n := range []int{seal.MaxDepth + 1, 100_000} {
		if _, err := scan(nest(n)); !errors.Is(err, seal.ErrClaims) {
			t.Errorf("depth %d: %v, want ErrClaims", n, err)
		}
	}
	if _, err := scan(`{"a":` + strings.Repeat("[", 1_000_000)); !errors.Is(err, seal.ErrClaims) {
		t.Errorf("a million brackets: %v, want ErrClaims", err)
	}
}

func TestString_decodes(t *testing.T) {
	for raw, want := range map[string]string{
		`""`:                                 "",
		`"plain ä 😀"`:                        "plain ä 😀",
		`"\"\\\/\b\f\n\r\t"`:                 "\"\\/\b\f\n\r\t",
		`"\u0041\u00e4\u65e5\u0000"`:         "Aä日\x00",
		`"\ud83d\ude00"`:                     "😀",
		`"\ud83d"`:                           "\ufffd",
		`"\ude00\ud83d"`:                     "\ufffd\ufffd",
		`"\ud83d\ud83d\ude00x"`:              "\ufffd😀x",
		`"\ud83dA"`:                          "\ufffdA",
		`"\uFFFD\ud83d\u0041"`:               "\ufffd\ufffdA",
		"\"\u2028\u007f\"":                   "\u2028\x7f",
		`"` + strings.Repeat("ä", 500) + `"`: strings.Repeat("ä", 500),
	} {
		if got, ok := seal.String([]byte(raw)); !ok || got != want {
			t.Errorf("String(%s) = %q, %v, want %q", raw, got, ok, want)
		}
	}
	for _, raw := range []string{``, `"`, `x`, `"a`, `"a"b`, ` "a"`, `"a" `, `1`, `null`, "\"\xff\"", "\"\n\"", `"\u00"`} {
		if got, ok := seal.String([]byte(raw)); ok {
			t.Errorf("String(%s) = %q, want refused", raw, got)
		}
	}
}

func TestNumber_decodes(t *testing.T) {
	for raw, want := range map[string]float64{
		"0": 0, "-0": 0, "7": 7, "-12": -12, "1767225600": 1767225600, "4767225600": 4767225600, "1.5": 1.5,
		"1e3": 1000, "-2.5E-1": -0.25, "9007199254740993": 9007199254740992, "123456789012345678901": 123456789012345680000,
		"1e-999": 0,
	} {
		if got, ok := seal.Number([]byte(raw)); !ok || got != want {
			t.Errorf("Number(%s) = %v, %v, want %v", raw, got, ok, want)
		}
	}
	for _, raw := range []string{"", "-", "01", "+1", "1.", ".5", "1e", "0x10", "1_000", " 1", "1 ", `"1"`, "null", "NaN", "Inf", "1e999", "-1e999"} {
		if got, ok := seal.Number([]byte(raw)); ok {
			t.Errorf("Number(%s) = %v, want refused", raw, got)
		}
	}
	for _, raw := range []string{"", "-", "1.0", "1e3", "01", "-01", "1234567890123456789", `"1"`} {
		if got, ok := seal.Int([]byte(raw)); ok {
			t.Errorf("Int(%s) = %v, want refused", raw, got)
		}
	}
	if got, ok := seal.Int([]byte("-999999999999999999")); !ok || got != -999999999999999999 {
		t.Errorf("Int of 18 digits = %v, %v", got, ok)
	}
}

func TestAppendString_isReadBack(t *testing.T) {
	all := make([]byte, 0, 300)
	for i := range 256 {
		all = append(all, byte(i))
	}
	for _, s := range []string{"", "plain", `"\/`, "\x00\x01\x1f\x7f", "Zoë 日本語 🎉", "\u2028\u2029", "\ufffd", "</script>", string(all), "a\xffb\xc3"} {
		raw := seal.AppendString([]byte("x"), s)[1:]
		if !json.Valid(raw) {
			t.Errorf("AppendString(%q) = %s, not JSON", s, raw)
		}
		want := strings.ToValidUTF8(strings.ReplaceAll(s, "\xff", "\ufffd"), "\ufffd")
		if strings.Contains(s, "\xfe") { // one replacement a byte, unlike ToValidUTF8
			want = string([]rune(s))
		}
		if got, ok := seal.String(raw); !ok || got != want {
			t.Errorf("String(AppendString(%q)) = %q, %v, want %q", s, got, ok, want)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range notJSON {
		f.Add([]byte(text))
	}
	f.Add(claims)
	f.Add([]byte(`{"a":"\ud83d\ude00\ud800","b":[1,-0.5e7,{"c":null}],"a":true, "exp":17}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got []member
		err := seal.Scan(text, func(name, raw []byte) error {
			got = append(got, member{string(name), string(raw)})
			return nil
		})
		want, wantErr := modelScan(text)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("Scan(%q) error = %v, encoding/json says %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("Scan(%q) (-encoding/json +got):\n%s", text, diff)
		}
		for _, m := range got {
			checkValue(t, m.Raw)
		}
	})
}

func checkValue(t *testing.T, raw string) {
	var v any
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		if n, ok := seal.Number([]byte(raw)); ok {
			t.Fatalf("Number(%s) = %v, encoding/json says %v", raw, n, err)
		}
		return
	}
	s, isString := seal.String([]byte(raw))
	n, isNumber := seal.Number([]byte(raw))
	wantS, wantString := v.(string)
	wantN, wantNumber := v.(float64)
	if isString != wantString || s != wantS {
		t.Fatalf("String(%s) = %q, %v, want %q", raw, s, isString, wantS)
	}
	if isNumber != wantNumber || n != wantN && !(math.IsNaN(n) && math.IsNaN(wantN)) {
		t.Fatalf("Number(%s) = %v, %v, want %v", raw, n, isNumber, wantN)
	}
	if isString {
		again := seal.AppendString(nil, s)
		if back, ok := seal.String(again); !ok || back != s {
			t.Fatalf("String(AppendString(%q)) = %q, %v", s, back, ok)
		}
	}
}

var errModel = errors.New("model refuses")

// modelScan is Scan by encoding/json, with UTF-8 and nesting checked beside it.
func modelScan(text []byte) (members []member, err error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errModel
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	depth := 0
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > seal.MaxDepth {
				return nil, errModel
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	d = json.NewDecoder(bytes.NewReader(text))
	if start, _ := d.Token(); start != json.Delim('{') {
		return nil, errModel
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		members = append(members, member{name.(string), string(raw)})
	}
	return members, nil
}
