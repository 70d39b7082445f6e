package apikey_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
)

// knownChecksum is that of the key below, by another program.
const knownChecksum = "3wiBPS"

// A thousand keys: what scanners find, what people copy, and what is random.
//
// proves: NEXT-33
func TestParse_knowsAThousandKeysAndNoneWithATypingError(t *testing.T) {
	o := newOffice(t)
	form := regexp.MustCompile(`^` + apikey.Pattern + `$`)
	seen := map[string]bool{}
	for i := range 1000 {
		c := o.service("clerk")
		text := c.Text.Reveal()
		parsed, ok := apikey.Parse(text)
		if !ok || parsed.KeyID() != c.Key.ID || parsed.Environment != "live" || !form.MatchString(text) || !apikey.Contains(`key = "`+text+`"`) {
			t.Fatalf("key %d is not what it says", i)
		}
		secret := text[len(text)-49 : len(text)-6]
		if seen[secret[:22]] || seen[secret[21:]] { // 128 bits of either end
			t.Fatal("two keys share half of their secret")
		}
		seen[secret[:22]], seen[secret[21:]] = true, true
		if strings.ContainsFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) || len(text) != 90 {
			t.Fatalf("%d characters, or one that is no letter", len(text))
		}
	}
	o.reads.n = 0
	text := o.service("clerk").Text.Reveal()
	for i := range text {
		for _, c := range []byte{'0', 'z', '_', 'A'} {
			wrong := text[:i] + string(c) + text[i+1:]
			if wrong == text {
				continue
			}
			if _, ok := apikey.Parse(wrong); ok {
				t.Fatalf("a key with another character at %d is taken for one", i)
			}
			o.refused("a typing error", auth.Secret(wrong), auth.CodeInvalidAPIKey)
		}
	}
	for i := range len(text) - 1 {
		swapped := text[:i] + string(text[i+1]) + string(text[i]) + text[i+2:]
		if _, ok := apikey.Parse(swapped); ok && swapped != text {
			t.Fatalf("a key with two characters swapped at %d is taken for one", i)
		}
	}
	if o.reads.n != 0 {
		t.Errorf("typing errors asked the database %d times", o.reads.n)
	}
	o.good("the key itself", auth.Secret(text))
	if o.reads.n != 1 {
		t.Errorf("the control: a key that is new asked the database %d times", o.reads.n)
	}
}

// Nobody needs a secret to check a key that was found in a repository.
func TestParse_isAsTheDocumentsSay(t *testing.T) {
	// Made once, by the steps of docs/api-keys.md in another language.
	const known = "gh_live_0195a7b49d4b7000800000000000002a_0000000000000000000000000000000000000000000"
	if _, ok := apikey.Parse(known + "000000"); ok {
		t.Error("a checksum of nothing is taken")
	}
	if _, ok := apikey.Parse(known + knownChecksum); !ok {
		t.Error("a key is not known that the documents' steps make")
	}
}

func TestContains_findsAKeyAmongOtherText(t *testing.T) {
	key := newOffice(t).service("clerk").Text.Reveal()
	for text, want := range map[string]bool{
		key: true, "api_key=" + key + "&x=1": true, "gh_gh_ " + key: true, "_gh_sess=1; k=" + key: true, key + ",": true,
		"": false, "gh_": false, "gh_live_": false, key[:89]: false, key + "x": false, strings.ToUpper(key): false, "x" + key[1:]: false,
	} {
		if got := apikey.Contains(text); got != want {
			t.Errorf("%.40q: %v", text, got)
		}
	}
}

func TestValidEnvironment_isWhatFitsInAKey(t *testing.T) {
	for name, want := range map[string]bool{
		"live": true, "test": true, "0": true, "staging2eu": true, "abcdefghijklmnop": true,
		"": false, "abcdefghijklmnopq": false, "Live": false, "a_b": false, "a-b": false, "é": false, "a b": false, "a\x00": false,
	} {
		if got := apikey.ValidEnvironment(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestShown_hasNothingOfTheSecret(t *testing.T) {
	c := newOffice(t).service("clerk")
	shown := apikey.Shown(c.Key)
	if !strings.HasPrefix(c.Text.Reveal(), shown+"_") || len(shown) != len("gh_live_")+32 {
		t.Errorf("shown as %q", shown)
	}
	if all := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(all, c.Text.Reveal()[41:]) {
		t.Error("a key prints with its secret")
	}
	if o := roomtest.HashOf(auth.Secret(c.Text.Reveal()[41:84])); c.Key.SecretHash != o {
		t.Error("what is stored is not the hash of the secret")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("")
	f.Add("gh_live_0195a7b49d4b7000800000000000002a_0000000000000000000000000000000000000000000" + knownChecksum)
	f.Add("gh_a_0195a7b49d4b7000800000000000002a_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz000000")
	f.Add("gh__0195a7b49d4b7000800000000000002a_0")
	f.Add("gh_live_\x00")
	form := regexp.MustCompile(`^` + apikey.Pattern + `$`)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, ok := apikey.Parse(text)
		if !ok {
			return
		}
		shown := apikey.Shown(auth.APIKey{ID: parsed.KeyID(), Environment: parsed.Environment})
		if !form.MatchString(text) || !strings.HasPrefix(text, shown+"_") || !apikey.Contains(text) {
			t.Fatalf("%q is taken for a key", text)
		}
	})
}
