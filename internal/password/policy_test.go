package password_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-auth/gatehouse/internal/password"
)

func loadCommon(t testing.TB) *password.CommonList {
	t.Helper()
	list, err := password.LoadCommon()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func reasons(err error) []password.Reason {
	var pe *password.PolicyError
	if !errors.As(err, &pe) {
		return nil
	}
	var all []password.Reason
	for _, p := range pe.Problems {
		all = append(all, p.Reason)
	}
	return all
}

// words is what is left of a passphrase cut or stretched to n code points;
// nothing but its length is ever wrong with it.
func words(n int) string {
	const phrase = "kelp otters juggle nine walnuts by moonlight; "
	return strings.Repeat(phrase, n/len(phrase)+1)[:n]
}

// proves: ASVS 6.2.1, ASVS 6.2.9, NIST-1, CB-25
func TestCheck_boundsTheLengthInCodePoints(t *testing.T) {
	p := password.Policy{Common: loadCommon(t)}
	single, second := password.Context{}, password.Context{SecondFactor: true}
	for _, tt := range []struct {
		name string
		pw   string
		who  password.Context
		want []password.Problem
	}{
		{"empty", "", single, []password.Problem{{Reason: password.ReasonTooShort, Limit: 15}}},
		{"14", words(14), single, []password.Problem{{Reason: password.ReasonTooShort, Length: 14, Limit: 15}}},
		{"15", words(15), single, nil},
		{"7 with a second factor", words(7), second, []password.Problem{{Reason: password.ReasonTooShort, Length: 7, Limit: 8}}},
		{"8 with a second factor", words(8), second, nil},
		{"64", words(64), single, nil},
		{"128", words(128), single, nil},
		{"256", words(256), single, nil},
		{"257", words(257), single, []password.Problem{{Reason: password.ReasonTooLong, Length: 257, Limit: 256}}},
		{"a megabyte", words(1 << 20), single, []password.Problem{{Reason: password.ReasonTooLong, Limit: 256}}},
		{"14 of two code units each", strings.Repeat("𝕒𝕓𝕠𝕩𝕢𝕡𝕔", 2), single, []password.Problem{
			{Reason: password.ReasonTooShort, Length: 14, Limit: 15}, {Reason: password.ReasonPredictable}}},
		{"15 letters typed as 30 code points", "e\u0301a\u0300o\u0302u\u0308n\u0303c\u0327i\u0301a\u0308e\u0302o\u0301u\u0300i\u0308e\u0300a\u0301o\u0308", single, nil},
		{"256 letters typed as 512 code points", strings.Repeat("e\u0301a\u0300o\u0302u\u0308n\u0303c\u0327i\u0301a\u0308e\u0302o\u0301u\u0300i\u0308e\u0300a\u0301o\u0308n\u0303", 16), single, nil},
		{"the widest that fits", strings.Repeat("👩‍🚀🪐☄️🌙🌍🌞", 25), single, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := p.Check(tt.pw, tt.who)
			var got []password.Problem
			if pe := (*password.PolicyError)(nil); errors.As(err, &pe) {
				got = pe.Problems
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Check: problems differ (-want +got):\n%s", diff)
			}
			tooLong := slices.Contains(reasons(err), password.ReasonTooLong)
			if got := p.TooLong(tt.pw); got != tooLong {
				t.Errorf("TooLong = %v, and Check says %v", got, reasons(err))
			}
		})
	}
}

// proves: NIST-2
func TestCheck_countsEachCodePointAsOne(t *testing.T) {
	p := password.Policy{Common: loadCommon(t)}
	const emoji = "😀🐙🚀🌵🎻🍉🦉🧭🪁🎲🧊🛶🥨🪴🔭"
	if err := p.Check(emoji, password.Context{}); err != nil {
		t.Errorf("Check of 15 emoji = %v", err)
	}
	cut := strings.TrimSuffix(emoji, "🔭")
	if got := reasons(p.Check(cut, password.Context{})); !slices.Equal(got, []password.Reason{password.ReasonTooShort}) {
		t.Errorf("Check of 14 emoji = %v, want too_short", got)
	}
	h := newHasher(t, password.Options{})
	if got, err := h.Verify(t.Context(), mustHash(t, h, emoji), cut+"🔬"); err != nil || got.OK {
		t.Errorf("another last emoji: Verify = %+v, %v; want no match", got, err)
	}
}

