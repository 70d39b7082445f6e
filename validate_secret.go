package gatehouse

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/auth"
)

const (
	minSecretLength = 32
	// maxSecretLength is for catching a whole file given by mistake.
	maxSecretLength = 1024
	// minDistinct is how many different characters a secret has at least: 32
	// random hexadecimal digits have fewer than 8 once in fifty million times.
	minDistinct = 8
	// minUnknown is how many characters must be left once the words that
	// placeholders are made of are taken out.
	minUnknown = 16
)

const secretCure = `make one with "gatehouse secret generate"`

// checkSecrets looks at each secret by itself and then for doubles. An
// application that had one of Gatehouse's own secrets could forge whatever
// Gatehouse alone may say (guarantees R6).
func (c Config) checkSecrets(p *Problems) {
	p.bound("secrets_ordinal", c.SecretsOrdinal, 1, maxSecretsOrdinal, "")
	seen := map[auth.Secret]struct {
		field string
		own   bool
	}{}
	c.secretsOf(func(list string, own bool, secrets []auth.Secret) {
		if len(secrets) == 0 && list != peppersField && list != masterField {
			p.add(list, secretCure, "is missing")
		}
		inList := map[auth.Secret]bool{}
		for i, s := range secrets {
			field := fmt.Sprintf("%s[%d]", list, i)
			if problem := secretProblem(s.Reveal()); problem != "" {
				p.add(field, secretCure, "%s", problem)
			}
			if s == "" {
				continue
			}
			first, met := seen[s]
			switch {
			case inList[s]:
				p.add(field, "remove one of them", "stands twice in %s", setting(list))
			case met && list == peppersField:
				p.add(field, "replace it: "+secretCure, "is the same as %s: a pepper serves nothing else, so that who learns the one has not the other", setting(first.field))
			case met && list == masterField:
				p.add(field, "replace it: "+secretCure+"; or leave keys.master out, and the keys are sealed under secrets",
					"is the same as %s: a master key serves nothing else, so that who learns the one has not the other", setting(first.field))
			case met && (own || first.own):
				p.add(field, "replace one of the two: "+secretCure, "is the same as %s: whoever has the application's secret could forge Gatehouse's own facts", setting(first.field))
			}
			inList[s] = true
			if !met {
				seen[s] = struct {
					field string
					own   bool
				}{field, own}
			}
		}
	})
}

// secretProblem says what makes s guessable, without showing it, or "".
func secretProblem(s string) string {
	n := utf8.RuneCountInString(s)
	switch {
	case s == "":
		return "is empty"
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "has line breaks, control characters or bytes that are not UTF-8"
	case strings.TrimSpace(s) != s:
		return "begins or ends with a blank, most likely left over from copying"
	case strings.HasPrefix(s, "$(") || strings.HasPrefix(s, "${") || strings.HasPrefix(s, "`"):
		return "is a shell expression that was not run"
	case placeholder(s):
		return "is a well-known placeholder, not a secret"
	case n < minSecretLength:
		return fmt.Sprintf("has %d characters, and %d are needed", n, minSecretLength)
	case n > maxSecretLength:
		return fmt.Sprintf("has %d characters; more than %d is not one secret", n, maxSecretLength)
	case distinct(s) < minDistinct:
		return guessable(distinct(s))
	case repeats(s):
		return "is one piece said again and again: it can be guessed"
	case runs(s):
		return "is a run of neighbouring characters: it can be guessed"
	}
	return ""
}

// guessable is the problem of a secret with too few different characters.
func guessable(different int) string {
	if different == 1 {
		return "is one character said again and again: it can be guessed"
	}
	return fmt.Sprintf("has only %d different characters: it can be guessed", different)
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// repeats says whether s is a piece of at most half its length, over and over;
// a random text of this length never is.
func repeats(s string) bool {
	for piece := 1; piece <= len(s)/2; piece++ {
		if s[piece:] == s[:len(s)-piece] {
			return true
		}
	}
	return false
}

// runs says whether most characters follow their neighbour in the alphabet,
// up or down, or equal it.
func runs(s string) bool {
	near := 0
	rs := []rune(s)
	for i := 1; i < len(rs); i++ {
		if d := rs[i] - rs[i-1]; d >= -1 && d <= 1 {
			near++
		}
	}
	return near*2 > len(rs)
}

// placeholderWords are what placeholders are made of, in guides, templates and
// the documentation of NextAuth. The longer come first, for they hold the
// shorter. Random text cannot lose much to words of this length.
var placeholderWords = strings.Fields(`
	abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm 1234567890 0123456789 qwertyuiop 123456789 12345678
	characters production development environment placeholder opensslrandbase6432 supersecret generated
	encryption nextauthsecret authsecret jwtsecret credentials replacethis replaceme changethis changeme
	gatehouse nextauth generate password passphrase insecure security randomly minimum session default example
	replace openssl complex private cookies keyboard testing signing longer strong string random secure secret
	secrets cookie base64 please change should insert update value token local build sample dummy never super
	least server client demo only once here your auth must with this that from some very long real jwt key dev
	test todo fixme rand prod hash salt next user admin root site more than good safe enough mine make
	set put use for the and not app xxx foo bar baz cat env`)

// publishedSecrets are full-length values that stand in the documentation and
// examples of NextAuth and were copied into live sites from there.
var publishedSecrets = []string{
	"INp8IvdIyeMcoGAgFGoA61DdBglwwSqnXJZkgz8PSnw",
	"Dl893BEV-iVE-x9EC52TDmlJUgGm9oZ99_ZL025Hc5Q",
	"K7QqRmJOKRK2qcCKV_pi9PSBv3XP0fpTu30TP8xn4w01xR3ZMZM38yL2DnTVPVw6e4yhdh0jtoah-i4c_pZagA",
}

// placeholder says whether s is published, or nothing but ordinary words of
// placeholders with punctuation and a few other characters between them.
func placeholder(s string) bool {
	if slices.Contains(publishedSecrets, strings.TrimRight(s, "=")) {
		return true
	}
	left := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
	if left == "" {
		return true
	}
	whole := utf8.RuneCountInString(left)
	for _, w := range placeholderWords {
		left = strings.ReplaceAll(left, w, " ")
	}
	unknown := utf8.RuneCountInString(strings.ReplaceAll(left, " ", ""))
	// A short text is a placeholder only if mostly words; otherwise it is
	// simply short, and that is what its owner should be told.
	return unknown < minUnknown && unknown*2 < whole
}
