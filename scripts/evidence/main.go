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
// A mark is a promise: the test fails when the control is broken. To see that
// it keeps the promise, break the control by hand (return early from the check,
// swap the comparison, drop the header), run the tests that evidence.md names
// for it, see them fail, and put it back.
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
	flag.Parse()
	if err := run(".", *check, *open); err != nil {
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
