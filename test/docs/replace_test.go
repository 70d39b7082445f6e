package docs_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// replacement is one line of the table of what is replaced before a block is
// run, in the commands and in what they print.
type replacement struct {
	what *regexp.Regexp
	by   string
}

// repository is where a reader gets the source from.
const repository = "https://github.com/gatehouse-auth/gatehouse"

// replacements is the table for one document.
func replacements(t *testing.T, folder, clone string) []replacement {
	t.Helper()
	var table []replacement
	for _, port := range []string{"8787", "8788", "3000", "9000", "4000"} {
		table = append(table, replacement{regexp.MustCompile(`\b` + port + `\b`), freePort(t)})
	}
	for _, system := range []string{"/etc/gatehouse", "/var/lib/gatehouse", "/backup", "/tmp/try"} {
		own := filepath.Join(folder, "system", system)
		table = append(table, replacement{regexp.MustCompile(regexp.QuoteMeta(system) + `\b`), own})
	}
	return append(table, replacement{regexp.MustCompile(regexp.QuoteMeta(repository) + `\b`), clone})
}

func replace(table []replacement, text string) string {
	for _, r := range table {
		text = r.what.ReplaceAllLiteralString(text, r.by)
	}
	return text
}

// freePort is a port that nobody listens on, under either loopback address.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		ln.Close()
		if c, err := net.Dial("tcp", "[::1]:"+port); err == nil {
			c.Close()
			continue
		}
		return port
	}
	t.Fatal("no port is free")
	return ""
}

// prepared are the folders that the table names, and their parents.
func prepared(t *testing.T, folder string) {
	t.Helper()
	for _, parent := range []string{"system/etc", "system/var/lib", "system/tmp", "system/backup", "home", "bin", "work"} {
		if err := os.MkdirAll(filepath.Join(folder, parent), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReplace_leavesOtherNumbersAlone(t *testing.T) {
	table := replacements(t, "/x", "/clone")
	got := replace(table, "127.0.0.1:8787 18787 87870 usr_8787a cat /etc/gatehouse/secret /etc/gatehousekeeper git clone "+repository)
	port := table[0].by
	want := "127.0.0.1:" + port + " 18787 87870 usr_8787a cat /x/system/etc/gatehouse/secret /etc/gatehousekeeper git clone /clone"
	if got != want || strings.Contains(port, "8787") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
