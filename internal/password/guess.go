package password

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// guess is a password as an attacker's word list would hold it. The checks on
// it ask whether the whole password is a few cheap pieces; a long passphrase
// that merely contains one is good.
//
// Three kinds of pieces are cheap:
//   - a word: a common password, a name, a context word;
//   - a run: three or more keys in a row, or one character three times or more;
//   - filler: a single digit, punctuation mark or space.
//
// Filler is what people add to a refused word. Up to mostFiller of it does not
// make a word a password, and beyond that it carries one by itself.
type guess struct {
	text  []rune // folded
	ascii string // the same, with a null byte for each code point beyond ASCII
	runs  []int  // the length of the longest run from each position
}

const mostFiller = 10

func newGuess(stable string) guess {
	g := guess{text: []rune(fold(stable))}
	ascii := make([]byte, len(g.text))
	for i, r := range g.text {
		if r <= unicode.MaxASCII {
			ascii[i] = byte(r)
		}
	}
	g.ascii = string(ascii)
	g.runs = make([]int, len(g.text))
	for i := range g.runs {
		g.runs[i] = g.run(i)
	}
	return g
}

// fold is the form in which words are compared: compatibility characters and
// case do not make a difference. It is never hashed.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		// Upper first: it joins letters that have two lower forms (ς and σ).
		return unicode.ToLower(unicode.ToUpper(r))
	}, norm.NFKC.String(s))
}

func isFiller(r rune) bool {
	return unicode.IsDigit(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.IsSpace(r)
}

// rows are keys in a row, as they are typed or recited; each counts backwards
// too. Rows of QWERTY, QWERTZ and AZERTY keyboards, then QWERTY's columns.
var rows = [...]string{
	"abcdefghijklmnopqrstuvwxyz",
	"01234567890123456789", // twice, for runs through 9 0 1
	"qwertyuiop", "asdfghjkl", "zxcvbnm",
	"qwertzuiop", "yxcvbnm",
	"azertyuiop", "qsdfghjklm", "wxcvbn",
	"!@#$%^&*()",
	"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm",
}

// run returns how long the longest run from text[i] is; under 3 it is none.
func (g guess) run(i int) int {
	longest := 1
	for longest < len(g.text)-i && g.text[i+longest] == g.text[i] {
		longest++
	}
	if g.text[i] > unicode.MaxASCII {
		return longest
	}
	for _, row := range rows {
		at := strings.IndexByte(row, byte(g.text[i]))
		if at < 0 {
			continue
		}
		longest = max(longest, g.follow(i, row, at, 1), g.follow(i, row, at, -1))
		if last := strings.LastIndexByte(row, byte(g.text[i])); last != at {
			longest = max(longest, g.follow(i, row, last, 1), g.follow(i, row, last, -1))
		}
	}
	return longest
}

// follow returns how far text goes along row from row[at] in steps of by.
func (g guess) follow(i int, row string, at, by int) int {
	n := 0
	for i+n < len(g.text) && at >= 0 && at < len(row) && g.text[i+n] == rune(row[at]) {
		n++
		at += by
	}
	return n
}

const minRun = 3

// cover returns for every position the least filler with which text up to
// there is made of cheap pieces, words among them, or unreachable. A second
// column holds the same for texts with at least one word. A nil words finds
// runs and filler alone.
func (g guess) cover(words [][]rune) (plain, worded []int) {
	n := len(g.text)
	plain, worded = make([]int, n+1), make([]int, n+1)
	for i := range plain {
		plain[i], worded[i] = unreachable, unreachable
	}
	plain[0] = 0
	for i := range n {
		if plain[i] >= unreachable && worded[i] >= unreachable {
			continue
		}
		if isFiller(g.text[i]) {
			plain[i+1] = min(plain[i+1], plain[i]+1)
			worded[i+1] = min(worded[i+1], worded[i]+1)
		}
		for end := i + g.runs[i]; end >= i+minRun; end-- {
			plain[end] = min(plain[end], plain[i])
			worded[end] = min(worded[end], worded[i])
		}
		for _, w := range words {
			if g.hasAt(i, w) {
				worded[i+len(w)] = min(worded[i+len(w)], plain[i], worded[i])
			}
		}
	}
	return plain, worded
}

const unreachable = 1 << 20 // more filler than any text has

func (g guess) hasAt(i int, w []rune) bool {
	if len(g.text)-i < len(w) {
		return false
	}
	for k, r := range w {
		if g.text[i+k] != r {
			return false
		}
	}
	return true
}

// madeOf reports whether text is made of words, in any order and number, with
// no more than runs and little filler around them.
func (g guess) madeOf(words [][]rune) bool {
	if len(words) == 0 {
		return false
	}
	_, worded := g.cover(words)
	return worded[len(g.text)] <= mostFiller
}

// predictable reports whether text is a block of at most eight characters over
// and over, or runs with at most one filler in each eight characters.
//
// Spaces and emoji alone are let through, repeated or not: that is a matter of
// which characters a password has, on which there is no rule (ASVS 6.2.5).
func (g guess) predictable() bool {
	if !g.hasASCIIOrLetters() {
		return false
	}
	for period := 1; period <= 8 && 2*period <= len(g.text); period++ {
		if g.repeats(period) {
			return true
		}
	}
	plain, _ := g.cover(nil)
	return plain[len(g.text)] <= len(g.text)/8
}

// repeats reports whether text is one block of period characters over and
// over; the last may be cut short.
func (g guess) repeats(period int) bool {
	for i := period; i < len(g.text); i++ {
		if g.text[i] != g.text[i-period] {
			return false
		}
	}
	return true
}

func (g guess) hasASCIIOrLetters() bool {
	for _, r := range g.text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r <= unicode.MaxASCII && !unicode.IsSpace(r) {
			return true
		}
	}
	return false
}