// proves: ASVS 6.2.5
func TestCheck_hasNoCompositionRules(t *testing.T) {
	p := password.Policy{Common: loadCommon(t)}
	for _, pw := range []string{
		"violetotterjuggles",
		"VIOLETOTTERJUGGLES",
		"839201758463920",
		"                    ",
		strings.Repeat("😀", 15),
		"#&*+{|}~^%$=/?,",
		"пароль из слов кириллицей",
		"不要使用常见的密码而要用很长的",
		"tabs\tand\nlines\x00pass",
	} {
		if err := p.Check(pw, password.Context{}); err != nil {
			t.Errorf("Check(%q) = %v, want it accepted", pw, err)
		}
	}
}

// proves: ASVS 6.2.4, NIST-4
func TestCheck_refusesTheMostCommonPasswords(t *testing.T) {
	p := password.Policy{Common: loadCommon(t)}
	data, err := os.ReadFile("testdata/top3000.txt")
	if err != nil {
		t.Fatal(err)
	}
	top := strings.Fields(string(data))
	if len(top) < 3000 {
		t.Fatalf("%d passwords to try, want 3000", len(top))
	}
	title := func(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
	for _, entry := range top {
		// As they are where 8 is enough; grown to 15 in the usual ways where not.
		tries := map[string]bool{entry: true, strings.ToUpper(entry): true, title(entry): true, entry + entry: false}
		if strings.ContainsAny(entry, "abcdefghijklmnopqrstuvwxyz") {
			tries[title(entry)+"1234567!"] = false
			tries["!!"+entry+"-2024"] = true
		}
		for pw, short := range tries {
			got := reasons(p.Check(pw, password.Context{SecondFactor: short}))
			if !slices.Contains(got, password.ReasonCommon) && !slices.Contains(got, password.ReasonPredictable) {
				t.Errorf("Check(%q) = %v, want common", pw, got)
			}
			if pw == entry && !slices.Contains(got, password.ReasonCommon) {
				t.Errorf("Check(%q) = %v, want common", pw, got)
			}
		}
	}
}

// Every entry of the list is one that the search finds, and every entry that
// fits the default policy is refused by it.
func TestCheck_findsEveryEntryOfTheList(t *testing.T) {
	p := password.Policy{Common: loadCommon(t)}
	entries := strings.Split(strings.TrimSuffix(password.CommonText(), "\n"), "\n")
	if !slices.IsSorted(entries) || len(slices.Compact(slices.Clone(entries))) != len(entries) {
		t.Error("the list is not sorted, or holds an entry twice")
	}
	fits := 0
	for _, entry := range entries {
		if len(entry) < 5 || len(entry) > 20 {
			t.Errorf("entry %q is outside the lengths that are looked up", entry)
		}
		got := reasons(p.Check(entry, password.Context{}))
		if !slices.Contains(got, password.ReasonCommon) {
			t.Errorf("Check(%q) = %v, want common", entry, got)
		}
		if len(entry) >= 15 {
			fits++
		}
	}
	if fits < 40 {
		t.Errorf("%d entries have 15 characters or more, want the 41 of the source", fits)
	}
}

var nobody = password.Context{}

func TestCheck_refusesLittleMoreThanACommonPassword(t *testing.T) {
	p := password.Policy{Common: loadCommon(t)}
	for _, tt := range []struct {
		pw     string
		common bool
	}{
		{"passwordpassword", true},
		{"password password password", true},
		{"Password123456!", true},
		{"Password1234567890!", true},
		{"monkey123456789", true},
		{"1234567monkey!!!", true},
		{"dragon-dragon-dragon", true},
		{"147258369147258369", true}, // an entry of digits, doubled
		{"48151623424815162342", true},
		{"Sunshine01.02.2024", true},
		{"iloveyou!!!!!!!!!!!!!!", true},
		{"ＰＡＳＳＷＯＲＤ１２３４５６７", true},
		{"qwertyuiop12345", true},
		{"1qaz2wsx3edc4rfv", true},

		{"sunshine dragon monkey", false},    // unrelated words, though common ones
		{"sunshine 73918465029", false},      // the digits alone are worth more than ten
		{"my password is long", false},       // contains one
		{"correct horse battery", false},     //
		{"12345 otters in the attic", false}, //
		{"dragonfruit-salad-83", false},      //
	} {
		got := slices.Contains(reasons(p.Check(tt.pw, nobody)), password.ReasonCommon)
		if got != tt.common {
			t.Errorf("Check(%q): common is %v, want %v", tt.pw, got, tt.common)
		}
	}
}

func TestCheck_refusesRepetitionsAndKeysInARow(t *testing.T) {
	p := password.Policy{Common: loadCommon(t)}
	for _, tt := range []struct {
		pw          string
		predictable bool
	}{
		{"aaaaaaaaaaaaaaaa", true},
		{"----------------", true},
		{"ababababababababa", true},
		{"blablablablablabla", true},
		{"xkcdxkcdxkcdxkcd", true},
		{"ёлкаёлкаёлкаёлка", true},
		{"abcdefghijklmnopqrst", true},
		{"zyxwvutsrqponmlkj", true},
		{"ABCDEFGH12345678", true},
		{"890123456789012", true},
		{"987654321098765", true},
		{"QwertyuiopAsdfghjkl", true},
		{"qwertzuiopasdfg", true},
		{"azertyuiopqsdfg", true},
		{"2wsx3edc4rfv5tgb", true},
		{"aaabbbcccdddeeefff", true},
		{"1234567890!@#$%^&*()", true},
		{"abcdefgh-12345678", true},

		{"abcdefgh but not more", false},
		{"aaaaaaaaaaaaaaaakes", false},
		{"3141592653589793", false},
		{"07911 123456 ring", false},
		{"the cat the cat the dog", false},
		{"qwerty is a keyboard", false},
	} {
		got := slices.Contains(reasons(p.Check(tt.pw, nobody)), password.ReasonPredictable)
		if got != tt.predictable {
			t.Errorf("Check(%q): predictable is %v, want %v", tt.pw, got, tt.predictable)
		}
	}
}

// proves: ASVS 6.2.11, NIST-4
func TestCheck_refusesWhatIsMadeOfNames(t *testing.T) {
	p := password.Policy{Common: loadCommon(t), ContextWords: []string{"Gatehouse", "Acme Widgets"}}
	anna := password.Context{
		Identifiers: []string{"anna.mueller85@example-mail.org", "annam"},
		Names:       []string{"Anna Sofía Müller", "Bo"},
	}
	own, site := password.ReasonOwnName, password.ReasonContextWord
	for _, tt := range []struct {
		pw   string
		want []password.Reason
	}{
		{"anna.mueller85@example-mail.org", []password.Reason{own}},
		{"anna.mueller851", []password.Reason{own}},
		{"AnnaSofíaMüller", []password.Reason{own}},
		{"Anna Sofía Müller", []password.Reason{own}},
		{"ANNA SOFI\u0301A MU\u0308LLER", []password.Reason{own}},
		{"müller.anna.1985", []password.Reason{own}},
		{"anna1234567890!", []password.Reason{own}},
		{"annaannaannaanna", []password.Reason{own}},
		{"example-mail.org1", []password.Reason{own}},
		{"annam-annam-annam", []password.Reason{own}},
		{"Gatehouse-2024-!", []password.Reason{site}},
		{"gatehousegatehouse", []password.Reason{site}},
		{"AcmeWidgets2024", []password.Reason{site}},
		{"widgets widgets!", []password.Reason{site}},

		{"anna bakes nine walnut cakes", nil},
		{"gatehouse", []password.Reason{site}},
		{"gatehouse keeper wanted", nil},
		{"annapurna base camp", nil},
		{"bobobo and the volcano", nil}, // a name of two letters is no word
		{"anna gatehouse 83#", nil},     // each alone is not all of it
	} {
		got := slices.DeleteFunc(reasons(p.Check(tt.pw, anna)), func(r password.Reason) bool { return r != own && r != site })
		if !slices.Equal(got, tt.want) {
			t.Errorf("Check(%q): of the two reasons %v, want %v", tt.pw, got, tt.want)
		}
	}
	if err := p.Check("Anna Sofía Müller", nobody); err != nil {
		t.Errorf("somebody else's name is refused: %v", err)
	}
}

func TestCheck_refusesInvalidUTF8(t *testing.T) {
	p := password.Policy{}
	for _, pw := range []string{"violet otter \xff juggles", "\xc3violet otter juggles", "violet otter juggles\xed\xa0\x80"} {
		if got := reasons(p.Check(pw, nobody)); !slices.Equal(got, []password.Reason{password.ReasonNotUTF8}) {
			t.Errorf("Check(%q) = %v, want not_utf8", pw, got)
		}
	}
}

func TestPolicyError_saysWhatToDoAndNotWhatWasTyped(t *testing.T) {
	p := password.Policy{Common: loadCommon(t), ContextWords: []string{"gatehouse"}}
	seen := map[string]bool{}
	for _, pw := range []string{"zebra", words(300), "\xff", "passwordpassword", "xkcdxkcdxkcdxkcd", "anna-anna-anna-1", "gatehouse-gatehouse"} {
		err := p.Check(pw, password.Context{Names: []string{"Anna"}})
		var pe *password.PolicyError
		if !errors.As(err, &pe) {
			t.Fatalf("Check(%q) = %v, want a PolicyError", pw, err)
		}
		if strings.Contains(err.Error(), pw) {
			t.Errorf("the error quotes the password: %v", err)
		}
		for _, problem := range pe.Problems {
			seen[problem.Message()] = true
			if !pe.Has(problem.Reason) || pe.Has("other") {
				t.Errorf("Has does not tell what is among %v", pe.Problems)
			}
		}
	}
	if seen[(password.Problem{}).Message()] || len(seen) < 7 {
		t.Errorf("%d different messages, want one for each of 7 reasons: %v", len(seen), seen)
	}
}

func TestValidate_reportsEveryLimitOutOfBounds(t *testing.T) {
	for _, tt := range []struct {
		policy password.Policy
		want   []string
	}{
		{password.Policy{}, nil},
		{password.Policy{MinLength: 8, MaxLength: 64}, nil},
		{password.Policy{MinLength: 7, MinLengthWithSecondFactor: 6, MaxLength: 63}, []string{"MinLength ", "MinLengthWithSecondFactor ", "MaxLength "}},
		{password.Policy{MaxLength: 257}, []string{"MaxLength "}},
		{password.Policy{MinLength: 100, MaxLength: 64}, []string{"MinLength "}},
		{password.Policy{MinLength: -1}, []string{"MinLength "}},
	} {
		err := tt.policy.Validate()
		if (err == nil) != (len(tt.want) == 0) {
			t.Errorf("Validate(%+v) = %v, want %v", tt.policy, err, tt.want)
			continue
		}
		for _, field := range tt.want {
			if !strings.Contains(err.Error(), field) {
				t.Errorf("Validate(%+v) = %v, want it to name %s", tt.policy, err, field)
			}
		}
	}
}

// The cheap bound on bytes must let through every spelling of a password that
// is short enough, for every code point there is.
func TestTooLong_boundInBytesHoldsForEveryCodePoint(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		composed := norm.NFC.String(string(r))
		spelled := norm.NFD.String(string(r))
		if most := utf8.RuneCountInString(composed) * password.MaxBytesPerCodePoint; max(len(spelled), len(string(r))) > most {
			t.Errorf("%U is typed in %d bytes, more than %d", r, len(spelled), most)
		}
		if utf8.RuneCountInString(composed) > len(string(r)) {
			t.Errorf("%U has more code points in stable form than bytes as typed", r)
		}
	}
}

