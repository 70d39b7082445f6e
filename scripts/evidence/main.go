// Command evidence writes docs/security/evidence.md: which test proves which
// security requirement, what deviates and why, and what is not proved yet.
//
//	go run ./scripts/evidence          write the file
//	go run ./scripts/evidence -check   fail when the file is stale
//	go run ./scripts/evidence -open password,session   list what those components still lack
//
// A test claims a requirement with a comment directly above its function:
//
//	// proves: ASVS 6.2.1, CB-2
//
// A mark is a promise: the test fails when the control is broken. So each
// control is broken once while its test is written, and the breaks of the most
// important ones are kept in breaks.tsv, to be repeated:
//
//	go run ./scripts/evidence -break all          every break of the table (some minutes)
//	go run ./scripts/evidence -break CB-4,7.3.1   those of these requirements
//
// A row is an ID, a file, a piece of text that stands in it once, what is put in
// its place, and the folder and the test that must fail then. The file is laid
// over the working tree for one build ("go test -overlay"), so nothing needs to
// be put back; the test has to pass before, and a break that does not build is
// an error. A test here checks that the rows still fit the code and the marks.
//
// For a control without a row, do the same by hand: return early from the check,
// swap the comparison, leave the header out; run the tests that evidence.md names
// for it, see them fail, and put it back. Better: add the row.
//
// What is decided otherwise stands in docs/security/standings.tsv: an ID, one of
// "deviates", "partly" and "later", and the reason.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "fail when the file is stale")
	open := flag.String("open", "", "list the unproved requirements of these components, with commas")
	breaks := flag.String("break", "", "break the controls of these requirements, with commas, or of all, and see their tests fail")
	flag.Parse()
	var err error
	if *breaks != "" {
		err = breakControls(".", *breaks)
	} else {
		err = run(".", *check, *open)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "evidence:", err)
		os.Exit(1)
	}
}

// target is the generated file.
const target = "docs/security/evidence.md"

func run(root string, check bool, open string) error {
	b, err := gather(root)
	if err != nil {
		return err
	}
	if open != "" {
		for _, r := range b.unproved(strings.Split(open, ",")) {
			fmt.Printf("%s\t%s\t%s\n\t%s\n", r.id, r.component, r.text, r.test)
		}
		return nil
	}
	want := b.page()
	file := filepath.Join(root, target)
	if !check {
		return os.WriteFile(file, want, 0o644)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s is stale: run go run ./scripts/evidence", target)
	}
	return nil
}

// breakControls is run of the breaks.
func breakControls(root, ids string) error {
	b, err := gather(root)
	if err != nil {
		return err
	}
	return b.runBreaks(root, ids, os.Stdout)
}
