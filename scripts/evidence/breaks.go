package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// breakage is one row of breaks.tsv: an edit that takes a control away, and the
// test that must fail then, because it claims a requirement.
type breakage struct{ id, file, old, broken, folder, test string }

func (k breakage) String() string { return k.id + " " + k.test + " (" + k.file + ")" }

// readBreaks reads the table and refuses rows that mean nothing any more: code
// that has changed, and tests that do not carry the mark.
func (b book) readBreaks(root string) (list []breakage, err error) {
	rows, err := readTable(filepath.Join(root, "scripts", "evidence", "breaks.tsv"), 6)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, row := range rows {
		k := breakage{row[0], row[1], row[2], row[3], row[4], row[5]}
		list = append(list, k)
		text, err := os.ReadFile(filepath.Join(root, k.file))
		if n := bytes.Count(text, []byte(k.old)); err != nil || n != 1 {
			errs = append(errs, fmt.Errorf("%s: %q stands there %d times, want once", k, k.old, n))
		}
		if k.old == k.broken {
			errs = append(errs, fmt.Errorf("%s: nothing is changed", k))
		}
		if !slices.ContainsFunc(b.proofs[k.id], func(p proof) bool { return p.folder == k.folder && p.test == k.test }) {
			errs = append(errs, fmt.Errorf("%s: that test in %s does not claim to prove it", k, k.folder))
		}
	}
	return list, errors.Join(errs...)
}

// runBreaks breaks one control after the other, and returns an error when a test
// passes without it. ids are the requirements to look at, or "all". The working
// tree is not touched: the broken file is laid over it for one build.
func (b book) runBreaks(root, ids string, out io.Writer) error {
	list, err := b.readBreaks(root)
	if err != nil {
		return err
	}
	if ids != "all" {
		wanted := strings.Split(ids, ",")
		list = slices.DeleteFunc(list, func(k breakage) bool { return !slices.Contains(wanted, k.id) })
	}
	if len(list) == 0 {
		return fmt.Errorf("breaks.tsv has nothing for %q", ids)
	}
	var errs []error
	whole := map[string]bool{}
	for _, k := range list {
		if err := k.run(root, whole); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k, err))
			fmt.Fprintln(out, "NOT SEEN ", k)
			continue
		}
		fmt.Fprintln(out, "seen     ", k)
	}
	return errors.Join(errs...)
}

// run wants the test to pass as things are, and to fail with the break. whole
// remembers the tests that did pass.
func (k breakage) run(root string, whole map[string]bool) error {
	if name := k.folder + " " + k.test; !whole[name] {
		if said, err := k.goTest(root); err != nil {
			return fmt.Errorf("it fails before anything is broken: %w\n%s", err, said)
		}
		whole[name] = true
	}
	folder, err := os.MkdirTemp("", "gatehouse-break")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	overlay, err := k.overlay(root, folder)
	if err != nil {
		return err
	}
	said, err := k.goTest(root, "-overlay", overlay)
	switch {
	case err == nil:
		return errors.New("the test passes without the control")
	case !strings.Contains(said, "--- FAIL: "+k.test): // it did not build, or another one failed
		return fmt.Errorf("the break does not run: %s", said)
	}
	return nil
}

// overlay writes the broken file and the description that go build takes.
func (k breakage) overlay(root, folder string) (string, error) {
	original, err := filepath.Abs(filepath.Join(root, k.file))
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	broken := filepath.Join(folder, filepath.Base(k.file))
	if err := os.WriteFile(broken, bytes.Replace(text, []byte(k.old), []byte(k.broken), 1), 0o600); err != nil {
		return "", err
	}
	description, err := json.Marshal(map[string]map[string]string{"Replace": {original: broken}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "overlay.json")
	return file, os.WriteFile(file, description, 0o600)
}

// goTest runs the test, and it alone. Vet would only say what the break is.
func (k breakage) goTest(root string, flags ...string) (said string, err error) {
	arguments := append([]string{"test", "-count=1", "-vet=off", "-timeout=5m", "-run", "^" + k.test + "$"}, flags...)
	c := exec.Command("go", append(arguments, "./"+k.folder)...)
	c.Dir = root
	text, err := c.CombinedOutput()
	if err == nil && bytes.Contains(text, []byte("no tests to run")) {
		err = errors.New("there is no such test")
	}
	return string(text), err
}
