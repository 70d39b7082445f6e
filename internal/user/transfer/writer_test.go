package transfer_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

func write(t testing.TB, o transfer.WriterOptions, users ...transfer.User) string {
	t.Helper()
	var out bytes.Buffer
	w, err := transfer.NewWriter(&out, o)
	for _, u := range users {
		err = errors.Join(err, w.Write(u))
	}
	if err := errors.Join(err, w.Flush()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// weird are texts that break what is written without care.
var weird = []string{
	"", "plain", `say "hi"`, "a,b;c\td", "two\nlines", "two\r\nlines", "lone\rreturn", "👩‍👩‍👧‍👦 ǅ ﬁ \u2028 \ufffd", "<b>&amp;</b>",
	"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\x00x", "'", "''", "'=x", "''=x", "'x", "'-", " =x", "[", `["a"]`, "[a]", "null", "true", "\\N", "\ufeffx",
}

func TestWriter_whatItWritesIsReadAgain(t *testing.T) {
	var users []transfer.User
	for i, text := range weird {
		u := ada
		u.Name, u.Image, u.Username = text, weird[len(weird)-1-i], text+"x"
		u.OldIDs = []auth.OldID{{Mount: "/a", Value: text + "1", Main: true}, {Mount: "/a", Value: text + " 2"}, {Mount: "/b", Value: "x" + text}, {Mount: "/b", Value: "-3"}}
		u.Disabled, u.MustChange = i%2 == 0, i%3 == 0
		if i%2 == 0 {
			u.DisabledAt = aTime
		}
		users = append(users, u)
	}
	users = append(users, transfer.User{Email: "least@example.org"})
	for _, f := range []transfer.Format{transfer.JSONLines, transfer.CSV} {
		text := write(t, transfer.WriterOptions{Format: f, Mounts: []string{"/a", "/b"}, Hashes: true}, users...)
		var got []transfer.User
		for _, rec := range all(t, open(t, f, text)) {
			if rec.Err != nil {
				t.Errorf("%s, line %d: %v in %s", f, rec.Line, rec.Err, rec.Raw)
			}
			got = append(got, rec.User)
		}
		if diff := cmp.Diff(users, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
		if again := write(t, transfer.WriterOptions{Format: f, Mounts: []string{"/a", "/b"}, Hashes: true}, got...); again != text {
			t.Errorf("%s: written again it is another text", f)
		}
	}
}

// A spreadsheet takes a cell that begins so for a formula and runs it.
//
// proves: ASVS 1.2.10
func TestWriter_noCellOfCSVIsAFormula(t *testing.T) {
	for _, text := range weird {
		u := transfer.User{Email: text + "@example.org", Name: text, Username: text, Image: text, Roles: []string{"-r"}, PasswordHash: text, OldIDs: []auth.OldID{{Value: "-1", Main: true}, {Value: "=2"}}}
		rows, err := csv.NewReader(strings.NewReader(write(t, transfer.WriterOptions{Format: transfer.CSV, Mounts: []string{""}, Hashes: true}, u))).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%q: %v, %d rows", text, err, len(rows))
		}
		for i, cell := range rows[1] {
			if cell != "" && strings.ContainsRune("=+-@\t\r\x00", rune(cell[0])) {
				t.Errorf("%s is %q", rows[0][i], cell)
			}
		}
	}
}

// With one mount its name is left out, so that the file fits an installation
// that calls it otherwise; hashes are written only when they are asked for.
func TestWriter_leavesOutWhatIsNotAskedFor(t *testing.T) {
	u := ada
	u.OldIDs = []auth.OldID{{Mount: "/a", Value: "1", Main: true}, {Mount: "/gone", Value: "2", Main: true}}
	for _, f := range []transfer.Format{transfer.JSONLines, transfer.CSV} {
		one := write(t, transfer.WriterOptions{Format: f, Mounts: []string{"/a"}}, u)
		if strings.Contains(one, "$2b$") || strings.Contains(one, "password") || strings.Contains(one, "/") != strings.Contains(one, "https://") || strings.Contains(one, "gone") || strings.Contains(one, "@/a") {
			t.Errorf("%s", one)
		}
		several := write(t, transfer.WriterOptions{Format: f, Mounts: []string{"/a", "/b"}, Hashes: true}, u)
		for _, want := range []string{"$2b$10$x", "old_id@/a", "password_must_change"} {
			if !strings.Contains(several, want) {
				t.Errorf("no %s in %s", want, several)
			}
		}
	}
}

type full struct{}

var errFull = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriter_saysWhenTheDiskIsFull(t *testing.T) {
	for _, f := range []transfer.Format{transfer.JSONLines, transfer.CSV} {
		w, err := transfer.NewWriter(full{}, transfer.WriterOptions{Format: f})
		for range 2000 {
			err = errors.Join(err, w.Write(ada))
		}
		if !errors.Is(err, errFull) || !errors.Is(w.Flush(), errFull) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if _, err := transfer.NewWriter(full{}, transfer.WriterOptions{Format: "xml"}); err == nil {
		t.Error("there is a format xml")
	}
}

func FuzzJSONLines(f *testing.F) {
	f.Add([]byte(`{"email":"a@b.example","old_id":1,"account_ids":["x y"],"verified":true,"created_at":"2024-01-02T03:04:05Z"}` + "\n\n{}\r\n[1]"))
	f.Add([]byte("\ufeff{\"name\":\"\\ud83d\\ude00 \\ud83d\",\"old_id@/b\":\"7\"}"))
	f.Add([]byte(`{"email":"a","email":"b"}` + "\n" + `{"roles":["[","'=x"],"disabled":"2024-01-02T03:04:05.1+02:00"}`))
	f.Add([]byte("\xff\xfe{\x00"))
	f.Fuzz(func(t *testing.T, text []byte) { fuzz(t, transfer.JSONLines, text) })
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("email,name,roles,account_ids\na@b.example,\"x\r\n\"\"y\",a b,\"[\"\"x y\"\"]\"\n,,,\n\n\"open"))
	f.Add([]byte("\ufeffemail;old_id;verified\r\n'=a;-1;TRUE\r\n\"a\"b;;\r\nx;y\r\n"))
	f.Add([]byte("email\tpassword\n"))
	f.Add([]byte("name\n''+x\n\"\"\"\"\n\"\n\""))
	f.Fuzz(func(t *testing.T, text []byte) { fuzz(t, transfer.CSV, text) })
}

// fuzz reads whatever comes and writes what was understood: it must be read
// again as the same, in both formats.
func fuzz(t *testing.T, f transfer.Format, text []byte) {
	r, err := transfer.NewReader(bytes.NewReader(text), f)
	if err != nil {
		return
	}
	line := 0
	for _, rec := range all(t, r) {
		if rec.Line <= line || len(rec.Raw) > transfer.MaxRecord || !bytes.Contains(text, rec.Raw) {
			t.Fatalf("line %d behind %d, %d bytes", rec.Line, line, len(rec.Raw))
		}
		line = rec.Line
		if rec.Err != nil || slices.ContainsFunc(rec.User.OldIDs, func(id auth.OldID) bool { return id.Mount != "" }) {
			continue
		}
		for _, to := range []transfer.Format{transfer.JSONLines, transfer.CSV} {
			written := write(t, transfer.WriterOptions{Format: to, Mounts: []string{""}, Hashes: true}, rec.User)
			if len(written) > transfer.MaxRecord {
				continue // escapes make it longer
			}
			again := all(t, open(t, to, written))
			if len(again) != 1 || again[0].Err != nil {
				t.Fatalf("%q was read as %+v, and what is written of it is read as %+v", rec.Raw, rec.User, again)
			}
			sorted := cmpopts.SortSlices(func(a, b auth.OldID) bool { return !b.Main && (a.Main || a.Value < b.Value) })
			if diff := cmp.Diff(rec.User, again[0].User, cmpopts.EquateEmpty(), sorted); diff != "" {
				t.Fatalf("%q, by way of %s (-want +got):\n%s", rec.Raw, to, diff)
			}
		}
	}
}
