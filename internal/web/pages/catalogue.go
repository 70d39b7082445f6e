package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed languages/*.json
var languages embed.FS

// catalogue holds the texts of one language.
type catalogue map[Key]message

// message is a text in the plural forms that its language has, by their CLDR
// names; one without a number in it has the form "other" alone.
type message map[string]string

// UnmarshalJSON takes a text, or an object of forms.
func (m *message) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*m = message{"other": text}
		return nil
	}
	var forms map[string]string
	if err := json.Unmarshal(b, &forms); err != nil {
		return err
	}
	if forms["other"] == "" {
		return fmt.Errorf(`%.60s has no form "other"`, b)
	}
	*m = forms
	return nil
}

// Languages returns the tags of the languages that the pages speak, in
// alphabetical order.
func Languages() []string {
	files, err := languages.ReadDir("languages")
	if err != nil {
		return nil
	}
	tags := make([]string, 0, len(files))
	for _, f := range files {
		tags = append(tags, strings.TrimSuffix(f.Name(), ".json"))
	}
	return tags
}

func loadCatalogue(tag string) (catalogue, error) {
	text, err := languages.ReadFile(path.Join("languages", tag+".json"))
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", tag, err)
	}
	var c catalogue
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("language %q: %w", tag, err)
	}
	return c, nil
}

// locale is a language with its catalogue and the templates that speak it, each
// parsed when it is first wanted.
type locale struct {
	tag       language.Tag
	catalogue catalogue
	templates map[string]func() (*template.Template, error)
}

func (l *locale) has(k Key) bool { _, ok := l.catalogue[k]; return ok }

func (l *locale) dir() string { return l.text(keyLanguageDir) }

// text is the text of a Key with args, names and values in turn, in place of
// its placeholders: "{name}". A number called n or length chooses the plural
// form.
func (l *locale) text(k Key, args ...any) string {
	forms, ok := l.catalogue[k]
	if !ok {
		return string(k)
	}
	pairs, form := make([]string, 0, len(args)), "other"
	for i := 0; i+1 < len(args); i += 2 {
		name := fmt.Sprint(args[i])
		value := fmt.Sprint(args[i+1])
		if n, isNumber := args[i+1].(int); isNumber {
			value = strconv.Itoa(n)
			if name == "n" || name == "length" {
				form = pluralForm(l.tag, n)
			}
		}
		pairs = append(pairs, "{"+name+"}", value)
	}
	text, ok := forms[form]
	if !ok {
		text = forms["other"]
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// strong is text with the values emphasised; both are escaped.
func (l *locale) strong(k Key, args ...any) template.HTML {
	escaped := template.HTMLEscapeString(l.text(k))
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		value := template.HTMLEscapeString(fmt.Sprint(args[i+1]))
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", "<strong>"+value+"</strong>")
	}
	return template.HTML(strings.NewReplacer(pairs...).Replace(escaped)) // every part is escaped above
}

// forms are the names of CLDR's plural forms.
var forms = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

// pluralForm is the form that the language uses for n things (CLDR, cardinal).
func pluralForm(tag language.Tag, n int) string {
	n = max(n, -n)
	return forms[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]
}

// locales are all languages, the given one first; an unknown one is an error.
func locales(first string) ([]*locale, error) {
	tags := Languages()
	at := slices.Index(tags, first)
	if at < 0 {
		return nil, fmt.Errorf("the pages do not speak %q, only %s", first, strings.Join(tags, ", "))
	}
	tags[0], tags[at] = tags[at], tags[0]
	list := make([]*locale, 0, len(tags))
	for _, tag := range tags {
		c, err := loadCatalogue(tag)
		if err != nil {
			return nil, err
		}
		parsed, err := language.Parse(tag)
		if err != nil {
			return nil, fmt.Errorf("language %q: %w", tag, err)
		}
		list = append(list, &locale{tag: parsed, catalogue: c})
	}
	return list, nil
}
