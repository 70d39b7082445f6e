package password_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
)

func digest(pw string) string { return fmt.Sprintf("%X", sha1.Sum([]byte(pw))) }

// digests are those of n invented passwords and of the given ones, in order.
func digests(n int, more ...string) []string {
	var all []string
	for i := range n {
		all = append(all, digest(fmt.Sprintf("invented password %d", i)))
	}
	for _, pw := range more {
		all = append(all, digest(pw))
	}
	slices.Sort(all)
	return all
}

func writeList(t testing.TB, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "breached.txt")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func openList(t testing.TB, content string) *password.BreachedList {
	t.Helper()
	b, err := password.OpenBreached(writeList(t, content))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// The forms in which the lists are published, each small and larger than what
// is read in one piece.
func forms(all []string) map[string]string {
	counted := make([]string, len(all))
	for i, d := range all {
		counted[i] = fmt.Sprintf("%s:%d", d, i*i*i+1)
	}
	return map[string]string{
		"plain":             strings.Join(all, "\n") + "\n",
		"without last end":  strings.Join(all, "\n"),
		"CRLF":              strings.Join(all, "\r\n") + "\r\n",
		"CRLF without last": strings.Join(all, "\r\n"),
		"counts":            strings.Join(counted, "\n") + "\n",
		"counts and CRLF":   strings.Join(counted, "\r\n") + "\r\n",
	}
}

// proves: ASVS 6.2.12
func TestBreachedList_hasWhatIsInTheFileAndNothingElse(t *testing.T) {
	for _, n := range []int{1, 2, 3, 100, 3000} {
		all := digests(n)
		for name, content := range forms(all) {
			b := openList(t, content)
			for _, d := range all {
				if found, err := password.Search(b, d); err != nil || !found {
					t.Fatalf("%d, %s: %s: %v, %v", n, name, d, found, err)
				}
			}
			for _, d := range []string{strings.Repeat("0", 40), strings.Repeat("F", 40), digest("not on it"), all[0][:39] + "!", all[n-1][:39] + "G"} {
				if found, err := password.Search(b, d); err != nil || found {
					t.Errorf("%d, %s: %s, which is not in the file: %v, %v", n, name, d, found, err)
				}
			}
		}
	}
}

// proves: ASVS 6.2.12
func TestCheck_refusesBreachedPasswords(t *testing.T) {
	const breached, composed, good = "kelp otters juggle nine", "d\u00e9j\u00e0 vu d\u00e9j\u00e0 lu otters", "kelp otters juggle ten"
	const typed = "de\u0301ja\u0300 vu de\u0301ja\u0300 lu otters"
	b := openList(t, strings.Join(digests(1000, breached, composed), ":7\r\n")+":7\r\n")
	with, without := password.Policy{Common: loadCommon(t), Breached: b}, password.Policy{Common: loadCommon(t)}
	for _, pw := range []string{breached, composed, typed} {
		if got := reasons(with.Check(pw, password.Context{})); !slices.Equal(got, []password.Reason{password.ReasonBreached}) {
			t.Errorf("Check(%q) = %v", pw, got)
		}
		if err := without.Check(pw, password.Context{}); err != nil {
			t.Errorf("Check(%q) without the list = %v", pw, err)
		}
	}
	if err := with.Check(good, password.Context{}); err != nil {
		t.Errorf("Check(%q) = %v", good, err)
	}
	// Also as it was typed: lists are of what other sites were given.
	raw := password.Policy{Breached: openList(t, digest(typed)+"\n")}
	if got := reasons(raw.Check(typed, password.Context{})); !slices.Equal(got, []password.Reason{password.ReasonBreached}) {
		t.Errorf("Check of what was typed = %v", got)
	}
	refused := with.Judge(auth.Secret(breached), auth.User{})
	if !errors.Is(refused, auth.CodePasswordCommon) || !strings.Contains(refused.Error(), "data breach") {
		t.Errorf("Judge = %v", refused)
	}
}

// The documented rule: while the list cannot be asked, no new password is
// taken.
//
// proves: ASVS 6.2.12
func TestJudge_takesNoPasswordThatItCannotJudge(t *testing.T) {
	const good = "kelp otters juggle ten"
	content := strings.Join(digests(2000), "\n") + "\n"
	for name, spoil := range map[string]func(t *testing.T, file string, b *password.BreachedList){
		"closed":    func(_ *testing.T, _ string, b *password.BreachedList) { _ = b.Close() },
		"cut short": func(t *testing.T, file string, _ *password.BreachedList) { must(t, os.Truncate(file, 41*1000)) },
		"grown": func(t *testing.T, file string, _ *password.BreachedList) {
			must(t, os.WriteFile(file, []byte(content+strings.Repeat("F", 40)), 0o600))
		},
		"written over": func(t *testing.T, file string, _ *password.BreachedList) {
			must(t, os.WriteFile(file, bytes.ToLower([]byte(content)), 0o600))
			must(t, os.Chtimes(file, time.Time{}, time.Now().Add(time.Minute)))
		},
	} {
		file := writeList(t, content)
		b, err := password.OpenBreached(file)
		if err != nil {
			t.Fatal(err)
		}
		p := password.Policy{Breached: b}
		if err := p.Judge(good, auth.User{}); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		spoil(t, file, b)
		if err := p.Judge(good, auth.User{}); !errors.Is(err, auth.CodeUnavailable) || !errors.Is(err, password.ErrBreachedList) {
			t.Errorf("%s: Judge = %v, want unavailable", name, err)
		}
		_ = b.Close()
	}

	// A new file under the old name changes nothing until the next start.
	file := writeList(t, content)
	b, err := password.OpenBreached(file)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	must(t, os.Rename(writeList(t, digest(good)+"\n"), file))
	if err := (password.Policy{Breached: b}).Judge(good, auth.User{}); err != nil {
		t.Errorf("another file under its name: Judge = %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenBreached_refusesWhatIsNoList(t *testing.T) {
	all := digests(5000)
	whole := strings.Join(all, "\n") + "\n"
	swapped := slices.Clone(all)
	slices.Reverse(swapped)
	last := slices.Clone(all)
	last[len(last)-1] = strings.Repeat("0", 40)
	for name, tt := range map[string]struct{ content, want string }{
		"empty":             {"", "is empty"},
		"the last one":      {strings.Join(last, "\n") + "\n", "not in order"},
		"unsorted":          {strings.Join(swapped, "\n"), "not in order"},
		"ordered by count":  {all[3] + ":9\n" + all[1] + ":8\n", "not in order"},
		"twice":             {all[1] + "\n" + all[1] + "\n", "not in order"},
		"lower case":        {strings.ToLower(whole), "SHA-1"},
		"NTLM":              {"00000011059407D743D40689940F858C:5\n", "SHA-1"},
		"passwords":         {"password\nqwerty\n", "SHA-1"},
		"a blank line":      {whole + "\n", "SHA-1"},
		"a mark in front":   {"\ufeff" + whole, "SHA-1"},
		"a count of words":  {all[0] + ":many\n", "SHA-1"},
		"a colon alone":     {all[0] + ":\n", "SHA-1"},
		"one endless line":  {strings.Repeat("0", 1<<16), "SHA-1"},
		"bytes":             {strings.Repeat("\x00\xff\n", 1<<10), "SHA-1"},
		"broken off":        {strings.Join(slices.DeleteFunc(digests(60000), func(d string) bool { return d > "7F" }), "\n"), "not whole"},
		"resumed":           {strings.Join(slices.DeleteFunc(digests(60000), func(d string) bool { return d < "7F" }), "\n"), "not whole"},
		"half a last line":  {whole + all[0][:20], "SHA-1"},
		"carriage returns":  {strings.Join(all[:3], "\r"), "SHA-1"},
		"a blank after all": {all[0] + " \n", "SHA-1"},
	} {
		b, err := password.OpenBreached(writeList(t, tt.content))
		if !errors.Is(err, password.ErrBreachedList) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: OpenBreached = %v, want %q", name, err, tt.want)
		}
		if b != nil {
			_ = b.Close()
		}
	}
	if _, err := password.OpenBreached(t.TempDir()); !errors.Is(err, password.ErrBreachedList) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := password.OpenBreached(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) || !errors.Is(err, password.ErrBreachedList) {
		t.Errorf("no file: %v", err)
	}
}

// A list of tens of gigabytes is searched in a few dozen reads, without memory.
func TestBreachedList_readsLittleOfALargeFile(t *testing.T) {
	large := &endless{lines: 1 << 30} // 44 GB
	b, err := password.NewBreached(large)
	if err != nil {
		t.Fatal(err)
	}
	if large.read > 256<<10 {
		t.Errorf("%d bytes were read at the start", large.read)
	}
	for _, line := range []int64{0, 1, 12345, 1<<29 - 1, 1<<30 - 1} {
		large.read = 0
		if found, err := password.Search(b, large.digest(line)); err != nil || !found {
			t.Errorf("line %d: %v, %v", line, found, err)
		}
		odd := large.digest(line)[:39] + "1"
		if found, err := password.Search(b, odd); err != nil || found {
			t.Errorf("beside line %d: %v, %v", line, found, err)
		}
		if large.read > 64<<10 {
			t.Errorf("line %d: %d bytes were read", line, large.read)
		}
	}
}

// endless is a file of as many lines as are asked for, made when it is read.
type endless struct {
	lines int64
	read  int
}

func (e *endless) digest(line int64) string {
	return fmt.Sprintf("%08X%031X0", line*(1<<32/e.lines), line)
}

func (e *endless) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) && at < 41*e.lines {
		text := e.digest(at/41) + "\n"
		c := copy(p[n:], text[at%41:])
		n, at = n+c, at+int64(c)
	}
	e.read += n
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (e *endless) Close() error               { return nil }
func (e *endless) Stat() (os.FileInfo, error) { return sized{size: 41 * e.lines}, nil }

type sized struct {
	os.FileInfo
	size int64
}

func (s sized) Size() int64        { return s.size }
func (s sized) ModTime() time.Time { return time.Time{} }

// FuzzBreachedList compares the search with reading line by line, in files that
// are lists and in files that are not: those are refused, or answered as a
// reader would who stops at nothing.
func FuzzBreachedList(f *testing.F) {
	all := digests(300, "asked for")
	for _, content := range forms(all[:40]) {
		f.Add([]byte(content), all[7])
	}
	f.Add([]byte(strings.Join(all, "\n")), digest("asked for"))
	f.Add([]byte(all[0]+"\n"+all[1]+":12\r\n"+all[2]), all[2])
	f.Add([]byte(""), all[0])
	f.Add([]byte("\n\n\n"), "")
	f.Fuzz(func(t *testing.T, content []byte, asked string) {
		b, err := password.NewBreached(inMemory{bytes.NewReader(content)})
		if err != nil {
			return
		}
		want := false
		var last string
		for line := range bytes.Lines(content) {
			d := string(bytes.TrimRight(line, "\r\n"))[:40]
			if d <= last {
				return // out of order where no sample was taken: any answer is
			}
			last = d
			want = want || d == asked
		}
		if found, err := password.Search(b, asked); err != nil || found != want {
			t.Errorf("Search(%q) = %v, %v; reading says %v in\n%s", asked, found, err, want, content)
		}
	})
}

// FuzzBreachedSearch is the same in files that are lists always: every three
// bytes are a line, with a count and an end of their own.
func FuzzBreachedSearch(f *testing.F) {
	f.Add([]byte("abcdefghi"), []byte("def"))
	f.Add(bytes.Repeat([]byte{0, 0xff, 1, 2, 0x80, 3, 9}, 60), []byte{9, 0, 0xff})
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, lines, asked []byte) {
		name := func(b []byte) string { return fmt.Sprintf("%02X%038X", b[:1], b[1:]) }
		listed := map[string]string{}
		for line := range slices.Chunk(lines, 3) {
			end := []string{"\n", "\r\n", ":1\n", ":12345678901234567890\r\n"}[line[len(line)-1]%4]
			listed[name(line)] = end
		}
		var content strings.Builder
		all := slices.Sorted(maps.Keys(listed))
		for _, d := range all {
			content.WriteString(d + listed[d])
		}
		text := content.String()
		if len(lines)%2 == 0 {
			text = strings.TrimRight(text, "\r\n")
		}
		b, err := password.NewBreached(inMemory{bytes.NewReader([]byte(text))})
		if (err != nil) != (len(all) == 0) && !(err != nil && len(text) > 1<<20) {
			t.Fatalf("%d lines: %v", len(all), err)
		}
		if err != nil {
			return
		}
		if len(asked) > 0 {
			all = append(all, name(asked[:min(len(asked), 3)]))
		}
		for _, d := range all {
			_, want := listed[d]
			if found, err := password.Search(b, d); err != nil || found != want {
				t.Fatalf("Search(%q) = %v, %v; want %v", d, found, err, want)
			}
		}
	})
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error                 { return nil }
func (m inMemory) Stat() (os.FileInfo, error) { return sized{size: m.Size()}, nil }
