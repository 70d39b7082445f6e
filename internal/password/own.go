package password

import (
	"strings"
	"unicode"
)

// minWord is the least length of a word that makes a password guessable. Two
// letters are found in too much.
const minWord = 3

// ownWords returns what the user's names and identifiers give away: each as a
// whole, an e-mail address in its two halves, and all of their parts.
func ownWords(who Context) [][]rune {
	var w wordSet
	for _, id := range who.Identifiers {
		id = fold(id)
		w.addWithParts(id)
		if local, domain, ok := strings.Cut(id, "@"); ok {
			w.add(local)
			w.add(domain)
		}
	}
	for _, name := range who.Names {
		w.addWithParts(fold(name))
	}
	return w.words
}

// contextWords returns the words of a policy, each as a whole and in parts.
func contextWords(words []string) [][]rune {
	var w wordSet
	for _, word := range words {
		w.addWithParts(fold(word))
	}
	return w.words
}

// mostWords and mostWordLength bound the work a user can cause by a long name.
const (
	mostWords      = 64
	mostWordLength = 256
)

type wordSet struct{ words [][]rune }

func (w *wordSet) add(s string) {
	r := []rune(strings.TrimSpace(s))
	if len(r) >= minWord && len(r) <= mostWordLength && len(w.words) < mostWords {
		w.words = append(w.words, r)
	}
}

// addWithParts adds s and its parts between anything but letters. Digits part
// too: they are filler in the password.
func (w *wordSet) addWithParts(s string) {
	w.add(s)
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		w.add(part)
	}
}
