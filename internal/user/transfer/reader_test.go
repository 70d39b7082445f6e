package transfer_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

func open(t testing.TB, f transfer.Format, text string) *transfer.Reader {
	t.Helper()
	r, err := transfer.NewReader(strings.NewReader(text), f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// all reads to the end.
func all(t testing.TB, r *transfer.Reader) (list []transfer.Record) {
	t.Helper()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		rec.Raw = bytes.Clone(rec.Raw)
		list = append(list, rec)
	}
}

const anID = auth.UserID("usr_0190163d-8694-739b-aea5-966c26f8ad91")

var (
	aTime = time.Date(2024, 2, 29, 23, 59, 58, 123456000, time.UTC)
	ada   = transfer.User{
		ID: anID, Email: "Ada@Example.org", Username: "ada", Name: "Ada, \"L.\"\n👩‍🔬", Image: "https://img.example/a.png",
		Roles: []string{"admin", "editor"}, Verified: true, VerifiedAt: aTime, Disabled: true, CreatedAt: aTime,
		PasswordHash: "$2b$10$x", MustChange: true,
		OldIDs: []auth.OldID{{Value: "9007199254740993", Main: true}, {Value: "auth0|5f7c"}, {Value: "two words"}, {Mount: "/b/auth", Value: "7", Main: true}, {Mount: "/b/auth", Value: "x"}},
	}
)

func TestReader_readsEveryMember(t *testing.T) {
	for name, c := range map[string]struct {
		format transfer.Format
		text   string
	}{
		"JSON": {transfer.JSONLines, `{"id":"` + string(anID) + `","email":"Ada@Example.org","username":"ada","name":"Ada, \"L.\"\n👩‍🔬","image":"https://img.example/a.png",` +
			`"roles":["admin","editor"],"email_verified":"2024-02-29T23:59:58.123456789Z","disabled":true,"created_at":"2024-03-01T00:59:58.123456+01:00",` +
			`"password_hash":"$2b$10$x","password_must_change":true,"old_id":9007199254740993,"account_ids":["auth0|5f7c","two words"],"old_id@/b/auth":"7","account_ids@/b/auth":["x"]}`},
		"CSV": {transfer.CSV, "\ufeffid,email,username,name,image,roles,email_verified,disabled,created_at,password_hash,password_must_change,old_id,account_ids,old_id@/b/auth,account_ids@/b/auth\r\n" +
			string(anID) + `,Ada@Example.org,ada,"Ada, ""L.""` + "\n" + `👩‍🔬",https://img.example/a.png,admin editor,2024-02-29T23:59:58.123456Z,TRUE,2024-02-29T23:59:58.123456Z,$2b$10$x,1,` +
			`9007199254740993,"[""auth0|5f7c"",""two words""]",7,x` + "\r\n"},
		"semicolons": {transfer.CSV, "email;username;\"name\";id;image;roles;verified;disabled;created_at;password_hash;password_must_change;old_id;account_ids;old_id@/b/auth;account_ids@/b/auth\n" +
			`Ada@Example.org;ada;"Ada, ""L.""` + "\n" + `👩‍🔬";` + string(anID) + `;https://img.example/a.png;admin editor;2024-02-29T23:59:58.123456Z;true;2024-02-29T23:59:58.123456Z;$2b$10$x;true;` +
			`9007199254740993;"[""auth0|5f7c"",""two words""]";7;x`},
	} {
		got := all(t, open(t, c.format, c.text))
		if len(got) != 1 || got[0].Err != nil {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if diff := cmp.Diff(ada, got[0].User); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What Auth.js's tables say of an address, and how little a line may have.
func TestReader_takesWhatAuthJSWrites(t *testing.T) {
	text := `{"email":"a@b.example","emailVerified":"2024-02-29T23:59:58.123Z","name":null,"old_id":"clx1"}
{"email":"a@b.example","emailVerified":null}
{"email":"a@b.example","verified":true,"old_id":-5}
`
	var got []transfer.User
	for _, rec := range all(t, open(t, transfer.JSONLines, text)) {
		if rec.Err != nil {
			t.Errorf("line %d: %v", rec.Line, rec.Err)
		}
		got = append(got, rec.User)
	}
	want := []transfer.User{
		{Email: "a@b.example", Verified: true, VerifiedAt: time.Date(2024, 2, 29, 23, 59, 58, 123000000, time.UTC), OldIDs: []auth.OldID{{Value: "clx1", Main: true}}},
		{Email: "a@b.example"},
		{Email: "a@b.example", Verified: true, OldIDs: []auth.OldID{{Value: "-5", Main: true}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReader_refusesALineAndGoesOn(t *testing.T) {
	deep := strings.Repeat("[", 30000) + strings.Repeat("]", 30000)
	for line, want := range map[string]string{
		`not JSON`:                                      "is not a user in JSON: invalid character 'o'",
		`{"email":"a@b.c"`:                              "is not a user in JSON: unexpected end",
		`{"email":"a"}{}`:                               "is not a user in JSON: invalid character '{' after top-level value",
		`[{"email":"a"}]`:                               "is a JSON array, not an object; jq -c '.[]' makes lines of one",
		`"email"`:                                       "is not a user in JSON: not an object",
		`null`:                                          "is not a user in JSON: not an object",
		`{"role":"x"}`:                                  `member "role" is not known`,
		`{"EMAIL":"x"}`:                                 `member "EMAIL" is not known`,
		`{"passwordHash":"x"}`:                          `member "passwordHash" is not known`,
		`{"password":"secret"}`:                         "passwords in plain text are not taken; give password_hash",
		`{"email":"a","email":"b"}`:                     "member email comes twice",
		`{"verified":true,"emailVerified":null}`:        "member email_verified comes twice",
		`{"email":"a","em\u0061il":"b"}`:                "member email comes twice",
		`{"email":1}`:                                   "email: is not a string",
		`{"email":["a"]}`:                               "email: is not a string",
		`{"name":"half \ud83d"}`:                        "name: has half a character",
		`{"roles":"admin"}`:                             "roles: is not an array of strings",
		`{"roles":["a",1]}`:                             "roles: is not an array of strings",
		`{"roles":[""]}`:                                "roles: is not an array of strings",
		`{"verified":"yes"}`:                            "email_verified: a time is written as in",
		`{"verified":1}`:                                "email_verified: is neither true nor false nor a time",
		`{"password_must_change":"true"}`:               "password_must_change: is neither true nor false",
		`{"old_id":1.5}`:                                "old_id: is not a whole number",
		`{"old_id":1e3}`:                                "old_id: is not a whole number",
		`{"old_id":{}}`:                                 "old_id: is neither a string nor a number",
		`{"old_id@api":"1"}`:                            "a mount is named by its base path",
		`{"email@/api":"1"}`:                            "names a mount, which email has not",
		`{"created_at":"yesterday"}`:                    "created_at: a time is written as in",
		`{"disabled":"0000-01-01T00:00:00+01:00"}`:      "disabled: a time is written as in",
		`{"id":"7"}`:                                    "id: is no ID of a Gatehouse",
		`{"name":` + deep + `}`:                         "is not a user in JSON: invalid character '[' exceeded max depth",
		"{\"name\":\"a\x00b\"}":                         "is not a user in JSON: invalid character '\\x00'",
		"{\"name\":\"\xff\"}":                           "is not UTF-8",
		`{"` + strings.Repeat("ü", 100) + `":1}`:        "member \"" + strings.Repeat("ü", 20) + "…\" is not known",
		"{\"\x1b]0;\\u001b[2Jx\":1}":                    "is not a user in JSON: invalid character",
		`{"\u001b[2J":1}`:                               `member "\x1b[2J" is not known`,
		`{"name":"` + strings.Repeat("x", 70000) + `"}`: "is longer than 65536 bytes",
	} {
		got := all(t, open(t, transfer.JSONLines, "{}\n"+line+"\r\n\n{}"))
		if len(got) != 3 || got[0].Err != nil || got[2].Err != nil || got[1].Line != 2 || got[2].Line != 4 {
			t.Errorf("%.60s: %d records", line, len(got))
			continue
		}
		if err := got[1].Err; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", line, err, want)
		}
		if len(line) <= transfer.MaxRecord && string(got[1].Raw) != line {
			t.Errorf("%.60s: raw is %.60q", line, got[1].Raw)
		}
	}
}

func TestReader_refusesARowAndGoesOn(t *testing.T) {
	for row, want := range map[string]string{
		`a@b.c`:           "has 1 cells, and the first row has 3",
		`a@b.c,x,,`:       "has 4 cells, and the first row has 3",
		`a@b.c,a"b,`:      "its quotes are not those of RFC 4180",
		`a@b.c,"a"b,`:     "its quotes are not those of RFC 4180",
		`a@b.c,"a"b"c"d,`: "its quotes are not those of RFC 4180",
		"a@b.c,\xff,":     "is not UTF-8",
		`a@b.c,x,perhaps`: "email_verified: is neither true nor false nor a time as in",
		"a@b.c," + strings.Repeat("x", 70000) + ",":           "is longer than 65536 bytes",
		"a@b.c,\"" + strings.Repeat("x,\n", 30000) + "\",":    "is longer than 65536 bytes",
		"a@b.c,\"" + strings.Repeat("\"\"\n", 30000) + "\"x,": "is longer than 65536 bytes",
	} {
		got := all(t, open(t, transfer.CSV, "email,name,verified\nx,y,\n"+row+"\r\n\nx,z,1"))
		if len(got) != 3 || got[0].Err != nil || got[2].Err != nil || got[1].Line != 3 || got[2].User.Name != "z" {
			t.Errorf("%.60s: %d records, %v", row, len(got), got)
			continue
		}
		if err := got[1].Err; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", row, err, want)
		}
		if len(row) <= transfer.MaxRecord && string(got[1].Raw) != row {
			t.Errorf("%.60s: raw is %.60q", row, got[1].Raw)
		}
	}
}

func TestReader_refusesAFileByItsBeginning(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "the file is empty",
		"\n\n":                           "the file is empty",
		"email,role\n":                   `member "role" is not known`,
		"email,verified,emailVerified\n": "names column email_verified twice",
		"email,password\n":               "passwords in plain text are not taken",
		"\"email,name\n":                 "a quote that is opened here is never closed",
		"\xff\xfee\x00m\x00":             "UTF-16",
		"email,n\xe4me\n":                "is not UTF-8",
		strings.Repeat("email,", 20000):  "is longer than",
	} {
		_, err := transfer.NewReader(strings.NewReader(text), transfer.CSV)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// Whoever chose a name must not be able to write users with it: a row whose
// name is too long goes on to its own end, however it looks inside.
func TestReader_neverReadsTheInsideOfACellAsARow(t *testing.T) {
	evil := "evil@example.org,root,admin\n"
	for name, inside := range map[string]string{
		"short":    "x\n" + evil,
		"too long": "x\n" + evil + strings.Repeat("y", 2*transfer.MaxRecord) + "\n" + evil,
		"quoted":   "\"\"\n" + evil + "\"\"" + strings.Repeat("y\"\"\n", transfer.MaxRecord) + evil,
	} {
		var over bytes.Buffer
		text := "email,name,roles\na@b.example,\"" + inside + "\",user\nlast@b.example,l,user\n"
		r := open(t, transfer.CSV, text)
		r.Overlong = &over
		got := all(t, r)
		if len(got) != 2 || got[1].User.Email != "last@b.example" || got[0].Err == nil && name != "short" {
			t.Errorf("%s: %d records: %.200v", name, len(got), got)
		}
		if name != "short" && over.String() != strings.TrimSuffix(strings.TrimPrefix(text, "email,name,roles\n"), "last@b.example,l,user\n") {
			t.Errorf("%s: the row was not handed on as it is: %d bytes", name, over.Len())
		}
	}
}

// endless is a file that no memory could hold.
type endless struct {
	head  string
	block string
	left  int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.head != "" {
		n := copy(b, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	n := min(e.left, len(b), len(e.block))
	if n == 0 {
		return 0, io.EOF
	}
	copy(b, e.block[:n])
	e.left -= n
	return n, nil
}

func TestReader_holdsOneRecordOfWhateverFile(t *testing.T) {
	const size = 16 << 20
	for name, c := range map[string]struct {
		format      transfer.Format
		head, block string
		records     int
		less        int
	}{
		"one line of JSON":     {transfer.JSONLines, `{"name":"`, "xxxxxxxxxxxxxxxx", 1, 0},
		"a quote never closed": {transfer.CSV, "email,name\na@b.example,\"", "x\ny,z\nxxxxxxxxxx", 1, 0},
		"doubled quotes":       {transfer.CSV, "email,name\na@b.example,\"", `""""""""""""""""`, 1, 0},
		"separators":           {transfer.CSV, "email,name\n", ",,,,,,,,,,,,,,,,", 1, 0},
		"empty lines of JSON":  {transfer.JSONLines, "", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 0, 3},
		"empty rows":           {transfer.CSV, "email,name\n", "\n\r\n\n\r\n\n\r\n\n\n\r\n\n\n", 0, 3},
		"NUL bytes":            {transfer.JSONLines, "", strings.Repeat("\x00", 16), 1, 0},
	} {
		r, err := transfer.NewReader(&endless{c.head, strings.Repeat(c.block, 4096), size >> c.less}, c.format)
		if err != nil {
			t.Fatal(err)
		}
		r.Overlong = io.Discard
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := all(t, r)
		runtime.ReadMemStats(&after)
		if len(got) != c.records || len(got) == 1 && (got[0].Err == nil || got[0].Raw != nil) {
			t.Errorf("%s: %d records, %.200v", name, len(got), got)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 6<<20 {
			t.Errorf("%s: %d bytes were allocated of %d", name, took, size)
		}
	}
}

func TestReader_saysWhereAFileCouldNotBeRead(t *testing.T) {
	broken := errors.New("broken disk")
	in := io.MultiReader(strings.NewReader("{}\n{}\n{\"em"), iotest.ErrReader(broken))
	r, err := transfer.NewReader(in, transfer.JSONLines)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // half a line is no record, and never becomes one
		if _, err := r.Next(); !errors.Is(err, broken) || !strings.Contains(err.Error(), "after line 2") {
			t.Errorf("%v", err)
		}
	}
}

// Small reads, as of a pipe, make no other records.
func TestReader_doesNotDependOnHowBytesArrive(t *testing.T) {
	text := "email,name\r\n\"a@b.example\",\"x\r\ny\"\"z\"\r\nb@b.example,\"\"\r\n"
	want := all(t, open(t, transfer.CSV, text))
	r, err := transfer.NewReader(iotest.OneByteReader(strings.NewReader(text)), transfer.CSV)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, all(t, r)); diff != "" || want[0].User.Name != "x\r\ny\"z" {
		t.Errorf("%v %s", want, diff)
	}
}
