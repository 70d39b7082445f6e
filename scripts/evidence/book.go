package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// requirement is one row of requirements.tsv.
type requirement struct{ id, level, text, component, test string }

// standing is one row of standings.tsv.
type standing struct{ kind, reason string }

// The kinds of standing.
const (
	deviates = "deviates" // another source wins, or another way is better
	partly   = "partly"   // the part that exists is proved by the tests named
	later    = "later"    // the feature that it is about does not exist yet
)

// book is everything that the page is made of.
type book struct {
	requirements  []requirement
	notApplicable []requirement // text is the reason
	standings     map[string]standing
	proofs        map[string][]proof
}

func gather(root string) (b book, err error) {
	security := filepath.Join(root, "docs", "security")
	if b.requirements, err = readRequirements(filepath.Join(security, "requirements.tsv")); err != nil {
		return b, err
	}
	rows, err := readTable(filepath.Join(security, "not-applicable.tsv"), 3)
	if err != nil {
		return b, err
	}
	for _, row := range rows {
		b.notApplicable = append(b.notApplicable, requirement{id: row[0], level: row[1], text: row[2]})
	}
	if b.standings, err = readStandings(filepath.Join(security, "standings.tsv")); err != nil {
		return b, err
	}
	if b.proofs, err = readProofs(root); err != nil {
		return b, err
	}
	return b, b.check()
}

// check refuses IDs that no table has, and standings that contradict the tests.
func (b book) check() error {
	known := map[string]bool{}
	for _, r := range b.requirements {
		if known[r.id] {
			return fmt.Errorf("requirement %s stands twice", r.id)
		}
		known[r.id] = true
	}
	var errs []error
	for id, list := range b.proofs {
		if !known[id] {
			errs = append(errs, fmt.Errorf("%s names %s, which is no requirement", list[0].at(), id))
		}
	}
	for id, s := range b.standings {
		switch {
		case !known[id]:
			errs = append(errs, fmt.Errorf("standings.tsv names %s, which is no requirement", id))
		case s.kind == partly && len(b.proofs[id]) == 0:
			errs = append(errs, fmt.Errorf("standings.tsv says that %s is partly proved, and no test does", id))
		case s.kind == later && len(b.proofs[id]) > 0:
			errs = append(errs, fmt.Errorf("standings.tsv says %q of %s, which %s proves", later, id, b.proofs[id][0].at()))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// unproved are the requirements of the components that have neither a proof nor
// a standing.
func (b book) unproved(components []string) (list []requirement) {
	for _, r := range b.requirements {
		_, stands := b.standings[r.id]
		if slices.Contains(components, r.component) && len(b.proofs[r.id]) == 0 && !stands {
			list = append(list, r)
		}
	}
	return list
}

func readRequirements(file string) (list []requirement, err error) {
	rows, err := readTable(file, 5)
	for _, row := range rows {
		list = append(list, requirement{id: row[0], level: row[1], text: row[2], component: row[3], test: row[4]})
	}
	return list, err
}

func readStandings(file string) (map[string]standing, error) {
	rows, err := readTable(file, 3)
	if err != nil {
		return nil, err
	}
	out := map[string]standing{}
	for _, row := range rows {
		if _, twice := out[row[0]]; twice {
			return nil, fmt.Errorf("%s: %s stands twice", file, row[0])
		}
		if k := row[1]; k != deviates && k != partly && k != later {
			return nil, fmt.Errorf("%s: %q of %s is no standing", file, k, row[0])
		}
		if row[2] == "" {
			return nil, fmt.Errorf("%s: %s has no reason", file, row[0])
		}
		out[row[0]] = standing{row[1], row[2]}
	}
	return out, nil
}

// readTable reads rows of the given number of columns, without the heading.
func readTable(file string, columns int) (rows [][]string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		row := strings.Split(line, "\t")
		if len(row) != columns {
			return nil, fmt.Errorf("%s:%d has %d columns, want %d", file, i+1, len(row), columns)
		}
		if i > 0 {
			rows = append(rows, row)
		}
	}
	return rows, nil
}
