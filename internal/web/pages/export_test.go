package pages

import (
	"errors"
	"maps"

	"golang.org/x/text/language"
)

// Texts are the texts of a language, each in its plural forms, by key.
func Texts(tag string) (map[string]map[string]string, error) {
	c, err := loadCatalogue(tag)
	out := make(map[string]map[string]string, len(c))
	for k, m := range c {
		out[string(k)] = maps.Clone(m)
	}
	return out, err
}

// PluralForm is the form that a language uses for n.
func PluralForm(tag string, n int) string { return pluralForm(language.MustParse(tag), n) }

// The brackets of the language that NewPseudo speaks.
const (
	OpenMark  = "⟦"
	CloseMark = "⟧"
)

// NewPseudo returns pages that speak one made-up language, written from right to
// left, in which every text is the English one in brackets: what is shown
// without them was never translated.
func NewPseudo(o Options) (*Set, error) {
	english, err := loadCatalogue("en")
	if err != nil {
		return nil, err
	}
	pseudo := make(catalogue, len(english))
	for k, m := range english {
		pseudo[k] = make(message, len(m))
		for form, text := range m {
			pseudo[k][form] = OpenMark + text + CloseMark
		}
	}
	pseudo[keyLanguageDir] = message{"other": "rtl"}
	return newSet(o, []*locale{{tag: language.MustParse("ar-XB"), catalogue: pseudo}})
}

// ParseAll parses every page in every language.
func (s *Set) ParseAll() (pages int, err error) {
	for _, l := range s.locales {
		for _, parsed := range l.templates {
			_, failed := parsed()
			err = errors.Join(err, failed)
			pages++
		}
	}
	return pages, err
}
