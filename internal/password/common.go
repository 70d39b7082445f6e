package password

import (
	_ "embed"
	"errors"
	"iter"
	"strings"
)

// commonText is the list as scripts/common-passwords made it: folded, one entry
// a line, in byte order. It is embedded as plain text and searched where it
// lies, so it costs nothing at start and no memory until it is asked. Packed it
// would be 200 KiB smaller and cost 6 ms of a start-up of 20.
//
//go:embed common.txt
var commonText string

// CommonList is a list of common passwords. It is immutable and safe for
// concurrent use.
type CommonList struct {
	lines string // sorted, each ended by a newline
}

// The shortest and longest entry of the list, in bytes; entries are ASCII.
const (
	shortestEntry = 5
	longestEntry  = 20
)

// LoadCommon returns the list built into the program (see common.LICENSE.txt).
// It takes no time and allocates nothing worth counting.
func LoadCommon() (*CommonList, error) {
	if !strings.HasSuffix(commonText, "\n") {
		return nil, errors.New("the built-in list of common passwords is cut short")
	}
	return &CommonList{lines: commonText}, nil
}

// floor returns the greatest entry that does not come after s, or "".
func (c *CommonList) floor(s string) string {
	best := ""
	lo, hi := 0, len(c.lines) // whole lines, and the entry is best or among them
	for lo < hi {
		mid := (lo + hi) / 2
		begin := lo + strings.LastIndexByte(c.lines[lo:mid], '\n') + 1
		end := begin + strings.IndexByte(c.lines[begin:hi], '\n')
		if entry := c.lines[begin:end]; entry <= s {
			best, lo = entry, end+1
		} else {
			hi = begin
		}
	}
	return best
}

func (c *CommonList) contains(s string) bool { return s != "" && c.floor(s) == s }

// prefixes yields every entry that s begins with, longest first.
func (c *CommonList) prefixes(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		s = s[:min(len(s), longestEntry)]
		for len(s) >= shortestEntry {
			// What s begins with does not come after s, and shares with the
			// greatest such entry all of its length.
			entry := c.floor(s)
			shared := 0
			for shared < min(len(entry), len(s)) && entry[shared] == s[shared] {
				shared++
			}
			if shared < len(entry) {
				s = s[:shared]
				continue
			}
			if entry == "" || !yield(entry) {
				return
			}
			s = s[:shared-1]
		}
	}
}

// refuses reports whether the whole of g is an entry, once or over and over, or
// is an entry with letters, once or several times, with no more than runs and
// little filler around it ("Password1234567!", "dragon-dragon-dragon"). Two
// different entries side by side are let through: passphrases are made of
// common words.
func (c *CommonList) refuses(g guess) bool {
	if c == nil {
		return false
	}
	for n := shortestEntry; n <= min(longestEntry, len(g.text)); n++ {
		if g.repeats(n) && c.contains(g.ascii[:n]) { // n is the whole, too
			return true
		}
	}
	before, _ := g.cover(nil)
	for i := range g.text {
		if before[i] > mostFiller {
			continue
		}
		for entry := range c.prefixes(g.ascii[i:]) {
			// An entry of digits alone is filler, and in every phone number.
			if strings.ContainsAny(entry, "abcdefghijklmnopqrstuvwxyz") && g.madeOf([][]rune{[]rune(entry)}) {
				return true
			}
		}
	}
	return false
}