// proves: CS-2, CB-25
func TestTooLong_refusesAMegabyteInMicroseconds(t *testing.T) {
	p := password.Policy{Common: loadCommon(t)}
	for _, pw := range []string{strings.Repeat("a", 1<<20), strings.Repeat("e\u0301", 1<<19), strings.Repeat("\xff", 1<<20)} {
		begun := time.Now()
		const times = 1000
		for range times {
			if !p.TooLong(pw) {
				t.Fatal("TooLong = false for a megabyte")
			}
			if p.Check(pw, nobody) == nil {
				t.Fatal("Check accepts a megabyte")
			}
		}
		if each := time.Since(begun) / times; each > 50*time.Microsecond {
			t.Errorf("refusing a megabyte takes %v", each)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	list := loadCommon(f)
	f.Add("correct horse battery staple", "anna@example.com", "Anna Müller", false)
	f.Add("Password1234567!", "", "", true)
	f.Add("e\u0301\u0301\u0301\xff", "@", "@@", true)
	f.Add("1qaz2wsx3edc4rfv", "\xff", "İstanbul ßẞ ςΣ", false)
	f.Add(strings.Repeat("\u1112\u1161\u11ab", 256), strings.Repeat("a.", 400), "", false)
	f.Fuzz(func(t *testing.T, pw, identifier, name string, secondFactor bool) {
		p := password.Policy{Common: list, ContextWords: []string{"gatehouse"}}
		who := password.Context{Identifiers: []string{identifier}, Names: []string{name}, SecondFactor: secondFactor}
		err := p.Check(pw, who)
		if slices.Contains(reasons(err), password.ReasonTooLong) != p.TooLong(pw) && utf8.ValidString(pw) {
			t.Errorf("TooLong = %v, and Check says %v", p.TooLong(pw), reasons(err))
		}
		if err == nil {
			stable, nerr := password.Normalize(pw)
			n := utf8.RuneCountInString(stable)
			if nerr != nil || n < 8 || n > 256 || (n < 15 && !secondFactor) {
				t.Errorf("%q of %d code points is accepted; Normalize says %v", pw, n, nerr)
			}
			if again, err := password.Normalize(stable); err != nil || again != stable {
				t.Errorf("the stable form of %q is not stable: %q, %v", pw, again, err)
			}
			if strings.EqualFold(pw, identifier) && utf8.RuneCountInString(identifier) <= 200 {
				t.Errorf("the identifier %q is accepted as its own password", pw)
			}
			return
		}
		if len(reasons(err)) == 0 || err.Error() == "" {
			t.Errorf("refused without a reason: %v", err)
		}
		if len(who.Identifiers[0]) == 0 && len(who.Names[0]) == 0 && slices.Contains(reasons(err), password.ReasonOwnName) {
			t.Errorf("%q is made of names, and there are none", pw)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	p := password.Policy{Common: loadCommon(b), ContextWords: []string{"gatehouse"}}
	who := password.Context{Identifiers: []string{"anna.mueller@example.com"}, Names: []string{"Anna Müller"}}
	for name, pw := range map[string]string{
		"passphrase": "violet otter juggles nine walnuts",
		"longest":    words(256),
		"hostile":    strings.Repeat("abcdefghijklmnopqrstuvwxyz", 10)[:256],
		"short runs": strings.Repeat("abcxyzqwejklmnoasdpas", 20)[:256],
		"entries":    strings.Repeat("qwerty", 42) + "~ü",
		"megabyte":   strings.Repeat("a", 1<<20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Check(pw, who)
			}
		})
	}
}

func BenchmarkLoadCommon(b *testing.B) {
	for b.Loop() {
		password.LoadCommon()
	}
}
